"""Where people were last seen to go: who is in which area, and forgiving them for anti-passback `[ours]`.

Whoever is forgiven may stand anywhere, as somebody who was never seen. What a door tells later of an earlier time does
not undo it, so the row stays, with the instant.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.tables import IS_KNOWN, presences
from doorward.db.ownership import Owned
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.reach import require_reach_of_person
from doorward.sites.service import get_site
from doorward.sites.tables import areas

FORGIVEN: Final = "forgive"
"""As what the audit log knows it."""

_MOST_NAMED: Final = 1000


class Inside(NamedTuple):
    """Somebody in an area, and since when."""

    id: int
    name: str
    since: int


class Occupancy(NamedTuple):
    """An area, how many people are in it, and some of them: who came last comes first."""

    area_id: int
    area_name: str
    total: int
    people: list[Inside]


class _Counted(NamedTuple):
    site_id: int
    area_id: int
    area_name: str
    total: int


class _Listed(NamedTuple):
    area_id: int
    person_id: int
    first_name: str
    last_name: str
    since: int


_LIVING: Final = Owned(people, people.c.deleted_at.is_(None))
_now = bindparam("now", type_=presences.c.forgiven_at.type)
# A door's clock may be ahead of the server's.
_NOT_BEFORE: Final = case((presences.c.since > _now, presences.c.since), else_=_now)

_FORGIVE: Final = Query[None](
    insert(presences)
    .values(person_id=bindparam("person_id"), account_id=bindparam("account_id"), since=0, forgiven_at=_now)
    # SQLite says it in the same words as PostgreSQL.
    .on_conflict_do_update(index_elements=["person_id"], set_={"forgiven_at": _NOT_BEFORE})
)
_OF_SITE: Final = presences.c.area_id.in_(
    select(areas.c.id).where(areas.c.account_id == bindparam("account_id"), areas.c.site_id == bindparam("the_site"))
)
_FORGIVE_AT_SITE: Final = Query(
    update(presences)
    .where(presences.c.account_id == bindparam("account_id"), _OF_SITE, IS_KNOWN)
    .values(forgiven_at=_NOT_BEFORE)
    .returning(presences.c.person_id),
    number,
)

_INSIDE: Final = (
    presences.c.area_id == areas.c.id,
    presences.c.account_id == areas.c.account_id,
    IS_KNOWN,
    people.c.id == presences.c.person_id,
    people.c.deleted_at.is_(None),
)
_AREAS: Final = and_(areas.c.account_id == bindparam("account_id"), one_of(areas.c.site_id, "site_ids"))
_COUNT: Final = Query(
    select(
        areas.c.site_id,
        areas.c.id,
        areas.c.name,
        select(func.count())
        .select_from(presences.join(people, people.c.id == presences.c.person_id))
        .where(*_INSIDE)
        # Else the areas would be its own, and every count the same.
        .correlate(areas)
        .scalar_subquery(),
    )
    .where(_AREAS)
    .order_by(areas.c.id),
    _Counted,
)
_ranked = (
    select(
        areas.c.id.label("area_id"),
        people.c.id.label("person_id"),
        people.c.first_name,
        people.c.last_name,
        presences.c.since,
        func.row_number()
        .over(partition_by=areas.c.id, order_by=(presences.c.since.desc(), people.c.id))
        .label("place"),
    )
    .where(_AREAS, *_INSIDE)
    .subquery("ranked")
)
_PEOPLE: Final = Query(
    select(_ranked.c.area_id, _ranked.c.person_id, _ranked.c.first_name, _ranked.c.last_name, _ranked.c.since)
    .where(_ranked.c.place > bindparam("offset"), _ranked.c.place <= bindparam("until"))
    .order_by(_ranked.c.area_id, _ranked.c.place),
    _Listed,
)


def forgive_person(
    transaction: Transaction, account_id: int, person_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Let a person pass whatever doors they passed before; doors learn of it as of any change.

    Raises NotFound, and Forbidden where a user who is limited to sites would decide whether somebody passes at others.
    """
    if _LIVING.missing(transaction, account_id, (person_id,)):
        raise NotFound
    require_reach_of_person(transaction, by, person_id, now)
    transaction.run(_FORGIVE, person_id=person_id, account_id=account_id, now=now)
    audit.record(transaction, account_id, FORGIVEN, "person", person_id, now)
    changes.note(transaction, account_id, now, person_id=person_id)


def forgive_at_site(
    transaction: Transaction, account_id: int, site_id: int, now: int, *, by: Principal | None = None
) -> int:
    """Forgive everybody who was last seen to go into an area of the site; gives their number. Raises NotFound."""
    get_site(transaction, account_id, site_id, by=by)
    person_ids = sorted(transaction.all(_FORGIVE_AT_SITE, account_id=account_id, the_site=site_id, now=now))
    if person_ids:
        after = {"people": len(person_ids), "person_ids": person_ids[:_MOST_NAMED]}
        audit.record(transaction, account_id, FORGIVEN, "site", site_id, now, after=after)
        changes.note_each(transaction, account_id, now, person_ids=person_ids)
    return len(person_ids)


def occupancy(
    transaction: Transaction, account_id: int, site_id: int, page: Page, *, by: Principal | None = None
) -> list[Occupancy]:
    """The areas of a site, oldest first, with a page of the people in each. Raises NotFound."""
    get_site(transaction, account_id, site_id, by=by)
    return [each for _, each in occupancy_at(transaction, account_id, [site_id], page)]


def occupancy_at(
    transaction: Transaction, account_id: int, site_ids: Collection[int], page: Page
) -> list[tuple[int, Occupancy]]:
    """The areas of some sites with the site of each, oldest first, with a page of the people in each."""
    asked = {"account_id": account_id, "site_ids": str(sorted(site_ids))}
    inside: defaultdict[int, list[Inside]] = defaultdict(list)
    part = {"offset": page.offset, "until": page.offset + page.limit}
    for each in transaction.all(_PEOPLE, **asked, **part):
        name = f"{each.first_name} {each.last_name}".strip()
        inside[each.area_id].append(Inside(each.person_id, name, each.since))
    return [
        (each.site_id, Occupancy(each.area_id, each.area_name, each.total, inside.get(each.area_id, [])))
        for each in transaction.all(_COUNT, **asked)
    ]
