"""How many events an account has, by channel, code and stretch of time: millions are not counted while somebody waits.

Nothing is counted while events are recorded. The tallies know the events up to a position of the account's record;
those after it, some thousand at most, are counted whenever somebody asks, so that the sum is exact at any moment. Now
and then the tallies are brought up to date, by few statements for many events (docs/decisions/0030).

Time is cut into hours, counted from the earliest instant there is, and the hours into stretches of several lengths,
each made of whole ones of the length before. All channels together (channel 0) are tallied from the hour on, each
channel from 4 hours on: by the hour there would be nearly as many tallies as events.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, cast, func, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction, require
from doorward.events.codes import ACCESS
from doorward.events.tables import event_chains, event_tallies, event_tally_heads
from doorward.kit.timestamps import EARLIEST

HOUR_MS: Final = 3_600_000
SPANS: Final = (1, 4, 24, 192, 1536, 12288)
"""Lengths of stretches, in hours: 1 hour, 4 hours, a day, 8 days, 64 days, 512 days."""
SPANS_OF_CHANNEL: Final = SPANS[1:]
ALL_CHANNELS: Final = 0
ALL_ACCESS: Final = 0
"""The codes that a list shows unless others are asked for, together. Who changes these has to tally anew."""

MOST_AT_ONCE: Final = 2_000
"""So many events are tallied in one transaction: others wait for it on SQLite."""
LEAST_WORTH: Final = 1_000
"""So many events may wait to be tallied."""

_IS_ACCOUNT: Final = event_tally_heads.c.account_id == bindparam("the_account")
# SQLite says it in the same words as PostgreSQL. Whoever has the head is the only one that changes the tallies.
_TAKE_HEAD: Final = Query(
    insert(event_tally_heads)
    .values(account_id=bindparam("the_account"), position=0)
    .on_conflict_do_update(index_elements=["account_id"], set_={"position": event_tally_heads.c.position})
    .returning(event_tally_heads.c.position),
    number,
)
_SET_HEAD: Final = Query[None](update(event_tally_heads).where(_IS_ACCOUNT).values(position=bindparam("to")))
_HEAD: Final = Query(select(event_tally_heads.c.position).where(_IS_ACCOUNT), number)
_LAST: Final = Query(
    select(event_chains.c.position).where(event_chains.c.account_id == bindparam("the_account")), number
)
_WAITING: Final = Query(
    select(event_chains.c.account_id)
    .join(event_tally_heads, event_tally_heads.c.account_id == event_chains.c.account_id, isouter=True)
    .where(event_chains.c.position - func.coalesce(event_tally_heads.c.position, 0) >= bindparam("least"))
    .order_by(event_chains.c.account_id)
    .limit(bindparam("most")),
    number,
)
_STRETCHES: Final = " UNION ALL ".join(
    f"SELECT {of_channel} AS of_channel, {of_code} AS of_code, {span} AS span"
    for of_channel, spans in ((0, SPANS), (1, SPANS_OF_CHANNEL))
    for of_code in (0, 1)
    for span in spans
)
_ACCESS_CODES: Final = ", ".join(str(code) for code in sorted(ACCESS))
_TALLY: Final = Query[None](
    text(
        # Only numbers of ours are put into the text.
        "INSERT INTO event_tallies (account_id, channel_id, span, event_code, bucket, events) "  # noqa: S608
        "SELECT told.account_id, CASE stretches.of_channel WHEN 1 THEN told.channel_id ELSE 0 END, "
        "stretches.span, CASE stretches.of_code WHEN 1 THEN told.event_code ELSE 0 END, "
        "told.at_hour / stretches.span, CAST(:sign * SUM(told.events) AS bigint) "
        "FROM (SELECT account_id, channel_id, event_code, "
        f"(occurred_at - ({EARLIEST})) / {HOUR_MS} AS at_hour, COUNT(*) AS events "
        "FROM events WHERE account_id = :account_id AND position > :after AND position <= :to "
        "GROUP BY 1, 2, 3, 4) AS told "
        f"JOIN ({_STRETCHES}) AS stretches ON (stretches.of_channel = 0 OR told.channel_id IS NOT NULL) "
        f"AND (stretches.of_code = 1 OR told.event_code IN ({_ACCESS_CODES})) "
        "WHERE true GROUP BY 1, 2, 3, 4, 5 "
        "ON CONFLICT (account_id, channel_id, span, event_code, bucket) "
        "DO UPDATE SET events = event_tallies.events + excluded.events"
    )
)
_SWEEP: Final = Query[None](
    text("DELETE FROM event_tallies WHERE account_id = :account_id AND events = 0"),
)


class Stretch(NamedTuple):
    """A stretch of time, in hours since the earliest instant, and how many of the events asked for are in it."""

    first: int
    span: int
    events: int

    @property
    def end(self) -> int:
        """The first hour after it."""
        return self.first + self.span


class Step(NamedTuple):
    """Stretches of one length, `span` hours, that begin in the hours from `first` up to, not including, `end`."""

    first: int
    end: int
    span: int


def _stretch(span: int, bucket: int, events: int) -> Stretch:
    return Stretch(bucket * span, span, events)


@lru_cache(maxsize=len(SPANS))
def _sums(count: int) -> Query[Stretch]:
    """The stretches of so many steps at once: each is looked up in the key of the table by itself."""
    steps = (
        select(event_tallies.c.span, event_tallies.c.bucket, cast(func.sum(event_tallies.c.events), BigInteger))
        .where(
            event_tallies.c.account_id == bindparam("account_id"),
            one_of(event_tallies.c.channel_id, "tallied_channels"),
            event_tallies.c.span == bindparam(f"span_{place}", type_=Integer()),
            event_tallies.c.bucket >= bindparam(f"first_{place}", type_=Integer()),
            event_tallies.c.bucket < bindparam(f"end_{place}", type_=Integer()),
            one_of(event_tallies.c.event_code, "event_code"),
        )
        .group_by(event_tallies.c.span, event_tallies.c.bucket)
        for place in range(count)
    )
    return Query(union_all(*steps), _stretch)


def sums(
    transaction: Transaction, account_id: int, codes: Collection[int], channels: str | None, steps: Sequence[Step]
) -> list[Stretch]:
    """The tallied stretches of some steps.

    Channels are a JSON list; without it: of all events, those of no channel included.
    """
    tallied = {*codes} - ACCESS | {ALL_ACCESS} if ACCESS.issubset(codes) else codes
    params: dict[str, int] = {}
    for place, step in enumerate(steps):
        params |= {
            f"span_{place}": step.span,
            f"first_{place}": step.first // step.span,
            f"end_{place}": step.end // step.span,
        }
    return transaction.all(
        _sums(len(steps)),
        account_id=account_id,
        tallied_channels=channels or str([ALL_CHANNELS]),
        event_code=str(sorted(tallied)),
        **params,
    )


def tallied_to(transaction: Transaction, account_id: int) -> int:
    """Up to which position of the account's record the tallies know the events."""
    return transaction.one(_HEAD, the_account=account_id) or 0


