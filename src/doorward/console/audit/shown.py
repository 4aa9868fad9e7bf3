"""Entries of the audit log as the pages show them: in a sentence, and what has changed side by side."""

import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.audit.service import CHANGED, CREATED, DELETED, Entry
from doorward.console.audit.things import BY_ONESELF, action_words, page_of_thing, word_of
from doorward.console.moments import day_words
from doorward.kit.timestamps import InvalidTimestamp, local_datetime, parse_instant

_NOT_NEWS: Final = frozenset({"id", "created_at", "stamp"})
"""Of what was added or deleted, these say nothing."""
_NAMES: Final = ("name", "label", "email")
_INSTANTS: Final = ("_at", "_time", "_from", "_to")
_SPAN: Final = "_ms"
_LONGEST: Final = 60


class Change(NamedTuple):
    """A field, as it was and as it is since; "" where it was not, or is not any more."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, in words."""

    entry: Entry
    action: str
    kind: str
    name: str
    """What the thing is called, as far as the entry says; else its number."""
    page: str | None
    changes: list[Change]
    is_addition: bool
    is_deletion: bool

    @property
    def is_change(self) -> bool:
        """Whether something is now what it was not before."""
        return self.entry.action == CHANGED

    @property
    def who(self) -> str:
        """Who did it, by the name of then, without the address."""
        return (self.entry.user_name or "Nobody in particular").partition(" <")[0]

    @property
    def sentence(self) -> str:
        """What was done: "Changed the role Members"."""
        if self.entry.action in BY_ONESELF:
            return self.action
        return f"{self.action} the {self.kind} {self.name}".rstrip()

    def short(self, text: str) -> str:
        """A value that has to fit into a list."""
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def line_of(entry: Entry, zone: ZoneInfo) -> Line:
    """An entry as a page shows it, with instants by the clock of a zone."""
    before, after = (None if text is None else json.loads(text) for text in (entry.before, entry.after))
    is_gone = entry.action == DELETED
    return Line(
        entry,
        action_words(entry.action),
        word_of(entry.resource_type),
        _name(before or {}, after or {}, entry.resource_id),
        None if is_gone else page_of_thing(entry.resource_type, entry.resource_id),
        _changes(before or {}, after or {}, zone),
        entry.action == CREATED,
        is_gone,
    )


def _changes(before: dict[str, Any], after: dict[str, Any], zone: ZoneInfo) -> list[Change]:
    names = [name for name in {**before, **after} if name not in _NOT_NEWS and before.get(name) != after.get(name)]
    return [
        Change(_words(name), _value(name, before.get(name), zone), _value(name, after.get(name), zone))
        for name in names
    ]


def _words(name: str) -> str:
    for suffix in ("_ids", "_id", _SPAN):
        name = name.removesuffix(suffix)
    return name.replace("_", " ").capitalize()


def _name(before: dict[str, Any], after: dict[str, Any], number: int | None) -> str:
    for row in (after, before):
        named = f"{row.get('first_name') or ''} {row.get('last_name') or ''}".strip()
        found = next((str(row[name]) for name in _NAMES if row.get(name)), "")
        if found or named:
            return named or found
    return "" if number is None else str(number)


def _value(name: str, value: Any, zone: ZoneInfo) -> str:  # noqa: PLR0911 - one line for each kind of value
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith(_SPAN) and isinstance(value, int):
        return f"{value / 1000:g} s"
    if isinstance(value, list):
        return ", ".join(_value(name, each, zone) for each in value)
    if isinstance(value, dict):
        pairs = ((key, _value(key, each, zone)) for key, each in value.items())
        return ", ".join(f"{key.replace('_', ' ')} {text}" for key, text in pairs if text)
    if isinstance(value, str) and name.endswith(_INSTANTS):
        try:
            local = local_datetime(parse_instant(value, zone), zone)
        except InvalidTimestamp:
            return value
        return f"{day_words(local.date())}, {local:%H:%M:%S}"
    return str(value)
