"""A client of the live stream of events, as one would write it: it reads lines, and knows the id it has seen last."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

STREAM = "/api/3/events/stream"


class Message(NamedTuple):
    """A message of the stream."""

    id: int | None
    type: str
    data: dict[str, Any]


class Stream:
    """An open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def messages(self) -> Iterator[Message]:
        """One after the other, until the stream ends."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line:
                if "data" in fields:
                    position = int(fields["id"]) if "id" in fields else None
                    yield Message(position, fields.get("event", "message"), json.loads(fields["data"]))
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    def take(self, count: int) -> list[Message]:
        """The next so many."""
        found = self.messages()
        return [next(found) for _ in range(count)]

    def wait_for_comment(self) -> str:
        """The next line that is a comment, which says that the stream lives."""
        return next(line for line in self._lines if line.startswith(":"))


@contextmanager
def listening(client: httpx.Client, after: int | None = None, **query: object) -> Iterator[Stream]:
    """Listen, once the server has said that it tells."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    params = {name: str(value) for name, value in query.items()}
    with client.stream("GET", STREAM, params=params, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        stream = Stream(answer)
        assert stream.wait_for_comment().startswith(": after ")
        yield stream


@contextmanager
def deaf(base_url: str, token: str) -> Iterator[socket.socket]:
    """Somebody who asks for the stream from the beginning and reads nothing of it."""
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((host, int(port)))
        head = f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nLast-Event-ID: 0\r\n\r\n"
        connection.sendall(head.encode())
        yield connection
