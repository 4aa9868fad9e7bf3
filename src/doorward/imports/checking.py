"""Check the rows of a file by the rules that a person's body is read by, some hundred rows at a time.

Nothing is written here. What a row comes to is a Line; what is wrong with it, a complaint.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from doorward.credentials.pins import MEMORISED
from doorward.credentials.types import CredentialType
from doorward.db.unit_of_work import Database
from doorward.imports.complaints import Complaints
from doorward.imports.csv_file import CsvFile
from doorward.imports.keys import Given, Keys, Presented
from doorward.imports.known import Account, Known, beyond_reach, read_account, read_known
from doorward.imports.lines import Line
from doorward.imports.reach import beyond_people
from doorward.kit.crypto import Vault
from doorward.kit.email_addresses import clean_email, email_key
from doorward.kit.errors import Forbidden, Invalid
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText, clean, sort_key
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import PERMISSIONS
from doorward.people.person import Person, read_person
from doorward.people.service import ACCESS, IN_USE
from doorward.roles.reach import BEYOND

SLICE: Final = 500
MATCHES: Final = ("email", "system_id", "none")
SETS: Final = ("groups", "roles")
FIELDS: Final = (
    *("first_name", "last_name", "salutation", "job_title", "email", "department", "enabled", "valid_from"),
    *("valid_to", "telephone", "mobile", "notes", "barcode", "system_id", "organisation_id"),
    *(f"custom_{number}" for number in range(1, 6)),
    *SETS,
)
"""Columns beside those of credential types."""

_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SHOWN: Final = 50


class Options(NamedTuple):
    """How a file is to be read. `match` is the column by which a row's person is known again; None: by none."""

    match: str | None
    dry_run: bool


def usual_match(columns: Sequence[str]) -> str:
    """By what people are known again where nobody says: by their address, if the file has it."""
    return "email" if "email" in columns else "none"


def check_columns(
    columns: Sequence[str], types: Mapping[str, CredentialType], match: str, by: Principal | None
) -> None:
    """Whether every column means something. Raises Invalid, and Forbidden for roles from who may not edit them."""
    unknown = [name for name in columns if name not in FIELDS and name not in types]
    if unknown:
        names = ", ".join(name[:_SHOWN] for name in unknown[:10])
        raise Invalid({"file": [f"has columns that no person has: {names}"]})
    if match != "none" and match not in columns:
        raise Invalid({"match": [f"needs the column {match}; with match=none every row is a new person"]})
    check_roles(columns, by)


def check_roles(columns: Sequence[str], by: Principal | None) -> None:
    """Raises Forbidden for roles from who may not edit them."""
    if "roles" in columns and by is not None and "account.role" not in PERMISSIONS[by.user_role]:
        raise Forbidden


class _Row(NamedTuple):
    """A row's cells as the fields of a body: those that are empty say nothing."""

    number: int
    fields: StructuredFields
    cells: Mapping[str, str]
    key: str | None
    address: str | None
    presented: tuple[Presented, ...]


