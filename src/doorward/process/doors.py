"""The doors that this process itself controls: snapshots from the database, decisions here, facts back to it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from doorward.admissions import service as admissions
from doorward.changes import reports
from doorward.changes import service as changes
from doorward.controller.door import Door, Fact, Setting
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presented
from doorward.decision.verdict import Verdict
from doorward.drivers.base import DeviceEvent
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.events.service import record
from doorward.kit.chores import Chore
from doorward.kit.clock import Clock, steady_time
from doorward.kit.crypto import Vault
from doorward.kit.errors import NotFound
from doorward.process.record import Recorder
from doorward.sync.compiler import CompiledChannel, Controls, compile_some
from doorward.sync.live import LiveSnapshots

_log = structlog.get_logger("doorward.doors")

_FOLLOW_EVERY_S: Final = 0.5
"""How soon a change made by another process is noticed; this process's own are noticed at once."""
_TICK_S: Final = 0.25
"""How exactly a door relocks; at most this late."""
_GATHER_S: Final = 0.1
"""A burst of changes is read together."""
_FRESHEN_AT_MOST_S: Final = 0.5
"""A door waits no longer than this for the database before it decides with what it knows."""
_REPORT_EVERY_S: Final = 10.0
"""How often the doors say that they are there; well within reports.HEARD_WITHIN_MS."""
_REPORT_NEWS_EVERY_S: Final = 0.3
"""What the doors have confirmed in the meantime is written at once."""


