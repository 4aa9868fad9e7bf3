"""What is held against the rows of a file; the first thousand are kept, all are counted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

MOST_KEPT: Final = 1_000


class Complaint(NamedTuple):
    """One thing that is wrong; without a row with the file as a whole. The header is row 1."""

    row: int | None
    field: str | None
    message: str


class ImportRefused(Exception):
    """An import that cannot be, found out when it was to be written; nothing of it is."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("; ".join(each.message for each in self.complaints[:3]))


class Complaints:
    """All of one import."""

    def __init__(self) -> None:
        self.kept: list[Complaint] = []
        self.total = 0

    def add(self, row: int | None, errors: Mapping[str, Sequence[str]]) -> None:
        """Hold errors, by field, against a row."""
        for field, messages in errors.items():
            for message in messages:
                self.total += 1
                if len(self.kept) < MOST_KEPT:
                    self.kept.append(Complaint(row, field, message))
