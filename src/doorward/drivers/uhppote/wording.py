"""How people are named in the sentences about what a board cannot do."""

from collections.abc import Iterable
from typing import Final

from doorward.decision.snapshot import Person

_NAMED: Final = 5


def named(people: Iterable[Person]) -> str:
    """A few names, and how many others there are."""
    return named_ones({person.id: person.name for person in people}.values())


def named_ones(people: Iterable[str]) -> str:
    """A few names, and how many others there are."""
    names = sorted(people)
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {count(len(names) - _NAMED, 'other')}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))


def count(number: int, noun: str) -> str:
    """The number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
