"""Rows as CSV."""

import csv
import io

import pytest

from doorward.kit.csv_lines import csv_lines


def read(lines: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(lines.decode(), newline="")))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1"])
def test_what_a_spreadsheet_would_calculate_is_text(name: str) -> None:
    assert read(csv_lines([[name]])) == [[f"'{name}"]]


def test_everything_else_is_as_it_is() -> None:
    row = ['Ada, "Countess"\nLovelace', "Émile", -7, 0, None, True, "a=1"]
    assert read(csv_lines([row])) == [['Ada, "Countess"\nLovelace', "Émile", "-7", "0", "", "true", "a=1"]]
