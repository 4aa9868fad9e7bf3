"""Tell listeners of events as they are recorded: each event once, in the order of the record, none left out.

A process reads the record of each account that somebody listens to once, whoever they are and however many, and makes
of each event one message for all. A listener has a position in the record: everything up to there it has been given.
It is live when that is as far as the process has read; otherwise it reads on by itself, in pages, and so catches up.
That is how it begins where it was cut off, and how it goes on when it was too slow: what waits for it is bounded.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.events.listing import Wanted
from doorward.events.service import TOPIC
from doorward.events.view import (
    OnRecord,
    View,
    channels_of,
    last_position,
    last_positions,
    message,
    read_all,
    read_on,
    view_of,
)
from doorward.kit.clock import Clock
from doorward.kit.errors import BadRequest, DoorwardError, TooManyRequests, Unauthorized
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_all

_log = structlog.get_logger("doorward.stream")

MOST_OF_TOKEN: Final = 20
MOST_OF_ACCOUNT: Final = 1_000
"""So many streams may be open in one process."""
RETRY_S: Final = 10
"""When to try again if there are too many."""

READ: Final = ("account.event.access.readonly",)
"""The scopes of which one is needed to listen."""

_LOOK_EVERY_S: Final = 0.25
"""Other processes record, too, and do not signal here."""
_TEND_EVERY_S: Final = 0.5
"""How long somebody may go on listening whose access has ended."""
BEAT_S: Final = 15.0
"""A listener is told at least so often that the stream lives."""
STUCK_S: Final = 20.0
"""A listener that takes nothing for so long is cut off."""
_MOST_WAITING: Final = 128 * 1024
"""Bytes that may wait for a listener to take them; it reads on by itself then."""
_Key = TypeVar("_Key")
_Bearers = dict[tuple[str, int], Principal | Unauthorized]
_SLICE: Final = 50
"""So many listeners are woken in one turn of the event loop."""


class Listener:
    """Somebody who listens. Used from the event loop of its Streams alone."""

    def __init__(self, principal: Principal, wanted: Wanted, view: View, position: int) -> None:
        self.principal = principal
        self.wanted = wanted
        self.view = view
        self.position = position
        """Everything up to here has been given to it, or is not for it."""
        self.is_live = False
        self.ended: DoorwardError | None = None
        """Why it hears no more."""
        self.is_over = False
        self.cut: Callable[[], object] = lambda: None
        """Ends the connection at once, whatever is still to be sent."""
        self.taken_at = 0.0
        """When it last began to take something, by the event loop's clock."""
        self.is_taking = False
        self._waiting: deque[bytes] = deque()
        self.waiting = 0
        """Bytes that wait for it to take them."""
        self._woken = asyncio.Event()

    def give(self, chunk: bytes, position: int) -> None:
        """Everything that it sees up to the position; it is no longer live if too much waits already."""
        if chunk:
            if self.waiting + len(chunk) > _MOST_WAITING:
                self.is_live = False
                return
            self._waiting.append(chunk)
            self.waiting += len(chunk)
            self._woken.set()
        self.position = position

    def beat(self) -> None:
        """Let it know that the stream lives, if nothing else does."""
        if not self._waiting:
            self._waiting.append(self.whereabouts())
            self.waiting += len(self._waiting[0])
            self._woken.set()

    def whereabouts(self) -> bytes:
        """A comment that says after which position what comes is; to come back there is to miss nothing, too."""
        return b": after %d\n\n" % self.position

    def end(self, reason: DoorwardError | None = None) -> None:
        """It hears no more."""
        self.ended, self.is_over = reason, True
        self._waiting.clear()
        self.waiting = 0
        self._woken.set()

    def take(self) -> bytes:
        """What waits for it."""
        taken = b"".join(self._waiting)
        self._waiting.clear()
        self.waiting = 0
        return taken

    async def wait(self) -> None:
        """Until there is something, or it is over."""
        self._woken.clear()
        if not self._waiting and not self.is_over:
            await self._woken.wait()


@dataclass(eq=False)
class _Account:
    """An account that is listened to: how far its record has been read, and for whom."""

    position: int
    listeners: set[Listener] = field(default_factory=set)


