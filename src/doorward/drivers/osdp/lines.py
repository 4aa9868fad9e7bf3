"""The wire: a serial port or a TCP connection that bytes go through. It is opened, and lost, and opened again."""

import contextlib
import errno
import importlib
import os
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any, Final, Protocol

from doorward.drivers.osdp.config import SerialLine, TcpLine

_CONNECT_MS: Final = 3_000
_CHUNK: Final = 4096
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_NOT_NOW: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR})


class LineError(OSError):
    """The line cannot be opened, or is gone. The message says what the line did: "broke: Input/output error"."""


class Line(Protocol):
    """An open line. Nothing of it blocks."""

    def fileno(self) -> int:
        """What to wait on for bytes."""
        ...

    def read(self) -> bytes:
        """What has come in. Only to be called when there is something, or the line is gone. Raises LineError."""
        ...

    def write(self, data: bytes) -> int:
        """How many bytes it took. Raises LineError."""
        ...

    def discard(self) -> None:
        """Do not send any more what was not sent yet: a command must not arrive late."""
        ...

    def close(self) -> None:
        """Let go of it, and discard()."""
        ...


def open_line(config: SerialLine | TcpLine, interrupt: int | None = None) -> Line:
    """Open it; a connection that takes long is given up when `interrupt` becomes readable. Raises LineError."""
    if isinstance(config, SerialLine):
        return _Serial(config)
    return _Tcp(config, interrupt)


class _Serial:
    def __init__(self, config: SerialLine) -> None:
        serial = importlib.import_module("serial")
        try:
            # Exclusive: two masters on one line would be heard by every reader, and understood by none.
            self._port: Any = serial.Serial(config.device, config.baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            raise LineError(f"cannot be opened: {config.device}: {_why(error)}") from None
        self._fd = int(self._port.fileno())

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        return _read(lambda: os.read(self._fd, _CHUNK))

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            return _later(error)

    def discard(self) -> None:
        # An adapter that has been pulled out cannot do it.
        with contextlib.suppress(OSError, termios.error):
            self._port.reset_output_buffer()

    def close(self) -> None:
        self.discard()
        with contextlib.suppress(OSError, termios.error):
            self._port.close()


class _Tcp:
    def __init__(self, config: TcpLine, interrupt: int | None) -> None:
        where = f"{config.host} port {config.port}"
        try:
            found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise LineError(f"cannot be opened: {where} is not known: {_why(error)}") from None
        family, kind, protocol, _, address = found[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._connect(address, interrupt)
        except OSError as error:
            self.close()
            raise LineError(f"cannot be opened: {where}: {_why(error)}") from None

    def _connect(self, address: Any, interrupt: int | None) -> None:
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = self._socket.connect_ex(address)
        if begun not in (0, errno.EINPROGRESS):
            raise OSError(begun, os.strerror(begun))
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        if interrupt is not None:
            poll.register(interrupt, select.POLLIN)
        if self._socket.fileno() not in [ready for ready, _ in poll.poll(_CONNECT_MS)]:
            raise TimeoutError(errno.ETIMEDOUT, "no answer")
        problem = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        return _read(lambda: self._socket.recv(_CHUNK))

    def write(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except OSError as error:
            return _later(error)

    def discard(self) -> None:
        """A connection cannot take anything back but by being closed."""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()


def _read(receive: Callable[[], bytes]) -> bytes:
    try:
        data = receive()
    except OSError as error:
        _later(error)
        return b""
    if not data:
        raise LineError("was closed at the other end")
    return data


def _later(error: OSError) -> int:
    """Nothing now, if that is all that is wrong. Raises LineError otherwise."""
    if error.errno in _NOT_NOW:
        return 0
    raise LineError(f"broke: {_why(error)}") from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
