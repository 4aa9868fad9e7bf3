"""How long an account keeps its events, and how those that are older go: from the front of the record, in steps.

That events go is put on record first, with up to where and with the chain there; from then on the record begins behind
that. Their rows are removed after it, some at a time (docs/decisions/0026).
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from doorward.accounts.tables import accounts
from doorward.audit import service as audit
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.codes import EventCode
from doorward.events import statements, tallies
from doorward.events.service import Event, record
from doorward.events.tables import event_chains, event_erasures, events
from doorward.events.verification import is_as_recorded
from doorward.kit.errors import Forbidden
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal

MOST_DAYS: Final = 36_500
AT_ONCE: Final = 1_000
"""So many rows a step removes."""
DAY_MS: Final = 86_400_000


class Retention(NamedTuple):
    """For how many days an account keeps events, counted from when they were recorded; None: for ever."""

    id: int
    event_retention_days: int | None


class _Kept(NamedTuple):
    account_id: int
    days: int
    removed_to: int
    position: int


class _Gone(NamedTuple):
    account_id: int
    removed_to: int


class _Event(NamedTuple):
    position: int
    received_at: int
    chain: str


def _perhaps(position: int | None) -> int | None:
    return position


_OF_ACCOUNT: Final = Query(
    select(accounts.c.id, accounts.c.event_retention_days).where(accounts.c.id == bindparam("the_id")), Retention
)
_SET: Final = Query[None](
    update(accounts)
    .where(accounts.c.id == bindparam("the_id"))
    .values(event_retention_days=bindparam("days"), updated_at=bindparam("now"))
)
_LIMITED: Final = Query(
    select(
        event_chains.c.account_id,
        accounts.c.event_retention_days,
        event_chains.c.removed_to,
        event_chains.c.position,
    )
    .join(accounts, accounts.c.id == event_chains.c.account_id)
    .where(accounts.c.event_retention_days.is_not(None))
    .order_by(event_chains.c.account_id),
    _Kept,
)
# Whether or not their account keeps the others for ever by now: what was said to go goes.
_SAID_TO_GO: Final = Query(
    select(event_chains.c.account_id, event_chains.c.removed_to)
    .where(event_chains.c.removed_to > 0)
    .order_by(event_chains.c.account_id),
    _Gone,
)
_AT: Final = Query(
    select(events.c.position, events.c.received_at, events.c.chain).where(
        events.c.account_id == bindparam("account_id"), events.c.position == bindparam("the_position")
    ),
    _Event,
)
_HEAD: Final = Query(
    select(event_chains.c.removed_to).where(event_chains.c.account_id == bindparam("account_id")).with_for_update(),
    number,
)
_MOVE: Final = Query[None](
    update(event_chains)
    .where(event_chains.c.account_id == bindparam("the_account"))
    .values(removed_to=bindparam("to"), removed_digest=bindparam("digest"))
)
_FORGET_LISTS: Final = Query[None](
    delete(event_erasures).where(
        event_erasures.c.account_id == bindparam("account_id"), event_erasures.c.position <= bindparam("to")
    )
)
_FIRST_LEFT: Final = Query(
    select(func.min(events.c.position)).where(
        events.c.account_id == bindparam("account_id"), events.c.position <= bindparam("to")
    ),
    _perhaps,
)
_REMOVE: Final = Query[None](
    delete(events).where(events.c.account_id == bindparam("account_id"), events.c.position <= bindparam("to"))
)


def get_retention(transaction: Transaction, account_id: int) -> Retention:
    """For how long an account keeps its events."""
    return require(transaction.one(_OF_ACCOUNT, the_id=account_id))


def set_retention(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Retention:
    """Keep events for so many `days`, null for ever. Raises Invalid, and Forbidden to who is limited to sites."""
    if by is not None and by.site_limited:
        raise Forbidden
    fields = StructuredFields(body)
    if "days" not in fields:
        fields.complain("days", "must be given: a number, or null for ever")
    days = fields.integer("days")
    if days is not None and not 1 <= days <= MOST_DAYS:
        fields.complain("days", f"must be from 1 to {MOST_DAYS}")
    fields.check()
    before = get_retention(transaction, account_id)
    transaction.run(_SET, the_id=account_id, days=days, now=now)
    after = before._replace(event_retention_days=days)
    audit.changed(transaction, account_id, "account", before, after, now)
    return after


def declare_old(transaction: Transaction, now: int) -> int:
    """Put on record which events go because they are too old; gives of how many accounts.

    Of a record that somebody has meddled with, so far as it is looked at for this, none go: verifying says why.
    """
    return sum(_declare(transaction, each, now) for each in transaction.all(_LIMITED))


def remove_old(transaction: Transaction, most: int = AT_ONCE) -> int:
    """Remove some rows of events that the record begins behind; gives how many positions they were, 0 for done."""
    for each in transaction.all(_SAID_TO_GO):
        which = {"account_id": each.account_id, "to": each.removed_to}
        first = transaction.one(_FIRST_LEFT, **which)
        if first is not None:
            to = min(each.removed_to, first + most - 1)
            tallies.forget(transaction, each.account_id, to)
            transaction.run(_REMOVE, account_id=each.account_id, to=to)
            if to == each.removed_to:
                tallies.sweep(transaction, each.account_id)
            return to - first + 1
    return 0


def _declare(transaction: Transaction, kept: _Kept, now: int) -> bool:
    last = _last_before(transaction, kept, now - kept.days * DAY_MS)
    # One event stays: else an account where nothing happens would say again and again that the last one of these went.
    if last is None or kept.position - kept.removed_to == 1:
        return False
    if transaction.one(_HEAD, account_id=kept.account_id) != kept.removed_to:
        return False  # another process has just done it
    if not is_as_recorded(transaction, kept.account_id, last.position):
        return False  # somebody has made it older than it is: what is newer would go with it, and nobody could tell
    said = statements.removed(last.position, last.chain)
    record(transaction, Event(kept.account_id, EventCode.EVENTS_REMOVED, now, reasons=(said,)), now)
    transaction.run(_MOVE, the_account=kept.account_id, to=last.position, digest=last.chain)
    transaction.run(_FORGET_LISTS, account_id=kept.account_id, to=last.position)
    return True


def _last_before(transaction: Transaction, kept: _Kept, before: int) -> _Event | None:
    """The last event that was recorded before an instant, looked for by halves: positions are in the order of time."""
    low, high, found = kept.removed_to, kept.position + 1, None
    while high - low > 1:
        middle = (low + high) // 2
        event = transaction.one(_AT, account_id=kept.account_id, the_position=middle)
        if event is None:
            return None  # somebody has meddled with the record: nothing more of it is removed
        if event.received_at < before:
            low, found = middle, event
        else:
            high = middle
    return found
