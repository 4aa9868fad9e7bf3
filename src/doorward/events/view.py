"""Which events of an account's record a listener sees, and how it reads on in the record by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.codes import EVERY
from doorward.events.listing import StoredEvent, Wanted
from doorward.events.tables import event_chains, events
from doorward.events.wire import event_body
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import VISIBLE, visible_to
from doorward.wire.responses import encoded

MOST_AT_ONCE: Final = 200
"""So many events are read in one go."""
_MOST_PASSED: Final = 5_000
"""Over so many positions a search for events that are seen goes in one go."""


class OnRecord(NamedTuple):
    """An event with its position in the account's record, and what its person is called today."""

    position: int
    event: StoredEvent
    first_name: str | None
    last_name: str | None


@dataclass(frozen=True, slots=True)
class View:
    """What a listener sees: equal for all that ask for the same and may see the same."""

    codes: frozenset[int]
    channel_ids: frozenset[int] | None
    """None: any, and none."""
    since: int
    person_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    """Names as keys for sorting, so that case and accents make no difference."""

    def shows(self, found: OnRecord) -> bool:
        """Whether the event is seen."""
        event = found.event
        return (
            event.event_code in self.codes
            and (self.channel_ids is None or event.channel_id in self.channel_ids)
            and event.occurred_at >= self.since
            and self.person_id in (None, event.person_id)
            and (self.first_name is None or _is_called(found.first_name, self.first_name))
            and (self.last_name is None or _is_called(found.last_name, self.last_name))
        )


def _is_called(name: str | None, key: str) -> bool:
    return name is not None and sort_key(name) == key


_CHANNELS_OF_USER: Final = Query(select(channels.c.id).where(VISIBLE), number)
_LAST: Final = Query(
    select(event_chains.c.position).where(event_chains.c.account_id == bindparam("the_account")), number
)


def _pair(account_id: int, position: int) -> tuple[int, int]:
    return account_id, position


_LAST_OF_MANY: Final = Query(
    select(event_chains.c.account_id, event_chains.c.position).where(
        one_of(event_chains.c.account_id, "account_ids"),
    ),
    _pair,
)
_STORED: Final = len(StoredEvent._fields)


def _on_record(position: int, *columns: Any) -> OnRecord:
    return OnRecord(position, StoredEvent(*columns[:_STORED]), *columns[_STORED:])


@lru_cache(maxsize=4)
def _between(*limits: str) -> Query[OnRecord]:
    return Query(
        select(
            events.c.position,
            *(events.c[name] for name in StoredEvent._fields),
            people.c.first_name,
            people.c.last_name,
        )
        .join(people, people.c.id == events.c.person_id, isouter=True)
        .where(
            events.c.account_id == bindparam("the_account"),
            events.c.position > bindparam("after"),
            events.c.position <= bindparam("to"),
            # Adding nothing to a column keeps a planner from the index on it.
            *(one_of(events.c[name] + 0, name) for name in limits),
        )
        .order_by(events.c.position)
        .limit(bindparam("most")),
        _on_record,
    )


def channels_of(transaction: Transaction, principal: Principal) -> frozenset[int] | None:
    """The channels of which the principal sees events, as of now; None: all, and those of none."""
    if not principal.site_limited:
        return None
    return frozenset(transaction.all(_CHANNELS_OF_USER, **visible_to(principal)))


def view_of(wanted: Wanted, visible: frozenset[int] | None) -> View:
    """What somebody sees of what is wanted, who sees these channels."""
    channel_ids = None if wanted.channel_ids is None else frozenset(wanted.channel_ids)
    if visible is not None:
        channel_ids = visible if channel_ids is None else visible & channel_ids
    return View(
        EVERY if wanted.codes is None else frozenset(wanted.codes),
        channel_ids,
        wanted.since,
        wanted.person_id,
        None if wanted.first_name is None else sort_key(wanted.first_name),
        None if wanted.last_name is None else sort_key(wanted.last_name),
    )


def last_position(transaction: Transaction, account_id: int) -> int:
    """The position of the account's newest event; 0 if there is none."""
    return transaction.one(_LAST, the_account=account_id) or 0


def last_positions(transaction: Transaction, account_ids: Sequence[int]) -> dict[int, int]:
    """The same for several accounts; those without events are not in it."""
    return dict(transaction.all(_LAST_OF_MANY, account_ids=str(list(account_ids))))


def read_on(transaction: Transaction, account_id: int, view: View, after: int, to: int) -> tuple[list[OnRecord], int]:
    """The next events that are seen, of those after a position and up to another; and how far that is.

    Few at a time: to read further, ask again from there.
    """
    to = min(to, after + _MOST_PASSED)
    limits = {"event_code": str(sorted(view.codes))}
    if view.channel_ids is not None:
        limits["channel_id"] = str(sorted(view.channel_ids))
    found = transaction.all(_between(*limits), the_account=account_id, after=after, to=to, most=MOST_AT_ONCE, **limits)
    if len(found) == MOST_AT_ONCE:
        to = found[-1].position
    return [each for each in found if view.shows(each)], to


def read_all(transaction: Transaction, account_id: int, after: int, to: int) -> list[OnRecord]:
    """The next events after a position and up to another, whoever sees them; few at a time."""
    return transaction.all(_between(), the_account=account_id, after=after, to=to, most=MOST_AT_ONCE)


def message(found: OnRecord) -> bytes:
    """The event as a message of Server-Sent Events, which carries its position as id."""
    return b"id: %d\ndata: %s\n\n" % (found.position, encoded(event_body(found.event)))
