"""Query parameters, read strictly: a bad one is a 400 that names it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from multidict import MultiMapping

from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.fields import MOST_IDS
from doorward.kit.pages import Page
from doorward.kit.text import NAME_LIMIT, InvalidText, clean
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


def short_page_of(query: Mapping[str, str], *, default: int, largest: int) -> Page:
    """`page` and `n`, of a list that is never given as a whole. Raises BadRequest."""
    return Page(_positive(query, "page", 1), min(_positive(query, "n", default), largest))


def since_of(query: Mapping[str, str], zone: ZoneInfo) -> int:
    """`since` (local time of the account) or `since_utc`; the beginning of time without them. Raises BadRequest."""
    found = EARLIEST
    for name, assumed in (("since", zone), ("since_utc", _UTC)):
        if text := query.get(name):
            try:
                found = max(found, parse_instant(_with_plus(text), assumed))
            except InvalidTimestamp as error:
                raise BadRequest(f"The parameter {name} {error}") from None
    return found


def instant_of(query: Mapping[str, str], name: str, zone: ZoneInfo) -> int | None:
    """An instant, in `zone` if it has no offset; None if absent. Raises BadRequest."""
    text = query.get(name)
    if not text:
        return None
    try:
        return parse_instant(_with_plus(text), zone)
    except InvalidTimestamp as error:
        raise BadRequest(f"The parameter {name} {error}") from None


def day_of(query: Mapping[str, str], name: str) -> str | None:
    """A local date such as 2024-01-15, None if absent. Raises BadRequest."""
    text = query.get(name)
    if not text:
        return None
    try:
        if date.fromisoformat(text).isoformat() == text:  # ISO 8601 has other forms, too
            return text
    except ValueError:
        pass
    raise BadRequest(f"The parameter {name} must be a date such as 2024-01-15")


def id_of(query: Mapping[str, str], name: str) -> int | None:
    """An id, None if absent. Raises BadRequest for what no id can be."""
    return _positive(query, name, 0) or None


def ids_of(query: Mapping[str, str], name: str, *, most: int = MOST_IDS) -> list[int]:
    """Whole numbers, each once; none if absent. Raises BadRequest.

    Comma-separated or, as other clients write lists, `name=1&name=2` and `name[]=1`: a filter that is not seen would
    show more than was asked for.
    """
    found: dict[int, None] = {}
    for text in ",".join(_each(query, name)).split(","):
        digits = text.strip()
        if not digits:
            continue
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise BadRequest(f"The parameter {name} must be whole numbers, separated by commas")
        found[int(digits)] = None
        if len(found) > most:
            raise BadRequest(f"The parameter {name} has too many entries (at most {most})")
    return list(found)


def choice_of(query: Mapping[str, str], name: str, options: Sequence[str]) -> str | None:
    """One of a few words, None if absent. Raises BadRequest."""
    value = query.get(name)
    if not value:
        return None
    if value not in options:
        raise BadRequest(f"The parameter {name} must be one of: {', '.join(options)}")
    return value


def choices_of(query: Mapping[str, str], name: str, options: Sequence[str]) -> list[str]:
    """Some of a few words, each once, written as lists of ids are (ids_of); none if absent. Raises BadRequest."""
    found = dict.fromkeys(word.strip() for word in ",".join(_each(query, name)).split(",") if word.strip())
    if not found.keys() <= set(options):
        raise BadRequest(f"The parameter {name} must be of these, separated by commas: {', '.join(options)}")
    return list(found)


def text_of(query: Mapping[str, str], name: str, *, limit: int = NAME_LIMIT) -> str | None:
    """Text without spaces around it, in Unicode NFC; None if absent or blank. Raises BadRequest."""
    try:
        return clean(query.get(name, ""), limit).strip() or None
    except InvalidText as error:
        raise BadRequest(f"The parameter {name} {error}") from None


def boolean(query: Mapping[str, str], name: str) -> bool:
    """A flag, false if absent. Raises BadRequest."""
    value = query.get(name, "").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise BadRequest(f"The parameter {name} must be true or false")


def _each(query: Mapping[str, str], name: str) -> list[str]:
    if isinstance(query, MultiMapping):
        return [*query.getall(name, []), *query.getall(f"{name}[]", [])]
    return [value for value in (query.get(name), query.get(f"{name}[]")) if value is not None]


def _with_plus(text: str) -> str:
    """A "+" in a query that was not encoded arrives as a space."""
    return text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text


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
