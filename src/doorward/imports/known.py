"""What of an account the rows of a file are held against, read for many rows at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select

from doorward.accounts.tables import accounts
from doorward.credentials.tables import IS_MEMORISED, credential_types, credentials
from doorward.credentials.types import CredentialType, list_types
from doorward.db.links import Links
from doorward.db.query import Query, number, one_of, one_of_words, word
from doorward.db.unit_of_work import Transaction, require
from doorward.groups.tables import groups
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.people.holding import with_sets
from doorward.people.person import PEOPLE, Customs, Person
from doorward.people.tables import people
from doorward.roles.reach import require_reach
from doorward.roles.tables import person_roles, roles


class Named(NamedTuple):
    """A group or a role."""

    id: int
    name: str
    name_key: str


class Held(NamedTuple):
    """A live credential as it is stored."""

    id: int
    person_id: int
    credential_type_id: int
    stored: str
    lookup: str


class Address(NamedTuple):
    """Whose address it is."""

    person_id: int
    email_key: str


_OF_ACCOUNT: Final = people.c.account_id == bindparam("account_id")
_CUSTOMS: Final = Query(
    select(accounts.c.time_zone, accounts.c.passport_enabled).where(accounts.c.id == bindparam("account_id")),
    lambda time_zone, passports: Customs(ZoneInfo(time_zone), bool(passports)),
)
_GROUPS: Final = Query(
    select(groups.c.id, groups.c.name, groups.c.name_key).where(groups.c.account_id == bindparam("account_id")), Named
)
_ROLES: Final = Query(
    select(roles.c.id, roles.c.name, roles.c.name_key).where(
        roles.c.account_id == bindparam("account_id"), roles.c.reservation_id.is_(None)
    ),
    Named,
)
_WITH_ADDRESS: Final = Query(
    select(*PEOPLE.columns).where(_OF_ACCOUNT, people.c.deleted_at.is_(None), one_of_words(people.c.email_key, "keys")),
    PEOPLE.of,
)
_WITH_SYSTEM_ID: Final = Query(
    select(*PEOPLE.columns)
    .where(_OF_ACCOUNT, people.c.deleted_at.is_(None), one_of_words(people.c.system_id, "keys"))
    .order_by(people.c.id),
    PEOPLE.of,
)
_ADDRESSES: Final = Query(
    select(people.c.id, people.c.email_key).where(
        _OF_ACCOUNT, people.c.deleted_at.is_(None), one_of_words(people.c.email_key, "keys")
    ),
    Address,
)
_HELD_COLUMNS: Final = (
    credentials.c.id,
    credentials.c.person_id,
    credentials.c.credential_type_id,
    credentials.c.value,
    credentials.c.lookup,
)
_HELD: Final = Query(
    select(*_HELD_COLUMNS).where(one_of(credentials.c.person_id, "ids"), credentials.c.is_live == 1), Held
)
_TAKEN: Final = Query(
    select(*_HELD_COLUMNS).where(
        credentials.c.account_id == bindparam("account_id"),
        one_of_words(credentials.c.lookup, "keys"),
        credentials.c.is_live == 1,
    ),
    Held,
)
_PINS: Final = Query(
    select(credentials.c.lookup)
    .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
    .where(credential_types.c.account_id == bindparam("account_id"), IS_MEMORISED),
    word,
)
_PIN_HOLDERS: Final = Query(
    select(func.count(credentials.c.person_id.distinct()))
    .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
    .where(
        credential_types.c.account_id == bindparam("account_id"),
        IS_MEMORISED,
        credentials.c.is_live == 1,
    ),
    number,
)
_LASTING: Final = Links(
    person_roles.c.person_id,
    person_roles.c.role_id,
    person_roles.c.role_id.in_(select(roles.c.id).where(roles.c.reservation_id.is_(None))),
)


class Account(NamedTuple):
    """What all rows of a file have in common."""

    id: int
    customs: Customs
    types: Mapping[str, CredentialType]
    """By slug."""
    groups: "Names"
    roles: "Names"


class Names:
    """Groups or roles, found by what a cell calls them: an id, or a name without regard to case."""

    def __init__(self, found: Iterable[Named]) -> None:
        self._ids: dict[str, int] = {}
        self._named: defaultdict[str, list[Named]] = defaultdict(list)
        for each in found:
            self._ids[str(each.id)] = each.id
            self._named[each.name_key].append(each)

    def find(self, name: str, name_key: str) -> list[int]:
        """The ids of those that are meant: one, if all is well."""
        if name in self._ids:
            return [self._ids[name]]
        alike = self._named.get(name_key, [])
        exact = [each.id for each in alike if each.name == name]
        return exact or [each.id for each in alike]


def read_account(transaction: Transaction, account_id: int) -> Account:
    """Read what all rows have in common."""
    return Account(
        account_id,
        require(transaction.one(_CUSTOMS, account_id=account_id)),
        {found.slug: found for found in list_types(transaction, account_id)},
        Names(transaction.all(_GROUPS, account_id=account_id)),
        Names(transaction.all(_ROLES, account_id=account_id)),
    )


class Known(NamedTuple):
    """What is known of those whom some rows are about."""

    people: Mapping[str, list[Person]]
    """By the key that rows are matched by; with their groups and roles, of which those of reservations are left out."""
    addresses: Mapping[str, int]
    """Whose address is in use, by `email_key`."""
    held: Mapping[int, list[Held]]
    """By person."""
    taken: Mapping[str, Held]
    """By lookup."""


def read_known(
    transaction: Transaction,
    account_id: int,
    match: str | None,
    keys: Collection[str],
    addresses: Collection[str],
    lookups: Collection[str],
) -> Known:
    """Read it, with a number of statements that does not depend on that of the rows."""
    matched: defaultdict[str, list[Person]] = defaultdict(list)
    if match and keys:
        query = _WITH_ADDRESS if match == "email" else _WITH_SYSTEM_ID
        found = with_sets(transaction, transaction.all(query, account_id=account_id, keys=_listed(keys)))
        lasting = _LASTING.of_many(transaction, [person.id for person in found])
        for person in found:
            matched[getattr(person, "email_key" if match == "email" else match)].append(
                person._replace(role_ids=lasting.get(person.id, ()))
            )
    held: defaultdict[int, list[Held]] = defaultdict(list)
    if matched:
        ids = [person.id for alike in matched.values() for person in alike]
        for each in transaction.all(_HELD, ids=str(ids)):
            held[each.person_id].append(each)
    in_use = transaction.all(_ADDRESSES, account_id=account_id, keys=_listed(addresses)) if addresses else []
    taken = transaction.all(_TAKEN, account_id=account_id, keys=_listed(lookups)) if lookups else []
    return Known(
        matched, {each.email_key: each.person_id for each in in_use}, held, {each.lookup: each for each in taken}
    )


def pin_lookups(transaction: Transaction, account_id: int) -> set[str]:
    """Of all PINs that somebody has or has had."""
    return set(transaction.all(_PINS, account_id=account_id))


def pin_holders(transaction: Transaction, account_id: int) -> int:
    """How many people have a PIN."""
    return transaction.one(_PIN_HOLDERS, account_id=account_id) or 0


def beyond_reach(transaction: Transaction, by: Principal, name: str, ids: Iterable[int]) -> set[int]:
    """Those of some groups (`name` group_ids) or roles (role_ids) that the user may neither give nor take."""
    refused = set()
    for each in ids:
        try:
            if name == "group_ids":
                require_reach(transaction, by, group_ids=(each,))
            else:
                require_reach(transaction, by, role_ids=(each,))
        except Invalid:
            refused.add(each)
    return refused


def _listed(words: Collection[str]) -> str:
    return json.dumps(list(words))
