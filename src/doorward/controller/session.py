"""One session with the server: what it says is done, what happens is told (docs/decisions/0018).

What does not open, cannot be read, or stands where it does not belong ends the session, and is recorded.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import msgspec
import structlog

from doorward import __version__
from doorward.controller.clock import monotonic_ms
from doorward.controller.pipe import ConnectionLost, Ended, Pipe, Refused
from doorward.controller.runtime import Controller
from doorward.controller.store import About
from doorward.controller.telling import BeyondWhatWasTold, Teller
from doorward.controller.working import Worker
from doorward.link import frames, handshake, keys, messages, records
from doorward.link.frames import CONTROL
from doorward.link.messages import (
    Admit,
    Beat,
    FromServer,
    Goodbye,
    Held,
    Hello,
    Message,
    NewKey,
    Pulse,
    Recorded,
    Unreadable,
    Update,
    Welcome,
    Whereabouts,
)

_log = structlog.get_logger("doorward.controller")

_ANSWERS_WITHIN_S: Final = 15.0
_SILENT_AFTER_S: Final = messages.SILENT_AFTER_MS / 1000
_SPEAKS_EVERY_S: Final = messages.SPEAKS_EVERY_MS / 1000
_BEATS_REMEMBERED: Final = 8
_OF_CONTROL: Final = (Welcome, Pulse, Recorded, Goodbye)


class Session:
    """From the first message to the last."""

    def __init__(self, controller: Controller, pipe: Pipe) -> None:
        self._controller = controller
        self._pipe = pipe
        self._session: frames.Session | None = None
        self._sending = asyncio.Lock()
        self._worker = Worker(controller, self._tell, self._use_key)
        self._beats: dict[int, int] = {}
        self.is_welcome = False
        """Whether the server has proven itself."""

    async def run(self) -> None:
        """Ends by raising ConnectionLost, Refused, FrameRefused, HandshakeFailed, Ended or Damaged."""
        controller, identity = self._controller, self._controller.identity
        initiator = handshake.Initiator(identity.controller_id, bytes.fromhex(identity.link_key))
        await self._pipe.send(initiator.offer)
        self._session = initiator.session(await self._receive_raw(_ANSWERS_WITHIN_S))
        await controller.settled()  # what the session before has begun
        asked_at = monotonic_ms()
        await self._tell(CONTROL, self._hello())
        box, welcome = await self._receive(_ANSWERS_WITHIN_S)
        if not isinstance(welcome, Welcome):
            raise Refused("the server did not say welcome", box)
        self.is_welcome = True
        controller.heard_time(welcome.at, asked_at)
        teller = await self._welcome(welcome)
        controller.on_kept = self._worker.say_applied
        try:
            await _until_one_ends(self._listen(teller), teller.run(), self._beat(), self._worker.run())
        finally:
            controller.on_kept = None

    # At the beginning.

    def _hello(self) -> Hello:
        controller, journal = self._controller, self._controller.journal
        held = tuple(
            Held(
                served.id,
                served.replica.version,
                served.replica.digest,
                tuple(map(keys.fingerprint, served.replica.about.keys)),
                is_driven=served.unit is not None,
            )
            for served in controller.channels.values()
        )
        return Hello(
            f"doorward {__version__}",
            controller.clock.now(),
            records.RECORD_FORMAT,
            held,
            journal.sequence_of(journal.acknowledged + 1),
            journal.length,
            journal.starts,
        )

    async def _welcome(self, welcome: Welcome) -> Teller:
        controller, ours = self._controller, dict(welcome.channels)
        for channel_id in controller.channels.keys() - ours.keys():
            await controller.forget_channel(channel_id)
        for channel_id, fingerprint in ours.items():
            served = controller.channels.get(channel_id)
            about = About("", "") if served is None else served.replica.about
            key = b"" if fingerprint is None else _held(about.keys, fingerprint, channel_id)
            if key:
                about = msgspec.structs.replace(about, keys=(key,))
            if served is None or served.replica.about != about:
                await controller.keep_channel(channel_id, about)
            self._opened.use_key(channel_id, key)
            controller.channels[channel_id].is_outstanding = True
        after = await controller.journal.agree(welcome.last_sequence, is_forked=welcome.is_forked)
        _log.info("the server says welcome", channels=len(ours), to_tell=controller.journal.length)
        return Teller(controller.journal, self._tell, lambda: self._opened.boxes, after)

    # What is told.

    async def _tell(self, box: int, message: Message) -> None:
        async with self._sending:
            await self._pipe.send(self._opened.seal(box, messages.encode(message)))

    async def _use_key(self, box: int, key: bytes, last: Message) -> None:
        """Say the last thing in a box under the key before, then use another."""
        async with self._sending:
            await self._pipe.send(self._opened.seal(box, messages.encode(last)))
            self._opened.use_key(box, key)

    async def _beat(self) -> None:
        while True:
            now = self._controller.clock.now()
            if len(self._beats) >= _BEATS_REMEMBERED:
                del self._beats[next(iter(self._beats))]
            self._beats[now] = monotonic_ms()
            await self._tell(CONTROL, Beat(now, self._controller.journal.length))
            await asyncio.sleep(_SPEAKS_EVERY_S)

    # What is heard.

    async def _listen(self, teller: Teller) -> None:
        while True:
            box, message = await self._receive(_SILENT_AFTER_S)
            self._hear(box, message, teller)

    def _hear(self, box: int, message: FromServer, teller: Teller) -> None:
        match message:
            case Update() | NewKey():
                self._worker.take(box, message)
            case Admit():
                self._controller.admit(box, message)
            case Whereabouts():
                self._controller.hear_whereabouts(message)
            case Pulse():
                asked_at = None if message.beat_at is None else self._beats.pop(message.beat_at, None)
                if asked_at is not None:
                    self._controller.heard_time(message.at, asked_at)
                if message.as_of is not None:
                    self._controller.confirm(message.as_of, message.behind)
            case Recorded():
                try:
                    teller.recorded(message.sequence)
                except BeyondWhatWasTold:
                    raise Refused("it confirms an event that was not told") from None
            case Goodbye():
                raise Ended(message.reason)
            case _:
                raise Refused("it is said for the second time")

    async def _receive(self, within_s: float) -> tuple[int, FromServer]:
        """Raises FrameRefused or Refused, also for what is in the wrong box."""
        box, raw = self._opened.open(await self._receive_raw(within_s))
        try:
            message = messages.decode_from_server(raw)
        except Unreadable:
            raise Refused("it cannot be read", box) from None
        if isinstance(message, _OF_CONTROL) != (box == CONTROL):
            raise Refused("it is in the wrong box", box)
        return box, message

    async def _receive_raw(self, within_s: float) -> bytes:
        try:
            async with asyncio.timeout(within_s):
                raw = await self._pipe.recv()
        except TimeoutError:
            raise ConnectionLost("the server says nothing") from None
        if not isinstance(raw, bytes):
            raise Refused("it is text")
        return raw

    @property
    def _opened(self) -> frames.Session:
        if self._session is None:
            raise Refused("nothing is agreed yet")
        return self._session


def _held(held: tuple[bytes, ...], fingerprint: str, channel_id: int) -> bytes:
    for key in held:
        if keys.fingerprint(key) == fingerprint:
            return key
    raise Refused("the server uses a key that it has not given", channel_id)


async def _until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Do all at once until one of them raises; then end the others, and raise that."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
