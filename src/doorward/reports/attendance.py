"""Attendance: when each person was first let in on a local day of a site, and when they last left or were last seen.

A door leads out of its site if it leads from an area to outside. To be let in through any other door is to come in, or
to be seen to be there still. Only who was admitted by name counts: nobody is known by an exit button. What doors lead
to is what they lead to today (docs/decisions/0032).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, and_, bindparam, case, func, literal_column, select

from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING
from doorward.decision.zones import DAY_MS
from doorward.events.tables import events
from doorward.people.tables import people
from doorward.reports.codes import with_code
from doorward.reports.scope import Scope
from doorward.reports.spans import bound, day_of_number, span_table


class Attendance(NamedTuple):
    """Somebody's day at a site. Instants are milliseconds UTC."""

    day: date
    site_id: int
    person_id: int
    person_name: str
    """As it is today; "" of somebody of whom nothing is known any more."""
    first_in: int | None
    """The first time that they were let in through a door that does not lead out."""
    last_out: int | None
    """The last time that they were let out of the site."""
    last_seen: int
    """The last time that any door of the site let them pass."""
    admissions: int


_span = span_table()
_LEADS_OUT: Final = and_(channels.c.area_from_id.is_not(None), channels.c.area_to_id.is_(None))
_DAY: Final = (events.c.occurred_at + _span.c.offset_ms) // literal_column(str(DAY_MS), BigInteger())
_MEASURES: Final = (
    func.min(case((~_LEADS_OUT, events.c.occurred_at))).label("first_in"),
    func.max(case((_LEADS_OUT, events.c.occurred_at))).label("last_out"),
    func.max(events.c.occurred_at).label("last_seen"),
    func.count().label("admissions"),
)
_AT_SITE: Final = and_(channels.c.site_id == _span.c.site_id, channels.c.account_id == bindparam("account_id"))
_IN_SPAN: Final = and_(events.c.occurred_at >= _span.c.since, events.c.occurred_at < _span.c.until)
_ADMITTED: Final = with_code(ADMITTING)

_of_day = (
    select(channels.c.site_id, events.c.person_id, *_MEASURES)
    .select_from(_span)
    .join(channels, _AT_SITE)
    .join(events, and_(events.c.channel_id == channels.c.id, _IN_SPAN))
    .where(_ADMITTED, events.c.person_id.is_not(None))
    .group_by(channels.c.site_id, events.c.person_id)
    .subquery("found")
)
_of_person = (
    select(_DAY.label("day"), channels.c.site_id, *_MEASURES)
    .select_from(events)
    .join(channels, channels.c.id == events.c.channel_id)
    .join(_span, and_(_AT_SITE, _IN_SPAN))
    .where(
        events.c.person_id == bindparam("the_person"),
        events.c.occurred_at >= bindparam("since"),
        events.c.occurred_at < bindparam("until"),
        _ADMITTED,
    )
    .group_by(_DAY, channels.c.site_id)
    .subquery("found")
)


def _named(first_name: str | None, last_name: str | None) -> str:
    return f"{first_name or ''} {last_name or ''}".strip()


class _OfDay(NamedTuple):
    site_id: int
    person_id: int
    name: str
    measures: tuple[Any, ...]


def _person_row(site_id: int, person_id: int, first_name: str | None, last_name: str | None, *measures: Any) -> _OfDay:
    return _OfDay(site_id, person_id, _named(first_name, last_name), measures)


_NAMES: Final = (people.c.first_name, people.c.last_name)
_ON_DAY: Final = Query(
    select(_of_day.c.site_id, _of_day.c.person_id, *_NAMES, *(_of_day.c[each.name] for each in _MEASURES))
    .select_from(_of_day)
    .outerjoin(people, and_(people.c.id == _of_day.c.person_id, people.c.account_id == bindparam("account_id")))
    .order_by(_of_day.c.site_id, people.c.name_key, _of_day.c.person_id),
    _person_row,
)
_OF_PERSON: Final = Query(
    select(_of_person.c.day, _of_person.c.site_id, *(_of_person.c[each.name] for each in _MEASURES))
    .select_from(_of_person)
    .order_by(_of_person.c.day, _of_person.c.site_id),
    lambda *row: row,
)
_PERSON: Final = Query(
    select(*_NAMES).where(people.c.account_id == bindparam("account_id"), people.c.id == bindparam("the_person")),
    _named,
)


def attendance_on(transaction: Transaction, account_id: int, scope: Scope, day: date) -> list[Attendance]:
    """Everybody's, on one day: by site, and then by name. One statement, that reads the events of the day."""
    found = transaction.all(_ON_DAY, account_id=account_id, spans=bound(scope.spans(day, day)))
    return [Attendance(day, each.site_id, each.person_id, each.name, *each.measures) for each in found]


def attendance_of(transaction: Transaction, account_id: int, scope: Scope, person_id: int) -> list[Attendance]:
    """One person's, by day and site; nothing if there is nobody like that."""
    name = transaction.one(_PERSON, account_id=account_id, the_person=person_id)
    spans = scope.spans()
    if name is None or not spans:
        return []
    stretch = {"since": min(span.since for span in spans), "until": max(span.until for span in spans)}
    found: Sequence[Any] = transaction.all(
        _OF_PERSON, account_id=account_id, the_person=person_id, spans=bound(spans), **stretch
    )
    return [Attendance(day_of_number(day), site_id, person_id, name, *rest) for day, site_id, *rest in found]


def days_from(scope: Scope) -> Iterator[date]:
    """The days of a report."""
    for each in range((scope.last - scope.first).days + 1):
        yield scope.first + timedelta(days=each)


def attendance(
    transaction: Transaction, account_id: int, scope: Scope, most: int
) -> tuple[list[Attendance], date | None]:
    """Everybody's, day by day, until there are `most` rows or more; and from which day on there may be others.

    A day is always whole.
    """
    found: list[Attendance] = []
    for day in days_from(scope):
        if len(found) >= most:
            return found, day
        found += attendance_on(transaction, account_id, scope, day)
    return found, None
