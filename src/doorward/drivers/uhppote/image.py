"""What is on a board, as far as it has been read or written: cards and the time profiles that they are on."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from doorward.drivers.uhppote.config import DOORS
from doorward.drivers.uhppote.profiles import PROFILE_IDS, Stored

NO_ACCESS: Final = 0
NOBODY: Final[tuple[int, int, int, int]] = (NO_ACCESS, NO_ACCESS, NO_ACCESS, NO_ACCESS)


class Row(NamedTuple):
    """A card on the board: the days it is valid, both included, and for each door no access (0) or a profile's id."""

    first_day: int
    last_day: int
    doors: tuple[int, int, int, int]
    is_plain: bool = True
    """The board keeps nothing else of the card: no PIN, no first-card rule. We write no other cards."""

    def at(self, door: int) -> int:
        """What the card may at a door: 0 nothing, 1 anything, else a profile's id."""
        return self.doors[door - 1]

    def with_door(self, door: int, permission: int) -> "Row":
        """The card with another permission at one door."""
        changed = list(self.doors)
        changed[door - 1] = permission
        first, second, third, fourth = changed
        return self._replace(doors=(first, second, third, fourth))

    def only(self, doors: Collection[int]) -> "Row":
        """The card without access at any other doors."""
        row = self
        for door, permission in zip(DOORS, self.doors, strict=True):
            if permission != NO_ACCESS and door not in doors:
                row = row.with_door(door, NO_ACCESS)
        return row


@dataclass(slots=True)
class Image:
    """Cards by number, and profiles by id; only those that cards are on, and what these are linked to, are known."""

    cards: dict[int, Row] = field(default_factory=dict)
    profiles: dict[int, Stored] = field(default_factory=dict)
    doubtful_cards: set[int] = field(default_factory=set)
    """Something was written, and no answer came: what is on the board now is not known."""
    doubtful_profiles: set[int] = field(default_factory=set)

    def chain(self, profile_id: int) -> list[int]:
        """A profile and those it is linked to, each once; also ids that are not defined, which would admit."""
        found: list[int] = []
        while profile_id in PROFILE_IDS and profile_id not in found:
            found.append(profile_id)
            stored = self.profiles.get(profile_id)
            profile_id = NO_ACCESS if stored is None else stored.link
        return found

    def used(self, doors: Iterable[int] = DOORS) -> set[int]:
        """The ids of the profiles that cards are on at some doors, without what these are linked to."""
        at = tuple(doors)
        return {permission for row in self.cards.values() for door in at if (permission := row.at(door)) in PROFILE_IDS}

    def chained(self, doors: Iterable[int] = DOORS) -> set[int]:
        """The ids of all profiles that decide about cards at some doors."""
        return {member for profile_id in self.used(doors) for member in self.chain(profile_id)}

    def undefined(self) -> Iterator[int]:
        """Profiles that are not defined and that cards are on, or that are linked to: the board admits by them."""
        yield from sorted(profile_id for profile_id in self.chained() if profile_id not in self.profiles)
