"""All doors of a controller: each with its driver, what happens there written down before anything moves.

It waits for nothing: neither for the disk nor for a thread nor for the network.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import structlog

from doorward.controller.door import Door
from doorward.controller.happening import Happening, kept, noted
from doorward.controller.hardware import Unit
from doorward.controller.journal import Journal
from doorward.controller.plan import SIMULATED, Plan, simulated_driver
from doorward.controller.served import Served
from doorward.controller.whereabouts import Whereabouts
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence, Presented
from doorward.decision.verdict import Verdict
from doorward.drivers.base import DeviceEvent, Driver, Offline, Online, RexPressed
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock
from doorward.kit.errors import NotFound

_log = structlog.get_logger("doorward.controller")

_LEAVING: Final = ("rule_failed", "A rule failed; leaving stays possible.")


class Doors:
    """Used from one event loop. `told`: is called with what has happened, once it is written down."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        plan: Plan,
        told: Callable[[Sequence[Happening]], None] | None = None,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.whereabouts = Whereabouts()
        self.channels: dict[int, Served] = {}
        self.on_started: Callable[[Unit], None] = lambda _: None
        """Called when a driver has begun, in the same turn of the loop."""
        self._told = told
        self._plan = plan
        self._verdicts: dict[int, Verdict] = {}
        self.units = [self._unit(unit.name, partial(unit.build, clock)) for unit in plan.units]
        self._simulated: Unit | None = None
        if plan.simulates:
            self._simulated = self._unit(SIMULATED, partial(simulated_driver, clock))
            self.units.append(self._simulated)

    # Which there are.

    def add(self, served: Served) -> None:
        """A channel is this controller's from now on."""
        self.channels[served.id] = served
        self.equip(served)

    def remove(self, channel_id: int) -> None:
        """It is no longer: its lock is left locked."""
        served = self.channels.pop(channel_id)
        if served.unit is not None:
            served.unit.forget(channel_id)
        served.hand.unit = None

    def equip(self, served: Served) -> None:
        """Let the channel have the driver that is meant for it by now."""
        wanted = self._unit_for(served)
        before = served.unit
        if wanted is before:
            return
        if before is not None:
            before.forget(served.id)
        served.hand.unit = wanted
        if wanted is not None:
            wanted.channel_ids.add(served.id)
            if wanted.driver is not None:
                self._on_back_at(wanted, [served.id])

    def driven(self) -> list[Served]:
        """The channels that have hardware."""
        return [served for served in self.channels.values() if served.unit is not None]

    def undriven(self) -> list[Served]:
        """The channels of this controller that its configuration leaves out: they deny everybody, and do nothing."""
        return [served for served in self.channels.values() if served.unit is None]

    def served(self, channel_id: int) -> Served:
        """Raises NotFound."""
        found = self.channels.get(channel_id)
        if found is None:
            raise NotFound(f"channel {channel_id} is not this controller's")
        return found

    def start(self) -> None:
        """Let the drivers begin, and say that the channels are in service."""
        for unit in self.units:
            unit.start()
        self.tick()
        self.say_started()

    def stop(self) -> None:
        """Let go of the drivers, and say that the channels are out of service. No lock moves."""
        now = self.clock.now()
        for served in self.driven():
            served.act(lambda door: door.give_up(now))
        for unit in self.units:
            unit.stop()
        self.keep([noted(served.id, EventCode.CHANNEL_STOPPED, now) for served in self.driven()])

    def say_started(self) -> None:
        """Say of each channel that has come into service that it has."""
        now = self.clock.now()
        for served in self.driven():
            if not served.is_started:
                served.is_started = True
                self.keep([noted(served.id, EventCode.CHANNEL_STARTED, now)])

    # What happens.

    def keep(self, happenings: Sequence[Happening]) -> None:
        """Write down what has happened."""
        if not happenings:
            return
        now = self.clock.now()
        happenings = [kept(happening, now) for happening in happenings]
        last = self.journal.append(happenings)
        for index, happening in enumerate(happenings, last - len(happenings) + 1):
            told = happening.told
            if told.moved_to is not None and told.person_id is not None:
                self.whereabouts.move(told.person_id, Presence(*told.moved_to), index)
        if self._told is not None:
            self._told(happenings)

    def note(self, code: EventCode, *reasons: tuple[str, str], channels: Iterable[Served] | None = None) -> None:
        """Say something that concerns channels without having happened at their doors; else all that have hardware."""
        now = self.clock.now()
        self.keep(
            [noted(served.id, code, now, *reasons) for served in (self.driven() if channels is None else channels)]
        )

    def tick(self) -> int | None:
        """Do what time demands now; gives when there is something to do again, as far as known."""
        now = self.clock.now()
        due: int | None = None
        for served in self.driven():
            served.act(lambda door: door.tick(now))
            next_due = served.door.next_due(now)
            if next_due is not None and (due is None or next_due < due):
                due = next_due
        return due

    def handle(self, event: DeviceEvent) -> None:
        """A device reports something."""
        served = self.channels.get(event.channel_id)
        if served is None or served.unit is None:
            return
        now, presences = self.clock.now(), self.whereabouts.presences
        is_handled = False

        def handle(door: Door) -> Verdict | None:
            nonlocal is_handled
            verdict = door.handle(event, presences, now)
            is_handled = True
            return verdict

        verdict = served.act(handle, event.cursor)
        if verdict is not None:
            self._verdicts[served.id] = verdict
        if isinstance(event, RexPressed) and event.is_pressed and not is_handled:
            self._let_out(served, now)

    def _let_out(self, served: Served, now: int) -> None:
        """The door's own logic failed: whoever wants to leave can, unless an operator has locked that down."""
        if not served.replica.setting.rex_lockdown:
            self.keep([noted(served.id, EventCode.ADMIT_REX, now, _LEAVING)])
            served.hand.unlock(served.id, served.replica.setting.pulse_ms)
            served.hand.flush()

    # What somebody does at a simulated door.

    def present(self, channel_id: int, presented: Presented) -> Verdict:
        """Hold credentials to its reader. Raises NotFound where there is no simulated one."""
        driver = self.simulated(channel_id)
        self._verdicts.pop(channel_id, None)
        driver.present(channel_id, presented)
        verdict = self._verdicts.pop(channel_id, None)
        if verdict is None:
            raise NotFound(f"the reader of channel {channel_id} does not answer")
        return verdict

    def act(self, channel_id: int, action: str) -> None:
        """Do something else: "rex", "open", "close", "tamper", "untamper". Raises NotFound."""
        driver = self.simulated(channel_id)
        match action:
            case "rex":
                driver.press_rex(channel_id)
            case "open" | "close":
                driver.move(channel_id, action == "open")
            case "tamper" | "untamper":
                driver.tamper(channel_id, action == "tamper")
            case _:
                raise NotFound(f"nobody can {action} a door")

    def simulated(self, channel_id: int) -> SimulatedDriver:
        """The driver of a channel whose hardware is simulated. Raises NotFound."""
        served = self.served(channel_id)
        driver = None if served.unit is None else served.unit.driver
        if not isinstance(driver, SimulatedDriver):
            raise NotFound(f"channel {channel_id} has no simulated hardware here")
        return driver

    # Drivers.

    def _unit(self, name: str, build: Callable[[], Driver]) -> Unit:
        return Unit(name, build, self.handle, self._on_lost, self._on_back)

    def _unit_for(self, served: Served) -> Unit | None:
        for unit, planned in zip(self.units, self._plan.units, strict=False):
            if served.id in planned.channel_ids:
                return unit
        return self._simulated if served.replica.driver == SIMULATED else None

    def _on_lost(self, unit: Unit, reason: str) -> None:
        now = self.clock.now()
        for channel_id in list(unit.channel_ids):
            self.handle(Offline(channel_id=channel_id, device_time=now, received_at=now, reason=reason))

    def _on_back(self, unit: Unit) -> None:
        """A driver runs: those of its devices that answer are told how to hold their locks."""
        self.on_started(unit)
        self._on_back_at(unit, list(unit.channel_ids))

    def _on_back_at(self, unit: Unit, channel_ids: Iterable[int]) -> None:
        now, online = self.clock.now(), unit.health().online
        for channel_id in channel_ids:
            if online.get(channel_id, True):
                self.handle(Online(channel_id=channel_id, device_time=now, received_at=now))
