"""What is wrong with a scenario's file, in words for whoever wrote it."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

from doorward.simulation.steps import Step
from doorward.simulation.words import AnyStep

_PLACE: Final = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_LISTED: Final = re.compile(r"\.(\w+)\[(\d+)\]")


def meant(name: str, known: Collection[str]) -> str:
    """Which of the known names was probably meant."""
    close = difflib.get_close_matches(name, known, n=1)
    return f': did you mean "{close[0]}"?' if close else ""


def when(step: Step | Mapping[str, Any]) -> str:
    """When a step is, as the file has it."""
    at, after = (step.get("at"), step.get("after")) if isinstance(step, Mapping) else (step.at, step.after)
    if at is None and after is None:
        return "without a time"
    return f"after {after}" if at is None else f"at {at}"


def explained(error: str, tables: Mapping[str, Any]) -> str:
    """What the shapes' reader says, with the place as whoever wrote the file knows it."""
    match = _PLACE.fullmatch(error)
    if match is None:
        return _worded(error)
    what, path = match.groups()
    listed = _LISTED.match(path)
    if listed is None:
        return f"{path.lstrip('.')}: {_worded(what)}"
    kind, index = listed[1], int(listed[2])
    rest = path[listed.end() :].lstrip(".")
    part = tables[kind][index]
    where = f"{kind} {index + 1}"
    if isinstance(part, Mapping):
        name = part.get("name")
        where = f"{where} ({when(part)})" if kind in ("step", "expect") else f'{kind} "{name}"' if name else where
    if rest == "do":
        words = sorted(each.__struct_config__.tag for each in get_args(AnyStep))
        return f"{where}: do: {_worded(what)}, but one of: {', '.join(words)}"
    if kind == "step" and what == "Object missing required field `do`":
        return f"{where}: it does not say what to do"
    return f"{where}: {rest}: {_worded(what)}" if rest else f"{where}: {_worded(what)}"


_WORDS: Final = (
    (re.compile(r"Object contains unknown field `(\w+)`"), r'there is no "\1" here'),
    (re.compile(r"Object missing required field `(\w+)`"), r'"\1" is missing'),
    (re.compile(r"Expected `(.+)`, got `(.+)`"), r"must be \1, not \2"),
    (re.compile(r"Invalid (?:enum )?value ('.*')"), r"must not be \1"),
)


def _worded(error: str) -> str:
    for pattern, words in _WORDS:
        if pattern.fullmatch(error):
            return pattern.sub(words, error)
    return error
