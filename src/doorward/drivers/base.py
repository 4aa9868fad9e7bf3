"""What every driver gives and takes: one interface, two families.

*Reader* drivers (simulated, OSDP) leave the deciding to the controller: they report what is held to a reader and do as
they are told. *Board* drivers (UHPPOTE, esp-rfid) drive boards that decide by themselves: they are given the snapshot
(`apply`), compile it to what the board can represent, refuse what would fail open, and report what the board decided.

A driver is used from one event loop. Whatever thread or socket it reads from, it calls the sink on that loop. Instants
are milliseconds UTC; `device_time` is the device's own where it has a clock, else when the driver noticed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from doorward.decision.snapshot import Credential, Presented, Snapshot

Mode = Literal["controlled", "locked", "unlocked"]
"""What the lock does by itself: `locked` and `unlocked` whatever is presented, `controlled` as decided each time.

`locked` also ends a release that is under way, for good.
"""
Feedback = Literal["granted", "denied", "wait", "warning"]
"""`wait`: something more is wanted (a PIN, a second person). `warning`: the door is about to be held open too long."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver's hardware can do. What it cannot is refused with a clear word, never weakened."""

    decides_locally: bool = False
    """The board decides by itself, by what apply() has put on it."""
    event_cursor: bool = False
    """The board numbers its events, so that those missed are caught up (events_after)."""
    keypad: bool = False
    contact: bool = False
    rex: bool = False
    tamper: bool = False
    feedback: bool = False
    clock: bool = False
    """The device has a clock of its own that must be set."""
    max_pulse_s: float | None = None
    """The longest release that the hardware ends by itself; None: any."""
    max_cards: int | None = None
    schedules: int | None = None
    """How many different timetables a board can hold; None: any number, for the controller decides."""
    holidays: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent:
    """Something that a device reports about one channel."""

    channel_id: int
    device_time: int
    received_at: int = 0
    cursor: int | None = None
    """The device's own number of the event, if it numbers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRead(DeviceEvent):
    """Something was held to the reader."""

    presented: Presented
    bits: int | None = None
    """How many bits the reader read of a card, and `raw`, the bits as a number; None if it only knows the value."""
    raw: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysPressed(DeviceEvent):
    """Keys of a keypad: digits, `*` (begin again) and `#` (done)."""

    keys: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDecision(DeviceEvent):
    """A board has decided by itself."""

    admitted: bool
    credential: Credential | None
    reason: str = ""
    """The board's own word for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RexPressed(DeviceEvent):
    """Somebody inside asks to leave; `is_pressed` False: the button has been let go."""

    is_pressed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged(DeviceEvent):
    """The door was opened or closed."""

    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFault(DeviceEvent):
    """The contact's line is cut or shorted: whether the door is open is not known; `is_faulty` False: whole again."""

    is_faulty: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RexFault(DeviceEvent):
    """The exit button's line is cut or shorted: whether it is pressed is not known; `is_faulty` False: whole again."""

    is_faulty: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChanged(DeviceEvent):
    """The lock's relay has been released or has locked again, as the device itself says."""

    is_released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TamperChanged(DeviceEvent):
    """The housing of the reader or board was opened or closed."""

    is_tampered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerChanged(DeviceEvent):
    """Mains power was lost or is back."""

    is_powered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Online(DeviceEvent):
    """The device answers (again)."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline(DeviceEvent):
    """The device does not answer."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult(DeviceEvent):
    """What became of a command that had an id."""

    command_id: int
    is_done: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGap(DeviceEvent):
    """Events of the device are lost: `lost` of them, or None if it cannot be told."""

    lost: int | None = None


Sink = Callable[[DeviceEvent], None]


@dataclass(frozen=True, slots=True)
class Health:
    """How a driver's devices are: by channel, whether it answers, and a sentence about what is wrong."""

    online: dict[int, bool] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What of a snapshot is on a board now."""

    version: int
    cards: int = 0
    refused: tuple[str, ...] = ()
    """A sentence for each thing that the board cannot represent; it is left out, so that it denies."""


class Driver(Protocol):
    """A lock, a reader, a door contact and a request-to-exit button of one or more channels."""

    @property
    def capabilities(self) -> Capabilities:
        """What its hardware can do."""
        ...

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink. Called on the event loop."""
        ...

    def stop(self) -> None:
        """Stop reporting and let go of threads, ports and sockets; the lock stays as it is."""
        ...

    def health(self) -> Health:
        """How the devices are."""
        ...

    def recover(self) -> None:
        """Begin anew with devices that do not answer, without waiting for any time-out."""
        ...

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock for a stretch, then lock it again; the device does so by itself.

        A longer release under way is not cut short. With a `command_id` a CommandResult follows.
        """
        ...

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock open or shut, or leave it to unlock()."""
        ...

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Show the person at the reader what became of it."""
        ...

    def forget(self, channel_id: int) -> None:
        """The channel is no longer this driver's."""
        ...


@runtime_checkable
class BoardDriver(Driver, Protocol):
    """A driver whose boards decide by themselves. What talks to a board is a coroutine: a board answers slowly."""

    async def apply(self, snapshot: Snapshot, at: int) -> Applied:
        """Put on the board what the channel's snapshot says: at no moment does the board admit what neither did.

        Raises OSError if the board does not answer; what is on it then denies no more and no less than before or after.
        """
        ...

    async def events_after(self, channel_id: int, cursor: int) -> Sequence[DeviceEvent]:
        """What the board has recorded after a cursor, oldest first; an EventGap first if some are gone."""
        ...

    async def get_clock(self, channel_id: int) -> int:
        """The board's clock. Raises OSError."""
        ...

    async def set_clock(self, channel_id: int, at: int) -> None:
        """Set the board's clock to the local time of its channel's zone. Raises OSError."""
        ...
