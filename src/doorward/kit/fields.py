"""Read the fields of a body that anybody may have written; collect every complaint, then raise them all at once."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from doorward.kit.errors import BadRequest, Invalid
from doorward.kit.text import NAME_LIMIT, InvalidText, clean, clean_name
from doorward.kit.timestamps import InvalidTimestamp, parse_instant

LARGEST_ID: Final = 2**63 - 1
MOST_IDS: Final = 1000
REQUIRED: Final = "can't be blank"


class Fields:
    """The fields of one JSON object. Readers give None for a field that is absent, null or bad."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, dict):
            raise BadRequest("The request body must be a JSON object")
        self._body: Mapping[str, Any] = body
        self.errors: dict[str, list[str]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether the field was given at all, be it null."""
        return name in self._body

    def complain(self, name: str, message: str) -> None:
        """Hold a message against a field."""
        self.errors.setdefault(name, []).append(message)

    def check(self) -> None:
        """Raise Invalid with all complaints, if there are any."""
        if self.errors:
            raise Invalid(self.errors)

    def integer(
        self,
        name: str,
        *,
        required: bool = False,
        low: int = -LARGEST_ID,
        high: int = LARGEST_ID,
    ) -> int | None:
        """An integer from `low` to `high`; 3.0 is one, "3" and true are not."""
        value = self._get(name, required)
        if value is None:
            return None
        number = _as_integer(value)
        if number is None:
            self.complain(name, "must be an integer")
        elif not low <= number <= high:
            self.complain(name, f"must be between {low} and {high}")
        else:
            return number
        return None

    def identity(self, name: str, *, required: bool = False) -> int | None:
        """The id of something. One that nothing can have is an id that is not found; it is no other kind of error."""
        return self.integer(name, required=required)

    def identities(self, name: str) -> list[int] | None:
        """A list of ids, each once, in the order given."""
        value = self._get(name, required=False)
        if value is None:
            return None
        if not isinstance(value, list):
            self.complain(name, "must be a list of integers")
            return None
        if len(value) > MOST_IDS:
            self.complain(name, f"has too many entries (at most {MOST_IDS})")
            return None
        numbers = [_as_integer(entry) for entry in value]
        found = [number for number in numbers if number is not None and abs(number) <= LARGEST_ID]
        if len(found) != len(numbers):
            self.complain(name, "must be a list of integers")
            return None
        return list(dict.fromkeys(found))

    def boolean(self, name: str) -> bool | None:
        """True or false."""
        value = self._get(name, required=False)
        if value is None or isinstance(value, bool):
            return value
        self.complain(name, "must be true or false")
        return None

    def text(self, name: str, *, limit: int = NAME_LIMIT) -> str | None:
        """Text in Unicode NFC, without control characters."""
        value = self._get(name, required=False)
        if value is None:
            return None
        if not isinstance(value, str):
            self.complain(name, "must be text")
            return None
        try:
            return clean(value, limit)
        except InvalidText as error:
            self.complain(name, str(error))
            return None

    def written(self, name: str, *, limit: int = NAME_LIMIT) -> str | None:
        """Text, or a whole number as it is written: callers give card numbers as both."""
        value = self._get(name, required=False)
        if type(value) is int and 0 <= value < 10**40:
            return str(value)
        return self.text(name, limit=limit)

    def name(self, name: str, *, required: bool = False) -> str | None:
        """A name: one line that is not blank."""
        value = self._get(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.complain(name, "must be text")
            return None
        try:
            return clean_name(value)
        except InvalidText as error:
            self.complain(name, str(error))
            return None

    def instant(self, name: str, zone: ZoneInfo, *, required: bool = False) -> int | None:
        """A timestamp, in `zone` if it has no offset of its own; milliseconds UTC."""
        value = self._get(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.complain(name, "must be a date and time such as 2024-01-15T09:00:00Z")
            return None
        try:
            return parse_instant(value, zone)
        except InvalidTimestamp as error:
            self.complain(name, str(error))
            return None

    def _get(self, name: str, required: bool) -> Any:
        value = self._body.get(name)
        if required and (value is None or value == ""):
            self.complain(name, REQUIRED)
            return None
        return value


def _as_integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_ID:
        return int(value)
    return None