class Checker:
    """Checks one file, slice by slice; `settle` comes last."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        account_id: int,
        file: CsvFile,
        options: Options,
        by: Principal | None,
        now: int,
    ) -> None:
        self._database = database
        self._file = file
        self._match = options.match if options.match in file.columns else None
        self._by = by
        self._now = now
        self._account: Account = database.read_now(lambda transaction: read_account(transaction, account_id))
        self.keys = Keys(vault, self._account)
        self._seen: dict[tuple[str, str], int] = {}
        self._beyond: dict[tuple[str, int], bool] = {}
        self.complaints = Complaints()
        self.lines: list[Line] = []
        self.rows_done = 0

    def slices(self) -> Iterator[None]:
        """Check the file; stops for a breath after each slice."""
        rows = self._file.rows()
        while chunk := list(islice(rows, SLICE)):
            self._check([self._read(number, cells) for number, cells in chunk])
            self.rows_done += len(chunk)
            yield

    def settle(self) -> None:
        """Settle what the whole file can at once: whose access the user may decide, how long PINs must be, and such."""
        by = self._by
        if by is not None:
            refused = self._database.read_now(lambda transaction: beyond_people(transaction, by, self.lines, self._now))
            for row, errors in refused:
                self.complaints.add(row, errors)
        self.keys.settle(self._database, self.complaints)

    def _read(self, number: int, cells: Sequence[str]) -> _Row:
        given = {name: cell for name, cell in zip(self._file.columns, cells, strict=True) if cell.strip()}
        body: dict[str, Any] = {name: cell for name, cell in given.items() if name not in SETS}
        if "enabled" in body:
            body["enabled"] = _FLAGS.get(given["enabled"].strip().lower(), given["enabled"])
        if "organisation_id" in body:
            digits = given["organisation_id"].strip()
            body["organisation_id"] = int(digits) if digits.isascii() and digits.isdigit() else digits
        fields = StructuredFields(body)
        address = _address(given.get("email"))
        key = address if self._match == "email" else self._system_id(given) if self._match else None
        return _Row(number, fields, given, key, address, self.keys.read(fields, number))

    def _system_id(self, given: Mapping[str, str]) -> str | None:
        return StructuredFields({"system_id": given.get("system_id")}).line("system_id")

    def _check(self, rows: Sequence[_Row]) -> None:
        keys = {row.key for row in rows if row.key is not None}
        addresses = {row.address for row in rows if row.address is not None}
        lookups = {each.lookup for row in rows for each in row.presented if each.lookup}
        known = self._database.read_now(
            lambda transaction: read_known(transaction, self._account.id, self._match, keys, addresses, lookups)
        )
        for row in rows:
            line = self._line(row, known)
            if row.fields.errors:
                self.complaints.add(row.number, row.fields.errors)
            self.lines.append(line)

    def _line(self, row: _Row, known: Known) -> Line:
        fields = row.fields
        alike = known.people.get(row.key, []) if row.key is not None else []
        if len(alike) > 1:
            fields.complain(self._match or "", "Several people of your account have this")
        before = alike[0] if alike else None
        nobody = Person(0, self._account.id, "", "", "", self._now, self._now)
        wanted = read_person(fields, before or nobody, self._account.customs)._replace(updated_at=self._now)
        self._check_unique(row, wanted, known)
        group_ids = self._ids(row, "groups", self._account.groups.find, before.group_ids if before else ())
        role_ids = self._ids(row, "roles", self._account.roles.find, before.role_ids if before else ())
        held = known.held.get(before.id, []) if before else []
        given = self.keys.give(fields, row.number, row.presented, held, known.taken)
        decides = () if before is None else _decides(before, wanted, row.presented, given)
        return Line(row.number, before, wanted, group_ids, role_ids, given, decides)

    def _check_unique(self, row: _Row, wanted: Person, known: Known) -> None:
        """Against the account, and against the rows before."""
        if row.address is not None:
            holder = known.addresses.get(row.address)
            if holder is not None and holder != wanted.id:
                row.fields.complain("email", IN_USE)
        for name, value in (("email", row.address), (self._match or "", row.key)):
            if name and value is not None:
                first = self._seen.setdefault((name, value), row.number)
                if first != row.number:
                    row.fields.complain(name, f"is in row {first}, too")
                    break

    def _ids(self, row: _Row, column: str, find: Any, before: Sequence[int]) -> tuple[int, ...] | None:
        """The groups or roles that a cell names, separated by semicolons; None where it names none."""
        if column not in row.cells:
            return None
        found: dict[int, None] = {}
        for name in filter(None, map(str.strip, row.cells[column].split(";"))):
            ids = find(name, sort_key(name))
            if len(ids) == 1:
                found[ids[0]] = None
            else:
                message = "Several have the name" if ids else "Not found for this account"
                row.fields.complain(column, f"{message}: {_shown(name)}")
        for each in sorted({*found} ^ {*before}):
            if self._is_beyond("group_ids" if column == "groups" else "role_ids", each):
                row.fields.complain(column, f"{BEYOND}: {each}")
        return tuple(found)

    def _is_beyond(self, name: str, each: int) -> bool:
        by = self._by
        if by is None or not by.site_limited:
            return False
        if (name, each) not in self._beyond:
            beyond = self._database.read_now(lambda transaction: beyond_reach(transaction, by, name, (each,)))
            self._beyond[name, each] = bool(beyond)
        return self._beyond[name, each]


def _decides(before: Person, wanted: Person, presented: Sequence[Presented], given: Sequence[Given]) -> tuple[str, ...]:
    """A PIN counts, whichever it is: who may not read it is not told whether they have guessed it."""
    pins = {each.type.slug for each in presented if each.type.kind in MEMORISED}
    return (
        *(name for name in ACCESS if getattr(before, name) != getattr(wanted, name)),
        *sorted({each.type.slug for each in given} | pins),
    )


def _address(cell: str | None) -> str | None:
    """The key of an address; none of what is no address, which is complained of where the person is read."""
    if cell is None:
        return None
    try:
        return email_key(clean_email(clean(cell)))
    except InvalidText:
        return None


def _shown(name: str) -> str:
    """A name as it may be repeated to whoever gave it."""
    return "".join(character for character in name[:_SHOWN] if character.isprintable())
