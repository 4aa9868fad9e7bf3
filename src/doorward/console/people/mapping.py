"""Which column of a file says what of a person: guessed from its name, chosen otherwise, or left out."""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from doorward.credentials.types import CredentialType
from doorward.imports.checking import FIELDS
from doorward.imports.csv_file import CsvFile
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal

PREFIX: Final = "map_"
"""Of the fields that say what a column is: with its heading behind it, so that they mean nothing to another file."""
LEFT_OUT: Final = "-"
_SAMPLE: Final = 5
_SHOWN: Final = 60
_ALSO: Final = {
    **dict.fromkeys(("firstname", "forename", "given_name", "vorname", "prénom"), "first_name"),
    **dict.fromkeys(("lastname", "surname", "family_name", "nachname", "nom"), "last_name"),
    **dict.fromkeys(("e-mail", "mail", "email_address", "e-mail_address"), "email"),
    **dict.fromkeys(("title", "position", "job", "role_title"), "job_title"),
    **dict.fromkeys(("phone", "tel", "telephone_number"), "telephone"),
    **dict.fromkeys(("mobile_phone", "cell", "mobile_number"), "mobile"),
    **dict.fromkeys(("dept", "team"), "department"),
    **dict.fromkeys(("employee_id", "staff_id", "id", "personnel_number"), "system_id"),
    **dict.fromkeys(("card", "card_no", "badge"), "card_number"),
    "group": "groups",
    "role": "roles",
}


class Column(NamedTuple):
    """A column of a file: what it is called there, what it is taken for, and the first cells of it."""

    place: int
    heading: str
    field: str
    sample: tuple[str, ...]


class Preview(NamedTuple):
    """What of a file is shown before anything is done."""

    columns: list[Column]
    rows: list[tuple[int, list[str]]]
    rows_total: int


def options_for(types: Sequence[CredentialType], principal: Principal) -> list[tuple[str, str]]:
    """What a column can be, as pairs of value and words."""
    fields = [name for name in FIELDS if name != "roles" or principal.may("account.role")]
    named = [(name, name.replace("_", " ").capitalize()) for name in fields]
    return [*named, *((each.slug, each.label) for each in types), (LEFT_OUT, "Leave out")]


def chosen(file: CsvFile, given: Mapping[str, str], options: Sequence[tuple[str, str]]) -> list[str]:
    """What each column is, as was said or else as its name suggests."""
    known = {value for value, _ in options}
    found = []
    for heading in file.columns:
        guess = heading if heading in known else _ALSO.get(heading, LEFT_OUT)
        wanted = given.get(heading, guess)
        found.append(wanted if wanted in known else LEFT_OUT)
    return found


def preview_of(file: CsvFile, fields: Sequence[str]) -> Preview:
    """The first rows, with what each column is taken for."""
    rows = [(number, [cell[:_SHOWN] for cell in cells]) for number, cells in islice(file.rows(), _SAMPLE)]
    columns = [
        Column(place, heading, fields[place], tuple(cells[place] for _, cells in rows))
        for place, heading in enumerate(file.columns)
    ]
    return Preview(columns, rows, file.rows_total)


def mapped(file: CsvFile, fields: Sequence[str]) -> CsvFile:
    """The file with the columns named as fields, and without those that are left out; rows keep their numbers.

    Raises Invalid where two columns would be the same, or none is left.
    """
    places = [place for place, field in enumerate(fields) if field != LEFT_OUT]
    names = tuple(fields[place] for place in places)
    if not names:
        raise Invalid({"file": ["has no column that says anything of a person: choose what its columns are"]})
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid({"file": [f"says the same in two columns: {', '.join(twice).replace('_', ' ')}"]})
    if names == file.columns:
        return file
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    row = 2
    for number, cells in file.rows():
        for _ in range(number - row):
            writer.writerow([])
        writer.writerow([cells[place] for place in places])
        row = number + 1
    return CsvFile(names, text.getvalue(), ",", file.rows_total)
