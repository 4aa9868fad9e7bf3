"""The form of a shift: each window is a row of its days, from when and to when; the grid writes the same rows."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from doorward.console.forms import Form, Sent, again
from doorward.decision.shifts import Rule
from doorward.kit.errors import Conflict, Invalid
from doorward.kit.structured_fields import StructuredFields
from doorward.shifts.rules import rule_of
from doorward.shifts.service import HOLIDAY_RULES, Shift
from doorward.shifts.windows import read_windows
from doorward.sync.rows import ShiftRow

_ROW: Final = re.compile(r"window-([0-9]{1,4})-(?:days|start|end)")
_SHORT_TIME: Final = re.compile(r"[0-9]:[0-9]{2}")


def body_of(form: Sent) -> dict[str, object]:
    """The body that the API would be sent. A row in which nothing is given is no window."""
    body = form.body(texts=("name", "first_day", "last_day", "holidays"))
    return {**body, "windows": _windows(form)}


def _windows(form: Sent) -> list[dict[str, object]]:
    numbers = sorted({int(found[1]) for found in map(_ROW.fullmatch, form.fields) if found})
    rows: list[dict[str, object]] = [
        {
            "days": [day for day in form.texts(f"window-{number}-days") if day],
            "start": _time(form.text(f"window-{number}-start")),
            "end": _time(form.text(f"window-{number}-end")),
        }
        for number in numbers
    ]
    return [row for row in rows if any(row.values())]


def _time(text: str) -> str:
    text = text.strip()
    return f"0{text}" if _SHORT_TIME.fullmatch(text) else text


def shown_again(form: Sent, error: Invalid | Conflict) -> Form:
    """The form as it was sent, with what is wrong with it."""
    found = again(form, error)
    return Form({**found.values, "windows": _windows(form)}, found.errors)


def values_of(shift: Shift) -> Mapping[str, Any]:
    """A shift as the form shows it."""
    return {**shift._asdict(), "windows": [{**window._asdict(), "days": list(window.days)} for window in shift.windows]}


def rule_in(body: Mapping[str, object]) -> Rule:
    """The rule that a body would make. Raises Invalid."""
    fields = StructuredFields(dict(body))
    windows = read_windows(fields, required=True)
    first_day, last_day = fields.day("first_day"), fields.day("last_day")
    holidays = fields.choice("holidays", HOLIDAY_RULES, required=True) or ""
    fields.check()
    stored = json.dumps([window._asdict() for window in windows])
    return rule_of(ShiftRow(0, "", stored, first_day, last_day, holidays, None, None))
