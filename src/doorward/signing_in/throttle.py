"""Guessing is slow: attempts are counted per user and per address, and too many of them have to wait, longer each time.

An attempt is counted before it is looked at, and given back if it was right: so many at the same time are as many as
one after the other, in whichever process they arrive.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, text, update

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import TooManyRequests
from doorward.signing_in.tables import sign_in_attempts as attempts

WINDOW_MS: Final = 15 * 60_000
PER_USER: Final = 5
PER_ADDRESS: Final = 20
FIRST_BLOCK_MS: Final = 30_000
LONGEST_BLOCK_MS: Final = 15 * 60_000
_CONTEXT: Final = "sign-in attempts"
_KEPT_MS: Final = 86_400_000


class Subject(NamedTuple):
    """Who or where attempts come from, unreadable; after `limit` attempts in a row they have to wait."""

    key: str
    limit: int
    is_shared: bool
    """Many people's: one who gets it right does not clear the others' failures."""


class _Count(NamedTuple):
    failures: int
    blocked_until: int
    window_began_at: int


# The update changes nothing: it locks the row, so that attempts at the same time are counted one after the other.
_TAKE: Final = Query(
    text(
        "INSERT INTO sign_in_attempts (subject, failures, blocked_until, last_at, window_began_at) "
        "VALUES (:subject, 0, 0, :now, :now) "
        "ON CONFLICT (subject) DO UPDATE SET failures = sign_in_attempts.failures "
        "RETURNING failures, blocked_until, window_began_at"
    ),
    _Count,
)
_KEEP: Final = Query[None](
    update(attempts)
    .where(attempts.c.subject == bindparam("the_subject"))
    .values({name: bindparam(name) for name in ("failures", "blocked_until", "last_at", "window_began_at")})
)
_CLEAR: Final = Query[None](delete(attempts).where(attempts.c.subject == bindparam("the_subject")))
_FORGET: Final = Query[None](
    delete(attempts).where(attempts.c.last_at < bindparam("before"), attempts.c.blocked_until < bindparam("now"))
)


def user_subject(vault: Vault, what: str, who: str) -> Subject:
    """The attempts at one user's secret; `what` secret it is tells them apart from those at another."""
    return Subject(vault.blind_index(_CONTEXT, f"{what} {who}"), PER_USER, is_shared=False)


def address_subject(vault: Vault, address: str) -> Subject:
    """The attempts from one address; of IPv6 the network, of which whoever has one address has them all."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        parsed = None
    if isinstance(parsed, IPv6Address):
        address = f"{int(parsed) >> 64:x}::/64" if parsed.ipv4_mapped is None else str(parsed.ipv4_mapped)
    return Subject(vault.blind_index(_CONTEXT, f"address {address}"), PER_ADDRESS, is_shared=True)


def begin_attempt(transaction: Transaction, subjects: Sequence[Subject], now: int) -> None:
    """Count an attempt. Raises TooManyRequests if any of the subjects has to wait, and then none is counted.

    Subjects are to be given in the same order always: users before addresses.
    """
    for subject in subjects:
        count = require(transaction.one(_TAKE, subject=subject.key, now=now))
        if count.blocked_until > now:
            raise TooManyRequests(-(-(count.blocked_until - now) // 1000), text=waiting_text(count.blocked_until - now))
        _keep(transaction, subject, _counted(count, subject.limit, now), now)


def succeeded(transaction: Transaction, subjects: Sequence[Subject], now: int) -> None:
    """Take back the attempt that was counted: it was right, and a user's failures before it are forgotten."""
    for subject in subjects:
        if subject.is_shared:
            count = require(transaction.one(_TAKE, subject=subject.key, now=now))
            failures = max(0, count.failures - 1)
            blocked_until = count.blocked_until if failures >= subject.limit else 0
            _keep(transaction, subject, count._replace(failures=failures, blocked_until=blocked_until), now)
        else:
            transaction.run(_CLEAR, the_subject=subject.key)


def waiting_text(milliseconds: int) -> str:
    """How long to wait, for people."""
    minutes = -(-milliseconds // 60_000)
    return f"There were too many attempts. Please try again in {minutes} minute{'' if minutes == 1 else 's'}."


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove the counts of more than a day ago; gives their number."""
    return transaction.run(_FORGET, before=now - _KEPT_MS, now=now)


def _counted(count: _Count, limit: int, now: int) -> _Count:
    """The count with one attempt more. A block that is over is forgotten after a window without any attempt."""
    began = max(count.window_began_at, count.blocked_until)
    if now - began >= WINDOW_MS:
        count = _Count(0, 0, now)
    failures = count.failures + 1
    if failures < limit:
        return count._replace(failures=failures)
    delay = min(LONGEST_BLOCK_MS, FIRST_BLOCK_MS << min(failures - limit, 16))
    return _Count(failures, now + delay, count.window_began_at)


def _keep(transaction: Transaction, subject: Subject, count: _Count, now: int) -> None:
    transaction.run(_KEEP, the_subject=subject.key, last_at=now, **count._asdict())
