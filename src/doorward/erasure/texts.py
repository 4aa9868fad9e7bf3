"""What texts say of a person who is erased, and the same texts without it. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

ADDRESSES: Final = ("email", "telephone", "mobile")
"""The fields of a person by which texts elsewhere may speak of them, beside their name."""

_KEPT: Final = frozenset(
    {
        *("id", "enabled", "valid_from", "valid_to", "deleted_at", "created_at", "group_ids", "role_ids"),
        *("image", "credentials", "events"),
    }
)
"""What the log goes on to say of somebody who is erased: what they could open and when, not who it was."""

_GONE: Final = "erased"
_SHORTEST: Final = 3


@dataclass(frozen=True)
class Names:
    """How a person is called: by number, by full names, by addresses, by what they present at doors."""

    person_id: int
    full_names: frozenset[str]
    addresses: frozenset[str]
    credentials: frozenset[str]

    @property
    def pseudonym(self) -> str:
        """What stands in the place of a name."""
        return f"Erased person {self.person_id}"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the names and addresses, as words of their own."""
        words = sorted(
            (word for word in self.full_names | self.addresses if len(word) >= _SHORTEST), key=len, reverse=True
        )
        either = "|".join(map(re.escape, words)) or "(?!)"
        return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)

    @cached_property
    def number(self) -> re.Pattern[str]:
        """Finds the number as that of a person, in JSON."""
        return re.compile(rf'"person_id":\s*{self.person_id}(?![0-9])')


def contains(names: Names, text: str | None) -> bool:
    """Whether a JSON text names the person."""
    if text is None:
        return False
    if '"person_name"' in text and names.number.search(text):
        return True
    if names.pattern.search(text):
        return True
    # In JSON some characters are written in another way than they are read.
    return "\\" in text and any(map(names.pattern.search, _strings(json.loads(text))))


def speaks_of(names: Names, text: str) -> bool:
    """Whether an answer of the API may be about the person: rather once too often."""
    return bool(names.number.search(text)) or any(
        all(part in text for part in name.split()) for name in names.full_names | names.addresses if name.strip()
    )


def without(names: Names, text: str) -> str:
    """A JSON text with the pseudonym in the place of names and addresses."""
    return json.dumps(_without(names, json.loads(text)), ensure_ascii=False)


def only_what_is_kept(text: str) -> str:
    """What the log says of a person, without what says who it is."""
    said: dict[str, Any] = json.loads(text)
    kept = {name: value if name in _KEPT or value is None else _GONE for name, value in said.items()}
    return json.dumps(kept, ensure_ascii=False)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _without(names: Names, value: Any) -> Any:
    if isinstance(value, str):
        return names.pattern.sub(names.pseudonym, value)
    if isinstance(value, list):
        return [_without(names, each) for each in value]
    if isinstance(value, dict):
        found = {name: _without(names, each) for name, each in value.items()}
        if found.get("person_id") == names.person_id and found.get("person_name") is not None:
            found["person_name"] = names.pseudonym
        return found
    return value