class LocalDoors:
    """Every simulated channel of the installation that no controller serves. Used from one event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, live: LiveSnapshots | None = None) -> None:
        """`live`: shared with whoever else follows the configuration in this process."""
        self._database = database
        self._clock = clock
        self._changed = asyncio.Event()
        self._live = live or LiveSnapshots(database, vault, clock)
        self._live.when_ready(self._changed.set)
        self.driver = SimulatedDriver(clock)
        self.recorder = Recorder(database, clock)
        self._doors: dict[int, Door] = {}
        self._accounts: dict[int, int] = {}
        self._asked = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._next_refresh: asyncio.Task[None] | None = None
        self._verdicts: dict[int, Verdict] = {}
        self._started_at = 0
        self._version = -1
        self._applied = asyncio.Event()
        self._stopped = False

    async def start(self) -> None:
        """Compile everything, take over the doors, and say that they are there."""
        loop = asyncio.get_running_loop()

        def waking(event: asyncio.Event) -> Callable[[], None]:
            def wake() -> None:
                if not self._stopped:
                    loop.call_soon_threadsafe(event.set)

            return wake

        self._database.listen(changes.TOPIC, waking(self._changed))
        self._database.listen(admissions.TOPIC, waking(self._asked))
        self._started_at = self._clock.now()
        await self._live.refresh()
        self._update_doors()
        self.driver.start(self._on_event)
        await self.report()

    def chores(self) -> tuple[Chore, ...]:
        """What is to be kept going until the doors are let go of.

        Each of its own, so that nothing which waits for the database keeps a door from locking on time.
        """
        return (
            ("doors' configuration", self.follow),
            ("doors' time", self.keep_time),
            ("doors' record", self.keep_record),
            ("doors' contact", self.keep_contact),
            ("remote admissions", self.keep_answering),
        )

    async def follow(self) -> None:
        """Follow the configuration until cancelled."""
        while True:
            with suppress(TimeoutError):  # then it is time to look anyway
                async with asyncio.timeout(_FOLLOW_EVERY_S):  # wait_for() can lose a cancellation before Python 3.12
                    await self._changed.wait()
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
        """Record what nobody waits for until cancelled."""
        await self.recorder.run()

    async def keep_contact(self) -> None:
        """Report until cancelled: what the doors have confirmed soon, that they are there now and then."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _REPORT_EVERY_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._applied.wait()
            everyone = loop.time() >= due
            if everyone:
                due = loop.time() + _REPORT_EVERY_S
            await self.report(everyone=everyone)
            await asyncio.sleep(_REPORT_NEWS_EVERY_S)

    async def keep_answering(self) -> None:
        """Answer those who ask from afar for a door to be released, until cancelled."""
        while True:
            with suppress(TimeoutError):  # another process may have been asked
                async with asyncio.timeout(_FOLLOW_EVERY_S):  # wait_for() can lose a cancellation before Python 3.12
                    await self._asked.wait()
            self._asked.clear()
            await self.answer()

    async def present(self, channel_id: int, presented: Presented) -> Verdict:
        """Hold credentials to a door's reader; the event is on record when this returns. Raises NotFound."""
        self._live.look_at(*(each for each in presented[:2] if each is not None))
        await self._freshen()
        self._required(channel_id)
        self._verdicts.pop(channel_id, None)
        self.driver.present(channel_id, presented)
        verdict = self._verdicts.pop(channel_id, None)
        if verdict is None:
            raise NotFound(f"channel {channel_id} has no reader here")
        await self.recorder.soon()
        return verdict

    async def act(self, channel_id: int, action: str) -> None:
        """Do what somebody at the door does: "rex", "open", "close", "tamper", "untamper". Raises NotFound."""
        await self._freshen()
        self._required(channel_id)
        match action:
            case "rex":
                self.driver.press_rex(channel_id)
            case "open" | "close":
                self.driver.move(channel_id, action == "open")
            case "tamper" | "untamper":
                self.driver.tamper(channel_id, action == "tamper")
            case _:
                raise NotFound(f"nobody can {action} a door")
        await self.recorder.soon()

    async def door(self, channel_id: int) -> Door:
        """One door as it is now. Raises NotFound."""
        await self._freshen()
        return self._required(channel_id)

    def _required(self, channel_id: int) -> Door:
        found = self._doors.get(channel_id)
        if found is None:
            known = self._live.channel(channel_id)
            raise NotFound(not_here(channel_id, None if known is None else known.controls))
        return found

    async def report(self, *, everyone: bool = True) -> None:
        """Write that the doors are there and up to which change they decide; not `everyone`: those with news."""
        self._applied.clear()
        channel_ids, version, now = list(self._doors), self._version, self._clock.now()

        def write(transaction: Transaction) -> None:
            reports.report(transaction, channel_ids, version, now, everyone=everyone)

        try:
            await self._database.write(write)
        except DatabaseUnavailable as error:
            _log.warning("the doors cannot report", reason=str(error))
        except Exception as error:  # noqa: BLE001 - such as a channel that is removed just now: the next will do
            _log.warning("the doors could not report", reason=str(error))
            self._applied.set()

    async def answer(self) -> None:
        """Take up the requests that have been made since these doors were taken over, and are not too old."""
        since, now, channel_ids = self._started_at, self._clock.now(), list(self._doors)
        try:
            asked = await self._database.read(lambda tx: admissions.waiting(tx, channel_ids, since, now))
        except DatabaseUnavailable as error:
            _log.warning("remote admissions have to wait", reason=str(error))
            return
        if asked:
            await asyncio.gather(*map(self._answer, asked))
            await self.recorder.soon()

    async def stop(self) -> None:
        """Record what has happened and let go of the doors; no lock moves."""
        self._stopped = True
        self.driver.stop()
        for door in self._doors.values():
            door.give_up(self._clock.now())
        await self._live.close()
        await self.recorder.record()

    async def _answer(self, request_id: int) -> None:
        """Take a request up and let its door decide. Whatever goes wrong from then on, the door stays shut."""
        since, now = self._started_at, self._clock.now()
        try:
            asked = await self._database.write(lambda tx: admissions.claim(tx, request_id, since, now))
        except DatabaseUnavailable as error:
            _log.warning("a remote admission could not be taken up", request=request_id, reason=str(error))
            return
        if asked is None:
            return
        await self._freshen()
        if asked.channel_id not in self._doors:
            await self._nobody_there(asked)
            return
        latest = await self._latest(asked)
        # From here on nothing is waited for: what has been read is as fresh as what is done.
        now, door = self._clock.now(), self._doors.get(asked.channel_id)
        if door is None or now - asked.requested_at > admissions.TAKEN_UP_WITHIN_MS:
            return
        if latest is None:
            door.refuse(asked.id, asked.person_id, now)
        else:
            known = (latest.snapshot, setting_of(latest.controls))
            door.admit(asked.id, asked.person_id, self._live.presence(asked.account_id), now, known)

    async def _latest(self, asked: admissions.Admission) -> CompiledChannel | None:
        """What a remote admission is decided by, as the database has it at this moment; None if that takes too long."""
        people, now = [] if asked.person_id is None else [asked.person_id], self._clock.now()

        def read(transaction: Transaction) -> CompiledChannel | None:
            found = compile_some(transaction, asked.account_id, [asked.channel_id], people, at=now)
            return found.get(asked.channel_id)

        try:
            return await asyncio.wait_for(self._database.read(read), _FRESHEN_AT_MOST_S)
        except (DatabaseUnavailable, TimeoutError) as error:
            _log.warning("a remote admission is denied", request=asked.id, reason=str(error) or "reading takes long")
            return None

    async def _nobody_there(self, asked: admissions.Admission) -> None:
        now = self._clock.now()

        def write(transaction: Transaction) -> None:
            admissions.complete(transaction, asked.id, "offline", now)
            record(transaction, admissions.event_of(asked, EventCode.CONTROLLER_OFFLINE, now, channel_id=None), now)

        try:
            await self._database.write(write)
        except DatabaseUnavailable as error:
            _log.warning("a remote admission found no door", request=asked.id, reason=str(error))

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
                await self._live.advance()
            except DatabaseUnavailable as error:
                _log.warning("doors decide with what they know", reason=str(error))
            finally:
                self._update_doors()

    def _update_doors(self) -> None:
        now = self._clock.now()
        known: set[int] = set()
        for compiled in self._live.channels():
            if not compiled.controls.is_local:
                continue  # a controller's to drive, and to report
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
        if self._version != self._live.version:
            self._version = self._live.version
            self._applied.set()

    def _new_door(self, compiled: CompiledChannel) -> Door:
        channel_id = compiled.snapshot.channel.id
        self._accounts[channel_id] = compiled.controls.account_id
        steady = steady_time(self._clock)
        return Door(self.driver, self._on_fact, compiled.snapshot, setting_of(compiled.controls), steady=steady)

    def _on_event(self, event: DeviceEvent) -> None:
        door = self._doors.get(event.channel_id)
        if door is None:
            return
        presence = self._live.presence(self._accounts[event.channel_id])
        verdict = door.handle(event, presence, self._clock.now())
        if verdict is not None:
            self._verdicts[event.channel_id] = verdict

    def _on_fact(self, fact: Fact) -> None:
        account_id = self._accounts[fact.channel_id]
        if fact.moved_to is not None and fact.verdict is not None and fact.verdict.person_id is not None:
            self._live.move(account_id, fact.verdict.person_id, fact.moved_to)
        self.recorder.keep(account_id, fact, self._doors[fact.channel_id].snapshot.channel.name)


def not_here(channel_id: int, controls: Controls | None) -> str:
    """Why a door cannot be moved here, as a sentence; `controls` None: there is no such channel."""
    if controls is None:
        return f"there is no channel {channel_id}"
    if controls.controller_id is not None:
        return (
            f"channel {channel_id} is driven by controller {controls.controller_id}: "
            f"there, doorward controller door … --data-dir DIR"
        )
    return f"channel {channel_id} has hardware ({controls.driver}) that no controller has enrolled for yet"


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
        held_open_warning_ms=controls.held_open_warning_ms,
        rex_held_ms=controls.rex_held_ms,
        relock_on_open=controls.relock_on_open,
    )
