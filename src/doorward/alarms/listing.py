"""Alarms as they are shown: with whom the last event names, and where; and which are asked for, newest first."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal, select
from sqlalchemy.sql import FromClause

from doorward.alarms.alarm import Alarm
from doorward.alarms.kinds import CLOSED, NATURES, Kind
from doorward.alarms.raising import ALARMS
from doorward.alarms.service import Note, notes_of, sees
from doorward.alarms.tables import IS_LIVE, alarms
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of, one_of_words
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.users.tables import users

MOST_EVENTS: Final = 100


class Shown(NamedTuple):
    """An alarm, where the door is, whom the event that raised it last names, and the assignee's name."""

    alarm: Alarm
    site_id: int | None
    person_id: int | None
    person_name: str | None
    assignee_name: str | None


class Details(NamedTuple):
    """The same with what has been noted, oldest first, and the latest of its events, newest first."""

    shown: Shown
    notes: list[Note]
    events: list[StoredEvent]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alarms are asked for; None: any. `since`: those that have changed at or after this instant."""

    states: Collection[str] | None = None
    kinds: Collection[str] | None = None
    channel_ids: Collection[int] | None = None
    site_ids: Collection[int] | None = None
    assignee_id: int | None = None
    since: int | None = None


def _shown(*values: Any) -> Shown:
    return Shown(ALARMS.of(*values[:-4]), *values[-4:])


_NAME: Final = func.trim(users.c.first_name + literal(" ") + users.c.last_name)
_FROM: Final[FromClause] = (
    alarms.outerjoin(channels, channels.c.id == alarms.c.channel_id)
    .outerjoin(events, events.c.id == alarms.c.last_event_id)
    .outerjoin(users, users.c.id == alarms.c.assignee_id)
)
_SHOWN: Final = select(
    *ALARMS.columns,
    channels.c.site_id,
    events.c.person_id,
    events.c.person_name,
    func.coalesce(func.nullif(_NAME, ""), users.c.email),
).select_from(_FROM)
_OF_ACCOUNT: Final = alarms.c.account_id == bindparam("account_id")
_ONE: Final = Query(_SHOWN.where(_OF_ACCOUNT, alarms.c.id == bindparam("the_id")), _shown)
_EVENTS: Final = Query(
    select(*(events.c[name] for name in StoredEvent._fields))
    .where(
        events.c.account_id + 0 == bindparam("account_id"),
        events.c.channel_id == bindparam("the_channel"),
        events.c.occurred_at >= bindparam("since"),
        events.c.occurred_at <= bindparam("until"),
        one_of(events.c.event_code + 0, "codes"),
    )
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(MOST_EVENTS),
    StoredEvent,
)
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "live": IS_LIVE,
    "states": one_of_words(alarms.c.state, "states"),
    "kinds": one_of_words(alarms.c.kind, "kinds"),
    "channel_ids": one_of(alarms.c.channel_id, "channel_ids"),
    "site_ids": alarms.c.channel_id.in_(
        select(channels.c.id).where(
            channels.c.account_id == bindparam("account_id"), one_of(channels.c.site_id, "site_ids")
        )
    ),
    "assignee_id": alarms.c.assignee_id == bindparam("assignee_id"),
    "since": alarms.c.updated_at >= bindparam("since"),
    "visible": alarms.c.channel_id.in_(select(channels.c.id).where(VISIBLE)),
}


def list_alarms(
    transaction: Transaction, account_id: int, wanted: Wanted, page: Page, *, by: Principal | None = None
) -> tuple[list[Shown], int]:
    """A page of an account's alarms, newest first, and how many there are in all.

    A user who is limited to sites sees those of the doors there.
    """
    params: dict[str, Any] = {"account_id": account_id}
    for name, asked in (("states", wanted.states), ("kinds", wanted.kinds)):
        if asked is not None:
            params[name] = json.dumps(sorted(asked))
    for name, ids in (("channel_ids", wanted.channel_ids), ("site_ids", wanted.site_ids)):
        if ids is not None:
            params[name] = str(sorted(ids))
    values = {"assignee_id": wanted.assignee_id, "since": wanted.since}
    params |= {name: value for name, value in values.items() if value is not None}
    kinds = params.keys() & _CONDITIONS.keys()
    if wanted.states is not None and CLOSED not in wanted.states:
        kinds |= {"live"}
    if by is not None and by.site_limited:
        kinds |= {"visible"}
        params |= visible_to(by)
    narrowed = frozenset(kinds)
    found = transaction.all(_page(narrowed), limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_count(narrowed), **params) or 0


def get_alarm(transaction: Transaction, account_id: int, alarm_id: int, *, by: Principal | None = None) -> Shown:
    """One alarm. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=alarm_id)
    if found is None or not sees(transaction, by, found.alarm):
        raise NotFound
    return found


def details_of(transaction: Transaction, account_id: int, alarm_id: int, *, by: Principal | None = None) -> Details:
    """One alarm with its notes and events. Raises NotFound."""
    shown = get_alarm(transaction, account_id, alarm_id, by=by)
    return Details(shown, notes_of(transaction, shown.alarm), _events_of(transaction, shown.alarm))


def _events_of(transaction: Transaction, alarm: Alarm) -> list[StoredEvent]:
    """The latest of the events that raised an alarm and said that it was over."""
    nature = NATURES[Kind(alarm.kind)]
    codes = sorted(int(code) for code in (nature.raised_by, *nature.ended_by))
    until = alarm.last_at if alarm.over_at is None else max(alarm.last_at, alarm.over_at)
    stretch = {"since": alarm.raised_at, "until": until}
    return transaction.all(
        _EVENTS, account_id=alarm.account_id, the_channel=alarm.channel_id, codes=str(codes), **stretch
    )


# A statement for each set of conditions, so that each is planned for what it asks.
@lru_cache(maxsize=256)
def _page(kinds: frozenset[str]) -> Query[Shown]:
    return Query(
        _SHOWN.where(*_where(kinds)).order_by(alarms.c.id.desc()).limit(bindparam("limit")).offset(bindparam("offset")),
        _shown,
    )


@lru_cache(maxsize=256)
def _count(kinds: frozenset[str]) -> Query[int]:
    return Query(select(func.count()).select_from(alarms).where(*_where(kinds)), number)


def _where(kinds: frozenset[str]) -> list[ColumnElement[bool]]:
    return [_OF_ACCOUNT, *(_CONDITIONS[name] for name in sorted(kinds))]