class Streams:
    """All listeners of a process. Everything is called from one event loop."""

    def __init__(
        self, database: Database, clock: Clock, *, stuck_after: float = STUCK_S, beat_after: float = BEAT_S
    ) -> None:
        """Who takes nothing for `stuck_after` seconds is cut off; who hears nothing for `beat_after` gets a comment."""
        self._database = database
        self._stuck_after = stuck_after
        self._beat_after = beat_after
        self._clock = clock
        self._accounts: dict[int, _Account] = {}
        self._of_holders: Counter[tuple[str, int]] = Counter()
        self._of_accounts: Counter[int] = Counter()
        self._chores: list[asyncio.Task[None]] = []
        self._moved: asyncio.Event | None = None
        self._is_closed = False

    @property
    def number(self) -> int:
        """How many listen."""
        return sum(len(account.listeners) for account in self._accounts.values())

    @property
    def waiting(self) -> int:
        """How many bytes wait for listeners to take them."""
        return sum(each.waiting for account in self._accounts.values() for each in account.listeners)

    async def open(self, principal: Principal, wanted: Wanted, after: int | None) -> Listener:
        """Listen to what is recorded after a position, or from now on. To be ended by close().

        Raises BadRequest for a position that there is not, TooManyRequests where too many listen.
        """
        account_id = principal.account_id
        if (
            self._is_closed
            or self._of_holders[principal.holder] >= MOST_OF_TOKEN
            or self._of_accounts[account_id] >= MOST_OF_ACCOUNT
        ):
            raise TooManyRequests(RETRY_S, text="Too many streams are open. Close one, or try again later.")
        self._of_holders[principal.holder] += 1
        self._of_accounts[account_id] += 1
        try:

            def read(transaction: Transaction) -> tuple[View, int]:
                visible = channels_of(transaction, principal)
                return view_of(wanted, visible), last_position(transaction, account_id)

            view, last = await self._database.read(read)
            if after is not None and after > last:
                raise BadRequest("The parameter last_event_id is beyond the last event")
        except BaseException:
            self._leave(principal)
            raise
        listener = Listener(principal, wanted, view, last if after is None else after)
        listener.taken_at = asyncio.get_running_loop().time()
        self._accounts.setdefault(account_id, _Account(last)).listeners.add(listener)
        self._begin()
        return listener

    def close(self, listener: Listener) -> None:
        """The listener has gone."""
        listener.end(listener.ended)
        account_id = listener.principal.account_id
        account = self._accounts.get(account_id)
        if account is not None and listener in account.listeners:
            account.listeners.remove(listener)
            self._leave(listener.principal)
            if not account.listeners:
                del self._accounts[account_id]

    async def next(self, listener: Listener) -> bytes:
        """What the listener is to be sent next; empty when it is over."""
        while not listener.is_over:
            if chunk := listener.take():
                return chunk
            if listener.is_live:
                await listener.wait()
            elif chunk := await self._catch_up(listener):
                return chunk
        return b""

    async def shut_down(self) -> None:
        """End all streams; nobody can listen any more."""
        self._is_closed = True
        for account in self._accounts.values():
            for listener in account.listeners:
                listener.end()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def _leave(self, principal: Principal) -> None:
        _count_down(self._of_holders, principal.holder)
        _count_down(self._of_accounts, principal.account_id)

    def _begin(self) -> None:
        """Begin to look, with the first listener of all."""
        if not self._chores:
            loop, moved = asyncio.get_running_loop(), asyncio.Event()
            self._moved = moved

            def signalled() -> None:
                with suppress(RuntimeError):  # the loop has ended: so have the listeners
                    loop.call_soon_threadsafe(moved.set)

            self._database.listen(TOPIC, signalled)
            self._chores = [asyncio.create_task(self._follow(moved)), asyncio.create_task(self._tend())]
        elif self._moved is not None and len(self._accounts) == 1:
            self._moved.set()

    async def _catch_up(self, listener: Listener) -> bytes:
        """The next page of what the listener sees; once it has all that the process has read, it is live."""
        account = self._accounts[listener.principal.account_id]
        if listener.position >= account.position:
            listener.is_live = True
            return b""
        view, after, to = listener.view, listener.position, account.position

        def read(transaction: Transaction) -> tuple[bytes, int]:
            found, reached = read_on(transaction, listener.principal.account_id, view, after, to)
            return b"".join(map(message, found)), reached

        try:
            chunk, listener.position = await self._database.read(read)
        except DatabaseUnavailable:
            await asyncio.sleep(1)
            return b""
        return chunk

    async def _follow(self, moved: asyncio.Event) -> None:
        """Tell listeners of what is recorded, for ever."""
        while True:
            moved.clear()  # before looking: what happens meanwhile must wake
            try:
                await self._look()
            except DatabaseUnavailable as error:
                _log.warning("streams have to wait", reason=str(error))
                await asyncio.sleep(1)
            except Exception:  # noqa: BLE001 - logged with its trace; a bug in one round must not end the rounds
                _log.exception("a round of the streams failed")
                await asyncio.sleep(1)
            if self._accounts:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY_S):  # wait_for() can lose a cancellation before 3.12
                        await moved.wait()
            else:
                await moved.wait()

    async def _look(self) -> None:
        accounts = dict(self._accounts)
        if not accounts:
            return
        lasts = await self._database.read(lambda transaction: last_positions(transaction, list(accounts)))
        for account_id, account in accounts.items():
            last = lasts.get(account_id, 0)
            while account.listeners and account.position < last:
                after = account.position

                def read(transaction: Transaction, account_id: int = account_id, after: int = after) -> list[OnRecord]:
                    return read_all(transaction, account_id, after, last)  # noqa: B023 - done before it changes

                found = await self._database.read(read)
                # None: they were so old when they were recorded that they have been removed since.
                await _tell(account, found, found[-1].position if found else last)

    async def _tend(self) -> None:
        """End who may no longer listen, cut off who takes nothing, and let the others know that the stream lives."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TEND_EVERY_S)
            listeners = [each for account in self._accounts.values() for each in account.listeners]
            now = loop.time()
            for listener in listeners:
                if now - listener.taken_at > (self._stuck_after if listener.is_taking else self._beat_after):
                    if listener.is_taking:
                        listener.end()
                        listener.cut()
                    else:
                        listener.beat()
            try:
                await self._check(listeners)
            except DatabaseUnavailable as error:
                _log.warning("who listens cannot be checked", reason=str(error))
            except Exception:  # noqa: BLE001 - logged with its trace; a bug in one round must not end the rounds
                _log.exception("who listens could not be checked")

    async def _check(self, listeners: Sequence[Listener]) -> None:
        """Look again at what each may see: one statement, and one more for each user who is limited to sites."""
        if not listeners:
            return
        now = self._clock.now()

        def read(transaction: Transaction) -> tuple[_Bearers, dict[int, frozenset[int] | None]]:
            found = authenticate_all(transaction, (each.principal for each in listeners), now)
            users = {each.user_id: each for each in found.values() if isinstance(each, Principal)}
            return found, {user_id: channels_of(transaction, user) for user_id, user in users.items()}

        found, visible = await self._database.read(read)
        for listener in listeners:
            principal = found[listener.principal.holder]
            try:
                if isinstance(principal, DoorwardError):
                    raise principal
                principal.require(*READ)
            except DoorwardError as reason:
                listener.end(reason)
                continue
            was_limited, listener.principal = listener.principal.site_limited, principal
            if was_limited or principal.site_limited:
                listener.view = view_of(listener.wanted, visible[principal.user_id])


def _count_down(counts: Counter[_Key], key: _Key) -> None:
    """One fewer; of those who are gone nothing is kept."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


async def _tell(account: _Account, found: list[OnRecord], position: int) -> None:
    """Give all listeners of an account what they see of the next events, of which `position` is the last."""
    before, account.position = account.position, position
    messages: dict[int, bytes] = {}
    chunks: dict[View, bytes] = {}

    def seen(view: View, after: int) -> bytes:
        parts = []
        for each in found:
            if each.position > after and view.shows(each):
                if each.position not in messages:
                    messages[each.position] = message(each)
                parts.append(messages[each.position])
        return b"".join(parts)

    # Who becomes live meanwhile has read up to `position` by itself.
    for number, listener in enumerate(tuple(account.listeners), 1):
        if listener.is_live and listener.position < position:
            view = listener.view
            if listener.position > before:
                listener.give(seen(view, listener.position), position)
            else:
                if view not in chunks:
                    chunks[view] = seen(view, before)
                listener.give(chunks[view], position)
        if not number % _SLICE:
            await asyncio.sleep(0)  # so that the event loop is not held
