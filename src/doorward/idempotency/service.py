"""Idempotency keys: the same key and body within a day give the first answer again (behaviour.md, "HTTP").

The key is claimed in the transaction that does the work, so that there is no instant at which one is kept without the
other. A request that was refused did nothing, and keeps nothing.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.idempotency.tables import idempotency_keys as keys
from doorward.kit.crypto import Vault
from doorward.kit.errors import Invalid
from doorward.users.tables import users

KEPT_MS: Final = 24 * 3_600_000
_CONTEXT: Final = "idempotency"


class Claim(NamedTuple):
    """Whose key it is, which, and of what request: the SHA-256 of its method, path and body."""

    application_id: int
    user_id: int
    key: str
    fingerprint: str


class Answered(NamedTuple):
    """The first answer."""

    status: int
    body: bytes
    media_type: str


class _Answer(NamedTuple):
    application_id: int
    user_id: int
    key: str
    body: str


class _Kept(NamedTuple):
    fingerprint: str
    status: int | None
    body: str | None
    media_type: str | None


_THIS_ONE: Final = and_(
    keys.c.application_id == bindparam("the_application"),
    keys.c.user_id == bindparam("the_user"),
    keys.c.key == bindparam("the_key"),
)
_FIND: Final = Query(select(keys.c.fingerprint, keys.c.status, keys.c.body, keys.c.media_type).where(_THIS_ONE), _Kept)
# Whoever comes second waits here for the first to commit; SQLite says it in the same words.
_CLAIM: Final = Query[None](
    insert(keys)
    .values(
        application_id=bindparam("the_application"),
        user_id=bindparam("the_user"),
        key=bindparam("the_key"),
        fingerprint=bindparam("fingerprint"),
        created_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
)
_EXPIRE: Final = Query[None](delete(keys).where(_THIS_ONE, keys.c.created_at <= bindparam("before")))
_KEEP: Final = Query[None](
    update(keys)
    .where(_THIS_ONE)
    .values(status=bindparam("status"), body=bindparam("body"), media_type=bindparam("media_type"))
)
_FORGET: Final = Query[None](delete(keys).where(_THIS_ONE))
_ANSWERS: Final = Query(
    select(keys.c.application_id, keys.c.user_id, keys.c.key, keys.c.body)
    .join(users, users.c.id == keys.c.user_id)
    .where(users.c.account_id == bindparam("account_id"), keys.c.body.is_not(None)),
    _Answer,
)
_FORGET_OLD: Final = Query[None](delete(keys).where(keys.c.created_at <= bindparam("before")))


def claim(transaction: Transaction, vault: Vault, wanted: Claim, now: int) -> Answered | None:
    """Claim the key; the first answer if it has one. Raises Invalid for a key that was used for another request."""
    which = {"the_application": wanted.application_id, "the_user": wanted.user_id, "the_key": wanted.key}
    transaction.run(_EXPIRE, before=now - KEPT_MS, **which)
    if transaction.run(_CLAIM, fingerprint=wanted.fingerprint, now=now, **which):
        return None
    found = require(transaction.one(_FIND, **which))
    if found.fingerprint != wanted.fingerprint:
        raise Invalid({"Idempotency-Key": ["was used for another request"]})
    if found.status is None:
        return None
    body = vault.decrypt(found.body or "", _CONTEXT)
    return Answered(found.status, body.encode(), found.media_type or "")


def keep(transaction: Transaction, vault: Vault, wanted: Claim, answered: Answered) -> None:
    """Keep the answer under a key that was claimed in this transaction."""
    transaction.run(
        _KEEP,
        the_application=wanted.application_id,
        the_user=wanted.user_id,
        the_key=wanted.key,
        status=answered.status,
        body=vault.encrypt(answered.body.decode(), _CONTEXT),
        media_type=answered.media_type,
    )


def forget(transaction: Transaction, wanted: Claim) -> None:
    """Give a claimed key back: the work was not done."""
    transaction.run(_FORGET, the_application=wanted.application_id, the_user=wanted.user_id, the_key=wanted.key)


def bodies_of_account(
    transaction: Transaction, vault: Vault, account_id: int
) -> Iterator[tuple[tuple[int, int, str], str]]:
    """The answers that are kept for users of an account, each under application, user and key."""
    for kept in transaction.all(_ANSWERS, account_id=account_id):
        yield (kept.application_id, kept.user_id, kept.key), vault.decrypt(kept.body, _CONTEXT)


def forget_answer(transaction: Transaction, key: tuple[int, int, str]) -> None:
    """Give a key back whose answer must not be kept: (application, user, key)."""
    application_id, user_id, name = key
    transaction.run(_FORGET, the_application=application_id, the_user=user_id, the_key=name)


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove the keys of more than a day ago; gives their number."""
    return transaction.run(_FORGET_OLD, before=now - KEPT_MS)
