"""Fields of more than one word: choices, dates, lists of anything, and optional texts of which a blank one is none."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from doorward.kit.email_addresses import clean_email
from doorward.kit.fields import REQUIRED, Fields
from doorward.kit.text import NAME_LIMIT, NOTES_LIMIT, InvalidText

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2100


class StructuredFields(Fields):
    """Fields with more readers; like those, they give None for what is absent, null or bad."""

    def line(self, name: str, *, limit: int = NAME_LIMIT) -> str | None:
        """Optional text of one line, without spaces around it; None if blank."""
        text = self.text(name, limit=limit)
        if text is None:
            return None
        text = text.strip()
        if "\n" in text:
            self.complain(name, "must be one line")
            return None
        return text or None

    def notes(self, name: str = "notes") -> str | None:
        """Optional text of any number of lines; None if blank."""
        text = self.text(name, limit=NOTES_LIMIT)
        return None if text is None or not text.strip() else text

    def email(self, name: str, *, required: bool = False) -> str | None:
        """An address that mail could be sent to; None if blank."""
        text = self.line(name)
        if text is None:
            if required and name not in self.errors:
                self.complain(name, REQUIRED)
            return None
        try:
            return clean_email(text)
        except InvalidText as error:
            self.complain(name, str(error))
            return None

    def flag(self, name: str, *, before: bool) -> bool:
        """True or false, and nothing else; `before` where the field is absent."""
        if name not in self:
            return before
        value = self.boolean(name)
        if value is None and name not in self.errors:
            self.complain(name, "must be true or false")
        return bool(value)

    def choice(self, name: str, options: Sequence[str], *, required: bool = False) -> str | None:
        """One of a few words."""
        value = self._get(name, required)
        if value is None:
            return None
        if isinstance(value, str) and value in options:
            return value
        self.complain(name, f"must be one of: {', '.join(options)}")
        return None

    def day(self, name: str, *, required: bool = False) -> str | None:
        """A date, as 2024-01-15."""
        value = self._get(name, required)
        if value is None or value == "":
            return None
        try:
            day = date.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:  # ISO 8601 has other forms, too
            self.complain(name, "must be a date such as 2024-01-15")
        elif not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            self.complain(name, f"must be between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        else:
            return day.isoformat()
        return None

    def entries(self, name: str, *, most: int, required: bool = False) -> list[object] | None:
        """A list, whose entries are the caller's to read."""
        value = self._get(name, required)
        if value is None:
            return None
        if not isinstance(value, list):
            self.complain(name, "must be a list")
        elif len(value) > most:
            self.complain(name, f"has too many entries (at most {most})")
        else:
            return list(value)
        return None

    def words(self, name: str, *, most: int, required: bool = False) -> list[str] | None:
        """A list of words, each once; also as one text in which they are separated by spaces."""
        value = self._get(name, required)
        if value is None:
            return None
        found = value.split() if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            self.complain(name, "must be a list of words")
        elif len(found) > most:
            self.complain(name, f"has too many entries (at most {most})")
        elif required and not found:
            self.complain(name, REQUIRED)
        else:
            return list(dict.fromkeys(found))
        return None
