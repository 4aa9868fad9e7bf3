"""One controller's connection, once it has proven itself: what comes is taken, what there is to be told is told.

Three tasks: one reads, one writes, one puts on record what the controller tells. None waits for what another one waits
for, so that a database that hangs, or a controller that takes nothing, holds up no more than it must.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final, Literal, Protocol

import structlog

from doorward.controllers.channel_link import ANSWERED_WITHIN_S, ChannelLink, InUse
from doorward.controllers.contact import Condition
from doorward.controllers.meeting import Connected, Proven
from doorward.controllers.told import OutOfOrder
from doorward.controllers.wire import Peer, Wire, WireClosed
from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.decision.snapshot import Presence
from doorward.kit.clock import Clock
from doorward.link import frames, messages
from doorward.link.frames import CONTROL, FrameRefused
from doorward.link.messages import (
    MOST_EVENTS,
    Applied,
    Beat,
    Events,
    FromController,
    FromServer,
    Goodbye,
    KeyInUse,
    NotApplied,
    Pulse,
    Recorded,
    SequenceLost,
    Taken,
    Told,
    Unreadable,
    Welcome,
    Whereabouts,
)
from doorward.sync.projection import AccountProjection

_log = structlog.get_logger("doorward.link")

SILENT_S: Final = messages.SILENT_AFTER_MS / 1000
SPEAKS_S: Final = messages.SPEAKS_EVERY_MS / 1000
TAKEN_WITHIN_S: Final = 30.0
"""A controller that does not take a frame for so long, whatever it says meanwhile, is gone."""
_MOST_UNRECORDED: Final = 16
"""So many messages of events wait to be put on record before no more is read."""
_AGAIN_S: Final = 0.5
_LAST_WORDS_S: Final = 2.0
_RECORDED_WITHIN_S: Final = 5.0
_BETWEEN_BREATHS: Final = 256
_PEOPLE_AT_ONCE: Final = messages.MOST_PEOPLE
_ANSWERS_WRONGLY: Final = (("answers_wrongly", "The controller says that it has what it was never told."),)

Parting = Literal["removed", "again"]


class Services(Protocol):
    """What a session asks of its hub."""

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        ...

    def projection(self, account_id: int) -> AccountProjection:
        """What channels are to be told."""
        ...

    def version(self, account_id: int) -> int:
        """The last change that is wholly in it."""
        ...

    def as_of(self, account_id: int) -> int | None:
        """Up to which instant everything that was changed is in it."""
        ...

    def presence(self, account_id: int) -> dict[int, Presence]:
        """Where people are."""
        ...

    async def record(self, peer: Peer, link: ChannelLink, told: tuple[Told, ...]) -> int:
        """Put events on record; gives up to which number all are. Raises OutOfOrder or DatabaseUnavailable."""
        ...

    async def skip(self, peer: Peer, next_sequence: int) -> int:
        """The same for events that will never come."""
        ...

    def confirmed(self, peer: Peer, link: ChannelLink) -> None:
        """A channel has applied what it has been told."""
        ...

    def failed(self, peer: Peer, link: ChannelLink, reasons: tuple[tuple[str, str], ...]) -> None:
        """A channel does not take what it is told."""
        ...

    def gave_up(self, requests: list[int]) -> None:
        """Requests for admissions could not be sent in time."""
        ...

    def has_told(self, session: "Session") -> None:
        """The controller has told all that had happened when it connected."""
        ...

    async def in_use(self, link: ChannelLink, used: InUse) -> None:
        """A channel uses another key."""
        ...


class Refused(Exception):
    """What came is not what may come there; the text says what."""

    def __init__(self, why: str, box: int = CONTROL) -> None:
        super().__init__(why)
        self.why = why
        self.box = box


class Session:
    """Used from one event loop."""

    def __init__(
        self,
        services: Services,
        wire: Wire,
        proven: Proven,
        connected: Connected,
        connected_at: int,
    ) -> None:
        """`connected_at`: as it is on record."""
        self.peer = proven.peer
        self.links: dict[int, ChannelLink] = connected.links
        self.condition: Condition = connected.condition
        self.connected_at = connected_at
        self._services = services
        self._wire = wire
        self._crypto = proven.crypto
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._welcome: Welcome | None = None
        self._beat_at: int | None = None
        self._recorded: int | None = None
        self._unrecorded: deque[tuple[ChannelLink | None, Events | SequenceLost]] = deque()
        self._to_record = asyncio.Event()
        self._taken = asyncio.Event()
        self._moved: set[int] = set()
        self._is_everybody_asked = False
        self._parting: Parting | None = None
        self._is_over = False
        self._spoke_at = 0.0
        self._told_until: int | None = connected.told_until
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, welcome: Welcome) -> None:
        """Carry on until the connection ends. Raises Refused for what the other end must not send."""
        self._welcome = welcome
        self._see_told(welcome.last_sequence)
        self.wake()
        reading, writing, recording = (
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._record()),
        )
        try:
            await asyncio.wait({reading, writing, recording}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_over = True
            self._to_record.set()
            if self._timer is not None:
                self._timer.cancel()
            for task in (reading, writing):
                task.cancel()
            # What has come is the controller's word: it is put on record, even if nobody is told so any more.
            await asyncio.wait({recording}, timeout=_RECORDED_WITHIN_S)
            recording.cancel()
            ended = await asyncio.gather(reading, writing, recording, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception) and not isinstance(each, WireClosed | TimeoutError):
                raise each

    def part(self, parting: Parting) -> None:
        """End the session with a word."""
        self._parting = self._parting or parting
        self.wake()

    def wake(self) -> None:
        """There may be something to tell."""
        self._woken.set()

    def moved(self, person_id: int) -> None:
        """Somebody is not where they were."""
        if any(link.has_passback for link in self.links.values()):
            self._moved.add(person_id)
            self.wake()

    def tell_whereabouts(self) -> None:
        """Where everybody is, is to be told: the controller has it from nobody else."""
        self._is_everybody_asked = True
        self.wake()

    @property
    def is_stuck(self) -> bool:
        """Whether an Update has not been answered for too long."""
        now = self._loop.time()
        return any(
            link.outstanding is not None and now - link.outstanding.sent_at > ANSWERED_WITHIN_S
            for link in self.links.values()
        )

    @property
    def is_at_rest(self) -> bool:
        """Whether all is told and answered that either end has to say at this moment."""
        if self._unrecorded or self._recorded is not None or self._told_until is not None:
            return False
        projection = self._services.projection(self.peer.account_id)
        return all(link.is_agreed(projection.content(link.id)) for link in self.links.values())

    async def _read(self) -> None:
        while True:
            async with asyncio.timeout(SILENT_S):
                raw = await self._wire.receive()
            try:
                box, content = self._crypto.open(raw)
            except FrameRefused as error:
                raise Refused(error.reason, error.box) from None
            try:
                message = messages.decode_from_controller(content)
            except Unreadable:
                raise Refused("unreadable", box) from None
            await self._take(box, message)

    async def _take(self, box: int, message: FromController) -> None:
        link = self.links.get(box)
        match message:
            case Beat() if box == CONTROL:
                self.condition = Condition(message.at - self._services.clock.now(), message.spool_length)
                self._beat_at = message.at
                self.wake()
            case SequenceLost() if box == CONTROL:
                await self._queue(None, message)
            case Events() if link is not None:
                if len(message.events) > MOST_EVENTS:
                    raise Refused("too many events at once", box)
                await self._queue(link, message)
            case Taken() | Applied() | NotApplied() if link is not None:
                self._take_answer(link, message, self._loop.time())
            case KeyInUse() if link is not None:
                used = link.use_next_key(message.fingerprint)
                if used is None:
                    raise Refused("a key that was not given", box)
                self._crypto.use_key(box, used.key)
                await self._services.in_use(link, used)
                self.wake()
            case _:
                raise Refused("in the wrong box", box)

    def _take_answer(self, link: ChannelLink, message: Taken | Applied | NotApplied, now: float) -> None:
        wrong: tuple[tuple[str, str], ...] = ()
        match message:
            case Taken():
                wrong = () if link.taken(message, now) else _ANSWERS_WRONGLY
            case NotApplied():
                wrong = () if link.not_applied(message, now) else (("not_applied", message.reason),)
            case Applied():
                is_right = link.applied(message, now)
                if is_right is False:
                    wrong = _ANSWERS_WRONGLY
                elif message.refused:
                    wrong = tuple(("not_represented", sentence) for sentence in message.refused)
                elif is_right:
                    self._services.confirmed(self.peer, link)
        if wrong:
            self._services.failed(self.peer, link, wrong)
        self.wake()

    async def _queue(self, link: ChannelLink | None, message: Events | SequenceLost) -> None:
        while len(self._unrecorded) >= _MOST_UNRECORDED:
            self._taken.clear()
            await self._taken.wait()
        self._unrecorded.append((link, message))
        self._to_record.set()

    async def _record(self) -> None:
        """Put what comes on record, a transaction for each message, in order."""
        while not (self._is_over and not self._unrecorded):
            if not self._unrecorded:
                self._to_record.clear()
                await self._to_record.wait()
                continue
            link, message = self._unrecorded[0]
            try:
                if isinstance(message, SequenceLost):
                    recorded = await self._services.skip(self.peer, message.next_sequence)
                elif link is not None:
                    recorded = await self._services.record(self.peer, link, message.events)
            except DatabaseUnavailable as error:
                if self._is_over:
                    return
                _log.warning("events have to wait", controller=self.peer.controller_id, reason=str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            except OutOfOrder as error:
                raise Refused(f"out of order: {error}", CONTROL if link is None else link.id) from None
            self._unrecorded.popleft()
            self._taken.set()
            self._recorded = max(recorded, self._recorded or 0)
            self._see_told(recorded)
            self.wake()

    def _see_told(self, recorded: int) -> None:
        if self._told_until is not None and recorded >= self._told_until:
            self._told_until = None
            self._services.has_told(self)

    async def _write(self) -> None:
        while True:
            with suppress(TimeoutError):  # then it is time to say that the server is there
                async with asyncio.timeout_at(self._spoke_at + SPEAKS_S if self._spoke_at else None):
                    await self._woken.wait()
            self._woken.clear()
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await self._flush_control()
            if self._parting is not None:
                with suppress(WireClosed, TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await self._send(CONTROL, Goodbye(self._parting))
                        await self._wire.close()
                return
            waits = [await self._flush(link) for link in list(self.links.values())]
            await self._flush_whereabouts()
            self._wake_in(min((wait for wait in waits if wait is not None), default=None))

    async def _flush_control(self) -> None:
        if self._welcome is not None:
            welcome, self._welcome = self._welcome, None
            await self._send(CONTROL, welcome)
        if self._recorded is not None:
            recorded, self._recorded = self._recorded, None
            await self._send(CONTROL, Recorded(recorded))
        if self._beat_at is not None or self._loop.time() - self._spoke_at >= SPEAKS_S:
            beat_at, self._beat_at = self._beat_at, None
            await self._send(CONTROL, self._pulse(beat_at))

    def _pulse(self, beat_at: int | None) -> Pulse:
        services, account_id = self._services, self.peer.account_id
        projection = services.projection(account_id)
        links = self.links.values()
        behind = tuple(link.id for link in links if not link.is_told(projection.content(link.id)))
        return Pulse(services.clock.now(), beat_at, services.as_of(account_id), behind)

    async def _flush(self, link: ChannelLink) -> float | None:
        """Send what there is for a channel; between two parts of much, what concerns all is sent.

        Gives in how many seconds there is more; None: that is not known.
        """
        services, account_id = self._services, link.account_id
        projection, version = services.projection(account_id), services.version(account_id)
        now = self._loop.time()
        try:
            as_of = services.as_of(account_id)
            for message in link.messages(projection, version, now, services.clock.now(), as_of):
                async with asyncio.timeout(TAKEN_WITHIN_S):
                    if message is None:
                        await asyncio.sleep(0)
                        continue
                    await self._send(link.id, message)
                    await self._flush_control()
        except frames.TooLong:
            link.give_up(now)
            services.failed(self.peer, link, (("too_long", "What it is to be told is too long for the link."),))
        if link.too_late:
            services.gave_up(link.unsent())
        return link.waits_for(version, now, projection.content(link.id)) if link.is_open else None

    async def _flush_whereabouts(self) -> None:
        """All doors of a controller go by the same whereabouts: they are told through any of those that need them."""
        if not (self._moved or self._is_everybody_asked):
            return
        account_id = self.peer.account_id
        projection = self._services.projection(account_id)
        through = [
            link for link in self.links.values() if link.has_passback and projection.content(link.id) is not None
        ]
        ready = next((link for link in through if link.is_open), None)
        if ready is None:
            if not any(link.has_passback for link in self.links.values()):
                self._moved.clear()
                self._is_everybody_asked = False
            return
        presence = self._services.presence(account_id)
        everyone, self._is_everybody_asked = self._is_everybody_asked, False
        wanted = list(presence) if everyone else list(self._moved)
        self._moved.clear()
        told = []
        for index, person_id in enumerate(wanted):
            if index % _BETWEEN_BREATHS == _BETWEEN_BREATHS - 1:
                await asyncio.sleep(0)  # whoever moves meanwhile is told of after this
            if any(projection.concerns(link.id, person_id) for link in through):
                known = presence.get(person_id)
                told.append((person_id, None, 0) if known is None else (person_id, known.area, known.since))
        for at in range(0, max(len(told), int(everyone)), _PEOPLE_AT_ONCE):
            part = tuple(told[at : at + _PEOPLE_AT_ONCE])
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await self._send(ready.id, Whereabouts(part, everyone and at == 0))

    async def _send(self, box: int, message: FromServer) -> None:
        sealed = self._crypto.seal(box, messages.encode(message))
        self._spoke_at = self._loop.time()
        await self._wire.send(sealed)

    def _wake_in(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self.wake)
