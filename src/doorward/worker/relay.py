"""Sends what is due, to all endpoints at once: none of them waits for another.

An endpoint that answers slowly, or not at all, shares its places with those that do so, too; and one that fails again
and again is left alone for a while. What waits stays in the database: here is only what is under way.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Final

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.kit.clock import Clock
from doorward.webhooks import queue
from doorward.webhooks.dispatching import LEASE_MS, Dispatcher, Sent
from doorward.webhooks.queue import Due
from doorward.webhooks.telling import TOPIC

_log = structlog.get_logger("doorward.relay")

MOST_TO_ONE: Final = 4
"""Requests to one endpoint at a time."""
MOST_QUICK: Final = 128
MOST_SLOW: Final = 256
"""Requests at a time to endpoints that have answered quickly, and to those that have not, or not yet."""
SLOW_S: Final = 0.5

_LOOK_EVERY_S: Final = 1.0
"""Other processes record, too."""
_BURST_S: Final = 0.002
_NOTHING_FOUND_S: Final = 0.25
"""What is due waits for something of the same thing that is under way."""
_FAILURES_BEFORE_REST: Final = 8
_FIRST_REST_S: Final = 0.25
_LONGEST_REST_S: Final = 30.0
_HOLD_EVERY_S: Final = LEASE_MS / 1000 / 4
_GRACE_S: Final = 3.0


class Relay:
    """One worker's; any number of them share the work. Used from one event loop."""

    def __init__(self, database: Database, clock: Clock, dispatcher: Dispatcher) -> None:
        self._database = database
        self._clock = clock
        self._dispatcher = dispatcher
        self._woken = asyncio.Event()
        self._under_way: Counter[int] = Counter()
        self._quick: set[int] = set()
        self._failures: Counter[int] = Counter()
        self._rests_until: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then has a moment to end."""
        loop = asyncio.get_running_loop()

        def woken() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        self._database.listen(TOPIC, woken)
        holding = asyncio.create_task(self._hold())
        try:
            while True:
                self._woken.clear()  # before looking: what happens meanwhile must wake
                seconds = await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
                    await asyncio.sleep(_BURST_S)  # a burst is one reason to look, not many
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_GRACE_S)
            for task in (*self._tasks, holding):
                task.cancel()
            await asyncio.gather(*self._tasks, holding, return_exceptions=True)

    async def _look(self) -> float:
        """Begin to send what is due; gives for how long there is nothing else to do, in seconds."""
        try:
            queues = await self._database.read(queue.due)
        except DatabaseUnavailable as error:
            _log.warning("deliveries have to wait", reason=str(error))
            return _LOOK_EVERY_S
        now, moment, seconds = self._clock.now(), asyncio.get_running_loop().time(), _LOOK_EVERY_S
        self._forget(moment)
        for each in sorted(queues, key=_at):
            rest = self._rests_until.get(each.endpoint_id, moment) - moment
            wait = max((each.at - now) / 1000, rest)
            if wait > 0:
                seconds = min(seconds, max(wait, _BURST_S))
            elif self._dispatcher.can_send(each.channel) and self._has_place(each.endpoint_id):
                self._begin(each)
        return seconds

    def _has_place(self, endpoint_id: int) -> bool:
        failing = self._failures[endpoint_id] > _FAILURES_BEFORE_REST
        if self._under_way[endpoint_id] >= (1 if failing else MOST_TO_ONE):
            return False
        is_quick = endpoint_id in self._quick
        places = sum(number for each, number in self._under_way.items() if (each in self._quick) == is_quick)
        return places < (MOST_QUICK if is_quick else MOST_SLOW) and len(self._tasks) < MOST_QUICK + MOST_SLOW

    def _begin(self, what: Due) -> None:
        self._under_way[what.endpoint_id] += 1
        task = asyncio.create_task(self._work(what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, what: Due) -> None:
        """Send to one endpoint until nothing is due there, or it is to be left alone."""
        endpoint_id, sent_any = what.endpoint_id, False
        try:
            while (sent := await self._send(what)) is not None:
                sent_any = True
                if self._note(endpoint_id, sent):
                    break
                if sent.is_full:
                    self._woken.set()  # there may be more than one can do
            if not sent_any:
                self._rest(endpoint_id, _NOTHING_FOUND_S)
        except DatabaseUnavailable as error:
            _log.warning("deliveries have to wait", reason=str(error))
            self._rest(endpoint_id, _LOOK_EVERY_S)
        except Exception:  # noqa: BLE001 - logged with its trace; its lease ends, and it is tried again
            _log.exception("sending failed", endpoint_id=endpoint_id)
            self._rest(endpoint_id, _LOOK_EVERY_S)
        finally:
            self._under_way[endpoint_id] -= 1
            if not self._under_way[endpoint_id]:
                del self._under_way[endpoint_id]
            self._woken.set()

    async def _send(self, what: Due) -> Sent | None:
        # It does not take the place of quick ones for longer than that.
        timer = asyncio.get_running_loop().call_later(SLOW_S, self._found_slow, what.endpoint_id)
        try:
            return await self._dispatcher.send_some(what.endpoint_id, what.channel)
        finally:
            timer.cancel()

    def _found_slow(self, endpoint_id: int) -> None:
        self._quick.discard(endpoint_id)
        self._woken.set()

    def _note(self, endpoint_id: int, sent: Sent) -> bool:
        """Learn from what has been sent; gives whether the endpoint is to be left alone now."""
        if sent.number and sent.took_ms < SLOW_S * 1000:
            self._quick.add(endpoint_id)
        if sent.outcome.error is None:
            self._failures.pop(endpoint_id, None)
            return False
        self._failures[endpoint_id] += 1
        beyond = self._failures[endpoint_id] - _FAILURES_BEFORE_REST
        if beyond <= 0:
            return False
        self._rest(endpoint_id, min(_FIRST_REST_S * 2 ** min(beyond, 10), _LONGEST_REST_S))
        return True

    def _rest(self, endpoint_id: int, seconds: float) -> None:
        self._rests_until[endpoint_id] = asyncio.get_running_loop().time() + seconds

    def _forget(self, moment: float) -> None:
        self._rests_until = {each: until for each, until in self._rests_until.items() if until > moment}

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(_HOLD_EVERY_S)
            try:
                await self._dispatcher.hold()
            except DatabaseUnavailable as error:
                _log.warning("leases could not be renewed", reason=str(error))


def _at(what: Due) -> int:
    return what.at
