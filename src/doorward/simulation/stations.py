"""A controller at the site: the product's own, in this process, with hardware made of numbers and a network of its own.

Losing its power it is dropped as it is, and later begun anew from its directory.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from doorward.controller import identity
from doorward.controller.chores import begun
from doorward.controller.clock import DoorClock, ServerTime
from doorward.controller.door import Door
from doorward.controller.enrolment import enrol, enrolment_code
from doorward.controller.happening import Happening
from doorward.controller.link import Link, connecting
from doorward.controller.plan import Plan, PlannedUnit
from doorward.controller.runtime import Controller
from doorward.controller.store import About
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence
from doorward.decision.wording import event_label
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.simulation.clocks import SiteClock, WrongClock
from doorward.simulation.network import Network
from doorward.simulation.timeline import Happened

_AGAIN_S: Final = 0.05
"""How long a controller waits before it tries again to reach its server; real time, which is short here."""


class AtDoor(NamedTuple):
    """Something that a controller has written down, for the timeline."""

    at: int
    channel_id: int
    happened: Happened


class _Jumping(ServerTime):
    """The server's time, of which nothing is concluded: an answer that is on its way while time jumps comes too late.

    A clock that goes wrong here does so by a step, which a controller notices without the server.
    """

    def has_gone_wrong(self, own: int) -> bool:  # noqa: ARG002 - as it is called
        return False


class Unpowered(Exception):
    """Nothing drives the door now."""


class Station:
    """One controller with its doors, its clock, its directory and its way to the server."""

    def __init__(self, name: str, directory: Path, site: SiteClock, port: int) -> None:
        self.name = name
        self.clock = WrongClock(site)
        self.network = Network(port)
        self.channel_ids: tuple[int, ...] = ()
        self.controller_id = 0
        self.driver = SimulatedDriver(self.clock)
        self._site = site
        self._directory = directory
        self._names: dict[int, str] = {}
        self._controller: Controller | None = None
        self._link: Link | None = None
        self._chores: list[asyncio.Task[None]] = []
        self._told: deque[AtDoor] = deque()

    # From its enrolment to its end.

    async def enrol(self, code: str, names: dict[int, str]) -> None:
        """Enrol by a code for doors, and go to work."""
        await self.network.start()
        server = f"http://127.0.0.1:{self.network.port}"
        enrolled = await asyncio.to_thread(enrol, server, enrolment_code(code), self.name, None)
        identity.save(self._directory, enrolled.identity)
        self._names = names
        self.channel_ids = tuple(channel.id for channel in enrolled.channels)
        self.controller_id = enrolled.identity.controller_id
        controller = self._new()
        await controller.start()
        for channel in enrolled.channels:
            keys = (bytes.fromhex(channel.key),) if channel.key else ()
            await controller.keep_channel(channel.id, About(channel.name, channel.driver, keys))
        self._work(controller)

    async def cut_power(self) -> None:
        """It is dropped in the middle of what it does; its locks are locked."""
        if self._controller is None:
            return
        controller, self._controller, self._link = self._controller, None, None
        self.driver.stop()
        for channel_id in self.channel_ids:
            self.driver.cut_power(channel_id)
        await _cancelled(self._chores)
        # Only what the process holds is let go of: nothing more is told or kept.
        await asyncio.to_thread(controller.journal.abandon)
        with suppress(OSError):
            await controller.contents.close()

    async def restore_power(self) -> None:
        """It starts again with what it has kept."""
        if self._controller is not None:
            return
        controller = self._new()
        await controller.start()
        for channel_id in self.channel_ids:
            self.driver.restore(channel_id)
        self._work(controller)

    async def stop(self) -> None:
        """It is told to end, and does."""
        controller, self._controller, self._link = self._controller, None, None
        await _cancelled(self._chores)
        if controller is not None:
            await controller.stop()
        await self.network.close()

    def _new(self) -> Controller:
        unit = PlannedUnit("simulated", frozenset(self.channel_ids), lambda _: self.driver)
        controller = Controller(
            identity.load(self._directory),
            self._directory,
            DoorClock(self.clock, self._site.now),
            Plan((unit,), simulates=False),
            told=self._take_note,
        )
        controller.server_time = _Jumping()
        return controller

    def _work(self, controller: Controller) -> None:
        link = Link(controller, connecting(controller.identity), lambda _: _AGAIN_S)
        self._controller, self._link = controller, link
        self._chores = [*map(begun, controller.chores()), begun(("link", link.run))]

    # Time.

    def tick(self) -> None:
        """Do what time demands."""
        if self._controller is not None:
            self._controller.tick()
            self.driver.deliver()

    def next_due(self) -> int | None:
        """When time will demand something next, by the site's clock."""
        if self._controller is None:
            return None
        now = self.clock.now()
        due = [self.driver.next_due(), *(served.door.next_due(now) for served in self._controller.doors.driven())]
        return min((instant - self.clock.ahead_ms for instant in due if instant is not None), default=None)

    def confirm(self) -> None:
        """What its server's pulses have said in the time that was jumped over: that it is there."""
        if self._controller is not None and self.is_linked:
            at_server = self._controller.server_time.now()
            if at_server is not None:
                self._controller.confirm(at_server)

    # What is to be known of it.

    @property
    def is_powered(self) -> bool:
        """Whether it runs."""
        return self._controller is not None

    @property
    def is_linked(self) -> bool:
        """Whether it and its server have found each other."""
        return self._link is not None and self._link.is_up

    @property
    def waiting(self) -> int:
        """How many events it has still to tell."""
        return 0 if self._controller is None else self._controller.journal.length

    @property
    def number_told(self) -> int:
        """How many events it has numbered in all."""
        journal = None if self._controller is None else self._controller.journal
        return 0 if journal is None else journal.sequence_of(journal.last)

    def door(self, channel_id: int) -> Door:
        """The logic of one of its doors. Raises Unpowered."""
        if self._controller is None:
            raise Unpowered(self.name)
        return self._controller.doors.served(channel_id).door

    def agrees(self, presence: dict[int, Presence]) -> bool:
        """Whether it has people where they are, as far as that matters at its doors."""
        if self._controller is None:
            return True
        known = self._controller.doors.whereabouts.presences
        return all(
            known.get(person_id) == presence.get(person_id)
            for served in self._controller.doors.driven()
            if served.door.snapshot.channel.passback is not None
            for person_id in served.door.snapshot.directory.people
        )

    def drain(self) -> list[AtDoor]:
        """What has happened at its doors since this was asked last."""
        told = list(self._told)
        self._told.clear()
        return told

    def _take_note(self, happenings: Sequence[Happening]) -> None:
        for happening in happenings:
            told = happening.told
            code = EventCode(told.code)
            label = event_label(code, self._names.get(happening.channel_id, "A door"), told.person_name)
            at = told.at - self.clock.ahead_ms
            self._told.append(AtDoor(at, happening.channel_id, Happened(code, label, told.reasons)))


async def _cancelled(chores: Collection[asyncio.Task[None]]) -> None:
    for chore in chores:
        chore.cancel()
    await asyncio.gather(*chores, return_exceptions=True)
