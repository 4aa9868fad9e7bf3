"""The UHPPOTE driver: boards that decide by themselves, told by the rules of their doors what to decide."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.decision.snapshot import Snapshot
from doorward.drivers.base import (
    Applied,
    Capabilities,
    CommandResult,
    ContactChanged,
    DeviceEvent,
    Feedback,
    Health,
    Mode,
    Offline,
    Online,
    Sink,
)
from doorward.drivers.uhppote.board import Board
from doorward.drivers.uhppote.config import LONGEST_PULSE_S, BoardConfig, UhppoteConfig
from doorward.drivers.uhppote.link import BoardError, BoardLink, BoardStatus, listen
from doorward.drivers.uhppote.profiles import PROFILE_IDS
from doorward.kit.clock import Clock

_SILENCES: Final = 2
"""A board that has not answered so often is offline."""
_LISTEN_AGAIN_S: Final = 5.0
_NO_SUCH_DOOR: Final = "There is no such door"


@dataclass(slots=True)
class _Contact:
    """A board, and whether it answers; None: it has not been asked yet."""

    board: Board
    link: BoardLink
    is_online: bool | None = None
    problem: str = ""
    """Why it is not online, if it is not."""
    silences: int = 0
    is_set_up: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class UhppoteDriver:
    """Any number of boards; see docs/howto/uhppote-boards.md for what they can and cannot do."""

    capabilities = Capabilities(
        decides_locally=True,
        event_cursor=True,
        contact=True,
        rex=True,
        clock=True,
        max_pulse_s=float(LONGEST_PULSE_S),
        schedules=len(PROFILE_IDS),
    )

    def __init__(self, config: UhppoteConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._contacts = [self._contact(board) for board in config.boards]
        self._by_channel = {
            channel_id: (contact, door)
            for contact in self._contacts
            for door, channel_id in contact.board.config.channels.items()
        }
        self._forgotten: set[int] = set()
        self._sink: Sink | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._close = asyncio.Event()
        self._listener_problem = ""

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink. Called on the event loop.

        Events that boards recorded before the first contact are not reported, unless events_after() is called in the
        same turn of the loop: then those that follow what it gives are.
        """
        self._sink = sink
        self._close = asyncio.Event()
        for contact in self._contacts:
            self._begin(self._watch(contact))
            self._begin(contact.board.doors.run())
        if self._config.listener is not None:
            self._begin(self._hear())

    def stop(self) -> None:
        """Stop reporting; the boards go on deciding, and the locks stay as they are."""
        self._sink = None
        self._close.set()
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def health(self) -> Health:
        """Which boards answer, and what is wrong."""
        online = {
            channel_id: contact.is_online is True
            for channel_id, (contact, _) in self._by_channel.items()
            if channel_id not in self._forgotten
        }
        problems = [problem for contact in self._contacts for problem in (contact.problem, *contact.board.problems)]
        problems = list(filter(None, problems))
        if self._listener_problem:
            problems.append(self._listener_problem)
        return Health(online, tuple(problems))

    def recover(self) -> None:
        """Ask every board how it is, now, and set it up anew."""
        for contact in self._contacts:
            contact.is_set_up = False
            contact.wake.set()

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock for as many whole seconds as that is, 1 to 255; the board locks it again by itself."""
        contact, door = self._found(channel_id)
        if contact is not None:
            contact.board.doors.release(door, milliseconds // 1_000, command_id)
        elif command_id is not None:
            now = self._clock.now()
            self._report(
                CommandResult(
                    channel_id=channel_id, device_time=now, command_id=command_id, is_done=False, reason=_NO_SUCH_DOOR
                )
            )

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock. What is held open by the auto-unlock shift the board closes by itself when the shift ends."""
        contact, door = self._found(channel_id)
        if contact is not None:
            contact.board.doors.set_mode(door, mode)

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """The board shows by itself what it has decided."""

    def forget(self, channel_id: int) -> None:
        """The channel is no longer this driver's, until apply() names it: its door admits nobody by card."""
        contact, door = self._found(channel_id)
        if contact is not None:
            self._forgotten.add(channel_id)
            contact.board.abandon(door)
            contact.wake.set()

    async def apply(self, snapshot: Snapshot, at: int) -> Applied:
        """Put on the board what the channel's snapshot says, which is known to be right at the instant `at`.

        Raises OSError if the board does not answer. It is tried again by itself then, but do not rely on it.
        """
        self._forgotten.discard(snapshot.channel.id)
        contact, door = self._known(snapshot.channel.id)
        return await contact.board.apply(door, snapshot, min(at, self._clock.now()))

    def confirm(self, channel_id: int, at: int) -> None:
        """The server has confirmed later, too, what apply() was given: the limit of staleness counts from there."""
        contact, door = self._found(channel_id)
        if contact is not None:
            contact.board.confirm(door, min(at, self._clock.now()))

    async def lock_down(self, channel_id: int, *, cards: bool, rex: bool) -> tuple[str, ...]:
        """Let nobody in by card, and nobody out by the button if `rex`; or lift that again.

        A driver that is new must be told before apply(). Gives a sentence for what the board cannot do. Raises OSError.
        """
        contact, door = self._known(channel_id)
        return await contact.board.lock_down(door, cards=cards, rex=rex)

    def set_pulse(self, channel_id: int, milliseconds: int) -> None:
        """For how long the board releases the lock when it admits a card, in whole seconds, 1 to 255."""
        contact, door = self._found(channel_id)
        if contact is not None:
            contact.board.doors.set_pulse(door, milliseconds // 1_000)
            contact.wake.set()

    def relock_at(self, channel_id: int, at: int | None) -> None:
        """When unlock mode ends, to be said before set_mode(): the board ends it by itself if we are gone by then."""
        contact, door = self._found(channel_id)
        if contact is not None:
            contact.board.doors.relock_at(door, at)
            contact.wake.set()

    async def events_after(self, channel_id: int, cursor: int) -> Sequence[DeviceEvent]:
        """What the board has recorded at the door after a cursor; the sink gets what follows. Raises OSError."""
        contact, door = self._known(channel_id)
        return await contact.board.record.after(door, cursor)

    async def get_clock(self, channel_id: int) -> int:
        """The board's clock, read by its channel's zone. Raises OSError."""
        contact, door = self._known(channel_id)
        return await contact.board.get_clock(door)

    async def set_clock(self, channel_id: int, at: int) -> None:
        """Set the board's clock, and write anew what depends on it. Raises OSError."""
        contact, _ = self._known(channel_id)
        await contact.board.set_clock(at)

    def next_clock_change(self, channel_id: int, after: int) -> int | None:
        """When set_clock() must be called next, for summer time begins or ends; a started driver does so by itself."""
        contact, _ = self._found(channel_id)
        return None if contact is None else contact.board.next_clock_change(after)

    async def tend(self) -> None:
        """Do what is due at every board, and report its news; a started driver does so by itself. Raises OSError."""
        for contact in self._contacts:
            await self._tend(contact)
            await contact.board.doors.run_all()

    def _contact(self, board: BoardConfig) -> _Contact:
        link = BoardLink(board.serial, board.address, timeout_s=self._config.timeout_s, attempts=self._config.attempts)
        return _Contact(Board(board, link, self._clock, self._report), link)

    def _found(self, channel_id: int) -> tuple[_Contact, int] | tuple[None, int]:
        """The board and the door of a channel, if it is ours."""
        return (None, 0) if channel_id in self._forgotten else self._by_channel.get(channel_id, (None, 0))

    def _known(self, channel_id: int) -> tuple[_Contact, int]:
        contact, door = self._found(channel_id)
        if contact is None:
            raise BoardError(_NO_SUCH_DOOR)
        return contact, door

    def _begin(self, chore: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(chore))

    def _report(self, event: DeviceEvent) -> None:
        if self._sink is not None and event.channel_id not in self._forgotten:
            self._sink(event)

    async def _watch(self, contact: _Contact) -> None:
        while True:
            try:
                await self._tend(contact)
            except OSError as error:
                self._is_silent(contact, str(error))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one board, it is asked again
                contact.board.problems = [f"Board {contact.board.config.serial}: {type(error).__name__}"]
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.poll_s):
                    await contact.wake.wait()
            contact.wake.clear()

    async def _tend(self, contact: _Contact) -> None:
        status = await contact.link.status()
        is_new = not contact.is_online
        self._answers(contact)
        if not contact.is_set_up:
            await contact.link.record_all()
            if self._config.listener is not None:
                await contact.link.report_to(self._config.listener)
            contact.is_set_up = True
        for event in await contact.board.record.news(status.newest_event):
            self._report(event)
        if is_new:
            self._report_contacts(contact, status)
        await contact.board.tend(status)

    def _answers(self, contact: _Contact) -> None:
        contact.silences, contact.problem = 0, ""
        if contact.is_online is not True:
            contact.is_online = True
            self._report_each(contact, lambda channel_id, now: Online(channel_id=channel_id, device_time=now))

    def _is_silent(self, contact: _Contact, problem: str) -> None:
        contact.silences += 1
        if contact.silences >= _SILENCES and contact.is_online is not False:
            contact.is_online, contact.problem = False, problem
            contact.is_set_up = False
            self._report_each(
                contact, lambda channel_id, now: Offline(channel_id=channel_id, device_time=now, reason=problem)
            )

    def _report_contacts(self, contact: _Contact, status: BoardStatus) -> None:
        """Say how the doors stand now: what was not recorded is not among the events."""
        doors = {channel_id: door for door, channel_id in contact.board.config.channels.items()}
        self._report_each(
            contact,
            lambda channel_id, now: ContactChanged(
                channel_id=channel_id, device_time=now, is_open=doors[channel_id] in status.open_doors
            ),
        )

    def _report_each(self, contact: _Contact, event: Callable[[int, int], DeviceEvent]) -> None:
        now = self._clock.now()
        for channel_id in contact.board.config.channels.values():
            self._report(event(channel_id, now))

    async def _hear(self) -> None:
        """Let boards that have news be asked for it at once."""
        by_serial = {contact.board.config.serial: contact for contact in self._contacts}

        def heard(serial: int) -> None:
            contact = by_serial.get(serial)
            if contact is not None:
                contact.wake.set()

        address = self._config.listener
        while address is not None and not self._close.is_set():
            try:
                self._listener_problem = ""
                await listen(address, heard, self._close)
            except OSError as error:
                self._listener_problem = f"Events of boards are not heard at {address}: {error}"
                await asyncio.sleep(_LISTEN_AGAIN_S)
