"""What the rows of a file come to, before any of it is written."""

from typing import NamedTuple

from doorward.imports.keys import Given
from doorward.people.person import Person


class Line(NamedTuple):
    """What a row comes to: somebody new (id 0), or somebody known as they are to be; None: as it is."""

    row: int
    before: Person | None
    person: Person
    group_ids: tuple[int, ...] | None
    role_ids: tuple[int, ...] | None
    given: tuple[Given, ...]
    decides: tuple[str, ...] = ()
    """The columns that decide whether somebody known passes, wherever they have roles."""
