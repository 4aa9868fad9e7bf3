"""Keeps a session with the server going: connects, and connects again, with growing patience and at random instants."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from doorward.controller.clock import monotonic_ms
from doorward.controller.enrolment import is_this_machine, tls_context
from doorward.controller.hardware import wait_before
from doorward.controller.identity import Identity
from doorward.controller.pipe import ConnectionLost, Ended, Pipe, Refused
from doorward.controller.runtime import Controller
from doorward.controller.session import Session
from doorward.controller.store import Damaged, StoreFailed
from doorward.decision.codes import EventCode
from doorward.link.frames import CONTROL, MOST_BYTES, FrameRefused
from doorward.link.handshake import HandshakeFailed

_log = structlog.get_logger("doorward.controller")

_GOOD_AFTER_MS: Final = 10_000
"""After a session that went so long, the next is tried at once again."""
_TOLD_EVERY_MS: Final = 600_000
"""How often it is recorded that something answers that is not to be believed."""
_OPENED_WITHIN_S: Final = 15.0
_CLOSED_WITHIN_S: Final = 2.0
_QUEUED: Final = 4

Connect = Callable[[], AbstractAsyncContextManager[Pipe]]


class Removed(OSError):
    """The server says that this controller is none of its any more."""


class Link:
    """Used from one event loop. `connected` begins with a pipe each time; `wait` says how long to wait in between."""

    def __init__(self, controller: Controller, connected: Connect, wait: Callable[[int], float] = wait_before) -> None:
        self._controller = controller
        self._connected = connected
        self._wait = wait
        self._session: Session | None = None
        self._told: dict[str, int] = {}
        self.problem: str | None = "it has not been tried yet"
        """Why there is no session."""

    @property
    def is_up(self) -> bool:
        """Whether the server is there, and has proven itself."""
        return self._session is not None and self._session.is_welcome

    async def run(self) -> None:
        """Keep it going until cancelled. Raises Removed."""
        attempt = 0
        while True:
            began = monotonic_ms()
            self._session = None
            try:
                async with self._connected() as pipe:
                    self._session = session = Session(self._controller, pipe)
                    await session.run()
            except Ended as error:
                self._lost(f"the server ends the session: {error}")
                if error.is_removed:
                    await self._forget_all()
                    raise Removed("the server has removed this controller: enrol it anew") from None
            except (FrameRefused, Refused) as error:
                self._refuse(str(error), error.box)
            except HandshakeFailed as error:
                self._refuse(str(error), CONTROL)
            except Damaged as error:
                self._lost(f"what is kept here is damaged: {error}")
                await self._begin_anew()
            except (ConnectionLost, OSError) as error:
                self._lost(str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a bug in one session must not be the last of the link
                _log.exception("a session failed")
                self._lost(f"{type(error).__name__}: {error}")
            was_good = self.is_up and monotonic_ms() - began >= _GOOD_AFTER_MS
            self._session = None
            attempt = 0 if was_good else attempt + 1
            await asyncio.sleep(self._wait(attempt))

    async def _begin_anew(self) -> None:
        try:
            await self._controller.begin_anew()
        except (StoreFailed, OSError) as error:  # the next session finds it damaged again, and tries again
            self._lost(f"what is kept here is damaged, and cannot be begun anew: {error}")

    def _lost(self, why: str) -> None:
        self.problem = why
        _log.warning("there is no session with the server", reason=why)

    def _refuse(self, why: str, box: int) -> None:
        """Record that something came that is not to be believed; of whoever has not proven to be the server, seldom."""
        self._lost(f"a frame of the link was refused: {why}")
        now = monotonic_ms()
        if not self.is_up:
            told = self._told.get(why)
            if told is not None and now - told < _TOLD_EVERY_MS:
                return
            self._told = {why: now} if len(self._told) > 10 else {**self._told, why: now}
        channels = self._controller.channels
        concerned = [channels[box]] if box in channels else list(channels.values())[:1]
        reason = ("frame_refused", f"A frame of the link was refused: {why}.")
        self._controller.doors.note(EventCode.SNAPSHOT_REFUSED, reason, channels=concerned)

    async def _forget_all(self) -> None:
        for channel_id in list(self._controller.channels):
            await self._controller.forget_channel(channel_id)


def connecting(identity: Identity) -> Connect:
    """How a controller reaches its server: a WebSocket, through the system's proxy if it has one."""
    address = identity.link_address
    context = tls_context(identity.certificates) if address.startswith("wss:") else None

    @asynccontextmanager
    async def connected() -> AsyncIterator[Pipe]:
        try:
            connection = await connect(
                address,
                proxy=None if is_this_machine(address) else True,
                ssl=context,
                compression=None,
                max_size=MOST_BYTES,
                max_queue=_QUEUED,
                ping_interval=None,
                open_timeout=_OPENED_WITHIN_S,
                close_timeout=_CLOSED_WITHIN_S,
                logger=logging.getLogger("doorward.websockets"),
            )
        except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
            raise ConnectionLost(str(error) or "the server does not answer") from None
        async with connection:
            yield _WebSocket(connection)

    return connected


class _WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: bytes) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise ConnectionLost(str(error)) from None

    async def recv(self) -> bytes | str:
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise ConnectionLost(str(error)) from None
