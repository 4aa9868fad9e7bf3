"""Every channel's content, on the disk and in memory: opened, changed, and given up when it is damaged."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from doorward.controller import identity
from doorward.controller.enrolment import EnrolledChannel
from doorward.controller.identity import OwnChannel
from doorward.controller.replica import Prepared, Replica, load, untold
from doorward.controller.store import FILE, About, Damaged, Kept, Noted, Store, StoreFailed, set_aside
from doorward.controller.updates import dismantle, prepare
from doorward.decision.snapshot import Directory
from doorward.link.messages import Update
from doorward.link.records import RecordRefused

T = TypeVar("T")

_log = structlog.get_logger("doorward.controller")


@dataclass(frozen=True)
class Loaded:
    """What was there at the start."""

    channels: tuple[tuple[Replica, Kept], ...]
    presences: dict[int, bytes]
    until: int
    """Up to which event of the journal what doors remember, and where people are, is in it."""
    damage: str | None
    """Why nothing of what was there can be read any more."""
    latest_at: int = 0
    """What time it was by the door's clock when that was last kept."""


class Contents:
    """Used from one event loop. One thread checks and compiles what is told, another one writes: neither waits."""

    def __init__(self, directory: Path, secret: bytes) -> None:
        self._directory = directory
        self._path = directory / FILE
        self._secret = secret
        self._thread = ThreadPoolExecutor(1, "content")
        self._disk = ThreadPoolExecutor(1, "disk")
        self._store: Store | None = None
        self.failure: str | None = None
        """Why the disk does not take what is told."""

    async def open(self) -> Loaded:
        """Read everything. What cannot be read is put aside: its channels are told nothing yet."""
        return await self._on_disk(self._open)

    async def prepare(self, replica: Replica, parts: Sequence[Update], at: int, *, in_place: bool) -> Prepared:
        """Check and compile an Update. Raises NotFitting or Damaged; StoreFailed where nothing is opened."""
        return await self._in_thread(lambda: prepare(replica, self._opened, parts, at, in_place))

    async def save(self, replica: Replica) -> bool:
        """Keep what is decided by at this moment; gives whether that could be done. Raises Damaged."""
        unsaved, state, losses = replica.unsaved, replica.state, replica.losses
        if unsaved is None:
            return True
        try:
            await self._on_disk(lambda: self._opened.apply(replica.id, unsaved))
        except StoreFailed as error:
            self._note_failure(str(error))
            return False
        if replica.losses != losses:
            return True  # it was written to a file that has been put aside since
        self.failure, replica.kept = None, state
        if replica.unsaved is unsaved:
            replica.unsaved = None
        return True

    async def put_channel(self, channel_id: int, about: About) -> None:
        """Keep what is known of a channel beside its content. Raises StoreFailed or Damaged."""
        await self._on_disk(lambda: self._opened.put_channel(channel_id, about))

    async def forget(self, channel_id: int) -> None:
        """Keep nothing of a channel any more. Raises StoreFailed or Damaged."""
        await self._on_disk(lambda: self._opened.forget(channel_id))

    async def note(
        self, channels: Mapping[int, Noted], presences: Mapping[int, bytes | None], until: int, at: int | None = None
    ) -> None:
        """Keep what doors remember and where people are, by all events up to one, and what time it is.

        Raises StoreFailed or Damaged.
        """
        await self._on_disk(lambda: self._opened.note(channels, presences, until, at))

    async def begin_anew(self, channels: Iterable[tuple[int, About]]) -> None:
        """Put a damaged file aside and begin another, with nothing but the channels in it."""
        known = list(channels)
        # Neither thread is to find the file closed under its hands: one waits for the other.
        await self._in_thread(lambda: self._disk.submit(self._begin_anew, known).result())

    async def save_names(self, channels: Iterable[OwnChannel]) -> None:
        """Keep which channels are ours where it can be read without the rest."""
        known = list(channels)
        try:
            await self._on_disk(lambda: identity.save_channels(self._directory, known))
        except OSError as error:
            self._note_failure(str(error))

    def dismantle(self, directory: Directory) -> None:
        """Let go of a directory that is no longer used."""
        self._thread.submit(dismantle, directory)

    async def close(self) -> None:
        """Finish, and let go of the file."""
        await self._in_thread(lambda: self._disk.submit(self._opened.close).result())
        self._thread.shutdown(wait=False)
        self._disk.shutdown(wait=False)

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise StoreFailed("there is no file of what channels have been told")
        return self._store

    def _open(self) -> Loaded:
        try:
            self._store = Store(self._path, self._secret)
            channels = tuple((load(self._store, kept), kept) for kept in self._store.channels())
            return Loaded(channels, self._store.presences(), self._store.kept_until(), None, self._store.latest_at())
        except (Damaged, RecordRefused, StoreFailed, OSError) as error:
            damage = str(error)
            _log.error("what channels have been told cannot be read", reason=damage)
            # A file that only cannot be read now is left where it is.
            is_damaged = isinstance(error, (Damaged, RecordRefused))
        named = [(own.id, About(own.name, own.driver)) for own in identity.load_channels(self._directory)]
        self._begin_anew(named, in_memory=not is_damaged)
        kept = {channel.id: channel for channel in self._opened.channels()}
        return Loaded(tuple((untold(each, about), kept[each]) for each, about in named), {}, 0, damage)

    def _begin_anew(self, channels: Iterable[tuple[int, About]], *, in_memory: bool = False) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
        try:
            if in_memory:
                self._store = Store(None, self._secret)
            else:
                set_aside(self._path)
                self._store = Store(self._path, self._secret)
        except (OSError, Damaged) as error:
            self._note_failure(str(error))
            self._store = Store(None, self._secret)
        for channel_id, about in channels:
            self._store.put_channel(channel_id, about)

    def _note_failure(self, why: str) -> None:
        if self.failure is None:
            _log.error("the disk does not take what channels are told", reason=why)
        self.failure = why

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


def begin(directory: Path, secret: bytes, channels: Iterable[EnrolledChannel]) -> None:
    """Keep what a controller was given when it enrolled. Raises OSError or Damaged."""
    given = list(channels)
    path = directory / FILE
    set_aside(path)  # of another controller that was enrolled here before: nobody else can open it
    store = Store(path, secret)
    try:
        for channel in given:
            key = bytes.fromhex(channel.key)
            store.put_channel(channel.id, About(channel.name, channel.driver, (key,) if key else ()))
    finally:
        store.close()
    identity.save_channels(directory, (OwnChannel(each.id, each.name, each.driver) for each in given))
