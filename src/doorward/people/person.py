"""A person as a row, and what a body says about one."""

import re
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.db.rows import Rows
from doorward.kit.email_addresses import email_key
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.people.tables import people


class Person(NamedTuple):
    """Somebody who may open doors. Validity is half-open: [valid_from, valid_to), milliseconds UTC.

    `role_ids` are the roles of the person's own, those of reservations among them; not those of groups.
    """

    id: int
    account_id: int
    first_name: str
    last_name: str
    name_key: str
    created_at: int
    updated_at: int
    salutation: str | None = None
    job_title: str | None = None
    department: str | None = None
    email: str | None = None
    email_key: str | None = None
    telephone: str | None = None
    mobile: str | None = None
    notes: str | None = None
    barcode: str | None = None
    system_id: str | None = None
    organisation_id: int | None = None
    custom_1: str | None = None
    custom_2: str | None = None
    custom_3: str | None = None
    custom_4: str | None = None
    custom_5: str | None = None
    enabled: bool = True
    valid_from: int | None = None
    valid_to: int | None = None
    deleted_at: int | None = None
    group_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()


PEOPLE: Final = Rows(people, Person)


class Customs(NamedTuple):
    """What of an account decides how a person is read: its time zone, and whether people open doors with telephones."""

    zone: ZoneInfo
    passports: bool


_E164: Final = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
_LINES: Final = (
    *("salutation", "job_title", "department", "telephone", "mobile", "barcode", "system_id"),
    *(f"custom_{number}" for number in range(1, 6)),
)


def read_person(fields: StructuredFields, before: Person, customs: Customs) -> Person:
    """The person as the body wants them: what it does not mention stays. Complaints are left in `fields`."""
    given: dict[str, Any] = {}
    for name in ("first_name", "last_name"):
        if name in fields or not getattr(before, name):
            given[name] = fields.name(name, required=True) or ""
    given.update({name: fields.line(name) for name in _LINES if name in fields})
    if customs.passports and given.get("mobile") is not None and not _E164.fullmatch(given["mobile"]):
        fields.complain("mobile", "must be in the format of E.164, such as +14155551234")
    if "notes" in fields:
        given["notes"] = fields.notes()
    if "email" in fields:
        address = given["email"] = fields.email("email")
        given["email_key"] = None if address is None else email_key(address)
    if "organisation_id" in fields:
        given["organisation_id"] = fields.integer("organisation_id")
    if "enabled" in fields:
        given["enabled"] = fields.flag("enabled", before=before.enabled)
    given.update({name: fields.instant(name, customs.zone) for name in ("valid_from", "valid_to") if name in fields})
    wanted = before._replace(**given)
    if wanted.valid_from is not None and wanted.valid_to is not None and wanted.valid_to <= wanted.valid_from:
        fields.complain("valid_to", "must be after valid_from")
    return wanted._replace(name_key=sort_key(f"{wanted.first_name} {wanted.last_name}"))
