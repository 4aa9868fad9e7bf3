"""What a few letters find, at most a dozen things: each only for those who may see it."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from sqlalchemy import bindparam, func, literal_column, or_, select, union_all
from sqlalchemy.types import Text

from doorward.channels.tables import channels
from doorward.console.navigation import Place, offered_to
from doorward.console.people.rows import initials, rows_of
from doorward.credentials.finding import card_lookup
from doorward.credentials.tables import credentials
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups
from doorward.kit.crypto import Vault
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.people.finding import Wanted, first_people
from doorward.people.tables import people
from doorward.roles.tables import role_channels, roles
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites

_PEOPLE: Final = 5
_EACH: Final = 3
_MOST: Final = 12

_ACTIONS: Final = (
    Place("add_person", "Add a person", "/console/people/new", ("account.person",), "user-plus"),
    Place("import_people", "Import people from a file", "/console/people/import", ("account.person",), "file-import"),
    Place("add_site", "Add a site", "/console/sites/new", ("account.site",), "building"),
)
"""What can be done, beside the places that one can go to."""


class Result(NamedTuple):
    """Something that was found: a link, with a word beside it; of people, what stands for their face."""

    name: str
    address: str
    icon: str
    hint: str = ""
    photo: str | None = None
    initials: str = ""


class Results(NamedTuple):
    """Things of one kind."""

    label: str
    found: list[Result]


_Kind = Literal["door", "role", "group"]


class _Named(NamedTuple):
    kind: _Kind
    id: int
    name: str
    hint: str


class _Holder(NamedTuple):
    id: int
    first_name: str
    last_name: str
    number: str


def _named(backend: str) -> Query[_Named]:
    place = func.instr if backend == "sqlite" else func.strpos
    part = bindparam("part", type_=Text)
    nothing = literal_column("''", Text)
    in_sight = or_(
        bindparam("site_limited") == 0,
        roles.c.id.in_(
            select(role_channels.c.role_id).join(channels, channels.c.id == role_channels.c.channel_id).where(VISIBLE)
        ),
    )
    ways = (
        select(literal_column("'door'", Text).label("kind"), channels.c.id, channels.c.name, sites.c.name.label("hint"))
        .join(sites, sites.c.id == channels.c.site_id)
        .where(VISIBLE, bindparam("doors") == 1, place(channels.c.name_key, part) > 0)
        .order_by(channels.c.name_key, channels.c.id)
        .limit(_EACH),
        select(literal_column("'role'", Text).label("kind"), roles.c.id, roles.c.name, nothing.label("hint"))
        .where(
            roles.c.account_id == bindparam("account_id"),
            roles.c.reservation_id.is_(None),
            bindparam("roles") == 1,
            place(roles.c.name_key, part) > 0,
            in_sight,
        )
        .order_by(roles.c.name_key, roles.c.id)
        .limit(_EACH),
        select(literal_column("'group'", Text).label("kind"), groups.c.id, groups.c.name, nothing.label("hint"))
        .where(
            groups.c.account_id == bindparam("account_id"), bindparam("groups") == 1, place(groups.c.name_key, part) > 0
        )
        .order_by(groups.c.name_key, groups.c.id)
        .limit(_EACH),
    )
    return Query(union_all(*(select(way.subquery()) for way in ways)), _Named)


_NAMED: Final = {backend: _named(backend) for backend in ("sqlite", "postgresql")}
_HOLDERS: Final = Query(
    select(people.c.id, people.c.first_name, people.c.last_name, credentials.c.value)
    .join(credentials, credentials.c.person_id == people.c.id)
    .where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.lookup == bindparam("card"),
        credentials.c.is_live == 1,
        people.c.deleted_at.is_(None),
    )
    .limit(_EACH),
    _Holder,
)


def search(transaction: Transaction, vault: Vault, principal: Principal, text: str) -> list[Results]:
    """What is found, by kinds; those without anything are left out. Nothing for a blank text."""
    if not text.strip() or "\0" in text:
        return []
    named = _things(transaction, principal, text)
    kinds = [
        Results("Cards", _cards(transaction, vault, principal, text)),
        Results("People", _people(transaction, principal, text)),
        Results("Doors", [Result(each.name, f"/console/doors/{each.id}", "door", each.hint) for each in named["door"]]),
        Results("Groups", [Result(each.name, f"/console/groups/{each.id}", "users-group") for each in named["group"]]),
        Results("Roles", [Result(each.name, f"/console/roles/{each.id}", "id-badge") for each in named["role"]]),
        Results("Pages", _pages(principal, text)),
    ]
    left, found = _MOST, []
    for each in kinds:
        some = each.found[:left]
        left -= len(some)
        if some:
            found.append(each._replace(found=some))
    return found


def _people(transaction: Transaction, principal: Principal, text: str) -> list[Result]:
    if not principal.may("account.person.readonly"):
        return []
    ids = first_people(transaction, principal.account_id, Wanted(text), _PEOPLE)
    return [
        Result(
            row.name,
            f"/console/people/{row.id}",
            "user",
            row.job_title or row.email or "",
            row.photo,
            initials(row.first_name, row.last_name),
        )
        for row in rows_of(transaction, ids)
    ]


def _cards(transaction: Transaction, vault: Vault, principal: Principal, text: str) -> list[Result]:
    card = card_lookup(vault, principal.account_id, text)
    if not card or not principal.may("account.person.readonly"):
        return []
    return [
        Result(each.number, f"/console/people/{each.id}", "credit-card", f"{each.first_name} {each.last_name}".strip())
        for each in transaction.all(_HOLDERS, account_id=principal.account_id, card=card)
    ]


def _things(transaction: Transaction, principal: Principal, text: str) -> dict[_Kind, list[_Named]]:
    rights = {
        "doors": int(principal.may("account.channel.readonly")),
        "roles": int(principal.may("account.role.readonly")),
        "groups": int(principal.may("account.group.readonly")),
    }
    part = " ".join(sort_key(text).split())
    found = transaction.all(_NAMED[transaction.backend], part=part, **rights, **visible_to(principal))
    kinds: Sequence[_Kind] = ("door", "role", "group")
    return {kind: [each for each in found if each.kind == kind] for kind in kinds}


def _pages(principal: Principal, text: str) -> list[Result]:
    words = sort_key(text).split()
    places = [place for section in offered_to(principal) for place in section.places]
    places += [place for place in _ACTIONS if principal.may(*place.scopes)]
    fitting = [place for place in places if all(word in sort_key(place.label) for word in words)]
    return [Result(place.label, place.path, place.icon) for place in fitting[:4]]
