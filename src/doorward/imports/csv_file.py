"""A CSV file from anybody, as far as it can be judged without knowing what its columns mean.

What is wrong with a file as a whole is said at once: such a file is no import. Rows are numbered as a spreadsheet does
it: the header is row 1.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final, NamedTuple

from doorward.kit.errors import Invalid

LARGEST_FILE: Final = 20 * 1024 * 1024
MOST_ROWS: Final = 50_000
DELIMITERS: Final = {",": ",", ";": ";", "|": "|", "tab": "\t"}
"""By the names that a query gives them."""

_MOST_SAID: Final = 20
_SHOWN: Final = 50


class CsvFile(NamedTuple):
    """A file that can be read to its end: every row has as many cells as there are columns."""

    columns: tuple[str, ...]
    text: str
    delimiter: str
    rows_total: int
    """Rows that say something, without the header."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that says something, with its number."""
        for number, cells in enumerate(_reader(self.text, self.delimiter), 1):
            if number > 1 and not _is_blank(cells):
                yield number, cells


def read_csv(raw: bytes, delimiter: str | None = None) -> CsvFile:
    """Judge a file. Without a delimiter it is the first of , ; | and tab that the header has. Raises Invalid."""
    text = _text(raw)
    if delimiter is None:
        first_line = text.partition("\n")[0]
        delimiter = next((each for each in DELIMITERS.values() if each in first_line), ",")
    number = 0
    try:
        rows = enumerate(_reader(text, delimiter), 1)
        number, header = next(rows)
        columns = _columns(header)
        total, wrong = 0, []
        for number, cells in rows:
            if not _is_blank(cells):
                total += 1
                if len(cells) != len(columns):
                    wrong.append(f"row {number} has {len(cells)} cells where the header has {len(columns)}")
            if total > MOST_ROWS or len(wrong) == _MOST_SAID:
                break
    except csv.Error as error:
        raise Invalid({"file": [f"row {number + 1} is not CSV: {error}"]}) from None
    if total > MOST_ROWS:
        wrong.append(f"has more than {MOST_ROWS} rows")
    if wrong or not total:
        raise Invalid({"file": wrong or ["has no rows"]})
    return CsvFile(columns, text, delimiter, total)


def _reader(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _text(raw: bytes) -> str:
    if len(raw) > LARGEST_FILE:
        raise Invalid({"file": [f"is larger than {LARGEST_FILE} bytes"]})
    if not raw.strip():
        raise Invalid({"file": ["is empty"]})
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise Invalid({"file": [f"is not text in UTF-8 (line {row})"]}) from None
    nothing = text.find("\0")
    if nothing >= 0:
        row = text.count("\n", 0, nothing) + 1
        raise Invalid({"file": [f"has a character that is not allowed (line {row})"]})
    return text


def _columns(cells: list[str]) -> tuple[str, ...]:
    """The header's names as fields are called: "First name" is first_name."""
    columns = tuple("_".join(cell.split()).lower() for cell in cells)
    for place, name in enumerate(columns):
        if not name:
            raise Invalid({"file": [f"has a column without a name, number {place + 1}"]})
        if name in columns[:place]:
            raise Invalid({"file": [f"has the column {name[:_SHOWN]} twice"]})
    return columns


def _is_blank(cells: list[str]) -> bool:
    return not any(cell.strip() for cell in cells)
