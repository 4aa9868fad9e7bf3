"""Talking with one board: whether it is there, what time it has, one command after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from doorward.drivers.esp_rfid import messages
from doorward.drivers.esp_rfid.config import Device
from doorward.drivers.esp_rfid.messages import Access, Ack, Alive, DoorMoved, Listed, Record
from doorward.drivers.esp_rfid.timing import Timing
from doorward.kit.clock import Clock

MOST_LISTED: Final = 10_000
_OPENING: Final = "open"

Publish = Callable[[str, bytes], Awaitable[None]]
OnChange = Callable[[bool], None]
"""Told when the board comes (True) and goes (False)."""


class BoardSilent(OSError):
    """The board does not answer, or is not there."""


class Conversation:
    """Told of everything the board says; asks it. Commands go one at a time: an answer names only the kind of command.

    A board is there once it has been heard since it was last lost, and has said where it is and what time it has. After
    a command without an answer nothing is sent for a while, for a late answer would be taken for that of the next
    command (Timing.settle_s).
    """

    def __init__(
        self,
        device: Device,
        publish: Publish,
        on_change: OnChange,
        clock: Clock,
        timing: Timing,
        tolerance_s: float,
        one_list: asyncio.Lock,
    ) -> None:
        self.device = device
        self.is_online = False
        self.reason = "has not been heard yet"
        self._publish = publish
        self._on_change = on_change
        self._clock = clock
        self._timing = timing
        self._tolerance_s = tolerance_s
        self._one_list = one_list
        self._one_command = asyncio.Lock()
        self._ip: str | None = None
        self._was_heard = False
        self._heard_at = 0.0
        self._settled_at = 0.0
        self._has_told_time = False
        self._skew_s: int | None = None
        self._listing: dict[str, Record | None] | None = None
        self._waiting: tuple[str, asyncio.Future[None]] | None = None

    # What the board says.

    def heard(self, message: Alive | Ack | Access | DoorMoved) -> None:
        """Take note of a message of this board."""
        if isinstance(message, Ack):
            self._answer(message.command)
        elif isinstance(message, Alive):
            self._has_told_time = True
            self._skew_s = None if message.clock_s is None else message.clock_s - self._clock.now() // 1_000
            self._ip = message.ip or self._ip
            if message.is_boot:
                # No answer to anything that was sent before can come any more. But the firmware says that it has
                # connected before it subscribes: what is sent at once does not reach it.
                self.lose("has connected just now")
                self._settled_at = _now() + self._timing.after_boot_s
        self._was_heard, self._heard_at = True, _now()
        self._come()

    def listed(self, message: Listed) -> None:
        """Take note of one user of the board's list, if it has been asked for it."""
        if self._listing is not None and len(self._listing) < MOST_LISTED:
            self._listing[message.uid] = message.record

    def opened(self) -> bool:
        """The board says that a command has released a lock; gives whether it was ours."""
        return self._answer(_OPENING)

    def lose(self, reason: str) -> None:
        """The board cannot be reached any more."""
        self.reason, self._was_heard = reason, False
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(BoardSilent(f"{self.device.hostname} {reason}"))
        if self.is_online:
            self.is_online = False
            self._on_change(False)

    def tick(self, silent_s: float) -> bool:
        """Notice that the board has fallen silent. Gives whether it ought to be asked if it is there."""
        self._come()
        silent_for = _now() - self._heard_at
        if self.is_online and silent_for > silent_s:
            self.lose(f"has not been heard for {silent_for:.0f} s")
        if self.is_online:
            return silent_for > silent_s / 2
        # What it said when it came may have been said before we listened, and its next heartbeat may be minutes away.
        return self._is_known and _now() >= self._settled_at

    @property
    def _is_known(self) -> bool:
        return self._ip is not None and self._has_told_time

    def _come(self) -> None:
        if not self.is_online and self._was_heard and self._is_known and _now() >= self._settled_at:
            self.is_online = True
            self._on_change(True)

    # What time it has.

    @property
    def clock_at(self) -> int | None:
        """The board's clock in ms; None if it has not told, or has lost the time."""
        return None if self._skew_s is None else self._clock.now() + self._skew_s * 1_000

    @property
    def has_lost_time(self) -> bool:
        """Whether the board does not know what day it is."""
        return self._has_told_time and self._skew_s is None

    @property
    def clock_fault(self) -> str | None:
        """Why rights that end cannot be handed to the board. One that has lost the time denies those by itself."""
        if self._skew_s is None or -self._tolerance_s - 1 <= self._skew_s <= self._tolerance_s:
            return None
        return f"the board's clock is {abs(self._skew_s)} s {'fast' if self._skew_s > 0 else 'slow'}"

    # Commands. All raise OSError if the board does not answer.

    async def ask(self) -> None:
        """Ask whether the board is there; also one that is thought not to be."""
        async with self._one_command:
            self._check(is_asking=True)
            await self._knock()

    async def open(self, index: int, asked_at: float, is_wanted: Callable[[], bool]) -> None:
        """Release the lock of a relay: at once, and if that is still wanted then, or not at all.

        A board that has been silent is first asked whether it listens: on a connection that is dead or stuck a command
        to open would arrive whenever that comes to life.
        """
        async with self._one_command:
            self._check()
            if _now() - self._heard_at > self._timing.fresh_s:
                await self._knock()
            if _now() - asked_at > self._timing.open_within_s:
                raise BoardSilent(f"{self.device.hostname} has answered too slowly to open the door now")
            if not is_wanted():
                raise BoardSilent("The door is not to be opened any more")
            door = index if len(self.device.channels) > 1 else None
            await self._exchange(_OPENING, messages.opendoor(self._ip or "", door))

    async def adduser(self, uid: str, name: str, record: Record) -> None:
        """Put a user on the board, or replace it."""
        async with self._one_command:
            self._check()
            await self._exchange("adduser", messages.adduser(self._ip or "", uid, name, record))

    async def deletuid(self, uid: str) -> None:
        """Take a user off the board."""
        async with self._one_command:
            self._check()
            await self._exchange("deletuid", messages.deletuid(self._ip or "", uid))

    async def deletusers(self) -> None:
        """Take everybody off the board."""
        async with self._one_command:
            self._check()
            await self._exchange("deletusers", messages.deletusers(self._ip or ""))

    async def users(self) -> dict[str, Record | None]:
        """The board's list, as far as it comes through: the firmware drops what its buffers do not hold.

        No message of it says which board's it is: only one board of a topic is asked at a time.
        """
        async with self._one_list, self._one_command:
            self._check()
            found: dict[str, Record | None] = {}
            self._listing = found
            try:
                await self._publish(f"{self.device.topic}/cmd", messages.getuserlist(self._ip or ""))
                seen = -1
                while seen != len(found):
                    seen = len(found)
                    await asyncio.sleep(self._timing.list_quiet_s)
                await self._knock()
            finally:
                self._listing = None
            return found

    async def _knock(self) -> None:
        await self._exchange("deletuid", messages.deletuid(self._ip or "", messages.NOBODY))

    def _check(self, *, is_asking: bool = False) -> None:
        if self._ip is None or _now() < self._settled_at or not (self.is_online or is_asking):
            raise BoardSilent(f"{self.device.hostname} {self.reason}")

    async def _exchange(self, kind: str, payload: bytes) -> None:
        """Send a command and wait for its answer; only under `_one_command`."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = (kind, answered)
        try:
            await self._publish(f"{self.device.topic}/cmd", payload)
            async with asyncio.timeout(self._timing.ack_s):
                await answered
        except TimeoutError:
            if kind != _OPENING:
                self._settled_at = _now() + self._timing.settle_s
                self.lose("does not answer")
            raise BoardSilent(f"{self.device.hostname} does not answer") from None
        finally:
            self._waiting = None
            if answered.done() and not answered.cancelled():
                answered.exception()  # else asyncio complains that nobody has looked at it

    def _answer(self, kind: str) -> bool:
        if self._waiting is None or self._waiting[0] != kind or self._waiting[1].done():
            return False
        self._waiting[1].set_result(None)
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
