"""Guessing is slow: attempts are counted, and too many of them have to wait, longer each time.

Those at a password are counted for each user and network, so that nobody is kept out by what others do elsewhere; for
each user wherever they come from, with room for many; and for each address. Those at the second factor are counted
for each user wherever they come from: whoever gets so far knows the password.

An attempt is counted before it is looked at, and given back if it was right: so many at the same time are as many as
one after the other, in whichever process they arrive.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, text, update

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import TooManyRequests
from doorward.signing_in.tables import sign_in_attempts as attempts

WINDOW_MS: Final = 15 * 60_000
PER_USER: Final = 5
PER_USER_EVERYWHERE: Final = 50
PER_ADDRESS: Final = 20
FIRST_BLOCK_MS: Final = 30_000
LONGEST_BLOCK_MS: Final = 15 * 60_000
CODES_WINDOW_MS: Final = 86_400_000
CODES_LONGEST_BLOCK_MS: Final = 3_600_000
"""Six digits, three of which are good at a time: at 5 guesses an hour it takes years to find one."""
_CONTEXT: Final = "sign-in attempts"
_KEPT_MS: Final = 2 * 86_400_000
_IPV4_NETWORK: Final = 24
_IPV6_NETWORK: Final = 64


class Subject(NamedTuple):
    """Who or where attempts come from, unreadable; after each `limit` failures they have to wait, twice as long."""

    key: str
    limit: int
    is_shared: bool = False
    """Many people's: one who gets it right does not clear the others' failures."""
    longest_block_ms: int = LONGEST_BLOCK_MS
    window_ms: int = WINDOW_MS
    """After so long without a block all is forgotten."""


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


def password_subjects(vault: Vault, who: str, address: str) -> tuple[Subject, ...]:
    """The attempts at a user's password from an address."""
    return (
        Subject(_key(vault, f"password {who} from {_network_of(address)}"), PER_USER),
        Subject(_key(vault, f"password {who}"), PER_USER_EVERYWHERE, longest_block_ms=FIRST_BLOCK_MS),
        address_subject(vault, address),
    )


def code_subjects(vault: Vault, user_id: int, address: str) -> tuple[Subject, ...]:
    """The attempts at a user's second factor, wherever it is asked for."""
    user = Subject(
        _key(vault, f"second factor {user_id}"),
        PER_USER,
        longest_block_ms=CODES_LONGEST_BLOCK_MS,
        window_ms=CODES_WINDOW_MS,
    )
    return user, address_subject(vault, address)


def confirmation_subjects(vault: Vault, user_id: int, address: str) -> tuple[Subject, ...]:
    """The attempts at the password in a browser in which the user has signed in."""
    return Subject(_key(vault, f"confirmation {user_id}"), PER_USER), address_subject(vault, address)


def address_subject(vault: Vault, address: str) -> Subject:
    """The attempts from one address; of IPv6 the network, of which whoever has one address has them all."""
    parsed = _parsed(address)
    where = address if parsed is None else _network_of(address) if parsed.version == 6 else str(parsed)
    return Subject(_key(vault, f"address {where}"), PER_ADDRESS, is_shared=True)


def begin_attempt(transaction: Transaction, subjects: Sequence[Subject], now: int) -> int:
    """Count an attempt; if it is the last one before a block, gives the milliseconds until that ends, else 0.

    Raises TooManyRequests if any of the subjects has to wait, and then none is counted. Subjects are to be given in the
    same order always: users before addresses.
    """
    longest = 0
    for subject in subjects:
        count = require(transaction.one(_TAKE, subject=subject.key, now=now))
        if count.blocked_until > now:
            raise TooManyRequests(-(-(count.blocked_until - now) // 1000), text=waiting_text(count.blocked_until - now))
        count = _counted(count, subject, now)
        _keep(transaction, subject, count, now)
        longest = max(longest, count.blocked_until - now)
    return longest


def succeeded(transaction: Transaction, subjects: Sequence[Subject], now: int) -> None:
    """Take back the attempt that was counted: it was right, and a user's failures before it are forgotten."""
    for subject in subjects:
        if subject.is_shared:
            count = require(transaction.one(_TAKE, subject=subject.key, now=now))
            lifts = count.failures % subject.limit == 0  # with one failure less there would be no block
            count = count._replace(
                failures=max(0, count.failures - 1), blocked_until=0 if lifts else count.blocked_until
            )
            _keep(transaction, subject, count, now)
        else:
            transaction.run(_CLEAR, the_subject=subject.key)


def touch(transaction: Transaction, subjects: Sequence[Subject], now: int) -> None:
    """Write the counts as they are."""
    for subject in subjects:
        transaction.one(_TAKE, subject=subject.key, now=now)


def waiting_text(milliseconds: int) -> str:
    """How long to wait, for people."""
    minutes = -(-milliseconds // 60_000)
    return f"There were too many attempts. Please try again in {minutes} minute{'' if minutes == 1 else 's'}."


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove the counts of more than two days ago; gives their number."""
    return transaction.run(_FORGET, before=now - _KEPT_MS, now=now)


def _counted(count: _Count, subject: Subject, now: int) -> _Count:
    """The count with one attempt more. A block that is over is only renewed by as many failures as led to it."""
    began = max(count.window_began_at, count.blocked_until)
    if now - began >= subject.window_ms:
        return _blocked(_Count(1, 0, now), subject, now)
    return _blocked(_Count(count.failures + 1, 0, began), subject, now)


def _blocked(count: _Count, subject: Subject, now: int) -> _Count:
    blocks, rest = divmod(count.failures, subject.limit)
    if rest:
        return count
    return count._replace(blocked_until=now + min(subject.longest_block_ms, FIRST_BLOCK_MS << min(blocks - 1, 16)))


def _keep(transaction: Transaction, subject: Subject, count: _Count, now: int) -> None:
    transaction.run(_KEEP, the_subject=subject.key, last_at=now, **count._asdict())


def _key(vault: Vault, what: str) -> str:
    return vault.blind_index(_CONTEXT, what)


def _network_of(address: str) -> str:
    """The network that an address is in, as far as it is likely one person's or one house's."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, _IPV4_NETWORK if parsed.version == 4 else _IPV6_NETWORK), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
