"""What connected controllers confirm, and that they are there, put on record for all of them together."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from doorward.changes import reports
from doorward.controllers import contact
from doorward.controllers.session import Session
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.kit.clock import Clock

_log = structlog.get_logger("doorward.link")

_GATHER_S: Final = 0.03
"""What a change makes hundreds of doors confirm is written together."""
_TOGETHER_MS: Final = 100
"""What is confirmed within so long is put on record as of the last of it: few statements, however many doors."""
_AGAIN_S: Final = 0.5
_HEARD_EVERY_S: Final = 5.0
"""How often it is written that controllers are there; well within reports.HEARD_WITHIN_MS."""
UNRECORDED_MS: Final = 30_000
"""No door goes by what it was told longer than by so much more than people can know of (access.standing)."""


class _Confirmed(NamedTuple):
    """Which controller has said that its channel decides by everything up to which change, and when."""

    controller_id: int
    version: int
    at: int


class Reporting:
    """Used from one event loop."""

    def __init__(self, database: Database, clock: Clock, sessions: Callable[[], Iterable[Session]]) -> None:
        """`sessions` gives those of this process."""
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._confirmed: dict[int, _Confirmed] = {}
        self._being_written = 0
        self._news = asyncio.Event()
        self._since = self.on_record_at = clock.now()
        """`on_record_at`: up to when it is on record who is there."""

    def confirmed(self, controller_id: int, channel_id: int, version: int) -> None:
        """A controller says now that its channel decides by everything up to this change; on record it comes later."""
        self._confirmed[channel_id] = _Confirmed(controller_id, version, self._clock.now())
        self._news.set()

    @property
    def is_all_on_record(self) -> bool:
        """Whether nothing has been confirmed that has still to be written."""
        return not (self._confirmed or self._being_written)

    async def keep_confirming(self) -> None:
        """Write what channels confirm, soon, until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_S)
            self._news.clear()
            if not await self.write_confirmed():
                self._news.set()
                await asyncio.sleep(_AGAIN_S)

    async def write_confirmed(self) -> bool:
        """Write what is known of by now; gives whether that could be done."""
        confirmed, self._confirmed = self._confirmed, {}
        if not confirmed:
            return True
        now = self._clock.now()

        def write(transaction: Transaction) -> None:
            together: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
            served = contact.served_by(transaction, confirmed)
            for channel_id, (controller_id, version, at) in confirmed.items():
                # Of a door that has been another's since, the one before speaks no more, though it may still be here.
                if served.get(channel_id) == controller_id:
                    together[version, at // _TOGETHER_MS].append((channel_id, at))
            for (version, _), said in sorted(together.items()):
                channel_ids, heard_at = [channel_id for channel_id, _ in said], max(at for _, at in said)
                reports.report(transaction, channel_ids, version, now, heard_at=heard_at)

        self._being_written += 1
        try:
            await self._database.write(write)
        except Exception as error:  # noqa: BLE001 - such as a channel that is removed just now: the next will do
            if not isinstance(error, DatabaseUnavailable):
                _log.exception("what doors confirm could not be written")
            self._confirmed = confirmed | self._confirmed
            return False
        finally:
            self._being_written -= 1
        return True

    async def keep_contact(self) -> None:
        """Write every few seconds that controllers are there, and which are not, until cancelled."""
        while True:
            with suppress(DatabaseUnavailable):  # the log says so often enough
                await self.write_heard()
                await self.look_for_lost(self.on_record_at)
            await asyncio.sleep(_HEARD_EVERY_S)

    async def write_heard(self) -> None:
        """Write that the controllers which have sessions here are there. Raises DatabaseUnavailable."""
        sessions, now = list(self._sessions()), self._clock.now()
        if not sessions:
            self.on_record_at = now
            return
        said = {session.peer.controller_id: session.condition for session in sessions}
        driven = [link.id for session in sessions for link in session.links.values() if link.is_driven]
        await self._database.write(lambda tx: contact.heard(tx, list(said), driven, said, now))
        self.on_record_at = now

    async def look_for_lost(self, as_of: int | None = None) -> None:
        """Put on record which doors have lost contact. Raises DatabaseUnavailable.

        `as_of`: up to when it is on record who is there; nobody has gone missing in the time that writing that took.
        """
        now, since = self._clock.now() if as_of is None else as_of, self._since
        if await self._database.read(lambda tx: contact.lost(tx, now, watched_since=since)):
            await self._database.write(lambda tx: contact.record_lost(tx, now, watched_since=since))
