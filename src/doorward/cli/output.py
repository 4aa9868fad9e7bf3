"""What a command prints: JSON for programs, a table or a line for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2) + "\n")


def show(value: Row | Sequence[Row], as_json: bool, columns: Sequence[str] | None = None) -> None:
    """Print one thing or a list of things; `columns` chooses and orders what people see."""
    if as_json:
        print_json(value)
    elif isinstance(value, Mapping):
        _show_one(value, columns)
    else:
        _show_table(value, columns)


def _show_one(row: Row, columns: Sequence[str] | None) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in columns or row:
        table.add_row(name, _text(row[name]))
    _console().print(table)


def _show_table(rows: Sequence[Row], columns: Sequence[str] | None) -> None:
    if not rows:
        _console().print("none")
        return
    names = list(columns or rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_text(row[name]) for name in names))
    _console().print(table)


def _console() -> Console:
    # What is piped into something is not broken into lines of a screen that nobody looks at.
    width = None if sys.stdout.isatty() else 250
    return Console(markup=False, highlight=False, emoji=False, width=width)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(entry) for entry in value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
