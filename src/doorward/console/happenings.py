"""A few events beside what they are about, each by one statement and an index; whoever wants more goes to the list."""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.decision.wording import event_label
from doorward.events.codes import ACCESS
from doorward.events.listing import StoredEvent
from doorward.events.tables import events
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to

ADMITTED: Final = frozenset((*range(10, 19), 70))
"""Codes that say that somebody was let in."""

_AT_VISIBLE: Final = events.c.channel_id.in_(select(channels.c.id).where(VISIBLE))
_LATEST: Final = (
    select(*(events.c[name] for name in StoredEvent._fields))
    .where(_AT_VISIBLE, events.c.occurred_at >= bindparam("since"))
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(bindparam("limit"))
)
_AT_DOOR: Final = Query(
    _LATEST.where(events.c.channel_id == bindparam("the_channel"), one_of(events.c.event_code, "codes")), StoredEvent
)
_OF_PERSON: Final = Query(
    _LATEST.where(
        events.c.person_id == bindparam("the_person"),
        events.c.occurred_at < bindparam("until"),
        one_of(events.c.channel_id, "channel_ids"),
        one_of(events.c.event_code, "codes"),
    ),
    StoredEvent,
)
_UNKNOWN_CARDS: Final = Query(
    _LATEST.where(
        events.c.account_id == bindparam("account_id"),
        events.c.event_code == int(EventCode.REJECT_CARD),
        events.c.person_id.is_(None),
        events.c.credential.is_not(None),
    ),
    StoredEvent,
)
_CODES: Final = str(sorted(ACCESS))


class Happened(NamedTuple):
    """An event in words."""

    event: StoredEvent
    label: str
    admitted: bool


def at_door(transaction: Transaction, by: Principal, channel_id: int, since: int, most: int) -> list[Happened]:
    """What has happened at a door of those that the user sees, the latest first."""
    found = transaction.all(_AT_DOOR, **visible_to(by), the_channel=channel_id, codes=_CODES, since=since, limit=most)
    return [_in_words(each) for each in found]


def of_person(
    transaction: Transaction,
    by: Principal,
    person_id: int,
    channel_ids: Collection[int],
    stretch: tuple[int, int],
    most: int,
) -> list[Happened]:
    """What somebody did at some doors within [start, end), the latest first."""
    since, until = stretch
    found = transaction.all(
        _OF_PERSON,
        **visible_to(by),
        the_person=person_id,
        channel_ids=str(sorted(channel_ids)),
        codes=_CODES,
        since=since,
        until=until,
        limit=most,
    )
    return [_in_words(each) for each in found]


def unknown_cards(transaction: Transaction, by: Principal, since: int, most: int) -> list[Happened]:
    """The cards that were read and are nobody's, each once, the latest first."""
    known: dict[str, StoredEvent] = {}
    for each in transaction.all(_UNKNOWN_CARDS, **visible_to(by), since=since, limit=5 * most):
        known.setdefault(each.credential or "", each)
    return [_in_words(each) for each in list(known.values())[:most]]


def _in_words(event: StoredEvent) -> Happened:
    label = event_label(event.event_code, event.channel_name or "a door", event.person_name)
    return Happened(event, label, event.event_code in ADMITTED)
