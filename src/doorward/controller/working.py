"""Does what the server tells a channel, one thing after the other, and says when it is taken, and when it is applied.

Taken: it is decided by here, and the next may come. Applied: it is on the disk, and on the board where one decides.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog

from doorward.controller.pipe import Refused
from doorward.controller.replica import bucket_sums
from doorward.controller.runtime import Controller
from doorward.controller.served import Served
from doorward.controller.telling import Tell
from doorward.controller.updates import NotFitting
from doorward.decision.codes import EventCode
from doorward.link import keys
from doorward.link.messages import Applied, KeyInUse, Message, NewKey, NotApplied, Taken, Update

_log = structlog.get_logger("doorward.controller")

_MOST_UNASSEMBLED: Final = 512 * 1024 * 1024
"""Bytes of an Update whose last part has not come yet."""

_LONGEST_KEY: Final = 64

UseKey = Callable[[int, bytes, Message], Awaitable[None]]
"""In a box, say a last thing and use another key from then on."""


class Worker:
    """Of one session."""

    def __init__(self, controller: Controller, tell: Tell, use_key: UseKey) -> None:
        self._controller = controller
        self._tell = tell
        self._use_key = use_key
        self._parts: dict[int, list[Update]] = {}
        self._sizes: dict[int, int] = {}
        self._todo: asyncio.Queue[tuple[int, list[Update] | NewKey | None]] = asyncio.Queue()
        self._waiting: dict[int, int] = {}
        """How much is still to be done for each channel of what the server has said."""
        self._applied: dict[int, tuple[int, bytes, tuple[str, ...]]] = {}
        """What has been said to be applied, by channel."""

    def take(self, box: int, message: Update | NewKey) -> None:
        """The server tells a channel something. Raises Refused for parts that do not go together."""
        if isinstance(message, NewKey):
            if len(message.key) > _LONGEST_KEY:
                raise Refused("a key is too long", box)
            self._put(box, message)
            return
        parts = self._parts.setdefault(box, [])
        if message.part == 0:
            parts.clear()
            self._sizes[box] = 0
        if not 0 <= message.part == len(parts) < message.parts or (parts and not _are_one(parts[0], message)):
            raise Refused("parts of an update are out of order", box)
        self._sizes[box] += sum(map(len, message.people)) + len(message.channel or b"")
        if self._sizes[box] > _MOST_UNASSEMBLED:
            raise Refused("an update is too large", box)
        parts.append(message)
        self._controller.channels[box].is_outstanding = True
        if len(parts) == message.parts:
            del self._parts[box]
            self._put(box, parts)

    def say_applied(self, served: Served) -> None:
        """What a channel was told before is kept, or is on its board, by now."""
        self._put(served.id, None)

    async def run(self) -> None:
        """Do it, until cancelled. Raises Damaged."""
        while True:
            box, work = await self._todo.get()
            served = self._controller.channels.get(box)
            if served is None:
                continue
            if work is None:
                await self._say_applied(served)
                continue
            self._waiting[box] -= 1
            if isinstance(work, NewKey):
                await self._change_key(served, work.key)
            else:
                await self._apply(served, work)

    def _put(self, box: int, work: list[Update] | NewKey | None) -> None:
        if work is not None:
            self._waiting[box] = self._waiting.get(box, 0) + 1
        self._todo.put_nowait((box, work))

    async def _apply(self, served: Served, parts: list[Update]) -> None:
        try:
            await self._controller.apply(served, parts)
        except NotFitting as error:
            sums, own = bucket_sums(served.replica)
            if not error.is_question:
                _log.warning("an update does not fit", channel=served.id, reason=str(error))
                reason = ("update_refused", f"An update was refused: {error}.")
                self._controller.doors.note(EventCode.SNAPSHOT_REFUSED, reason, channels=[served])
            await self._tell(served.id, NotApplied(parts[-1].version, str(error), sums, own))
            return
        replica, as_of = served.replica, parts[-1].as_of
        served.told_as_of = None if as_of is None else self._controller.by_own_clock(as_of)
        if self._applied.get(served.id, ())[:2] == (replica.version, replica.digest):
            del self._applied[served.id]  # it is told the same again: it does not know
        await self._tell(served.id, Taken(replica.version, replica.digest))
        await self._say_applied(served)

    async def _say_applied(self, served: Served) -> None:
        """Say what is applied by now, if that has not been said."""
        if served.is_applied and not self._waiting.get(served.id) and served.id not in self._parts:
            served.go_by_it(self._controller.clock.now())
        applied = served.applied
        if applied is not None and self._applied.get(served.id) != applied:
            self._applied[served.id] = applied
            await self._tell(served.id, Applied(*applied))

    async def _change_key(self, served: Served, key: bytes) -> None:
        """Use another key. Both are kept until the server has used it: it may not hear that we do."""
        about = served.replica.about
        others = tuple(each for each in about.keys if each != key)[:1]
        held = (key, *others) if key else ()
        await self._controller.keep_channel(served.id, msgspec.structs.replace(about, keys=held))
        await self._use_key(served.id, key, KeyInUse(keys.fingerprint(key)))


def _are_one(first: Update, other: Update) -> bool:
    one = (first.version, first.before, first.after, first.parts)
    return one == (other.version, other.before, other.after, other.parts)
