"""Query parameters, read strictly: a bad one is a 400 that names it."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.pages import Page
from doorward.kit.timestamps import EARLIEST, InvalidTimestamp, parse_instant

_TRUE: Final = ("true", "1")
_FALSE: Final = ("false", "0", "")
_UTC: Final = ZoneInfo("UTC")
_MOST_DIGITS: Final = 18


def page_of(query: Mapping[str, str], *, default: int = 500, largest: int = 1000) -> Page:
    """`page`, `per_page` and `skip_pagination`. Raises BadRequest."""
    number = _positive(query, "page", 1)
    size = min(_positive(query, "per_page", default), largest)
    return Page(number, size, paged=not boolean(query, "skip_pagination"))


def since_of(query: Mapping[str, str], zone: ZoneInfo) -> int:
    """`since` (local time of the account) or `since_utc`; the beginning of time without them. Raises BadRequest."""
    found = EARLIEST
    for name, assumed in (("since", zone), ("since_utc", _UTC)):
        if text := query.get(name):
            try:
                # A "+" in a query that was not encoded arrives as a space.
                found = max(
                    found,
                    parse_instant(
                        text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text,
                        assumed,
                    ),
                )
            except InvalidTimestamp as error:
                raise BadRequest(f"The parameter {name} {error}") from None
    return found


def boolean(query: Mapping[str, str], name: str) -> bool:
    """A flag, false if absent. Raises BadRequest."""
    value = query.get(name, "").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise BadRequest(f"The parameter {name} must be true or false")


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name)
    if value is None or value == "":
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS) or int(value) < 1:
        raise BadRequest(f"The parameter {name} must be a whole number from 1")
    return int(value)


def path_id(text: str) -> int:
    """An id in a path. Raises NotFound for what no id can be."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    raise NotFound
