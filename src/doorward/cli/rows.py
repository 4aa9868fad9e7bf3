"""Rows of the services as the commands show them, and options as the bodies that services read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from doorward.kit.errors import NotFound
from doorward.kit.timestamps import format_optional

_INTERNAL: Final = frozenset({"account_id", "name_key", "email_key"})
_INSTANTS: Final = frozenset({"valid_from", "valid_to"})


def row_of(found: NamedTuple) -> dict[str, Any]:
    """The fields of a row: timestamps in UTC, lists as lists, without those that are for the database only."""
    return {name: _shown(name, value) for name, value in found._asdict().items() if name not in _INTERNAL}


def given(**options: Any) -> dict[str, Any]:
    """A body of the options that were given: neither None nor an empty list."""
    return {name: value for name, value in options.items() if value is not None and value != []}


def unset(body: dict[str, Any], **flags: bool) -> None:
    """Clear the fields whose `--no-…` was given."""
    for name, wanted in flags.items():
        if wanted:
            body[name] = [] if name.endswith("_ids") else None


@contextmanager
def naming(what: str, the_id: int) -> Iterator[None]:
    """Let NotFound say what was not found. Raises NotFound."""
    try:
        yield
    except NotFound:
        raise NotFound(f"there is no {what} {the_id}") from None


def _shown(name: str, value: Any) -> Any:
    if name.endswith("_at") or name in _INSTANTS:
        return format_optional(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _shown(name, entry) for name, entry in value._asdict().items()}
    return value
