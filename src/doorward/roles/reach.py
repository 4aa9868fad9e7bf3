"""How far a user's hand reaches: one who is limited to sites gives and takes only what admits at these sites alone.

Nor do they decide who passes elsewhere by other means: whoever may open a door at another site keeps their credentials,
whether they are enabled, and from when to when.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, or_, select, union_all

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import person_groups
from doorward.kit.errors import Forbidden, Invalid
from doorward.oauth.principal import Principal
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.users.tables import user_sites

BEYOND: Final = "Beyond the sites that you are limited to"
PERSON_BEYOND: Final = f"{BEYOND}: the person has roles at others"


class _GroupRole(NamedTuple):
    group_id: int
    role_id: int


_ROLES_OF_GROUPS: Final = Query(
    select(group_roles.c.group_id, group_roles.c.role_id).where(one_of(group_roles.c.group_id, "ids")), _GroupRole
)
_ROLES_BEYOND: Final = Query(
    select(role_channels.c.role_id)
    .join(channels, channels.c.id == role_channels.c.channel_id)
    .where(
        one_of(role_channels.c.role_id, "ids"),
        channels.c.site_id.not_in(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))),
    )
    .distinct(),
    number,
)

_ROLES_VISIBLE: Final = Query(
    select(role_channels.c.role_id)
    .join(channels, channels.c.id == role_channels.c.channel_id)
    .join(user_sites, user_sites.c.site_id == channels.c.site_id)
    .where(one_of(role_channels.c.role_id, "ids"), user_sites.c.user_id == bindparam("user_id"))
    .distinct(),
    number,
)


class _Holding(NamedTuple):
    person_id: int
    role_id: int


# Also what is held by reservations that have not begun: a credential would open the door then.
_HELD: Final = Query(
    union_all(
        select(person_roles.c.person_id, person_roles.c.role_id)
        .join(roles, roles.c.id == person_roles.c.role_id)
        .where(
            one_of(person_roles.c.person_id, "ids"),
            or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("now")),
        ),
        select(person_groups.c.person_id, group_roles.c.role_id)
        .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
        .where(one_of(person_groups.c.person_id, "ids")),
        select(group_reservations.c.person_id, group_roles.c.role_id)
        .join(
            group_reservation_groups,
            group_reservation_groups.c.group_reservation_id == group_reservations.c.id,
        )
        .join(group_roles, group_roles.c.group_id == group_reservation_groups.c.group_id)
        .where(
            one_of(group_reservations.c.person_id, "ids"),
            group_reservations.c.end_time > bindparam("now"),
            or_(group_reservations.c.deactivated_at.is_(None), group_reservations.c.deactivated_at > bindparam("now")),
        ),
    ),
    _Holding,
)


def people_beyond(
    transaction: Transaction, principal: Principal, person_ids: Collection[int], now: int
) -> frozenset[int]:
    """Those of the people who have a role with a channel beyond the user's sites, themselves or by a group.

    Two statements, whatever the number of people; none for users who are not limited to sites, whom nobody is beyond.
    """
    if not principal.site_limited or not person_ids:
        return frozenset()
    held = transaction.all(_HELD, ids=_listed(person_ids), now=now)
    asked = {each.role_id for each in held}
    beyond = set(transaction.all(_ROLES_BEYOND, ids=_listed(asked), user_id=principal.user_id)) if asked else set()
    return frozenset(each.person_id for each in held if each.role_id in beyond)


def require_reach_of_person(transaction: Transaction, by: Principal | None, person_id: int, now: int) -> None:
    """Let a user decide about a person's access as a whole: their credentials, validity, deletion.

    Raises Forbidden where a user who is limited to sites would decide who opens a door at another one. `by` None is the
    installation's operator.
    """
    if by is not None and people_beyond(transaction, by, (person_id,), now):
        raise Forbidden(PERSON_BEYOND)


def visible_roles(transaction: Transaction, role_ids: Collection[int], principal: Principal) -> frozenset[int]:
    """Those of the roles that the user sees: of one who is limited to sites, those that name a channel there."""
    if not principal.site_limited:
        return frozenset(role_ids)
    return frozenset(transaction.all(_ROLES_VISIBLE, ids=_listed(role_ids), user_id=principal.user_id))


def require_reach(
    transaction: Transaction,
    principal: Principal,
    *,
    role_ids: Collection[int] = (),
    group_ids: Collection[int] = (),
) -> None:
    """Let a user give or take these roles and memberships of groups.

    Raises Invalid, naming role_ids or group_ids, where a user who is limited to sites would change who may open a door
    at another site. To be asked about what is added and what is removed, not about what stays.
    """
    if not principal.site_limited or not (role_ids or group_ids):
        return
    of_groups = transaction.all(_ROLES_OF_GROUPS, ids=_listed(group_ids)) if group_ids else []
    asked = {*role_ids, *(pair.role_id for pair in of_groups)}
    beyond = set(transaction.all(_ROLES_BEYOND, ids=_listed(asked), user_id=principal.user_id))
    refused = {
        "role_ids": sorted(beyond.intersection(role_ids)),
        "group_ids": sorted({pair.group_id for pair in of_groups if pair.role_id in beyond}),
    }
    errors = {name: [f"{BEYOND}: {', '.join(map(str, ids))}"] for name, ids in refused.items() if ids}
    if errors:
        raise Invalid(errors)


def ids_in(body: object, name: str) -> frozenset[int]:
    """The ids that a body lists under a name, as far as they are ids; to complain about others is the service's."""
    found = body.get(name) if isinstance(body, dict) else None
    return frozenset(each for each in found if type(each) is int) if isinstance(found, list) else frozenset()


def _listed(ids: Iterable[int]) -> str:
    return str([min(each, 2**62) for each in sorted(ids)])
