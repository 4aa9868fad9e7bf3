"""Which doors somebody may open, through what, and whether now: as a page shows it."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.access.service import Access, Way, answer, ask_at_first
from doorward.console.people.rows import Standing
from doorward.db.unit_of_work import Transaction
from doorward.decision.wording import reasons_of
from doorward.kit.timestamps import find_zone
from doorward.oauth.principal import Principal

MOST_DOORS: Final = 100


class Step(NamedTuple):
    """A step of the way from a person to a door."""

    what: str
    name: str
    address: str
    """Where it is shown; "" for what has no page."""


class Path(NamedTuple):
    """One way: through a group or a reservation, a role and its shift."""

    steps: list[Step]
    hours: str
    is_open: bool


class Door(NamedTuple):
    """A door, whether it opens now, and if not, why and when next."""

    id: int
    name: str
    zone: ZoneInfo
    standing: Standing
    is_open: bool
    why: str
    opens_at: int | None
    paths: list[Path]


class Doors(NamedTuple):
    """The first MOST_DOORS doors."""

    doors: list[Door]
    is_more: bool

    @property
    def open_now(self) -> int:
        """How many open now."""
        return sum(door.is_open for door in self.doors)

    @property
    def through(self) -> list[str]:
        """The names of the groups and roles through which they open, the most frequent first."""
        counts: dict[str, int] = {}
        for door in self.doors:
            for name in {path.steps[0].name for path in door.paths if path.steps}:
                counts[name] = counts.get(name, 0) + 1
        return sorted(counts, key=lambda name: (-counts[name], name))


def doors_of(transaction: Transaction, principal: Principal, person_id: int, now: int) -> Doors:
    """The doors that the user sees and the person may open at some time."""
    question = ask_at_first(transaction, principal, person_id, now, MOST_DOORS)
    found = [
        _door(access, find_zone(question.compiled[access.place.id].snapshot.channel.zone))
        for access in answer(question)
    ]
    return Doors(found, question.total > len(found))


def _door(access: Access, zone: ZoneInfo) -> Door:
    reasons = " ".join(sentence for _, sentence in reasons_of(access.verdict))
    opens_at = None if access.verdict.admitted else _next_opening(access.ways)
    return Door(
        access.place.id,
        access.place.name,
        zone,
        _standing(access, opens_at),
        access.verdict.admitted,
        reasons,
        opens_at,
        [_path(way) for way in access.ways],
    )


def _standing(access: Access, opens_at: int | None) -> Standing:
    if access.verdict.admitted:
        return Standing("good", "Opens now", "circle-check")
    if any(way.open for way in access.ways):
        return Standing("bad", "Refused", "ban")
    return Standing("off", "Shut now" if opens_at is None else "Opens later", "clock")


def _next_opening(ways: Sequence[Way]) -> int | None:
    """When a way opens next, if none is open: then it is no matter of hours."""
    if any(way.open for way in ways):
        return None
    return min((way.next_change for way in ways if way.next_change is not None), default=None)


def _path(way: Way) -> Path:
    held = way.holding
    steps = []
    if held.way == "group":
        steps.append(Step("Group", held.way_name or "", f"/console/groups/{held.way_id}"))
    elif held.way == "group_reservation":
        steps.append(Step("Group for a time", held.way_name or "", "/console/reservations"))
    if held.way == "reservation":
        steps.append(Step("Reservation", held.role_name, "/console/reservations"))
    else:
        steps.append(Step("Role", held.role_name, f"/console/roles/{held.role_id}"))
        if held.shift_id is not None:
            steps.append(Step("Shift", held.shift_name or "", f"/console/shifts/{held.shift_id}"))
    return Path(steps, way.hours or "at any time", way.open)
