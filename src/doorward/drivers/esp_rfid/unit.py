"""A board with what belongs to it: its doors' channels, locks and modes, and what its messages mean for them."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential
from doorward.drivers.base import (
    ContactChanged,
    DeviceDecision,
    DeviceEvent,
    EventGap,
    Mode,
    Offline,
    Online,
    RexPressed,
)
from doorward.drivers.esp_rfid.board import Board
from doorward.drivers.esp_rfid.cards import value_of
from doorward.drivers.esp_rfid.config import Device
from doorward.drivers.esp_rfid.messages import Access, Ack, Alive, DoorMoved
from doorward.drivers.esp_rfid.release import Release
from doorward.kit.text import InvalidText, clean

_ADMITTING: Final = frozenset({"Always", "Admin"})
_BY_COMMAND: Final = "MQTT"
_BY_BUTTON: Final = "Button"
_REMEMBERED: Final = 32


class Unit:
    """One board, and which channel each of its relays is."""

    def __init__(self, device: Device, board: Board, releases: dict[int, Release]) -> None:
        self.device = device
        self.board = board
        self.releases = releases
        self.channels = dict(device.doors)
        """Channel by the index of its relay; without those that are forgotten."""
        self._modes: dict[int, Mode] = {}
        self._lockdowns: set[int] = set()
        self._was_online = False
        self._is_open: bool | None = None
        self._seen: deque[Access] = deque(maxlen=_REMEMBERED)

    # What it is to do.

    def start(self) -> None:
        """Take up what its modes demand."""
        for index, release in self.releases.items():
            if self._modes.get(index) == "unlocked":
                release.hold(True)

    def stop(self) -> None:
        """Let go, without a word to the board."""
        for release in self.releases.values():
            release.stop()
        self.board.talk.lose("is not looked after: the driver has been stopped")
        self._was_online = False

    def is_locked(self, index: int) -> bool:
        """Whether the relay must stay as it is, whatever is asked for."""
        return self._modes.get(index) == "locked"

    def set_mode(self, index: int, mode: Mode, *, is_running: bool) -> None:
        """Hold the lock open by one pulse after the other, or shut by taking everybody off the board."""
        if self._modes.get(index, "controlled") == mode:
            return
        self._modes[index] = mode
        if mode == "locked":
            self.releases[index].lock()
        elif is_running:
            self.releases[index].hold(mode == "unlocked")
        self._lock()

    def lock_down(self, index: int, *, cards: bool) -> None:
        """Let nobody in by card, however the lock is held; or lift that again."""
        if cards:
            self._lockdowns.add(index)
        else:
            self._lockdowns.discard(index)
        self._lock()

    def _lock(self) -> None:
        for index in self.channels:
            self.board.set_locked(index, index in self._lockdowns or self.is_locked(index))

    def forget(self, index: int) -> None:
        """The relay is no longer ours: nobody is admitted there by our list."""
        self.releases[index].lock()
        self._modes.pop(index, None)
        self._lockdowns.discard(index)
        self.channels.pop(index, None)
        self.board.set_rights(index, None)
        self.board.set_locked(index, False)

    # What it says.

    def presence(self, is_there: bool, now: int) -> Iterator[DeviceEvent]:
        """The board has come or gone."""
        if is_there:
            self.board.came()
        for channel_id in self.channels.values():
            if not is_there:
                reason = f"{self.device.hostname} {self.board.talk.reason}"
                yield Offline(channel_id=channel_id, device_time=now, received_at=now, reason=reason)
                continue
            yield Online(channel_id=channel_id, device_time=now, received_at=now)
            if self._was_online:
                # What the board decided meanwhile it has told nobody.
                yield EventGap(channel_id=channel_id, device_time=now, received_at=now)
        self._was_online = self._was_online or is_there

    def events(self, message: Alive | Ack | Access | DoorMoved, now: int) -> Iterator[DeviceEvent]:
        """What a message means for the doors."""
        if isinstance(message, Access):
            yield from self._access(message, now)
        elif isinstance(message, DoorMoved) and message.is_open != self._is_open and 0 in self.channels:
            # The firmware has one contact, whatever the number of its relays.
            self._is_open = message.is_open
            at = _at(message.time_s, now)
            yield ContactChanged(channel_id=self.channels[0], device_time=at, received_at=now, is_open=message.is_open)

    def problems(self) -> Iterator[str]:
        """What is wrong with the board, while the broker is reached."""
        talk, name = self.board.talk, self.device.hostname
        if not talk.is_online:
            yield f"{name} {talk.reason}"
        elif talk.has_lost_time:
            yield f"{name} does not know what time it is: it admits nobody whose right ends"
        elif talk.clock_fault is not None:
            yield f"{name} admits nobody whose right ends: {talk.clock_fault}"
        if self.board.problem is not None:
            yield f"{name} does not know the latest rights: {self.board.problem}"

    def _access(self, access: Access, now: int) -> Iterator[DeviceEvent]:
        if not access.uid and access.username == _BY_COMMAND and self.board.talk.opened():
            return
        if access.time_s is not None:
            # A reader rests two seconds after each card: the same within one second is the same message again.
            if access in self._seen:
                return
            self._seen.append(access)
        at = _at(access.time_s, now)
        if not access.uid and access.username == _BY_BUTTON:
            if 0 in self.channels:
                yield RexPressed(channel_id=self.channels[0], device_time=at, received_at=now)
            return
        for channel_id, admitted, word in self._decisions(access):
            yield DeviceDecision(
                channel_id=channel_id,
                device_time=at,
                received_at=now,
                admitted=admitted,
                credential=_credential(self.device, access.uid),
                reason=word if access.uid else f"{access.username[:40]} without a card: {word}",
            )

    def _decisions(self, access: Access) -> list[tuple[int, bool, str]]:
        """(channel, admitted, the board's word): one reader releases several relays, but is refused once."""
        words = access.verdicts
        admitted = [
            (channel_id, True, words[index])
            for index, channel_id in self.channels.items()
            if index < len(words) and words[index] in _ADMITTING
        ]
        if admitted or not self.channels:
            return admitted
        return [(self.channels[min(self.channels)], False, words[0])]


def _at(time_s: int | None, now: int) -> int:
    return now if time_s is None else time_s * 1_000


def _credential(device: Device, uid: str) -> Credential | None:
    """The card; what the board read is kept as it is where it is no card of the configured format."""
    value = value_of(uid, device.uid, device.card)
    if value is not None:
        return Credential(CARD, value)
    try:
        return Credential(CARD, clean(uid[:64])) if uid else None
    except InvalidText:
        return None
