"""A token of whichever kind, by its text: for those who ask what it is or want it revoked."""

from typing import Final, Literal, NamedTuple

from sqlalchemy import bindparam, literal, select, update

from doorward.audit.service import record
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import token_digest
from doorward.oauth.families import lock_family, revoke_family
from doorward.oauth.tables import applications, refresh_tokens, token_families, tokens
from doorward.users.tables import users

REVOKED: Final = "revoke"


class KnownToken(NamedTuple):
    """A token that exists, be it dead."""

    kind: Literal["access_token", "refresh_token"]
    id: int
    account_id: int
    application_id: int
    user_id: int
    family_id: int | None
    client_id: str
    scopes: str
    created_at: int
    expires_at: int
    ended_at: int | None
    """When it was revoked or, a refresh token, used."""
    family_revoked_at: int | None
    user_disabled_at: int | None
    application_removed_at: int | None

    def holds(self, now: int) -> bool:
        """Whether it is good for anything."""
        ends = (self.ended_at, self.family_revoked_at, self.user_disabled_at, self.application_removed_at)
        return self.expires_at > now and all(end is None for end in ends)


_ACCESS: Final = (
    select(
        literal("access_token"),
        *(tokens.c[name] for name in ("id", "account_id", "application_id", "user_id", "family_id")),
        applications.c.client_id,
        *(tokens.c[name] for name in ("scopes", "created_at", "expires_at", "revoked_at")),
        token_families.c.revoked_at,
        users.c.disabled_at,
        applications.c.removed_at,
    )
    .join(applications, applications.c.id == tokens.c.application_id)
    .join(users, users.c.id == tokens.c.user_id)
    .join(token_families, token_families.c.id == tokens.c.family_id, isouter=True)
)
_ACCESS_TOKEN: Final = Query(_ACCESS.where(tokens.c.digest == bindparam("the_digest")), KnownToken)
_ACCESS_TOKEN_BY_ID: Final = Query(_ACCESS.where(tokens.c.id == bindparam("the_id")), KnownToken)
_REFRESH_TOKEN: Final = Query(
    select(
        literal("refresh_token"),
        refresh_tokens.c.id,
        *(token_families.c[name] for name in ("account_id", "application_id", "user_id", "id")),
        applications.c.client_id,
        *(refresh_tokens.c[name] for name in ("scopes", "created_at", "expires_at", "used_at")),
        token_families.c.revoked_at,
        users.c.disabled_at,
        applications.c.removed_at,
    )
    .join(token_families, token_families.c.id == refresh_tokens.c.family_id)
    .join(applications, applications.c.id == token_families.c.application_id)
    .join(users, users.c.id == token_families.c.user_id)
    .where(refresh_tokens.c.digest == bindparam("the_digest")),
    KnownToken,
)
_REVOKE: Final = Query[None](
    update(tokens)
    .where(tokens.c.id == bindparam("the_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def find_token(transaction: Transaction, token: str) -> KnownToken | None:
    """The access or refresh token of this text."""
    digest = token_digest(token)
    return transaction.one(_ACCESS_TOKEN, the_digest=digest) or transaction.one(_REFRESH_TOKEN, the_digest=digest)


def access_token_of(transaction: Transaction, token_id: int) -> KnownToken | None:
    """The access token of this id."""
    return transaction.one(_ACCESS_TOKEN_BY_ID, the_id=token_id)


def revoke_known(transaction: Transaction, token: KnownToken, now: int) -> bool:
    """Revoke a token: an access token alone, a refresh token with its whole family (RFC 7009, 2.1); the log has it.

    False if it was dead before.
    """
    if token.kind == "access_token":
        if not transaction.run(_REVOKE, the_id=token.id, now=now):
            return False
        was = {"user_id": token.user_id, "application_id": token.application_id, "scopes": token.scopes}
        record(transaction, token.account_id, REVOKED, "token", token.id, now, before=was)
        return True
    if token.family_id is None or not lock_family(transaction, token.family_id):
        return False
    return revoke_family(transaction, token.family_id, "The application has given up its access", now)
