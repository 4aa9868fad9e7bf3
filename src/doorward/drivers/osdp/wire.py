"""Keeps a line open, and cuts what comes in over it into frames. Used by the line's thread."""

import select
import time
from collections.abc import Callable
from typing import Final

from doorward.drivers.osdp.config import SerialLine, TcpLine
from doorward.drivers.osdp.frames import FrameReader
from doorward.drivers.osdp.lines import Line, LineError, open_line

_TICK_MS: Final = 5
"""How often libosdp is let go on while nothing comes in. Its own loop sleeps 20 ms: cards take twice as long."""
_IDLE_MS: Final = 50
_OPEN_AGAIN_S: Final = (0.2, 0.5, 1.0)
_SILENCE_S: Final = (3.0, 6.0, 12.0)
"""A converter that has been restarted leaves a connection over which nobody answers: it is made anew."""


class Wire:
    """The line of one configuration, open or not. `heard` is called with the address and frame of every reply."""

    def __init__(self, config: SerialLine | TcpLine, wake: int, heard: Callable[[int, bytes], None]) -> None:
        self.broken = "is not open yet"
        """What is wrong with the line, as the end of a sentence; empty while nothing is."""
        self._config = config
        self._wake = wake
        self._heard = heard
        self._line: Line | None = None
        self._frames = FrameReader()
        self._open_at = 0.0
        self._failures = 0
        self._silences = 0
        self._heard_at = 0.0
        self._sent_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether bytes can go out."""
        return self._line is not None and not self.broken

    def send(self, data: bytes) -> int:
        """How many bytes went out; -1 if the line is down. It never raises: libosdp calls it."""
        if self._line is None or self.broken:
            return -1
        self._frames.reset()
        if self._sent_at > self._heard_at:
            # The last one was not answered: if it has not gone out yet, it is too late for it.
            self._line.discard()
        self._sent_at = time.monotonic()
        try:
            return self._line.write(data)
        except LineError as error:
            self.broken = str(error)
            return -1

    def keep(self, now: float) -> None:
        """Open it if it may be opened; close it if it is broken, or if nobody has answered over a connection for long.

        A closed serial port and a reset connection forget what was not sent yet: no command arrives late.
        """
        if self.is_open and isinstance(self._config, TcpLine):
            patience = _SILENCE_S[min(self._silences, len(_SILENCE_S) - 1)]
            if self._sent_at > self._heard_at and now - self._heard_at > patience:
                self._silences += 1
                self.broken = "is being made anew, for nobody answers"
        if self._line is not None and self.broken:
            self.close(self.broken)
        elif self._line is None and now >= self._open_at:
            self._open(now)

    def open_soon(self) -> None:
        """Do not wait before the next try."""
        self._open_at = 0.0

    def close(self, why: str) -> None:
        """Let go of it."""
        self.broken = why
        if self._line is not None:
            self._line.close()
            self._line = None

    def wait(self) -> None:
        """Until a whole reply has come in, somebody wrote to `wake`, or libosdp wants to go on."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if self._line is not None:
            poll.register(self._line.fileno(), select.POLLIN)
        until = time.monotonic() + (_IDLE_MS if self._line is None else _TICK_MS) / 1000
        while (left := until - time.monotonic()) > 0:
            ready = [fd for fd, _ in poll.poll(left * 1000)]
            if self._wake in ready or (ready and self._receive()):
                return

    def _open(self, now: float) -> None:
        try:
            self._line = open_line(self._config, self._wake)
        except LineError as error:
            self.broken = str(error)
            self._open_at = now + _OPEN_AGAIN_S[min(self._failures, len(_OPEN_AGAIN_S) - 1)]
            self._failures += 1
            return
        self.broken = ""
        self._failures = 0
        self._frames.reset()
        self._heard_at = time.monotonic()

    def _receive(self) -> bool:
        """Whether there is something for libosdp to look at."""
        if self._line is None:
            return True
        try:
            found = self._frames.feed(self._line.read())
        except LineError as error:
            self.broken = str(error)
            return True
        for address, frame in found:
            self._heard_at = time.monotonic()
            self._silences = 0
            self._heard(address, frame)
        return bool(found)
