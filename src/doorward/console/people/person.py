"""One person as their page shows them: what is said of them, and what they have, with two statements."""

from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import BigInteger, Text, and_, bindparam, case, cast, literal_column, null, or_, select, union_all

from doorward.channels.tables import channels
from doorward.credentials.tables import IS_MEMORISED, credential_types, credentials
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import groups, person_groups
from doorward.images.service import FULL, THUMBNAIL
from doorward.images.tables import images
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.people.person import PEOPLE, Person
from doorward.people.tables import people
from doorward.roles.tables import person_roles, role_channels, roles
from doorward.shifts.tables import shifts
from doorward.sites.sight import VISIBLE, visible_to

_Kind = Literal["credential", "group", "lent_group", "role", "reservation"]


class Portrait(NamedTuple):
    """A person, and what the addresses of their photo end with, if there is one."""

    person: Person
    photo: str | None
    thumbnail: str | None

    @property
    def name(self) -> str:
        """First and last."""
        return f"{self.person.first_name} {self.person.last_name}".strip()


class Belonging(NamedTuple):
    """A credential, or something that the person is in or holds, in [start, end) where these are given.

    Of a credential, `name` is that of its type, `value` what is on it (never a PIN), `start` when it was issued.
    """

    kind: _Kind
    id: int
    name: str
    value: str
    credential_kind: str
    start: int | None
    end: int | None


_full = images.alias("full_size")
_small = images.alias("small_size")
_PORTRAIT: Final = Query(
    select(*PEOPLE.columns, _full.c.name, _small.c.name)
    .select_from(
        people.outerjoin(_full, and_(_full.c.person_id == people.c.id, _full.c.size == FULL)).outerjoin(
            _small, and_(_small.c.person_id == people.c.id, _small.c.size == THUMBNAIL)
        )
    )
    .where(
        people.c.account_id == bindparam("account_id"),
        people.c.id == bindparam("the_id"),
        people.c.deleted_at.is_(None),
    ),
    lambda *values: Portrait(PEOPLE.of(*values[:-2]), values[-2], values[-1]),
)

_NO_TEXT: Final = cast("", Text)
_NEVER: Final = cast(null(), BigInteger)


def _kind(name: _Kind) -> Any:
    return literal_column(f"'{name}'", Text)


_IN_SIGHT: Final = or_(
    bindparam("site_limited") == 0,
    roles.c.id.in_(
        select(role_channels.c.role_id).join(channels, channels.c.id == role_channels.c.channel_id).where(VISIBLE)
    ),
)
_BELONGINGS: Final = Query(
    union_all(
        select(
            _kind("credential"),
            credentials.c.id,
            credential_types.c.label,
            case((IS_MEMORISED, _NO_TEXT), else_=credentials.c.value),
            credential_types.c.kind,
            credentials.c.created_at,
            _NEVER,
        )
        .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
        .where(credentials.c.person_id == bindparam("person_id"), credentials.c.is_live == 1),
        select(_kind("group"), groups.c.id, groups.c.name, _NO_TEXT, _NO_TEXT, _NEVER, _NEVER)
        .join(person_groups, person_groups.c.group_id == groups.c.id)
        .where(person_groups.c.person_id == bindparam("person_id")),
        select(
            _kind("lent_group"),
            groups.c.id,
            groups.c.name,
            _NO_TEXT,
            _NO_TEXT,
            group_reservations.c.start_time,
            group_reservations.c.end_time,
        )
        .join(group_reservation_groups, group_reservation_groups.c.group_id == groups.c.id)
        .join(group_reservations, group_reservations.c.id == group_reservation_groups.c.group_reservation_id)
        .where(
            group_reservations.c.person_id == bindparam("person_id"),
            group_reservations.c.deactivated_at.is_(None),
            group_reservations.c.end_time > bindparam("now"),
        ),
        select(
            case((roles.c.reservation_id.is_(None), _kind("role")), else_=_kind("reservation")),
            roles.c.id,
            roles.c.name,
            _NO_TEXT,
            _NO_TEXT,
            shifts.c.starts_at,
            shifts.c.ends_at,
        )
        .select_from(
            person_roles.join(roles, roles.c.id == person_roles.c.role_id).outerjoin(
                shifts, shifts.c.id == roles.c.shift_id
            )
        )
        .where(
            person_roles.c.person_id == bindparam("person_id"),
            or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("now")),
            _IN_SIGHT,
        ),
    ),
    Belonging,
)


def portrait_of(transaction: Transaction, account_id: int, person_id: int) -> Portrait:
    """A person with their photo; of groups and roles nothing. Raises NotFound."""
    found = transaction.one(_PORTRAIT, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    return found


def belongings_of(transaction: Transaction, principal: Principal, person_id: int, now: int) -> list[Belonging]:
    """What one of the account's people has now and will have; of roles those that the user sees."""
    found = transaction.all(_BELONGINGS, person_id=person_id, now=now, **visible_to(principal))
    return sorted(found, key=lambda each: (each.kind, each.start or 0, each.name.casefold(), each.id))
