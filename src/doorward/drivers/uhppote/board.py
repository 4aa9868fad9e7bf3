"""One board: what is on it is brought to what the rules of its doors say, and its clock to the time of its zone."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from doorward.decision.snapshot import Snapshot
from doorward.drivers.base import Applied, DeviceEvent
from doorward.drivers.uhppote.board_time import DAY_MS, MINUTE_MS, next_offset_change, offset_at
from doorward.drivers.uhppote.config import DOORS, BoardConfig
from doorward.drivers.uhppote.contents import Contents, GaveWay
from doorward.drivers.uhppote.doors import Doors
from doorward.drivers.uhppote.image import NO_ACCESS
from doorward.drivers.uhppote.link import BoardError, BoardLink, BoardStatus
from doorward.drivers.uhppote.plan import DoorPlan, plan_door
from doorward.drivers.uhppote.profiles import PROFILE_IDS
from doorward.drivers.uhppote.record import Record
from doorward.drivers.uhppote.rights import RULE_ERRORS
from doorward.drivers.uhppote.rules import DoorRules, Frame
from doorward.kit.clock import Clock

_TOLERANCE_MS: Final = 3_000
"""A board's clock that is off by more is set."""
_TOLD_TOLERANCE_MS: Final = 1_000
"""The same when somebody says that it is to be set: boards count whole seconds."""
_JUMP_MS: Final = 5 * MINUTE_MS
"""A clock that is moved by more, as for summer time, could open again what is over: hence all is closed first."""


