"""What the names of a scenario stand for in the account that has been made of it."""

from dataclasses import dataclass, field

from doorward.simulation.times import Calendar


@dataclass(slots=True)
class Ids:
    """Ids by name, and the times of the site as the API reads them."""

    calendar: Calendar
    account_id: int
    site_id: int = 0
    areas: dict[str, int] = field(default_factory=dict)
    shifts: dict[str, int] = field(default_factory=dict)
    doors: dict[str, int] = field(default_factory=dict)
    roles: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    controllers: dict[str, int] = field(default_factory=dict)

    def door_named(self, channel_id: int) -> str:
        """The door with this id."""
        return next(name for name, known in self.doors.items() if known == channel_id)

    def area_named(self, area_id: int | None) -> str | None:
        """The area with this id; None is outside."""
        return next((name for name, known in self.areas.items() if known == area_id), None)
