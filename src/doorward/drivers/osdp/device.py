"""One device on a line: its port, through which libosdp reaches it, and what the line's thread knows of it."""

from collections import deque
from dataclasses import InitVar, dataclass, field
from typing import Final, Literal, Protocol

from doorward.drivers.osdp.commands import Ask, Beep, Command, LightLamp, SwitchOutput
from doorward.drivers.osdp.config import Device
from doorward.drivers.osdp.frames import is_refusal
from doorward.drivers.osdp.happenings import Down, Up
from doorward.drivers.osdp.lock import LockOutput

_UNANSWERED: Final = 2
"""What was sent and not answered is sent once more, a second later; then the device is lost. libosdp would try nine
times, for nine seconds, and then not for five minutes."""
_UNANSWERED_AT_FIRST: Final = 1
_OUTPUT_REFUSALS: Final = 2

Phase = Literal["stopping", "stopped", "starting", "online"]
"""stopping: libosdp is to let it go. stopped: it waits for its turn to be tried. starting: it is being tried."""


class Sender(Protocol):
    """Where a port's bytes go."""

    def send(self, data: bytes) -> int:
        """How many bytes went out; -1 if the line is down. Never raises."""
        ...


class Port:
    """What libosdp reads from and writes to for one device (its "channel"). All ports of a line have one id.

    It is called from C: an exception here would end the thread.
    """

    def __init__(self, device: "LineDevice", sender: Sender) -> None:
        self.id = 1
        self._owner: tuple[LineDevice, Sender] | None = (device, sender)
        self._frames: deque[bytes] = deque()

    def cut(self) -> None:
        """Nothing goes through any more. libosdp never lets go of a port: let it not hold the rest with it."""
        self._owner = None

    def put(self, frame: bytes) -> None:
        """A whole reply of this device."""
        self._frames.append(frame)

    def read(self, most: int) -> bytes:
        """What has come in, at most so many bytes."""
        if not self._frames:
            return b""
        frame = self._frames.popleft()
        if len(frame) > most:
            self._frames.appendleft(frame[most:])
        return frame[:most]

    def write(self, data: bytes) -> int:
        """Send it, if the device has its turn. A refusal makes libosdp give the device up at once."""
        if self._owner is None:
            return -1
        device, sender = self._owner
        if not device.may_send():
            return -1
        device.unanswered += 1
        return sender.send(data)

    def flush(self) -> None:
        """Forget what came before."""
        self._frames.clear()


@dataclass(slots=True)
class LineDevice:
    """What we know of a device."""

    config: Device
    index: int
    """Its place in the control panel."""
    sender: InitVar[Sender]
    port: Port = field(init=False)
    locks: dict[int, LockOutput] = field(default_factory=dict)
    """By the number of the output."""
    watched: frozenset[int] = frozenset()
    """The numbers of its inputs that somebody wants to know of."""
    phase: Phase = "stopping"
    unanswered: int = 0
    has_answered: bool = False
    """Since it was last tried."""
    has_refused: bool = False
    """The last answer was a refusal."""
    online_at: float | None = None
    """Since when it is in service, since it was last tried."""
    tried_at: float = float("-inf")
    not_before: float = 0.0
    outputs: int = 0
    inputs: int = 0
    lamps: int = 0
    has_buzzer: bool = False
    told: Up | Down | None = None
    """What the driver was told last of whether it is in service."""
    is_news: bool = False
    """It is in service since lately, or there is something new to say of what it cannot do."""
    in_flight: Command | None = None
    sent_at: float = 0.0
    signals: deque[Command] = field(default_factory=deque)
    questions: deque[Ask] = field(default_factory=deque)
    refused: dict[str, int] = field(default_factory=dict)
    """What it has refused to do, and how often: a refusal ends the secure channel, so that it is not tried for ever."""

    def __post_init__(self, sender: Sender) -> None:
        self.port = Port(self, sender)

    def may_send(self) -> bool:
        """Whether something may be sent to it now."""
        if self.phase not in ("starting", "online"):
            return False
        return self.unanswered < (_UNANSWERED if self.has_answered else _UNANSWERED_AT_FIRST)

    def hear(self, frame: bytes) -> None:
        """It has answered."""
        self.unanswered = 0
        self.has_answered = True
        self.has_refused = is_refusal(frame)
        self.port.put(frame)

    def begin(self, now: float) -> None:
        """It is to be tried."""
        self.phase = "starting"
        self.tried_at = now
        self.unanswered = 0
        self.has_answered = self.has_refused = False
        self.online_at = None

    def lose(self) -> None:
        """It does not answer. What its lamps were to show is old by the time that it does."""
        self.phase = "stopping"
        self.in_flight = None
        self.signals.clear()
        self.questions.clear()

    def next_command(self, now: float) -> Command | None:
        """What it is to do next: locks before lamps, lamps before questions. What it cannot do is left out."""
        for lock in self.locks.values():
            command = lock.next_command(now)
            if command is not None:
                if self.can(command):
                    return command
                lock.failed(command, "the device cannot switch this output")
        while self.signals:
            if self.can(signal := self.signals.popleft()):
                return signal
        while self.questions:
            if self.can(question := self.questions.popleft()):
                return question
        return None

    def can(self, command: Command) -> bool:
        """Whether it has what that needs, and has not refused it before."""
        refusals = self.refused.get(_kind(command), 0)
        if isinstance(command, SwitchOutput):
            return command.number < self.outputs and refusals < _OUTPUT_REFUSALS
        if refusals:
            return False
        if isinstance(command, LightLamp):
            return command.number < self.lamps
        if isinstance(command, Beep):
            return self.has_buzzer
        return command.query != "inputs" or self.inputs > 0

    def ended(self, is_done: bool) -> None:
        """What was in flight has been confirmed, or refused, or not answered."""
        command, self.in_flight = self.in_flight, None
        if command is None:
            return
        if is_done:
            self.refused.pop(_kind(command), None)
        elif self.has_refused:
            self.refused[_kind(command)] = self.refused.get(_kind(command), 0) + 1
            self.is_news = True
        if isinstance(command, SwitchOutput) and command.number in self.locks:
            lock = self.locks[command.number]
            if is_done:
                lock.done(command, self.sent_at)
            else:
                lock.failed(command, "the device refused it" if self.has_refused else "the device did not answer")

    def problems(self) -> list[str]:
        """What is configured that it has not, or does not do. A sentence each; only true while it is in service."""
        found = [f"has no output {number}" for number in self.locks if number >= self.outputs]
        found += [f"has no input {number}" for number in self.watched if number >= self.inputs]
        # Without an answer to that question, tampering is still reported when it changes.
        found += [f"refuses: {kind}" for kind in self.refused if kind != _kind(Ask("local"))]
        return found


def _kind(command: Command) -> str:
    """What is refused as one: the same thing for another time or in another colour is no different."""
    if isinstance(command, SwitchOutput):
        return f"switching output {command.number} {command.switching}"
    if isinstance(command, LightLamp):
        return f"lamp {command.number}"
    return "buzzer" if isinstance(command, Beep) else f"the question for its {command.query} state"
