"""The driver: boards behind a broker, as the controller sees them.

The board decides by itself who is admitted, from the list that it is given; all else that it can do is to release its
lock for one pulse. What follows from that for each rule is in docs/howto/esp-rfid.md.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from doorward.decision.snapshot import Snapshot
from doorward.drivers.base import Applied, Capabilities, CommandResult, DeviceEvent, Feedback, Health, Mode, Sink
from doorward.drivers.esp_rfid.board import Board
from doorward.drivers.esp_rfid.compile import MOST_CARDS, Plan
from doorward.drivers.esp_rfid.config import Device, EspRfidConfig
from doorward.drivers.esp_rfid.conversation import BoardSilent, Conversation
from doorward.drivers.esp_rfid.link import BrokerLink, BrokerLost
from doorward.drivers.esp_rfid.messages import Listed, read
from doorward.drivers.esp_rfid.release import LOCKED_DOWN, Release
from doorward.drivers.esp_rfid.spans import DoorRights
from doorward.drivers.esp_rfid.timing import Timing
from doorward.drivers.esp_rfid.unit import Unit
from doorward.kit.clock import Clock

_log = structlog.get_logger("doorward.esp_rfid")


class ClockNotOurs(OSError):
    """A board takes its time from a time server; it cannot be told."""


class EspRfidDriver:
    """Any number of esp-rfid boards behind one broker."""

    def __init__(self, config: EspRfidConfig, clock: Clock, timing: Timing | None = None) -> None:
        self._config = config
        self._clock = clock
        self._timing = timing or Timing()
        self._sink: Sink | None = None
        self._link: BrokerLink | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._failure: str | None = None
        # Nothing in a list says whose it is: of the boards that share a topic one is asked at a time.
        one_list = {device.topic: asyncio.Lock() for device in config.devices}
        self._units = [self._unit(device, one_list[device.topic]) for device in config.devices]
        self._by_channel = {channel: (unit, index) for unit in self._units for index, channel in unit.device.doors}
        self._by_name = {(unit.device.topic, unit.device.hostname): unit for unit in self._units}

    @property
    def capabilities(self) -> Capabilities:
        """What the boards can do by themselves. Any timetable will do: what runs next is written when it is due."""
        shortest_ms = min(device.pulse_ms for device in self._config.devices)
        return Capabilities(
            decides_locally=True, contact=True, rex=True, max_pulse_s=shortest_ms / 1_000, max_cards=MOST_CARDS
        )

    # What every driver does.

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink, and to look for the broker."""
        self._sink = sink
        if self._tasks:
            return
        self._failure = None
        self._link = BrokerLink(self._config, self._timing, self._on_message, self._on_up, self._on_down)
        loop, works = asyncio.get_running_loop(), [unit.board.work() for unit in self._units]
        self._tasks = [loop.create_task(work) for work in (self._link.run(), self._keep_time(), *works)]
        for task in self._tasks:
            task.add_done_callback(self._on_end)
        for unit in self._units:
            unit.start()

    def stop(self) -> None:
        """Stop reporting and leave the broker. Nothing is sent: a lock that is released locks by itself."""
        self._sink = None
        tasks, self._tasks, self._link = self._tasks, [], None
        for unit in self._units:
            unit.stop()
        if tasks:
            ending = asyncio.get_running_loop().create_task(_end(tasks))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def wait_closed(self) -> None:
        """Return when what stop() has begun is done: the connection is closed."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    def health(self) -> Health:
        """Which boards are heard, and what is wrong."""
        online = {channel: unit.board.talk.is_online for unit in self._units for channel in unit.channels.values()}
        problem = self._failure or ("The driver is stopped" if self._link is None else self._link.problem)
        if problem is not None:
            return Health(online, (problem,))
        return Health(online, tuple(sentence for unit in self._units for sentence in unit.problems()))

    def recover(self) -> None:
        """Try the broker now, and ask the boards that are not heard."""
        if self._link is not None and self._link.is_up:
            for unit in self._units:
                if not unit.board.talk.is_online:
                    unit.board.ask()
        elif self._link is not None:
            self._link.hurry()

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock, for at least one pulse of the board. If it cannot be done at once, it is not done."""
        unit, index = self._by_channel.get(channel_id, (None, 0))
        if unit is None:
            self._answer(channel_id, command_id, "There is no such door")
        elif not self._tasks:
            self._answer(channel_id, command_id, "The driver is stopped")
        elif unit.is_locked(index):
            self._answer(channel_id, command_id, LOCKED_DOWN)
        else:
            unit.releases[index].unlock(milliseconds, command_id)

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock open by one pulse after the other; or take everybody off the board: it then admits nobody."""
        unit, index = self._by_channel.get(channel_id, (None, 0))
        if unit is not None:
            unit.set_mode(index, mode, is_running=bool(self._tasks))

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Nothing: the board shows by itself what it has decided."""

    def forget(self, channel_id: int) -> None:
        """The channel is no longer ours: its cards are taken off the board, its events are not heard."""
        unit, index = self._by_channel.pop(channel_id, (None, 0))
        if unit is not None:
            unit.forget(index)

    # What a driver of boards does.

    async def apply(self, snapshot: Snapshot, at: int) -> Applied:
        """Put on the board what it can represent of the snapshot, which was right at the instant `at`.

        What is there already is not written again. If the board does not answer (OSError), it is told when it does.
        """
        channel_id = snapshot.channel.id
        unit, index = self._known(channel_id)
        unit.board.set_rights(index, DoorRights(snapshot, min(at, self._clock.now())))
        plan = await self._bring_up_to_date(unit)
        cards = sum(user.record.doors[index] for user in plan.users.values())
        return Applied(snapshot.version, cards, tuple(plan.refused.get(channel_id, ())))

    def confirm(self, channel_id: int, at: int) -> None:
        """The server has confirmed later, too, what apply() was given: the limit of staleness counts from there."""
        unit, index = self._by_channel.get(channel_id, (None, 0))
        if unit is not None:
            unit.board.confirm(index, min(at, self._clock.now()))

    async def lock_down(self, channel_id: int, *, cards: bool, rex: bool) -> tuple[str, ...]:
        """Let nobody in by card, or lift that again; gives a sentence for what the board cannot do.

        Raises OSError if the board does not answer; it is told when it does.
        """
        unit, index = self._known(channel_id)
        unit.lock_down(index, cards=cards)
        await self._bring_up_to_date(unit)
        return ("The button goes on releasing the lock: the board cannot be told otherwise",) if rex else ()

    async def events_after(self, channel_id: int, cursor: int) -> Sequence[DeviceEvent]:
        """Nothing: a board numbers no events, and what it could not send it cannot be asked for (see EventGap)."""
        del channel_id, cursor
        return ()

    async def get_clock(self, channel_id: int) -> int:
        """The board's clock, as it last told. Raises OSError."""
        unit, _ = self._by_channel.get(channel_id, (None, 0))
        at = None if unit is None else unit.board.talk.clock_at
        if at is None:
            raise BoardSilent("The board has not told its time, or has lost it")
        return at

    async def set_clock(self, channel_id: int, at: int) -> None:
        """Raises ClockNotOurs: there is no command for it."""
        del channel_id, at
        raise ClockNotOurs("An esp-rfid board takes its time from the time server that is set in its web page")

    def _known(self, channel_id: int) -> tuple[Unit, int]:
        unit, index = self._by_channel.get(channel_id, (None, 0))
        if unit is None:
            raise BoardSilent("There is no such door")
        return unit, index

    async def _bring_up_to_date(self, unit: Unit) -> Plan:
        if not unit.board.talk.is_online:
            raise BoardSilent(f"{unit.device.hostname} {unit.board.talk.reason}")
        return await unit.board.bring_up_to_date()

    # The connection.

    def _unit(self, device: Device, one_list: asyncio.Lock) -> Unit:
        tolerance_s = self._config.clock_tolerance_s
        talk = Conversation(
            device,
            self._publish,
            lambda is_there: self._report(unit.presence(is_there, self._clock.now())),
            self._clock,
            self._timing,
            tolerance_s,
            one_list,
        )
        releases = {index: self._release(talk, index, channel_id) for index, channel_id in device.doors}
        unit = Unit(device, Board(talk, self._clock, tolerance_s), releases)
        return unit

    def _release(self, talk: Conversation, index: int, channel_id: int) -> Release:
        return Release(
            lambda asked_at, is_wanted: talk.open(index, asked_at, is_wanted),
            lambda command_id, reason: self._answer(channel_id, command_id, reason),
            talk.device.pulse_ms,
        )

    async def _keep_time(self) -> None:
        while True:
            for unit in self._units:
                is_doubtful = unit.board.talk.tick(self._config.silent_s)
                if is_doubtful and self._link is not None and self._link.is_up:
                    unit.board.ask()
                unit.board.tick()
            await asyncio.sleep(self._timing.tick_s)

    async def _publish(self, topic: str, payload: bytes) -> None:
        if self._link is None:
            raise BrokerLost("The driver is stopped")
        await self._link.publish(topic, payload)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Whatever ends a task that is not stop() is a fault of ours: say so, rather than seem to be well."""
        if task.cancelled() or task.exception() is None:
            return
        _log.error("the esp-rfid driver has failed", exc_info=task.exception())
        if task in self._tasks:
            self._failure = "The esp-rfid driver has failed; the log says why"
            self._on_down(self._failure)
            self.stop()

    def _on_up(self) -> None:
        for unit in self._units:
            # A board that has been connected all the time would not be heard before its next heartbeat.
            unit.board.ask()

    def _on_down(self, reason: str) -> None:
        for unit in self._units:
            unit.board.talk.lose(f"cannot be reached: {reason}")

    def _on_message(self, topic: str, payload: bytes) -> None:
        message, base = read(payload), topic.removesuffix("/send")
        if isinstance(message, Listed):
            for unit in self._units:
                if unit.device.topic == base:
                    unit.board.talk.listed(message)
        elif message is not None and (base, message.hostname) in self._by_name:
            unit = self._by_name[base, message.hostname]
            unit.board.talk.heard(message)
            self._report(unit.events(message, self._clock.now()))

    def _answer(self, channel_id: int, command_id: int | None, reason: str | None) -> None:
        if command_id is not None:
            now = self._clock.now()
            result = CommandResult(
                channel_id=channel_id,
                device_time=now,
                received_at=now,
                command_id=command_id,
                is_done=reason is None,
                reason=reason or "",
            )
            self._report((result,))

    def _report(self, events: Iterable[DeviceEvent]) -> None:
        for event in events:
            if self._sink is None:
                continue
            try:
                self._sink(event)
            except Exception:  # noqa: BLE001 - what somebody else does with an event must not end the driver
                _log.exception("an event of an esp-rfid board could not be taken", channel_id=event.channel_id)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End the tasks. aiomqtt waits by wait_for(), which can lose a cancellation before Python 3.12: once may not do."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