class Board:
    """Keeps one board. Its methods that talk to it raise BoardError, an OSError, if it does not answer."""

    def __init__(
        self, config: BoardConfig, link: BoardLink, clock: Clock, report: Callable[[DeviceEvent], None]
    ) -> None:
        self.config = config
        self.doors = Doors(config, link, clock, report=report)
        self.record = Record(config, link, clock, value_of=self._value_of, zone_of=self._zone_of)
        self.problems: list[str] = []
        self._link = link
        self._clock = clock
        self._rules: dict[int, DoorRules] = {}
        self._plans: dict[int, DoorPlan] = {}
        self._planned: dict[int, tuple[int, int | None]] = {}
        """By door, when what is on the board was planned, and when its rules were to be stale; none if unfinished."""
        self._abandoned: set[int] = set()
        self._locked_down: set[int] = set()
        self._applying: Counter[int] = Counter()
        """How many apply() are under way, by door: they do what is left."""
        self._contents = Contents(link, config.channels.keys())
        self._lock = asyncio.Lock()

    async def apply(self, door: int, snapshot: Snapshot, confirmed_at: int) -> Applied:
        """Bring a door to what a snapshot says that was known to be right at an instant. It gives way to lockdowns."""
        async with self._lock:
            self._abandoned.discard(door)
            self._rules[door] = DoorRules(snapshot, confirmed_at)
        self._applying[door] += 1
        try:
            while True:
                async with self._lock:  # in turn: whoever it gave way to has had it
                    with suppress(GaveWay):
                        return await self._bring(door)
        finally:
            self._applying[door] -= 1

    def confirm(self, door: int, confirmed_at: int) -> None:
        """The snapshot of a door is known to be right at a later instant, too; tend() writes what that changes."""
        rules = self._rules.get(door)
        if rules is not None and confirmed_at > rules.confirmed_at:
            self._rules[door] = replace(rules, confirmed_at=confirmed_at)

    def abandon(self, door: int) -> None:
        """The door is nobody's any more; tend() lets it admit nobody."""
        self._rules.pop(door, None)
        self._plans.pop(door, None)
        self._planned.pop(door, None)
        self._abandoned.add(door)
        self.doors.leave(door)

    async def lock_down(self, door: int, *, cards: bool, rex: bool) -> tuple[str, ...]:
        """Lock a door down for cards, and with them for the button; gives a sentence for what the board cannot do."""
        refused: tuple[str, ...] = ()
        if rex and not cards:
            refused = ("This board cannot lock the exit button down without the cards",)
        self.doors.set_lockdown(door, cards=cards, rex=rex)
        (self._locked_down.add if cards else self._locked_down.discard)(door)
        self._planned.pop(door, None)
        # What is being written, be it thousands of cards, is planned anew with that.
        self._contents.urgent += 1
        try:
            await self._lock.acquire()
        finally:
            self._contents.urgent -= 1
        try:
            if door in self._rules and cards:
                await self._contents.shut(door)
            if door in self._rules and not self._applying[door]:
                with suppress(GaveWay):  # then tend() does it
                    await self._bring(door)
        finally:
            self._lock.release()
        return refused

    async def tend(self, status: BoardStatus) -> None:
        """Do what time demands: set the clock, write what the days ahead need, look after a profile and the locks."""
        with suppress(GaveWay):  # then it is still to be done the next time
            await self._tend(status)
        await self.doors.settle()

    async def _tend(self, status: BoardStatus) -> None:
        async with self._lock:
            now = self._clock.now()
            if self._rules:
                wanted = now + self._offset(now)
                if status.shown is None or abs(status.shown - wanted) > _TOLERANCE_MS:
                    await self._right_clock(now)
                for door in list(self._rules):
                    if now >= self._due(door):
                        await self._bring(door)
                await self._look_after_profiles()
            for door in list(self._abandoned):
                await self._contents.bring(await self._contents.image(), door, DoorPlan())
                self._abandoned.discard(door)

    async def get_clock(self, door: int) -> int:
        """The instant that the board's clock shows, read by the zone of a door."""
        shown = await self._link.get_time()
        if shown is None:
            raise BoardError(f"Board {self.config.serial} shows no time")
        return shown - offset_at(self._zone_of(door), self._clock.now())

    async def set_clock(self, at: int) -> None:
        """Set the board's clock to an instant, and write by the new clock what is written by the old."""
        async with self._lock:
            if not self._rules:
                raise BoardError(f"Board {self.config.serial} has no snapshot yet, and so no zone")
            await self._right_clock(at, tolerance_ms=_TOLD_TOLERANCE_MS)
            with suppress(GaveWay):  # then tend() does it
                for door in list(self._rules):
                    if self._clock.now() >= self._due(door):
                        await self._bring(door)

    def next_clock_change(self, after: int) -> int | None:
        """When the clocks of the board's zone are changed next; None if not within a year, or it has no zone yet."""
        try:
            return next_offset_change(self._zone(), after) if self._rules else None
        except RULE_ERRORS:
            return None

    # What is on the board.

    async def _bring(self, door: int) -> Applied:
        now = self._clock.now()
        self._planned.pop(door, None)
        if await self._right_clock(now):
            for other in self._rules.keys() - {door}:
                await self._bring_one(other, now)
        return await self._bring_one(door, now)

    async def _bring_one(self, door: int, now: int) -> Applied:
        rules = self._rules[door]
        rules = replace(rules, is_locked_down=door in self._locked_down)
        image = await self._contents.image()
        elsewhere = image.chained(set(DOORS) - {door})
        frame = Frame(now, self._offset(now), len(PROFILE_IDS) - len(elsewhere), self.config.card_numbers)
        if rules.snapshot.channel.zone != self._zone():
            plan = DoorPlan(
                refused=(
                    f"Nobody is admitted by card: the board's clock follows the zone {self._zone()}, not this door's",
                )
            )
        else:
            plan = plan_door(rules, frame)
        self._plans[door] = plan
        failed = await self._contents.bring(image, door, plan)
        self._planned[door] = (now, rules.stale_at)
        self.doors.follow(door, rules.snapshot.channel.auto_unlock, frame.offset)
        on_board = sum(1 for row in image.cards.values() if row.at(door) != NO_ACCESS)
        return Applied(rules.snapshot.version, on_board, (*plan.refused, *failed))

    async def _look_after_profiles(self) -> None:
        is_right = await self._contents.look_after_one()
        if is_right is None:
            self.problems = []
        elif not is_right:
            self.problems = [f"Somebody else has changed the time profiles of board {self.config.serial}"]
            for door in list(self._rules):
                await self._bring(door)

    # What time it is there.

    async def _right_clock(self, now: int, *, tolerance_ms: int = _TOLERANCE_MS) -> bool:
        """Set the board's clock if it is wrong; whether what is written by it must be written anew."""
        if not self._rules:
            return False
        shown, wanted = await self._link.get_time(), now + self._offset(now)
        if shown is not None and abs(shown - wanted) <= tolerance_ms:
            return False
        is_jump = shown is None or abs(shown - wanted) > _JUMP_MS
        if is_jump:
            self._planned.clear()
            await self._contents.close_all()
        await self._link.set_time(wanted)
        self.doors.forget_tasks()
        return is_jump

    def _zone(self) -> str:
        """The zone of the board's clock: that of its first door."""
        first = min(self._rules)
        return self._rules[first].snapshot.channel.zone

    def _zone_of(self, door: int) -> str:
        rules = self._rules.get(door)
        return "UTC" if rules is None else rules.snapshot.channel.zone

    def _offset(self, at: int) -> int:
        try:
            return offset_at(self._zone(), at)
        except RULE_ERRORS:
            # Nobody is admitted at a door of a zone that nobody knows: its shifts cannot be read.
            return 0

    def _due(self, door: int) -> int:
        """When a door must be written anew: at the board's next midnight, when the clocks change, or now."""
        if door not in self._planned:
            return 0
        planned_at, stale_at = self._planned[door]
        if self._rules[door].stale_at != stale_at:
            return 0
        offset = self._offset(planned_at)
        midnight = ((planned_at + offset) // DAY_MS + 1) * DAY_MS - offset
        change = self.next_clock_change(planned_at)
        return midnight if change is None else min(midnight, change)

    def _value_of(self, door: int, number: int) -> str:
        plan = self._plans.get(door)
        return str(number) if plan is None else plan.values.get(number, str(number))
