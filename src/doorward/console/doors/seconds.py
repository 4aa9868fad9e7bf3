"""Durations in a form are seconds, as people say them; the API has milliseconds."""

import re
from decimal import Decimal
from typing import Final

from doorward.kit.errors import Invalid

_MS: Final = "_ms"
_SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_NUMBER: Final = re.compile(r"\b\d+\b")
_LABELS: Final = {
    "held_open_ms": "the time until the alarm",
    "held_open_warning_ms": "the warning before it",
}


def milliseconds(text: str) -> object:
    """What was written as seconds, in whole milliseconds: what is no number is left for the service to complain of."""
    written = text.strip().replace(",", ".")
    if not written:
        return None
    if not _SECONDS.fullmatch(written):
        return text
    number = Decimal(written) * 1000
    return int(number) if number == int(number) else text


def seconds(number: int) -> str:
    """Milliseconds as they are written in a form: 5000 is "5", 1500 is "1.5"."""
    return f"{Decimal(number) / 1000:f}".rstrip("0").rstrip(".") if number % 1000 else str(number // 1000)


def in_seconds(error: Invalid) -> Invalid:
    """What is wrong with durations, in the words and the unit of the form."""
    return Invalid(
        {
            name: [_reworded(message) for message in messages] if name.endswith(_MS) else list(messages)
            for name, messages in error.errors.items()
        }
    )


def _reworded(message: str) -> str:
    for name, label in _LABELS.items():
        message = message.replace(name, label)
    in_unit = _NUMBER.sub(lambda found: seconds(int(found[0])), message)
    return in_unit if in_unit == message else f"{in_unit} seconds"
