"""A small house behind a UHPPOTE board: who may pass which of its doors, and when."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from doorward.decision.codes import CARD
from doorward.decision.shifts import Rule, Timetable, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Membership, Person, Snapshot
from doorward.drivers.base import DeviceEvent
from doorward.drivers.uhppote import UhppoteDriver, uhppote_config
from doorward.kit.clock import FixedClock
from tests.support.uhppote_board import UhppoteBoard

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

SERIAL: Final = 405_419_896
CHANNELS: Final = {1: 11, 2: 12, 3: 13, 4: 14}
ZONE: Final = "Europe/Berlin"

OFFICE_HOURS: Final = Weekly((Window(frozenset(range(5)), 9 * 60, 17 * 60),))
NIGHTS: Final = Weekly((Window(frozenset(range(7)), 22 * 60, 30 * 60),))


def instant(text: str, zone: str = ZONE, fold: int = 0) -> int:
    """The local time of a zone, "2026-03-02 09:00", as milliseconds."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(local.astimezone(UTC).timestamp() * 1_000)


@dataclass
class House:
    """People, roles and doors; snapshot() says what one door is to go by."""

    zone: str = ZONE
    holidays: frozenset[int] = frozenset()
    shifts: dict[int, Rule | None] = field(default_factory=dict)
    """By role; None is at any time."""
    roles_at: dict[int, set[int]] = field(default_factory=dict)
    """Roles that a door has, by channel; a channel that is not named has them all."""
    channels: dict[int, Channel] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)
    version: int = 0

    def person(
        self,
        person_id: int,
        card: str | None = None,
        roles: Iterable[int] = (1,),
        *,
        valid_from: int | None = None,
        valid_to: int | None = None,
        memberships: tuple[Membership, ...] = (),
        others: Iterable[Credential] = (),
    ) -> "House":
        held = [Credential(CARD, str(1000 + person_id) if card is None else card), *others]
        name = f"Person {person_id}"
        person = Person(person_id, name, "active", valid_from, valid_to, tuple(roles), frozenset(), memberships)
        self.directory.put(person, held)
        return self

    def channel(self, channel_id: int = 11) -> Channel:
        default = Channel(channel_id, f"Door {channel_id}", self.zone, frozenset((CARD,)))
        return self.channels.get(channel_id, default)

    def snapshot(self, channel_id: int = 11) -> Snapshot:
        self.version += 1
        roles = self.roles_at.get(channel_id, set(self.shifts))
        grants = {
            role: Grant(role, f"Role {role}", None if rule is None else self.timetable(rule), f"Shift {role}")
            for role, rule in self.shifts.items()
            if role in roles
        }
        return Snapshot(self.channel(channel_id), self.directory, grants, self.version)

    def timetable(self, rule: Rule) -> Timetable:
        return Timetable(rule, self.zone, self.holidays)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """A board that serves, and a driver for it."""

    board: UhppoteBoard
    clock: FixedClock
    channels: Mapping[int, int] = field(default_factory=lambda: dict(CHANNELS))
    listener: str | None = None
    timeout_s: float = 0.5
    poll_s: float = 60.0
    attempts: int = 2
    heard: list[DeviceEvent] = field(default_factory=list)

    def driver(self) -> UhppoteDriver:
        """A driver that knows nothing yet, as after a start."""
        doors = {str(door): channel for door, channel in self.channels.items()}
        table: dict[str, object] = {
            "board": [{"serial": self.board.serial, "address": self.board.address, "doors": doors}],
            "timeout_s": self.timeout_s,
            "attempts": self.attempts,
            "poll_s": self.poll_s,
        }
        if self.listener is not None:
            table["listener"] = self.listener
        return UhppoteDriver(uhppote_config(table), self.clock)

    @asynccontextmanager
    async def started(self) -> AsyncIterator[UhppoteDriver]:
        """A driver that reports to `heard` until the block ends."""
        driver = self.driver()
        driver.start(self.heard.append)
        try:
            yield driver
        finally:
            driver.stop()
            await asyncio.sleep(0)


def be_patient(driver: UhppoteDriver) -> None:
    """From here on no answer is late, however busy the machine is that the tests run on."""
    for contact in driver._contacts:
        contact.link._timeout_s = 5.0


@asynccontextmanager
async def installed(at: int, **details: object) -> AsyncIterator[Installation]:
    """A board whose clock is right at an instant of the house's zone."""
    clock = FixedClock(at)
    board = UhppoteBoard(SERIAL, clock.now)
    async with board.serving():
        installation = Installation(board, clock, **details)  # type: ignore[arg-type]  # as the test has it
        yield installation


async def until(holds: Callable[[], object], within: float = 5.0) -> None:
    """Wait until it holds; fails if it does not in time."""
    for _ in range(int(within / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to hold in time")
