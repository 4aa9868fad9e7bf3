"""Group reservations: one person in groups for a stretch of any length (behaviour.md, "Group reservations").

Nothing is written when one begins or ends: what it gives is evaluated at the instant of a decision, and its state when
somebody asks. So both count as its last update from then on, for clients that follow `since`.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, or_, select, update

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.changes.people import touch
from doorward.channels.tables import channels
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import groups
from doorward.kit.errors import Forbidden, Invalid, NotFound
from doorward.kit.fields import REQUIRED, Fields
from doorward.kit.pages import Page
from doorward.kit.timestamps import EARLIEST
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.reach import require_reach
from doorward.roles.tables import group_roles, role_channels
from doorward.users.tables import user_sites

State = Literal["pending", "active", "deactivated"]

WRAPPER: Final = "group_reservation"


class GroupReservation(NamedTuple):
    """One group reservation. Instants are milliseconds UTC; the stretch is half-open."""

    id: int
    account_id: int
    person_id: int
    start_time: int
    end_time: int
    deactivated_at: int | None
    created_by_id: int | None
    created_at: int
    updated_at: int
    group_ids: tuple[int, ...] = ()

    def state(self, now: int) -> State:
        """What it is at an instant: of one that is over there is nothing left but the record."""
        if self.deactivated_at is not None or now >= self.end_time:
            return "deactivated"
        return "active" if now >= self.start_time else "pending"


_ROWS: Final = Rows(group_reservations, GroupReservation)
_GROUPS: Final = Owned(groups)
_ADDS_TO: Final = Links(group_reservation_groups.c.group_reservation_id, group_reservation_groups.c.group_id)

# Against the person being deleted meanwhile. No weaker lock: their updated_at is about to change.
_LOCK_PERSON: Final = Query(
    select(people.c.id)
    .where(
        people.c.id == bindparam("the_person"),
        people.c.account_id == bindparam("account_id"),
        people.c.deleted_at.is_(None),
    )
    .with_for_update(key_share=True),
    number,
)
_REMOVE: Final = Query[None](delete(group_reservations).where(group_reservations.c.id == bindparam("the_id")))
_DEACTIVATE: Final = Query[None](
    update(group_reservations)
    .where(group_reservations.c.id == bindparam("the_id"))
    .values(deactivated_at=bindparam("now"), updated_at=bindparam("now"))
)

_UPDATED_AT: Final[ColumnElement[int]] = case(
    (
        and_(group_reservations.c.deactivated_at.is_(None), group_reservations.c.end_time <= bindparam("now")),
        group_reservations.c.end_time,
    ),
    (
        and_(
            group_reservations.c.start_time <= bindparam("now"),
            group_reservations.c.start_time > group_reservations.c.updated_at,
        ),
        group_reservations.c.start_time,
    ),
    else_=group_reservations.c.updated_at,
)
"""When it last changed, be it by itself. Never later than end_time: nothing changes one that is over."""

_SHOWN: Final = tuple(
    _UPDATED_AT.label("updated_at") if column.name == "updated_at" else column for column in _ROWS.columns
)
_OF_ACCOUNT: Final = group_reservations.c.account_id == bindparam("account_id")

_SEEN_BY_USER: Final[ColumnElement[bool]] = or_(
    group_reservations.c.created_by_id == bindparam("user_id"),
    exists(
        select(group_roles.c.role_id)
        .select_from(group_reservation_groups)
        .join(group_roles, group_roles.c.group_id == group_reservation_groups.c.group_id)
        .join(role_channels, role_channels.c.role_id == group_roles.c.role_id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .join(user_sites, user_sites.c.site_id == channels.c.site_id)
        .where(
            group_reservation_groups.c.group_reservation_id == group_reservations.c.id,
            user_sites.c.user_id == bindparam("user_id"),
        )
    ),
)
"""A user limited to sites sees those that touch these, and their own."""

_PRESENT_AND_FUTURE: Final = and_(
    _OF_ACCOUNT,
    group_reservations.c.end_time > bindparam("now"),
    group_reservations.c.deactivated_at.is_(None),
)
_SINCE: Final = and_(
    _OF_ACCOUNT,
    group_reservations.c.end_time >= bindparam("since"),  # implied, and there is an index on it
    bindparam("since") <= _UPDATED_AT,
)


def _page(*limits: ColumnElement[bool]) -> Query[GroupReservation]:
    return Query(
        select(*_SHOWN)
        .where(*limits)
        .order_by(group_reservations.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _ROWS.of,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(group_reservations).where(*limits), number)


_LISTS: Final = {
    (False, False): (_page(_PRESENT_AND_FUTURE), _count(_PRESENT_AND_FUTURE)),
    (False, True): (_page(_PRESENT_AND_FUTURE, _SEEN_BY_USER), _count(_PRESENT_AND_FUTURE, _SEEN_BY_USER)),
    (True, False): (_page(_SINCE), _count(_SINCE)),
    (True, True): (_page(_SINCE, _SEEN_BY_USER), _count(_SINCE, _SEEN_BY_USER)),
}
"""By whether `since` is given and whether the user is limited to sites."""

_THIS_ONE: Final = and_(_OF_ACCOUNT, group_reservations.c.id == bindparam("the_id"))
# Of several who delete it at once, one has deleted it.
_ONE: Final = Query(select(*_ROWS.columns).where(_THIS_ONE).with_for_update(), _ROWS.of)
_ONE_SEEN: Final = Query(select(group_reservations.c.id).where(_THIS_ONE, _SEEN_BY_USER), number)


def create_group_reservation(
    transaction: Transaction, principal: Principal, body: object, now: int
) -> GroupReservation:
    """Add a person to groups for a stretch; `body` is wrapped in `group_reservation` or bare.

    Raises Invalid with every rule that is broken.
    """
    account_id = principal.account_id
    fields = Fields(_unwrapped(body))
    person_id = fields.identity("person_id", required=True)
    if person_id is not None and transaction.one(_LOCK_PERSON, the_person=person_id, account_id=account_id) is None:
        fields.complain("person_id", "Not found for this account")
    start, end = _read_stretch(fields, principal.zone, now)
    group_ids = _read_groups(transaction, principal, fields)
    fields.check()
    wanted = GroupReservation(
        0, account_id, require(person_id), require(start), require(end), None, principal.user_id, now, now
    )
    created = wanted._replace(id=require(transaction.one(_ROWS.add, **_ROWS.params(wanted))))
    _ADDS_TO.replace(transaction, created.id, group_ids)
    created = created._replace(group_ids=tuple(sorted(group_ids)))
    touch(transaction, (created.person_id,), now)
    audit.created(transaction, account_id, "group_reservation", created, now)
    changes.note(transaction, account_id, now, person_id=created.person_id)
    return created


def list_group_reservations(
    transaction: Transaction, principal: Principal, page: Page, since: int, now: int
) -> tuple[list[GroupReservation], int]:
    """A page of the group reservations that the user may see, by id, and how many there are in all.

    Present and future ones; with `since`, all that have changed at or after it, those that have ended among them.
    `updated_at` is when one last changed, be it by itself.
    """
    limited = principal.site_limited
    page_query, count_query = _LISTS[since > EARLIEST, limited]
    params = {"account_id": principal.account_id, "now": now}
    if since > EARLIEST:
        params["since"] = since
    if limited:
        params["user_id"] = principal.user_id
    found = _with_groups(transaction, transaction.all(page_query, limit=page.limit, offset=page.offset, **params))
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(count_query, **params) or 0


def delete_group_reservation(transaction: Transaction, principal: Principal, reservation_id: int, now: int) -> None:
    """Withdraw a group reservation: a pending one is removed, an active one ends at once and stays on record.

    Raises NotFound if there is none that the user can see, Forbidden if it reaches beyond the sites that the user is
    limited to, Invalid if it is over.
    """
    account_id = principal.account_id
    found = transaction.one(_ONE, account_id=account_id, the_id=reservation_id)
    if found is None:
        raise NotFound
    found = _with_groups(transaction, [found])[0]
    _require_sight(transaction, principal, found)
    state = found.state(now)
    if state == "deactivated":
        raise Invalid({"state": ["is deactivated already"]})
    touch(transaction, (found.person_id,), now)
    if state == "pending":
        transaction.run(_REMOVE, the_id=reservation_id)
        audit.deleted(transaction, account_id, "group_reservation", found, now)
    else:
        transaction.run(_DEACTIVATE, the_id=reservation_id, now=now)
        ended = found._replace(deactivated_at=now, updated_at=now)
        audit.changed(transaction, account_id, "group_reservation", found, ended, now)
    changes.note(transaction, account_id, now, person_id=found.person_id)


def _unwrapped(body: object) -> object:
    if not isinstance(body, dict) or WRAPPER not in body:
        return body
    wrapped: object = body[WRAPPER]
    if not isinstance(wrapped, dict):
        raise Invalid({WRAPPER: ["must be an object"]})
    return wrapped


def _read_stretch(fields: Fields, zone: ZoneInfo, now: int) -> tuple[int | None, int | None]:
    start = fields.instant("start_time", zone, required=True)
    end = fields.instant("end_time", zone, required=True)
    if end is not None and end <= now:
        fields.complain("end_time", "must be in the future")
    if start is not None and end is not None and end <= start:
        fields.complain("end_time", "must be after start_time")
    return start, end


def _read_groups(transaction: Transaction, principal: Principal, fields: Fields) -> Sequence[int]:
    group_ids = fields.identities("group_ids")
    if not group_ids:
        if "group_ids" not in fields.errors:
            fields.complain("group_ids", REQUIRED if group_ids is None else "must name at least one group")
        return ()
    _GROUPS.check(transaction, principal.account_id, fields, "group_ids", group_ids)
    if "group_ids" not in fields.errors:
        try:
            require_reach(transaction, principal, group_ids=group_ids)
        except Invalid as refused:
            for message in refused.errors["group_ids"]:
                fields.complain("group_ids", message)
    return group_ids


def _require_sight(transaction: Transaction, principal: Principal, found: GroupReservation) -> None:
    if not principal.site_limited:
        return
    seen = transaction.one(_ONE_SEEN, account_id=found.account_id, the_id=found.id, user_id=principal.user_id)
    if seen is None:
        raise NotFound
    try:
        require_reach(transaction, principal, group_ids=found.group_ids)
    except Invalid as refused:
        raise Forbidden from refused


def _with_groups(transaction: Transaction, found: list[GroupReservation]) -> list[GroupReservation]:
    if not found:
        return []
    adds_to = _ADDS_TO.of_many(transaction, [each.id for each in found])
    return [each._replace(group_ids=adds_to.get(each.id, ())) for each in found]
