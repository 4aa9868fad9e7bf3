"""Signing in: who a password belongs to, and the session that it begins."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select, update

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.kit.email_addresses import clean_email, email_key
from doorward.kit.text import InvalidText
from doorward.signing_in import record, sessions, throttle
from doorward.users.tables import users


class Candidate(NamedTuple):
    """Whom an e-mail address names. Without `password_hash` there is nothing that could match."""

    user_id: int
    password_hash: str | None
    has_second_factor: bool


class Client(NamedTuple):
    """From where somebody signs in."""

    address: str
    user_agent: str
    cookie: str | None
    """Of the session that the browser had until now."""


def _candidate(user_id: int, password_hash: str | None, enabled_at: int | None) -> Candidate:
    return Candidate(user_id, password_hash, enabled_at is not None)


_COLUMNS: Final = (users.c.id, users.c.password_hash, users.c.totp_enabled_at)
_BY_EMAIL: Final = Query(
    select(*_COLUMNS).where(users.c.email_key == bindparam("the_key"), users.c.disabled_at.is_(None)), _candidate
)
_BY_ID: Final = Query(
    select(*_COLUMNS).where(users.c.id == bindparam("the_id"), users.c.disabled_at.is_(None)), _candidate
)
_STILL_SO: Final = Query(
    select(users.c.id)
    .where(
        users.c.id == bindparam("the_id"),
        users.c.disabled_at.is_(None),
        func.coalesce(users.c.password_hash, "") == bindparam("the_hash"),
    )
    .with_for_update(key_share=True),
    number,
)
_REHASH: Final = Query[None](
    update(users).where(users.c.id == bindparam("the_id")).values(password_hash=bindparam("password_hash"))
)


def known_as(email: str) -> str | None:
    """The key of an e-mail address; None for what no user can have."""
    try:
        return email_key(clean_email(email))
    except InvalidText:
        return None


def find_candidate(transaction: Transaction, key: str | None) -> Candidate | None:
    """The user of an address that may sign in at all."""
    return None if key is None or not key.isprintable() else transaction.one(_BY_EMAIL, the_key=key)


def candidate_of(transaction: Transaction, user_id: int) -> Candidate | None:
    """The same by id."""
    return transaction.one(_BY_ID, the_id=user_id)


def begin_session(
    transaction: Transaction, candidate: Candidate, client: Client, now: int, *, fresh_hash: str | None
) -> str | None:
    """Begin the session of one whose password was right, and end the browser's old one; gives its cookie.

    One with a second factor gets a session that is good for giving the code only. None if the user was disabled or
    the password changed in the meantime.
    """
    if transaction.one(_STILL_SO, the_id=candidate.user_id, the_hash=candidate.password_hash or "") is None:
        return None
    if fresh_hash is not None:
        transaction.run(_REHASH, the_id=candidate.user_id, password_hash=fresh_hash)
    if client.cookie is not None:
        before = sessions.find(transaction, client.cookie, now)
        if before is not None:
            sessions.end(transaction, before.user_id, before.id, now)
    if not candidate.has_second_factor:
        record.signed_in(transaction, candidate.user_id, client.user_agent, now, second_factor=False)
    return sessions.begin(
        transaction,
        candidate.user_id,
        client.address,
        client.user_agent,
        now,
        needs_second_factor=candidate.has_second_factor,
    )


def complete_session(transaction: Transaction, pending: sessions.LiveSession, client: Client, now: int) -> str | None:
    """End the session that was good for giving the code only, and begin the real one; gives its cookie.

    None if it was ended in the meantime, as by a new password.
    """
    if not sessions.end(transaction, pending.user_id, pending.id, now):
        return None
    record.signed_in(transaction, pending.user_id, client.user_agent, now, second_factor=True)
    return sessions.begin(
        transaction, pending.user_id, client.address, client.user_agent, now, needs_second_factor=False
    )


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove what nobody needs any more of sessions and of attempts to sign in; gives the number of rows."""
    return sessions.forget_old(transaction, now) + throttle.forget_old(transaction, now)
