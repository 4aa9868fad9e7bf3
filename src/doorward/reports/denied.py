"""Who was denied: by reason and door, or by person and reason, most often first."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.reports.codes import DENIED, with_code
from doorward.reports.doors import doors_of
from doorward.reports.scope import Scope
from doorward.reports.spans import bound, span_table


class DeniedAtDoor(NamedTuple):
    """How often, for one reason at one door, and when last. Instants are milliseconds UTC."""

    channel_id: int
    channel_name: str
    site_id: int
    event_code: int
    times: int
    last_at: int


class DeniedPerson(NamedTuple):
    """How often one person was, for one reason; None: of whom it is not known who they are."""

    person_id: int | None
    person_name: str
    event_code: int
    times: int
    last_at: int


_span = span_table()
_FOUND: Final = _span.join(
    channels, and_(channels.c.site_id == _span.c.site_id, one_of(channels.c.id, "channel_ids"))
).join(
    events,
    and_(
        events.c.channel_id == channels.c.id,
        events.c.occurred_at >= _span.c.since,
        events.c.occurred_at < _span.c.until,
        with_code(DENIED),
    ),
)
_TIMES: Final = func.count().label("times")
_LAST: Final = func.max(events.c.occurred_at).label("last_at")
# With each row comes how many there are: they are grouped once for both.
_TOTAL: Final = func.count().over().label("total")
_at_door = (
    select(channels.c.id, channels.c.name, channels.c.site_id, events.c.event_code, _TIMES, _LAST, _TOTAL)
    .select_from(_FOUND)
    .group_by(channels.c.id, channels.c.name, channels.c.site_id, events.c.event_code)
)
_of_person = (
    select(events.c.person_id, events.c.event_code, _TIMES, _LAST, _TOTAL)
    .select_from(_FOUND)
    .group_by(events.c.person_id, events.c.event_code)
)
_some_of_person = (
    _of_person.order_by(_TIMES.desc(), func.coalesce(events.c.person_id, 0), events.c.event_code)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
    .subquery("found")
)


def _door_row(
    channel_id: int, name: str, site_id: int, code: int, times: int, last_at: int, total: int
) -> tuple[DeniedAtDoor, int]:
    return DeniedAtDoor(channel_id, name, site_id, code, times, last_at), total


def _person_row(
    person_id: int | None, first: str | None, last: str | None, code: int, times: int, last_at: int, total: int
) -> tuple[DeniedPerson, int]:
    return DeniedPerson(person_id, f"{first or ''} {last or ''}".strip(), code, times, last_at), total


_AT_DOORS: Final = Query(
    _at_door.order_by(_TIMES.desc(), channels.c.id, events.c.event_code)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    _door_row,
)
_OF_PEOPLE: Final = Query(
    select(
        _some_of_person.c.person_id,
        people.c.first_name,
        people.c.last_name,
        _some_of_person.c.event_code,
        _some_of_person.c.times,
        _some_of_person.c.last_at,
        _some_of_person.c.total,
    )
    .select_from(_some_of_person)
    .outerjoin(people, and_(people.c.id == _some_of_person.c.person_id, people.c.account_id == bindparam("account_id")))
    .order_by(
        _some_of_person.c.times.desc(), func.coalesce(_some_of_person.c.person_id, 0), _some_of_person.c.event_code
    ),
    _person_row,
)


def _count_of(rows: Select[Any]) -> Query[int]:
    return Query(select(func.count()).select_from(rows.subquery("found")), number)


_COUNT_AT_DOORS: Final = _count_of(_at_door)
_COUNT_OF_PEOPLE: Final = _count_of(_of_person)


def denied_at_doors(
    transaction: Transaction,
    account_id: int,
    scope: Scope,
    page: Page,
    *,
    channel_ids: Collection[int] | None = None,
    by: Principal | None = None,
) -> tuple[list[DeniedAtDoor], int]:
    """A page of doors and reasons, and how many such pairs there are in all."""
    params = _params(transaction, account_id, scope, channel_ids, by)
    found = transaction.all(_AT_DOORS, limit=page.limit, offset=page.offset, **params)
    if found or page.offset == 0:
        return [row for row, _ in found], found[0][1] if found else 0
    return [], transaction.one(_COUNT_AT_DOORS, **params) or 0


def denied_people(
    transaction: Transaction,
    account_id: int,
    scope: Scope,
    page: Page,
    *,
    channel_ids: Collection[int] | None = None,
    by: Principal | None = None,
) -> tuple[list[DeniedPerson], int]:
    """A page of people and reasons, and how many such pairs there are in all; names are those of today."""
    params = _params(transaction, account_id, scope, channel_ids, by)
    part = {"limit": page.limit, "offset": page.offset, "account_id": account_id}
    found = transaction.all(_OF_PEOPLE, **part, **params)
    if found or page.offset == 0:
        return [row for row, _ in found], found[0][1] if found else 0
    return [], transaction.one(_COUNT_OF_PEOPLE, **params) or 0


def _params(
    transaction: Transaction,
    account_id: int,
    scope: Scope,
    channel_ids: Collection[int] | None,
    by: Principal | None,
) -> dict[str, str]:
    doors, _ = doors_of(transaction, account_id, scope, Page(paged=False), channel_ids=channel_ids, by=by)
    return {"channel_ids": str([door.id for door in doors]), "spans": bound(scope.spans())}
