"""A small server for controllers, of the link's own parts: in the test's loop, without a database.

It tells channels what they are to know, by the simplest of the link's ways, and keeps what controllers tell.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from doorward.controller.identity import Identity
from doorward.kit.clock import Clock, SystemClock
from doorward.link import keys, messages, records
from doorward.link.content import Content, differing
from doorward.link.frames import CONTROL, MOST_BYTES, Session
from doorward.link.handshake import Responder
from doorward.link.messages import (
    MOST_PEOPLE,
    Applied,
    Beat,
    Events,
    FromServer,
    Hello,
    KeyInUse,
    NotApplied,
    Pulse,
    Recorded,
    SequenceLost,
    Taken,
    Told,
    Update,
    Welcome,
)
from doorward.link.records import ChannelRecord, GrantRecord, PersonRecord, SettingRecord

ALWAYS = (GrantRecord(1, "Members", None, ""),)


def channel(channel_id: int, **rules: object) -> ChannelRecord:
    """A channel that members may pass at any time."""
    given: dict[str, object] = {
        "name": f"Door {channel_id}",
        "zone": "Europe/London",
        "accepts": ("card", "pin"),
        "setting": SettingRecord(5_000, 30_000),
        "grants": ALWAYS,
        "staleness_ms": 72 * 3_600_000,
    }
    return ChannelRecord(channel_id, **{**given, **rules})  # type: ignore[arg-type]


def member(person_id: int, card: str | None = None, **also: object) -> PersonRecord:
    """A member with a card."""
    given: dict[str, object] = {"name": f"Person {person_id}", "status": 0, "valid_from": None, "valid_to": None}
    given |= {"roles": (1,), "credentials": (("card", card or str(1000 + person_id)),)}
    return PersonRecord(person_id, **{**given, **also})  # type: ignore[arg-type]


@dataclass
class ToldChannel:
    """A channel as the server has it."""

    record: ChannelRecord
    people: dict[int, PersonRecord] = field(default_factory=dict)
    version: int = 1
    key: bytes = b""
    clock: Clock = field(default_factory=SystemClock)
    content: Content = field(default_factory=Content)

    def __post_init__(self) -> None:
        self.content.set_channel(records.encode(self.record))
        for person_id, person in self.people.items():
            self.content.add(person_id, records.encode(person))

    def update(self, before: bytes | None, **what: object) -> list[Update]:
        """An Update in parts."""
        people: tuple[bytes, ...] = what.pop("people", ())  # type: ignore[assignment]
        groups = [people[at : at + MOST_PEOPLE] for at in range(0, len(people), MOST_PEOPLE)] or [()]
        after = self.content.digest()
        return [
            Update(
                self.version,
                before,
                after,
                people=group,
                part=part,
                parts=len(groups),
                as_of=self.clock.now(),
                **(what if part == 0 else {}),  # type: ignore[arg-type]
            )
            for part, group in enumerate(groups)
        ]

    def everything(self) -> list[Update]:
        """All that the channel is to know."""
        people = tuple(map(records.encode, self.people.values()))
        return self.update(None, channel=records.encode(self.record), people=people)


class LinkServer:
    """For one controller."""

    def __init__(self, clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.clock = clock or SystemClock()
        self.channels: dict[int, ToldChannel] = {}
        self.events: list[tuple[int, Told]] = []
        self.last_sequence = 0
        self.skipped: list[int] = []
        self.taken: list[tuple[int, Taken]] = []
        self.applied: list[tuple[int, Applied]] = []
        self.refused: list[tuple[int, NotApplied]] = []
        self.hellos: list[Hello] = []
        self.beats: list[Beat] = []
        self.keys_in_use: list[tuple[int, str]] = []
        self.link_key = bytes(range(32))
        self.port = 0
        self.records_events = True
        self.is_told_all = True
        """Whether it can say up to when it knows what has changed: its database is there."""
        self.wire: Callable[[bytes], bytes | None] = lambda frame: frame
        """What becomes of each frame on its way to the controller; None: it is lost."""
        self._server: Server | None = None
        self._connection: ServerConnection | None = None
        self._session: Session | None = None
        self._sending = asyncio.Lock()
        self._asked: set[int] = set()

    def identity(self) -> Identity:
        """What the controller has of its enrolment."""
        return Identity(1, "Acme", f"http://127.0.0.1:{self.port}", bytes(range(1, 33)).hex(), self.link_key.hex())

    def add(self, record: ChannelRecord, *people: PersonRecord, key: bytes = b"") -> ToldChannel:
        """A channel is the controller's."""
        self.channels[record.id] = told = ToldChannel(record, {each.id: each for each in people}, 1, key, self.clock)
        return told

    async def start(self) -> None:
        """Listen; on the same port as before, if it has listened."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            ssl=self._tls,
            compression=None,
            max_size=MOST_BYTES,
            ping_interval=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Be gone, at once."""
        if self._connection is not None:
            self._connection.transport.abort()
        if self._server is not None:
            self._server.close(close_connections=False)
            self._server = None

    @property
    def is_up(self) -> bool:
        """Whether the controller has proven itself."""
        return self._session is not None

    async def send(self, box: int, *said: FromServer) -> None:
        """Tell the controller something, if it is there."""
        async with self._sending:
            for message in said:
                if self._session is None or self._connection is None:
                    return
                frame = self.wire(self._session.seal(box, messages.encode(message)))
                if frame is not None:
                    with suppress(ConnectionClosed):
                        await self._connection.send(frame)

    async def send_raw(self, frame: bytes | str) -> None:
        """Send what may be anything."""
        assert self._connection is not None
        await self._connection.send(frame)

    async def change(self, channel_id: int, *people: PersonRecord, gone: tuple[int, ...] = ()) -> None:
        """Some people of a channel change."""
        told = self.channels[channel_id]
        before = told.content.digest()
        for person_id in (*gone, *(each.id for each in people)):
            if person_id in told.people:
                told.content.remove(person_id, records.encode(told.people.pop(person_id)))
        for person in people:
            told.people[person.id] = person
            told.content.add(person.id, records.encode(person))
        told.version += 1
        encoded = tuple(map(records.encode, people))
        await self.send(channel_id, *told.update(before, people=encoded, gone=gone))

    async def change_rules(self, channel_id: int, record: ChannelRecord) -> None:
        """The channel's own record changes."""
        told = self.channels[channel_id]
        before = told.content.digest()
        told.record = record
        told.content.set_channel(records.encode(record))
        told.version += 1
        await self.send(channel_id, *told.update(before, channel=records.encode(record)))

    def has_taken(self, channel_id: int) -> bool:
        """Whether the controller decides by what the channel is to know."""
        return self._has(channel_id, self.taken)

    def has_applied(self, channel_id: int) -> bool:
        """Whether the controller has it on its disk, and on its board."""
        return self._has(channel_id, self.applied)

    def _has(self, channel_id: int, said: Sequence[tuple[int, Taken | Applied]]) -> bool:
        told = self.channels[channel_id]
        wanted = told.version, told.content.digest()
        return any(box == channel_id and (each.version, each.digest) == wanted for box, each in said)

    def codes(self, channel_id: int | None = None) -> list[int]:
        """The codes of the events that were told."""
        return [told.code for box, told in self.events if channel_id in (None, box)]

    async def _serve(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            responder = Responder(_bytes(await connection.recv()))
            answer, session = responder.session(self.link_key)
            await connection.send(answer)
            opened = session.open(_bytes(await connection.recv()))
            hello = messages.decode_from_controller(opened.message)
            assert isinstance(hello, Hello)
            self.hellos.append(hello)
            if self._connection is not None:
                self._connection.transport.abort()
            self._connection, self._session = connection, session
            try:
                await self._greet(hello)
                async for raw in connection:
                    await self._hear(session, _bytes(raw))
            finally:
                if self._session is session:
                    self._connection = self._session = None

    async def _greet(self, hello: Hello) -> None:
        held = {each.channel_id: each for each in hello.channels}
        assert self._session is not None
        used: list[tuple[int, str | None]] = []
        for channel_id, told in self.channels.items():
            has = channel_id in held and keys.fingerprint(told.key) in held[channel_id].keys
            self._session.use_key(channel_id, told.key if has else b"")
            used.append((channel_id, keys.fingerprint(told.key) if has else None))
        await self.send(CONTROL, Welcome(self.clock.now(), tuple(used), self.last_sequence))
        for (channel_id, fingerprint), told in zip(used, self.channels.values(), strict=True):
            if told.key and fingerprint is None:
                await self.send(channel_id, messages.NewKey(told.key))
            else:
                await self._begin(channel_id, held[channel_id].digest if channel_id in held else b"")

    async def _begin(self, channel_id: int, digest: bytes) -> None:
        told = self.channels[channel_id]
        if not digest:
            await self.send(channel_id, *told.everything())
            return
        # Of whoever has something else this finds out what.
        self._asked.add(channel_id)
        await self.send(channel_id, *told.update(told.content.digest()))

    async def _hear(self, session: Session, raw: bytes) -> None:
        box, content = session.open(raw)
        match messages.decode_from_controller(content):
            case Beat(at) as beat:
                self.beats.append(beat)
                as_of = self.clock.now() if self.is_told_all else None
                await self.send(CONTROL, Pulse(self.clock.now(), at, as_of))
            case SequenceLost(next_sequence):
                self.skipped.append(next_sequence)
                self.last_sequence = max(self.last_sequence, next_sequence - 1)
            case Events(events) if self.records_events:
                for told in events:
                    if told.sequence > self.last_sequence:
                        assert told.sequence == self.last_sequence + 1, (told.sequence, self.last_sequence)
                        self.last_sequence = told.sequence
                        self.events.append((box, told))
                await self.send(CONTROL, Recorded(self.last_sequence))
            case Taken() as taken:
                self.taken.append((box, taken))
            case Applied() as applied:
                self.applied.append((box, applied))
            case NotApplied() as refused:
                self.refused.append((box, refused))
                await self._mend(box, refused)
            case KeyInUse(fingerprint):
                self.keys_in_use.append((box, fingerprint))
                session.use_key(box, self.channels[box].key)
                held = next((each for each in self.hellos[-1].channels if each.channel_id == box), None)
                await self._begin(box, b"" if held is None else held.digest)
            case _:
                pass

    async def _mend(self, channel_id: int, refused: NotApplied) -> None:
        told, count = self.channels[channel_id], len(refused.buckets) // 16
        if channel_id not in self._asked or not count:
            await self.send(channel_id, *told.everything())
            return
        self._asked.discard(channel_id)
        wanted = differing(told.content.sums(count), refused.buckets)
        people = tuple(records.encode(each) for each in told.people.values() if each.id % count in wanted)
        before = next(each.digest for each in self.hellos[-1].channels if each.channel_id == channel_id)
        record = None if int.from_bytes(refused.channel_digest, "big") == told.content.channel else told.record
        encoded = None if record is None else records.encode(record)
        await self.send(
            channel_id, *told.update(before, channel=encoded, people=people, buckets=(count, tuple(wanted)))
        )


@asynccontextmanager
async def link_server(clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[LinkServer]:
    """A server that listens until the block ends."""
    server = LinkServer(clock, tls)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _bytes(raw: bytes | str) -> bytes:
    assert isinstance(raw, bytes)
    return raw
