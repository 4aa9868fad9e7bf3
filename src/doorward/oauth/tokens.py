"""Bearer tokens: made, looked up on each request, revoked. Only their digests are stored."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, insert, select, update

from doorward.accounts.tables import accounts
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import new_token, token_digest
from doorward.kit.errors import Unauthorized
from doorward.oauth.browser_sessions import signed_in
from doorward.oauth.families import revoke_families
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import expand, parse_scopes
from doorward.oauth.tables import applications, tokens
from doorward.users.tables import users

ACCESS_TOKEN_SECONDS: Final = 3600


class _Bearer(NamedTuple):
    token_id: int
    account_id: int
    application_id: int
    user_id: int
    scopes: str
    expires_at: int
    revoked_at: int | None
    user_role: str
    site_limited: int
    user_disabled_at: int | None
    application_removed_at: int | None
    time_zone: str
    application_kind: str
    family_id: int | None


_BEARERS: Final = (
    select(
        tokens.c.id,
        tokens.c.account_id,
        tokens.c.application_id,
        tokens.c.user_id,
        tokens.c.scopes,
        tokens.c.expires_at,
        tokens.c.revoked_at,
        users.c.role,
        users.c.site_limited,
        users.c.disabled_at,
        applications.c.removed_at,
        accounts.c.time_zone,
        applications.c.kind,
        tokens.c.family_id,
    )
    .join(users, users.c.id == tokens.c.user_id)
    .join(applications, applications.c.id == tokens.c.application_id)
    .join(accounts, accounts.c.id == tokens.c.account_id)
)
_FIND_BEARER: Final = Query(_BEARERS.where(tokens.c.digest == bindparam("the_digest")), _Bearer)
_BEARER_OF: Final = Query(_BEARERS.where(tokens.c.id == bindparam("the_id")), _Bearer)
_BEARERS_OF: Final = Query(_BEARERS.where(one_of(tokens.c.id, "token_ids")), _Bearer)
_ADD_TOKEN: Final = Query[None](
    insert(tokens).values(
        {
            name: bindparam(name)
            for name in (
                "digest",
                "account_id",
                "application_id",
                "user_id",
                "scopes",
                "expires_at",
                "created_at",
                "family_id",
            )
        }
    )
)
_REVOKE_BY_DIGEST: Final = Query[None](
    update(tokens)
    .where(and_(tokens.c.digest == bindparam("the_digest"), tokens.c.revoked_at.is_(None)))
    .values(revoked_at=bindparam("now"))
)
_LIVE: Final = and_(tokens.c.revoked_at.is_(None), tokens.c.expires_at > bindparam("now"))
_REVOKE_BY_APPLICATION: Final = Query[None](
    update(tokens)
    .where(tokens.c.application_id == bindparam("the_application"), _LIVE)
    .values(revoked_at=bindparam("now"))
)
_REVOKE_BY_USER: Final = Query[None](
    update(tokens).where(tokens.c.user_id == bindparam("the_user"), _LIVE).values(revoked_at=bindparam("now"))
)


@lru_cache(maxsize=1024)
def _granted(scopes: str) -> frozenset[str]:
    return expand(frozenset(scopes.split()))


def authenticate(transaction: Transaction, token: str, now: int) -> Principal:
    """The bearer of the token. Raises Unauthorized, saying whether the token is unknown, expired or revoked.

    Looked up on every request, so that revocation holds at once. A family that is revoked has marked its tokens.
    """
    return _principal(transaction.one(_FIND_BEARER, the_digest=token_digest(token)), now)


def authenticate_again(transaction: Transaction, principal: Principal, now: int) -> Principal:
    """The same bearer as of now: between a request's head and what it changes there may be a minute.

    Raises Unauthorized as authenticate() does.
    """
    if principal.session_id is None:
        return _principal(transaction.one(_BEARER_OF, the_id=principal.token_id), now)
    found = signed_in(transaction, [principal.session_id], now)[principal.session_id]
    if isinstance(found, Unauthorized):
        raise found
    return found


def authenticate_all(
    transaction: Transaction, principals: Iterable[Principal], now: int
) -> dict[tuple[str, int], Principal | Unauthorized]:
    """Who they are as of now, by what they hold, or why one is nobody any more."""
    holders = sorted({each.holder for each in principals})
    token_ids = [number for kind, number in holders if kind == "token"]
    session_ids = [number for kind, number in holders if kind == "session"]
    found: dict[tuple[str, int], Principal | Unauthorized] = {}
    if session_ids:
        found = {("session", number): who for number, who in signed_in(transaction, session_ids, now).items()}
    bearers = transaction.all(_BEARERS_OF, token_ids=str(token_ids)) if token_ids else []
    by_token = {bearer.token_id: bearer for bearer in bearers}
    for token_id in token_ids:
        try:
            found["token", token_id] = _principal(by_token.get(token_id), now)
        except Unauthorized as reason:
            found["token", token_id] = reason
    return found


def _principal(found: _Bearer | None, now: int) -> Principal:
    if found is None:
        raise Unauthorized
    if found.revoked_at is not None or found.user_disabled_at is not None or found.application_removed_at is not None:
        raise Unauthorized("The access token was revoked")
    if found.expires_at <= now:
        raise Unauthorized("The access token expired")
    return Principal(
        found.account_id,
        ZoneInfo(found.time_zone),
        found.user_id,
        found.user_role,
        found.site_limited != 0,
        found.application_id,
        found.token_id,
        _granted(found.scopes),
        found.application_kind,
        found.family_id,
    )


def create_token(
    transaction: Transaction,
    *,
    account_id: int,
    application_id: int,
    user_id: int,
    scopes: str,
    now: int,
    seconds: int = ACCESS_TOKEN_SECONDS,
    family_id: int | None = None,
) -> str:
    """A new access token; the only time it can be seen. It dies with its family. Raises UnknownScope."""
    token = new_token()
    transaction.run(
        _ADD_TOKEN,
        digest=token_digest(token),
        account_id=account_id,
        application_id=application_id,
        user_id=user_id,
        scopes=" ".join(sorted(parse_scopes(scopes))),
        expires_at=now + seconds * 1000,
        created_at=now,
        family_id=family_id,
    )
    return token


def revoke_token(transaction: Transaction, token: str, now: int) -> bool:
    """Revoke one token; False if there is no such token or it was revoked before."""
    return transaction.run(_REVOKE_BY_DIGEST, the_digest=token_digest(token), now=now) > 0


def revoke_application_tokens(transaction: Transaction, application_id: int, now: int) -> int:
    """Revoke all that an application holds: tokens, refresh tokens, codes. Gives the number of its live tokens."""
    revoke_families(transaction, now, application_id=application_id)
    return transaction.run(_REVOKE_BY_APPLICATION, the_application=application_id, now=now)


def revoke_user_tokens(transaction: Transaction, user_id: int, now: int) -> int:
    """Revoke all that was granted in a user's name, whoever holds it. Gives the number of live tokens."""
    revoke_families(transaction, now, user_id=user_id)
    return transaction.run(_REVOKE_BY_USER, the_user=user_id, now=now)
