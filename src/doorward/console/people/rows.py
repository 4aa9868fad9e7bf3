"""A page of the list of people as it is shown: few statements, whatever the number of rows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select, union_all

from doorward.credentials.tables import credentials
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups, person_groups
from doorward.images.service import THUMBNAIL
from doorward.images.tables import images
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.tables import roles


class Standing(NamedTuple):
    """How somebody stands, for page.state(): a kind, a word, an icon."""

    kind: str
    word: str
    icon: str


class Named(NamedTuple):
    """A thing with a name."""

    id: int
    name: str


class Row(NamedTuple):
    """Somebody in the list."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    job_title: str | None
    enabled: int
    valid_from: int | None
    valid_to: int | None
    photo: str | None
    """What the address of the thumbnail ends with."""
    credentials: int
    groups: tuple[Named, ...] = ()

    @property
    def name(self) -> str:
        """First and last."""
        return f"{self.first_name} {self.last_name}".strip()


class Choices(NamedTuple):
    """What a list of people can be narrowed down to, and what people can be given: groups and lasting roles."""

    groups: list[Named]
    roles: list[Named]


class _InGroup(NamedTuple):
    person_id: int
    group_id: int
    name: str


class _Option(NamedTuple):
    kind: str
    id: int
    name: str
    name_key: str


_MOST_CHOICES: Final = 1_000
_ROWS: Final = Query(
    select(
        people.c.id,
        people.c.first_name,
        people.c.last_name,
        people.c.email,
        people.c.job_title,
        people.c.enabled,
        people.c.valid_from,
        people.c.valid_to,
        images.c.name,
        select(func.count())
        .select_from(credentials)
        .where(credentials.c.person_id == people.c.id, credentials.c.is_live == literal_column("1"))
        .scalar_subquery(),
    )
    .select_from(people.outerjoin(images, (images.c.person_id == people.c.id) & (images.c.size == THUMBNAIL)))
    .where(one_of(people.c.id, "ids")),
    Row,
)
_GROUPS: Final = Query(
    select(person_groups.c.person_id, groups.c.id, groups.c.name)
    .join(groups, groups.c.id == person_groups.c.group_id)
    .where(one_of(person_groups.c.person_id, "ids"))
    .order_by(groups.c.name_key, groups.c.id),
    _InGroup,
)
_CHOICES: Final = Query(
    union_all(
        select(literal_column("'group'"), groups.c.id, groups.c.name, groups.c.name_key).where(
            groups.c.account_id == bindparam("account_id")
        ),
        select(literal_column("'role'"), roles.c.id, roles.c.name, roles.c.name_key).where(
            roles.c.account_id == bindparam("account_id"), roles.c.reservation_id.is_(None)
        ),
    ),
    _Option,
)


def standing_of(
    enabled: bool | int, valid_from: int | None, valid_to: int | None, principal: Principal, now: int
) -> Standing:
    """Whether doors let somebody pass at all, by what is said of them alone."""
    if not enabled:
        return Standing("off", "Disabled", "user-off")
    if valid_to is not None and valid_to <= now:
        return Standing("late", f"Ended {_day(valid_to, principal)}", "calendar-off")
    if valid_from is not None and valid_from > now:
        return Standing("plain", f"From {_day(valid_from, principal)}", "calendar-time")
    return Standing("good", "Enabled", "user-check")


def rows_of(transaction: Transaction, ids: Sequence[int]) -> list[Row]:
    """The people with these ids, in this order, with their groups."""
    if not ids:
        return []
    listed = str(list(ids))
    in_groups: defaultdict[int, list[Named]] = defaultdict(list)
    for each in transaction.all(_GROUPS, ids=listed):
        in_groups[each.person_id].append(Named(each.group_id, each.name))
    found = {row.id: row for row in transaction.all(_ROWS, ids=listed)}
    return [found[each]._replace(groups=tuple(in_groups[each])) for each in ids if each in found]


def choices_of(transaction: Transaction, account_id: int) -> Choices:
    """The account's groups and roles, by name."""
    found = sorted(transaction.all(_CHOICES, account_id=account_id), key=lambda each: (each.name_key, each.id))
    of = {
        kind: [Named(each.id, each.name) for each in found if each.kind == kind][:_MOST_CHOICES]
        for kind in ("group", "role")
    }
    return Choices(of["group"], of["role"])


def initials(first_name: str, last_name: str) -> str:
    """What stands for somebody without a photo: "AL"."""
    return "".join(name.strip()[:1].upper() for name in (first_name, last_name)) or "?"


def _day(at: int, principal: Principal) -> str:
    local = local_datetime(at, principal.zone)
    return f"{local.day} {local:%b %Y}"
