"""The way in for commands on the same machine: a Unix socket in the data directory that only its owner can open.

One request and one answer a connection, each a line of JSON: {"op": "present", …} → {"ok": …} or {"error": …}.
"""

import asyncio
import json
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from doorward.decision.snapshot import Credential, Presented
from doorward.kit.errors import DoorwardError

_log = structlog.get_logger("doorward.control")

SOCKET: Final = "controller.sock"
"""Where a controller listens; beside a server's, should they share a directory."""
_LONGEST_LINE: Final = 65_536
_LONGEST_PATH: Final = 100  # of the 108 bytes that the kernel allows
_ANSWER_WITHIN_S: Final = 30.0


class ControlListener(ABC):
    """Answers commands; what they are is for the heir to know."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    @abstractmethod
    async def answer(self, request: dict[str, Any]) -> object:
        """What a request is answered, as JSON. Raises DoorwardError, or ValueError for what is no request."""

    async def start(self, path: Path) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, sock=_bind(path), limit=_LONGEST_LINE)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _ANSWER_WITHIN_S)
            answer: dict[str, object]
            try:
                answer = {"ok": await self.answer(json.loads(line))}
            except DoorwardError as error:
                answer = {"error": error.text}
            except (ValueError, KeyError, TypeError):
                answer = {"error": "the request could not be understood"}
            except Exception:  # noqa: BLE001 - a command must not take the server's failure for the server's absence
                _log.exception("a command failed")
                answer = {"failure": "the server failed; its log says why"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # whoever asked has gone, or said too much
        finally:
            writer.close()


def presented_in(request: dict[str, Any]) -> Presented:
    """The credentials of a request to present some. Raises ValueError, KeyError or TypeError."""
    first, *rest = (Credential(str(kind), str(value)) for kind, value in request["credentials"])
    return Presented(first, rest[0] if rest else None)


def _bind(path: Path) -> socket.socket:
    """A socket that only its owner can open. Whoever calls holds the data directory's lock: one found there is dead."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with _short(path) as address:
            listener.bind(address)
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


class NobodyThere(Exception):
    """No server runs on this data directory."""


class NoAnswer(OSError):
    """A server runs, but something went wrong; whether a door has moved is not known."""


def ask(path: Path, request: dict[str, object]) -> object:
    """Ask the server that runs on a data directory.

    Raises NobodyThere, NoAnswer, or DoorwardError with the server's words.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_WITHIN_S)
        try:
            with _short(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NobodyThere from None
        connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError as error:
            raise NoAnswer(f"the server did not answer: {error}") from None
    if not line:
        raise NoAnswer("the server did not answer")
    answer = json.loads(line)
    if "failure" in answer:
        raise NoAnswer(answer["failure"])
    if "error" in answer:
        raise DoorwardError(answer["error"])
    result: object = answer["ok"]
    return result


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address of the socket that fits into what the kernel allows, however deep the directory is."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
