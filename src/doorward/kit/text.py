"""Text from outside: length limits, control characters, Unicode normal form (behaviour.md, "Bad input")."""

import unicodedata
from typing import Final

NAME_LIMIT: Final = 255
NOTES_LIMIT: Final = 10_000

_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make what follows read in another order than it is in: nobody's name needs them (Unicode TR 36, 3.1)."""
_UNSEEN: Final = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn", "Me"})


class InvalidText(ValueError):
    """The text breaks a rule; the message says which, to follow the field's name."""


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """The text in Unicode NFC. Raises InvalidText if it is too long or has characters no text should have."""
    if len(text) > limit:
        raise InvalidText(f"is too long (at most {limit} characters)")
    # What is printable has none of these; it is most of what comes.
    for character in "" if text.isprintable() else text:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character != "\n") or character in _REORDERING:
            raise InvalidText("has a character that is not allowed")
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > limit:
        raise InvalidText(f"is too long (at most {limit} characters)")
    return normal


def clean_name(text: str) -> str:
    """A name: one line, not blank, without spaces around it. Raises InvalidText."""
    name = clean(text).strip()
    if all(unicodedata.category(character) in _UNSEEN for character in name):
        raise InvalidText("can't be blank")
    if "\n" in name:
        raise InvalidText("must be one line")
    return name


def sort_key(name: str) -> str:
    """A key that sorts names as people expect, without regard to case and accents: "Émile" beside "Emil".

    Both databases compare it byte by byte, so that a list has the same order on each.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
