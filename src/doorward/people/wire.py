"""A person on the wire (contract, Person): the same fields for everybody, then one for each credential type."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import bindparam, select

from doorward.credentials.service import list_credentials
from doorward.credentials.sight import sight_of
from doorward.credentials.types import list_types
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.reserved import reserved_groups
from doorward.images.service import Names, names_of_people
from doorward.kit.crypto import Vault
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.people.person import Person
from doorward.roles.tables import person_roles, roles
from doorward.wire.docs import Id, Instant

Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]
Address = Annotated[str, Meta(extra_json_schema={"format": "uri"})]


class PersonBody(Struct, frozen=True, omit_defaults=True):
    """A person as documented: beside these fields there is one for each credential type, by its slug."""

    id: Id
    first_name: str
    last_name: str
    salutation: str | None
    job_title: str | None
    email: Email | None
    organisation_id: int | None
    system_id: str | None
    department: str | None
    enabled: bool
    valid_from: Instant | None
    valid_to: Instant | None
    image_url: Address | None
    image_thumbnail_url: Address | None
    telephone: str | None
    mobile: str | None
    notes: str | None
    barcode: str | None
    custom_1: str | None
    custom_2: str | None
    custom_3: str | None
    custom_4: str | None
    custom_5: str | None
    created_at: Instant
    updated_at: Instant
    groups: list[Id]
    roles: list[Id]
    deleted: bool | UnsetType = UNSET
    """Only of those who are deleted, in lists with `since`."""


# The role of a reservation that has ended is gone, also before it is swept.
_ENDED_ROLES: Final = Query(
    select(roles.c.id)
    .join(person_roles, person_roles.c.role_id == roles.c.id)
    .where(one_of(person_roles.c.person_id, "ids"), roles.c.expires_at <= bindparam("now")),
    number,
)


def person_bodies(
    transaction: Transaction, vault: Vault, principal: Principal, found: Sequence[Person], now: int, base_url: str
) -> list[dict[str, object]]:
    """People of the account as the API shows them to the bearer of a token (credentials/sight.py), in the order given.

    The number of queries does not depend on theirs.
    `groups` has also those of a group reservation that is active at `now`. Somebody who is deleted is marked so.
    """
    if not found:
        return []
    account_id = principal.account_id
    sight = sight_of(transaction, principal, now)
    ids = [person.id for person in found]
    living = [person.id for person in found if person.deleted_at is None]
    slugs = {entry.slug: None for entry in list_types(transaction, account_id)}
    held: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for credential in list_credentials(transaction, vault, account_id, living, sight):
        held[credential.person_id][credential.slug] = credential.value
    reserved: defaultdict[int, set[int]] = defaultdict(set)
    for membership in reserved_groups(transaction, living, now):
        reserved[membership.person_id].add(membership.group_id)
    ended = frozenset(transaction.all(_ENDED_ROLES, ids=str(living), now=now))
    images = names_of_people(transaction, ids)
    nothing: dict[str, str] = {}
    return [
        _fields(person, images.get(person.id), base_url)
        | {
            "groups": sorted({*person.group_ids, *reserved.get(person.id, ())}),
            "roles": [role_id for role_id in person.role_ids if role_id not in ended],
        }
        | slugs
        | held.get(person.id, nothing)
        | ({} if person.deleted_at is None else {"deleted": True})
        for person in found
    ]


def _fields(person: Person, image: Names | None, base_url: str) -> dict[str, object]:
    return {
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "salutation": person.salutation,
        "job_title": person.job_title,
        "email": person.email,
        "organisation_id": person.organisation_id,
        "system_id": person.system_id,
        "department": person.department,
        "enabled": person.enabled,
        "valid_from": _instant(person.valid_from),
        "valid_to": _instant(person.valid_to),
        "image_url": None if image is None else f"{base_url}/images/{image.full}",
        "image_thumbnail_url": None if image is None else f"{base_url}/images/{image.thumbnail}",
        "telephone": person.telephone,
        "mobile": person.mobile,
        "notes": person.notes,
        "barcode": person.barcode,
        "custom_1": person.custom_1,
        "custom_2": person.custom_2,
        "custom_3": person.custom_3,
        "custom_4": person.custom_4,
        "custom_5": person.custom_5,
        "created_at": format_instant(person.created_at),
        "updated_at": format_instant(person.updated_at),
    }


def _instant(value: int | None) -> str | None:
    return None if value is None else format_instant(value)
