"""The doors that this process itself controls: snapshots from the database, decisions here, facts back to it."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from doorward.changes import service as changes
from doorward.controller.door import Door, Fact, Setting
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.snapshot import Presented
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.drivers.base import ContactChanged, CredentialRead, DeviceEvent, RexPressed, TamperChanged
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.events.service import Event, record
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.kit.errors import NotFound
from doorward.sync.compiler import CompiledChannel, Controls
from doorward.sync.live import LiveSnapshots

_log = structlog.get_logger("doorward.doors")

_FOLLOW_EVERY_S: Final = 0.5
"""How soon a change made by another process is noticed; this process's own are noticed at once."""
_TICK_S: Final = 0.25
"""How exactly a door relocks; at most this late."""
_RECORD_AT_MOST_S: Final = 2.0
"""How long whoever stands at the door waits for the event to be on record; it is kept and written in any case."""
_GATHER_S: Final = 0.1
"""A burst of changes is read together."""
_FRESHEN_AT_MOST_S: Final = 0.5
"""A door waits no longer than this for the database before it decides with what it knows."""
_FACTS_AT_ONCE: Final = 200
_MOST_FACTS: Final = 100_000


class LocalDoors:
    """Every simulated channel of the installation. Used from one event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._live = LiveSnapshots(database, vault)
        self.driver = SimulatedDriver(clock)
        self._doors: dict[int, Door] = {}
        self._accounts: dict[int, int] = {}
        self._facts: deque[tuple[int, Fact, str]] = deque()
        self._recording = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._next_refresh: asyncio.Task[None] | None = None
        self._verdicts: dict[int, Verdict] = {}

    async def start(self) -> None:
        """Compile everything and take over the doors."""
        loop = asyncio.get_running_loop()

        def changed() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        self._database.listen(changes.TOPIC, changed)
        await self._live.refresh()
        self._update_doors()
        self.driver.start(self._on_event)

    # Three tasks, so that nothing which waits for the database keeps a door from locking on time.

    async def follow(self) -> None:
        """Follow the configuration until cancelled."""
        while True:
            with suppress(TimeoutError):  # then it is time to look anyway
                await asyncio.wait_for(self._changed.wait(), _FOLLOW_EVERY_S)
            await asyncio.sleep(_GATHER_S)
            self._changed.clear()
            await self._freshen()

    async def keep_time(self) -> None:
        """Do at each door what time demands until cancelled. It waits for nothing but the time."""
        while True:
            now = self._clock.now()
            for door in self._doors.values():
                door.tick(now)
            await asyncio.sleep(_TICK_S)

    async def keep_record(self) -> None:
        """Write what has to wait, as soon as it can be written, until cancelled."""
        while True:
            await asyncio.sleep(_FOLLOW_EVERY_S)
            await self._record()

    async def present(self, channel_id: int, presented: Presented) -> Verdict:
        """Hold credentials to a door's reader; the event is on record when this returns. Raises NotFound."""
        await self._freshen()
        if channel_id not in self._doors:
            raise NotFound(f"there is no channel {channel_id}")
        self._verdicts.pop(channel_id, None)
        self.driver.present(channel_id, presented)
        verdict = self._verdicts.pop(channel_id, None)
        if verdict is None:
            raise NotFound(f"channel {channel_id} has no reader here")
        await self._record_soon()
        return verdict

    async def act(self, channel_id: int, action: str) -> None:
        """Do what somebody at the door does: "rex", "open", "close", "tamper", "untamper". Raises NotFound."""
        await self._freshen()
        if channel_id not in self._doors:
            raise NotFound(f"there is no channel {channel_id}")
        match action:
            case "rex":
                self.driver.press_rex(channel_id)
            case "open" | "close":
                self.driver.move(channel_id, action == "open")
            case "tamper" | "untamper":
                self.driver.tamper(channel_id, action == "tamper")
            case _:
                raise NotFound(f"nobody can {action} a door")
        await self._record_soon()

    async def door(self, channel_id: int) -> Door:
        """One door as it is now. Raises NotFound."""
        await self._freshen()
        if channel_id not in self._doors:
            raise NotFound(f"there is no channel {channel_id}")
        return self._doors[channel_id]

    async def stop(self) -> None:
        """Record what has happened and let go of the doors; no lock moves."""
        self.driver.stop()
        await self._record()

    async def _freshen(self) -> None:
        """Catch up, but wait no longer than a door may; a refresh that takes longer goes on by itself."""
        if self._next_refresh is None:
            self._next_refresh = asyncio.create_task(self._refresh())
        done, _ = await asyncio.wait({self._next_refresh}, timeout=_FRESHEN_AT_MOST_S)
        if not done:
            _log.warning("doors decide with what they know", reason="reading the configuration takes long")

    async def _refresh(self) -> None:
        async with self._refreshing:
            self._next_refresh = None  # whoever comes from now on wants to know what is newer than this
            try:
                await self._live.refresh()
            except DatabaseUnavailable as error:
                _log.warning("doors decide with what they know", reason=str(error))
            finally:
                self._update_doors()

    def _update_doors(self) -> None:
        now = self._clock.now()
        known: set[int] = set()
        for compiled in self._live.channels():
            channel_id = compiled.snapshot.channel.id
            known.add(channel_id)
            door = self._doors.get(channel_id)
            if door is None:
                self._doors[channel_id] = door = self._new_door(compiled)
                door.tick(now)
            elif door.snapshot is not compiled.snapshot:
                door.update(compiled.snapshot, setting_of(compiled.controls), now)
        for channel_id in self._doors.keys() - known:
            del self._doors[channel_id]
            self.driver.forget(channel_id)

    def _new_door(self, compiled: CompiledChannel) -> Door:
        channel_id = compiled.snapshot.channel.id
        self._accounts[channel_id] = compiled.controls.account_id
        return Door(self.driver, self._on_fact, compiled.snapshot, setting_of(compiled.controls))

    def _on_event(self, event: DeviceEvent) -> None:
        door = self._doors.get(event.channel_id)
        if door is None:
            return
        match event:
            case CredentialRead():
                presence = self._live.presence(self._accounts[event.channel_id])
                self._verdicts[event.channel_id] = door.present(event.presented, presence, event.device_time)
            case RexPressed():
                door.press_rex(event.device_time)
            case ContactChanged():
                door.contact(event.is_open, event.device_time)
            case TamperChanged():
                door.tamper(event.is_tampered, event.device_time)

    def _on_fact(self, fact: Fact) -> None:
        account_id = self._accounts[fact.channel_id]
        if fact.moved_to is not None and fact.verdict is not None and fact.verdict.person_id is not None:
            self._live.presence(account_id)[fact.verdict.person_id] = fact.moved_to
        if len(self._facts) >= _MOST_FACTS:
            _log.error("an event is lost: the database has been gone for too long", code=int(fact.code))
            return
        self._facts.append((account_id, fact, self._doors[fact.channel_id].snapshot.channel.name))

    async def _record_soon(self) -> None:
        """Record; go on if that takes long, as it does while the database is gone."""
        recording = asyncio.create_task(self._record())
        self._tasks.add(recording)
        recording.add_done_callback(self._tasks.discard)
        await asyncio.wait({recording}, timeout=_RECORD_AT_MOST_S)

    async def _record(self) -> None:
        """Write the facts in the order in which they happened; those that cannot be written now are kept."""
        async with self._recording:
            while self._facts:
                batch = [self._facts[index] for index in range(min(_FACTS_AT_ONCE, len(self._facts)))]
                try:
                    await self._write([event_of(account_id, fact, name) for account_id, fact, name in batch])
                except DatabaseUnavailable as error:
                    _log.error("events have to wait", waiting=len(self._facts), reason=str(error))
                    return
                for _ in batch:
                    self._facts.popleft()

    async def _write(self, events: list[Event]) -> None:
        """Write events. One that names what has been removed meanwhile keeps the names and loses the references."""
        now = self._clock.now()

        def write(transaction: Transaction) -> None:
            for event in events:
                record(transaction, event, now)

        try:
            await self._database.write(write)
        except DatabaseUnavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one event, the others are written
            if len(events) > 1:
                for event in events:
                    await self._write([event])
                return
            [event] = events
            bare = replace(event, channel_id=None, person_id=None, credential=None, moved_to=None)
            if event == bare:
                _log.exception("an event cannot be written", code=int(event.event_code))
            else:
                await self._write([bare])


def setting_of(controls: Controls) -> Setting:
    """What operators have set, as the door takes it."""
    return Setting(
        pulse_ms=controls.pulse_ms,
        held_open_ms=controls.held_open_ms,
        unlocked=controls.unlocked,
        unlocked_until=controls.unlocked_until,
        card_lockdown=controls.card_lockdown,
        rex_lockdown=controls.rex_lockdown,
        aux_lockdown=controls.aux_lockdown,
    )


def event_of(account_id: int, fact: Fact, channel_name: str) -> Event:
    """A fact from a door as the event to record."""
    verdict = fact.verdict
    return Event(
        account_id,
        fact.code,
        fact.at,
        channel_id=fact.channel_id,
        channel_name=channel_name,
        person_id=None if verdict is None else verdict.person_id,
        person_name=None if verdict is None else verdict.person_name,
        credential=fact.credential,
        reasons=() if verdict is None else tuple(reasons_of(verdict)),
        moved_to=fact.moved_to,
    )
