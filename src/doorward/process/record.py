"""What happens at doors, kept until it is on record: in its order, and not lost to one bad event."""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Final, NamedTuple

import structlog

from doorward.admissions.service import complete
from doorward.controller.door import Fact
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.codes import EventCode
from doorward.decision.wording import reasons_of
from doorward.events.service import Event, record_all
from doorward.kit.clock import Clock

_log = structlog.get_logger("doorward.doors")

_LOOK_EVERY_S: Final = 0.5
_RECORD_AT_MOST_S: Final = 2.0
"""How long whoever stands at the door waits for the event to be on record; it is kept and written in any case."""
_FACTS_AT_ONCE: Final = 200
_MOST_FACTS: Final = 100_000


class _Kept(NamedTuple):
    account_id: int
    fact: Fact
    channel_name: str


class Recorder:
    """Writes facts as events, and what requests they answer. Used from one event loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._facts: deque[_Kept] = deque()
        self._recording = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many facts are not on record yet."""
        return len(self._facts)

    def keep(self, account_id: int, fact: Fact, channel_name: str) -> None:
        """Take note of a fact; record() or soon() writes it."""
        if len(self._facts) >= _MOST_FACTS:
            _log.error("an event is lost: the database has been gone for too long", code=int(fact.code))
            return
        self._facts.append(_Kept(account_id, fact, channel_name))

    async def run(self) -> None:
        """Record what nobody waits for until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.record()

    async def soon(self) -> None:
        """Record; go on if that takes long, as it does while the database is gone."""
        recording = asyncio.create_task(self.record())
        self._tasks.add(recording)
        recording.add_done_callback(self._tasks.discard)
        await asyncio.wait({recording}, timeout=_RECORD_AT_MOST_S)

    async def record(self) -> None:
        """Write the facts in the order in which they happened; those that cannot be written now are kept."""
        async with self._recording:
            while self._facts:
                batch = [self._facts[index] for index in range(min(_FACTS_AT_ONCE, len(self._facts)))]
                try:
                    await self._write([(event_of(*kept), kept.fact) for kept in batch])
                except DatabaseUnavailable as error:
                    _log.error("events have to wait", waiting=len(self._facts), reason=str(error))
                    return
                for _ in batch:
                    self._facts.popleft()

    async def _write(self, happened: list[tuple[Event, Fact]]) -> None:
        """Write events. One that names what has been removed meanwhile keeps the names and loses the references."""
        now = self._clock.now()

        def write(transaction: Transaction) -> None:
            for _, fact in happened:
                if fact.answers is not None:
                    admitted = fact.code is EventCode.REMOTE_ADMISSION_DONE
                    complete(transaction, fact.answers, "admitted" if admitted else "denied", fact.at)
            record_all(transaction, [event for event, _ in happened], now)

        try:
            await self._database.write(write)
        except DatabaseUnavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one event, the others are written
            if len(happened) > 1:
                for each in happened:
                    await self._write([each])
                return
            [(event, fact)] = happened
            bare = replace(event, channel_id=None, person_id=None, credential=None, moved_to=None)
            if event == bare:
                _log.exception("an event cannot be written", code=int(event.event_code))
            else:
                await self._write([(bare, fact)])


def event_of(account_id: int, fact: Fact, channel_name: str) -> Event:
    """A fact from a door as the event to record."""
    verdict = fact.verdict
    return Event(
        account_id,
        fact.code,
        fact.at,
        channel_id=fact.channel_id,
        channel_name=channel_name,
        person_id=None if verdict is None else verdict.person_id,
        person_name=None if verdict is None else verdict.person_name,
        credential=fact.credential,
        reasons=() if verdict is None else tuple(reasons_of(verdict)),
        moved_to=fact.moved_to,
    )
