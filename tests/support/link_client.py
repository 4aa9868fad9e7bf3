"""A controller for tests: it enrols, connects, keeps in memory what it is told, and tells what it is made to tell.

It drives nothing and decides nothing. What it sends can be tampered with.
"""

import base64
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from doorward.controllers.enrolment import create_code
from doorward.decision.snapshot import Directory, Snapshot
from doorward.link import content as sums
from doorward.link import frames, keys, messages, records
from doorward.link.content import Content
from doorward.link.frames import CONTROL
from doorward.link.handshake import Initiator
from doorward.link.messages import (
    Admit,
    Applied,
    Beat,
    Events,
    FromServer,
    Goodbye,
    Held,
    Hello,
    KeyInUse,
    NewKey,
    NotApplied,
    Pulse,
    Recorded,
    SequenceLost,
    Taken,
    Told,
    Update,
    Welcome,
    Whereabouts,
)
from tests.support.world import World

PATH = "/api/3/controllers/link"


def enrolment_request(code: keys.EnrolmentCode, private_key: bytes, nonce: bytes, name: str = "Hall") -> dict[str, str]:
    """What a controller asks with."""
    public_key = keys.public_key_of(private_key)
    return {
        "code": code.lookup,
        "public_key": public_key.hex(),
        "nonce": nonce.hex(),
        "proof": keys.proof(code, public_key, nonce).hex(),
        "name": name,
        "software": "test 1.0",
    }


def open_answer(code: keys.EnrolmentCode, private_key: bytes, nonce: bytes, answer: Mapping[str, Any]) -> Any:
    """What it is answered, and the link's key. Raises keys.WrongKey."""
    nonces = nonce + bytes.fromhex(answer["nonce"])
    agreed = keys.agree(code, private_key, bytes.fromhex(answer["public_key"]), nonces)
    opened = keys.open_once(agreed.answer_key, base64.b64decode(answer["sealed"]))
    return msgspec.json.decode(opened), agreed.link_key


@dataclass
class Channel:
    """What the controller has of one channel."""

    id: int
    keys: list[bytes] = field(default_factory=list)
    version: int = 0
    record: bytes | None = None
    people: dict[int, bytes] = field(default_factory=dict)
    content: Content = field(default_factory=Content)
    parts: list[Update] = field(default_factory=list)
    takes_nothing: bool = False

    @property
    def digest(self) -> bytes:
        """Of everything; empty: it has been told nothing."""
        return b"" if self.record is None else self.content.digest()

    def snapshot(self) -> Snapshot:
        """As the engine takes it."""
        assert self.record is not None
        channel, grants = records.channel_of(records.decode_channel(self.record))
        directory = Directory()
        for raw in self.people.values():
            directory.put(*records.person_of(records.decode_person(raw)))
        return Snapshot(channel, directory, grants, self.version)

    def fits(self, update: Update) -> bool:
        """Whether an Update changes what is here."""
        return not self.takes_nothing and update.before in (None, self.digest)

    def apply(self, parts: list[Update]) -> bool:
        """All parts of an Update; False, and nothing has changed, if something else would come of it."""
        last = parts[-1]
        people = {} if last.before is None else dict(self.people)
        pieces = [part.channel for part in parts if part.channel is not None]
        record = b"".join(pieces) if pieces else self.record
        for part in parts:
            if part.buckets is not None:
                count, wanted = part.buckets
                people = {person_id: raw for person_id, raw in people.items() if person_id % count not in wanted}
            for person_id in part.gone:
                people.pop(person_id, None)
        for part in parts:
            for raw in part.people:
                people[records.decode_person(raw).id] = raw
        content = Content()
        content.set_channel(record or b"")
        for person_id, raw in people.items():
            content.add(person_id, raw)
        if content.digest() != last.after:
            return False
        self.record, self.people, self.content, self.version = record, people, content, last.version
        return True


class Ended(Exception):
    """The server has closed the connection."""