def waiting(transaction: Transaction, least: int = LEAST_WORTH, most: int = 100) -> list[int]:
    """Accounts of which at least so many events are not tallied yet."""
    return transaction.all(_WAITING, least=least, most=most)


def tally(transaction: Transaction, account_id: int, most: int = MOST_AT_ONCE) -> int:
    """Take further events of the account's record into the tallies, at most so many; gives their number."""
    head = require(transaction.one(_TAKE_HEAD, the_account=account_id))
    to = min(transaction.one(_LAST, the_account=account_id) or 0, head + most)
    if to <= head:
        return 0
    transaction.run(_TALLY, account_id=account_id, after=head, to=to, sign=1)
    transaction.run(_SET_HEAD, the_account=account_id, to=to)
    return to - head


def forget(transaction: Transaction, account_id: int, to: int) -> None:
    """Take all events of the account up to a position out of the tallies.

    To be called in the transaction that removes these events, before it does; when all are removed, sweep().
    """
    head = require(transaction.one(_TAKE_HEAD, the_account=account_id))
    transaction.run(_TALLY, account_id=account_id, after=0, to=min(to, head), sign=-1)
    if to > head:
        transaction.run(_SET_HEAD, the_account=account_id, to=to)


def sweep(transaction: Transaction, account_id: int) -> None:
    """Remove tallies of nothing."""
    transaction.run(_SWEEP, account_id=account_id)
