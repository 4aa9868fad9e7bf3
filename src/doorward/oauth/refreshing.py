"""Refresh tokens: each is good for one use, which gives the next one (RFC 9700, 4.14.2; docs/decisions/0011)."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import new_token, token_digest
from doorward.oauth.families import Grant, lock_family, revoke_family, standing
from doorward.oauth.tables import refresh_tokens, token_families

REFRESH_TOKEN_DAYS: Final = 90
"""An integration that was not used for so long has to be consented to again; each use gives a new refresh token."""
_LIFE_MS: Final = REFRESH_TOKEN_DAYS * 86_400_000


class RefreshToken(NamedTuple):
    """A refresh token as it is stored. `scopes` are those that new tokens may have."""

    id: int
    family_id: int
    scopes: str
    expires_at: int
    used_at: int | None
    parent_id: int | None
    account_id: int
    application_id: int
    user_id: int

    @property
    def grant(self) -> Grant:
        """What was consented to."""
        return Grant(self.account_id, self.application_id, self.user_id, self.scopes)


_FIND: Final = Query(
    select(
        refresh_tokens.c.id,
        refresh_tokens.c.family_id,
        refresh_tokens.c.scopes,
        refresh_tokens.c.expires_at,
        refresh_tokens.c.used_at,
        refresh_tokens.c.parent_id,
        token_families.c.account_id,
        token_families.c.application_id,
        token_families.c.user_id,
    )
    .join(token_families, token_families.c.id == refresh_tokens.c.family_id)
    .where(refresh_tokens.c.digest == bindparam("the_digest")),
    RefreshToken,
)
_ADD: Final = Query[None](
    insert(refresh_tokens).values(
        {
            name: bindparam(name, type_=refresh_tokens.c[name].type)
            for name in ("digest", "family_id", "parent_id", "scopes", "expires_at", "created_at")
        }
    )
)
_USED_SIBLING: Final = Query(
    select(refresh_tokens.c.id)
    .where(
        refresh_tokens.c.parent_id == bindparam("the_parent"),
        refresh_tokens.c.id != bindparam("the_id"),
        refresh_tokens.c.used_at.is_not(None),
    )
    .limit(1),
    number,
)
_USE: Final = Query[None](
    update(refresh_tokens)
    .where(refresh_tokens.c.id == bindparam("the_id"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)


def add_refresh_token(
    transaction: Transaction, family_id: int, scopes: str, now: int, *, parent_id: int | None = None
) -> str:
    """A new refresh token, given for the use of `parent_id` if for one; the only time it can be seen."""
    token = new_token()
    transaction.run(
        _ADD,
        digest=token_digest(token),
        family_id=family_id,
        parent_id=parent_id,
        scopes=scopes,
        expires_at=now + _LIFE_MS,
        created_at=now,
    )
    return token


def present_refresh_token(
    transaction: Transaction, token: str, application_id: int, *, arrived: int, now: int
) -> RefreshToken | None:
    """The refresh token, if this application may use it now; its family is locked until the end of the transaction.

    `arrived` is when the request reached this server. A token that had been used by then is in two hands: its whole
    family is revoked. One whose use took effect only after `arrived` was sent twice at once by a client that refreshes
    without a lock: it is still good. But of the two that such a client gets it keeps one: whoever uses the other one
    after that is somebody else, and the family is revoked as well.
    """
    digest = token_digest(token)
    found = transaction.one(_FIND, the_digest=digest)
    if found is None or found.application_id != application_id:
        return None
    if not standing(transaction, application_id, found.user_id) or not lock_family(transaction, found.family_id):
        return None
    found = transaction.one(_FIND, the_digest=digest)  # again: whoever held the lock may have used it
    if found is None:
        return None
    if found.used_at is not None and found.used_at <= arrived:
        revoke_family(transaction, found.family_id, "A refresh token was used again", now)
        return None
    sibling = transaction.one(_USED_SIBLING, the_parent=found.parent_id, the_id=found.id)
    if sibling is not None:
        revoke_family(transaction, found.family_id, "Both refresh tokens of one rotation were used", now)
        return None
    return found if found.expires_at > now else None


def use_refresh_token(transaction: Transaction, refresh_token_id: int, now: int) -> None:
    """Note that the token was used; of several uses at once the first counts."""
    transaction.run(_USE, the_id=refresh_token_id, now=now)