class Controller:
    """Used from one thread."""

    def __init__(self, base_url: str, controller_id: int, link_key: bytes, channels: dict[int, Channel]) -> None:
        self.base_url = base_url
        self.id = controller_id
        self.link_key = link_key
        self.channels = channels
        self.events: list[tuple[int, Told]] = []
        """Those that the server has not said to have on record."""
        self.next_sequence = 1
        self.recorded = 0
        self.admits: list[tuple[int, Admit]] = []
        self.whereabouts: list[Whereabouts] = []
        self.updates: list[Update] = []
        self.received: list[tuple[int, FromServer]] = []
        self.goodbye: str | None = None
        self.takes_keys = True
        self.applies = True
        """Whether its disk and its boards take what it takes."""
        self.refuses: tuple[str, ...] = ()
        self.skew_ms = 0
        self._socket: ClientConnection | None = None
        self._crypto: frames.Session | None = None
        self.sent: list[bytes] = []

    @classmethod
    def enrol(cls, base_url: str, code_text: str, name: str = "Hall") -> "Controller":
        """Enrol with a code."""
        code = keys.parse_code(code_text)
        assert code is not None
        private_key, nonce = keys.new_private_key(), os.urandom(keys.NONCE_BYTES)
        answer = httpx.post(
            f"{base_url}/api/3/controllers/enrol",
            json=enrolment_request(code, private_key, nonce, name),
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        told, link_key = open_answer(code, private_key, nonce, answer.json())
        channels = {each["id"]: Channel(each["id"], [bytes.fromhex(each["key"])]) for each in told["channels"]}
        return cls(base_url, told["controller_id"], link_key, channels)

    # Connecting.

    def connect(
        self, *, link_key: bytes | None = None, hello: Hello | None = None, receive_buffer: int | None = None
    ) -> Welcome:
        """Begin a session; gives the server's greeting. Raises Ended if it does not come.

        `receive_buffer`: how much the system takes before somebody reads it.
        """
        self.close()
        address = f"ws{self.base_url.removeprefix('http')}{PATH}"
        carrier = socket.socket()
        if receive_buffer is not None:
            carrier.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        carrier.connect(("127.0.0.1", int(self.base_url.rpartition(":")[2])))
        self._socket = connect_socket(
            address,
            sock=carrier,
            max_queue=None if receive_buffer is None else 1,
            compression=None,
            max_size=frames.MOST_BYTES,
            ping_interval=None,
            proxy=None,
            open_timeout=20,
            legacy=True,
        )
        initiator = Initiator(self.id, link_key or self.link_key)
        self._socket.send(initiator.offer)
        self._crypto = initiator.session(self._raw())
        self.goodbye = None
        self.send(CONTROL, hello or self.hello())
        box, message = self._next()
        assert box == CONTROL
        assert isinstance(message, Welcome), message
        self._open_boxes(message)
        self.events = [each for each in self.events if each[1].sequence > message.last_sequence]
        self.recorded = max(self.recorded, message.last_sequence)
        return message

    def hello(self, **changes: Any) -> Hello:
        """What it says of itself first."""
        held = tuple(
            Held(channel.id, channel.version, channel.digest, tuple(map(keys.fingerprint, channel.keys)))
            for channel in self.channels.values()
        )
        first = self.events[0][1].sequence if self.events else self.next_sequence
        hello = Hello("test 1.0", self.now(), records.RECORD_FORMAT, held, first, len(self.events))
        return msgspec.structs.replace(hello, **changes)

    def now(self) -> int:
        """Its clock, which the tests' servers do not share."""
        return int(time.time() * 1000) + self.skew_ms

    def _open_boxes(self, welcome: Welcome) -> None:
        assert self._crypto is not None
        served = dict(welcome.channels)
        for gone in self.channels.keys() - served.keys():
            del self.channels[gone]
        for channel_id, fingerprint in served.items():
            channel = self.channels.setdefault(channel_id, Channel(channel_id))
            key = b""
            if fingerprint is not None:
                [key] = [each for each in channel.keys if keys.fingerprint(each) == fingerprint]
            self._crypto.use_key(channel_id, key)

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def drop(self) -> None:
        """As if the cable were cut: without a word."""
        if self._socket is not None:
            self._socket.socket.close()
            self._socket = None

    # Saying.

    def send(self, box: int, message: Any) -> None:
        """Seal a message and send it."""
        assert self._crypto is not None
        self.send_raw(self._crypto.seal(box, messages.encode(message)))

    def send_raw(self, frame: bytes) -> None:
        """Send anything. Raises Ended."""
        assert self._socket is not None
        self.sent.append(frame)
        try:
            self._socket.send(frame)
        except ConnectionClosed as error:
            raise Ended(str(error)) from None

    def beat(self) -> None:
        """Say that it is there."""
        self.send(CONTROL, Beat(self.now(), len(self.events)))

    def happen(self, channel_id: int, code: int, at: int, **more: Any) -> Told:
        """Something happens; nothing is sent yet."""
        told = Told(self.next_sequence, code, at, **more)
        self.next_sequence += 1
        self.events.append((channel_id, told))
        return told

    def tell(self, *, at_once: int = messages.MOST_EVENTS) -> None:
        """Send what has not been recorded, in order."""
        waiting = list(self.events)
        while waiting:
            channel_id = waiting[0][0]
            batch: list[Told] = []
            while waiting and waiting[0][0] == channel_id and len(batch) < at_once:
                batch.append(waiting.pop(0)[1])
            self.send(channel_id, Events(tuple(batch)))

    def lose(self, next_sequence: int) -> None:
        """Say that events before a number will not come."""
        self.events = [each for each in self.events if each[1].sequence >= next_sequence]
        self.next_sequence = max(self.next_sequence, next_sequence)
        self.send(CONTROL, SequenceLost(next_sequence))

    # Hearing.

    def until(self, holds: Callable[[], object], within: float = 20.0) -> None:
        """Take what comes until it holds; fails if it does not in time."""
        ends = time.monotonic() + within
        while not holds():
            left = ends - time.monotonic()
            assert left > 0, f"it did not come to hold in time; last: {self.received[-3:]}"
            self.take(left)

    def settle(self, version: int | None = None, within: float = 20.0) -> None:
        """Take what comes until every channel is at a version at least, or has anything at all."""
        self.until(lambda: all(each.version >= (version or 1) for each in self.channels.values()), within)

    def take(self, within: float = 0.2) -> FromServer | None:
        """Take one message, if one comes in time, and do what it says. Raises Ended."""
        try:
            box, message = self._next(within)
        except TimeoutError:
            return None
        self._do(box, message)
        return message

    def take_all(self, quiet: float = 0.2) -> None:
        """Take what comes until nothing has for a while."""
        while self.take(quiet) is not None:
            pass

    def ended(self, within: float = 20.0) -> bool:
        """Whether the server ends the session in time, whatever else it says."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            try:
                self.take(0.2)
            except Ended:
                return True
        return False

    def _next(self, within: float = 20.0) -> tuple[int, FromServer]:
        assert self._crypto is not None
        box, raw = self._crypto.open(self._raw(within))
        message = messages.decode_from_server(raw)
        self.received.append((box, message))
        return box, message

    def _raw(self, within: float = 20.0) -> bytes:
        assert self._socket is not None
        try:
            raw = self._socket.recv(within)
        except ConnectionClosed as error:
            raise Ended(str(error)) from None
        assert isinstance(raw, bytes)
        return raw

    def _do(self, box: int, message: FromServer) -> None:
        match message:
            case Update():
                self._update(self.channels[box], message)
            case NewKey():
                if self.takes_keys:
                    self.take_key(box, message.key)
            case Recorded():
                self.recorded = message.sequence
                self.events = [each for each in self.events if each[1].sequence > message.sequence]
            case Admit():
                self.admits.append((box, message))
            case Whereabouts():
                self.whereabouts.append(message)
            case Goodbye():
                self.goodbye = message.reason
            case Pulse() | Welcome():
                pass

    def take_key(self, channel_id: int, key: bytes, *, tells: bool = True) -> None:
        """Keep a key that was given, and say so."""
        channel = self.channels[channel_id]
        channel.keys = [key, *channel.keys] if key else []
        if not tells:
            return
        assert self._crypto is not None
        self.send(channel_id, KeyInUse(keys.fingerprint(key) if key else ""))
        self._crypto.use_key(channel_id, key)
        channel.keys = channel.keys[:1]

    def _update(self, channel: Channel, update: Update) -> None:
        self.updates.append(update)
        channel.parts = [*channel.parts, update] if update.part else [update]
        if update.part < update.parts - 1:
            return
        parts, channel.parts = channel.parts, []
        if channel.fits(update) and channel.apply(parts):
            self.send(channel.id, Taken(channel.version, channel.digest))
            if self.applies:
                self.send(channel.id, Applied(channel.version, channel.digest, self.refuses))
            return
        count = sums.buckets_for(channel.content.people)
        buckets = sums.packed(channel.content.sums(count))
        own = sums.packed([channel.content.channel])
        self.send(channel.id, NotApplied(update.version, "It does not fit.", buckets, own))


def enrolled(base_url: str, world: World, *channel_ids: int, name: str = "Hall") -> Controller:
    """A controller of these channels, or of the account's first two, with a code that nobody in particular made."""
    body = {"channel_ids": list(channel_ids or world.channel_ids[:2])}
    now = world.clock.now()
    made = world.database.write_now(lambda tx: create_code(tx, world.vault, world.account_id, body, now))
    return Controller.enrol(base_url, str(made.code), name)
