"""What a controller has been told, on its disk: each channel's rules and people, its keys, what its door remembers.

One SQLite database, written from one thread; some_people() and ids_in_buckets() are for another: no write holds it up.
What is told at once is written in one transaction, synced before it counts. All that says who may open what is sealed
(docs/decisions/0019); a record that does not open makes the whole Damaged.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from doorward.controller.sealing import Seal, Unsealable

FILE: Final = "content.db"
FORMAT: Final = 2

_SCHEMA: Final = """
CREATE TABLE about (format INTEGER NOT NULL, latest_at INTEGER NOT NULL);
INSERT INTO about VALUES (2, 0);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY, about BLOB NOT NULL, record BLOB, version INTEGER NOT NULL DEFAULT 0,
    confirmed_at INTEGER, memory BLOB, cursor INTEGER
);
CREATE TABLE people (channel_id INTEGER, id INTEGER, record BLOB NOT NULL, PRIMARY KEY (channel_id, id)) WITHOUT ROWID;
CREATE TABLE presences (person_id INTEGER PRIMARY KEY, presence BLOB NOT NULL);
"""
_KEPT: Final = "CREATE TABLE IF NOT EXISTS kept (until INTEGER NOT NULL)"
"""Up to which event of the journal what doors remember, and where people are, is in here."""
_AT_ONCE: Final = 500
_DAMAGES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""The last is what SQLite says of a table that is not there."""

_Execute = Callable[..., sqlite3.Cursor]


class StoreFailed(OSError):
    """The disk does not take or give what is kept there."""


class Damaged(Exception):
    """What is kept cannot be read any more: all of it has to be asked for anew."""


class About(msgspec.Struct, frozen=True, array_like=True):
    """What a controller knows of a channel before it is told anything; keys: the one in use first."""

    name: str
    driver: str
    keys: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"About({self.name!r}, {self.driver!r}, …)"


class Kept(NamedTuple):
    """A channel as it is kept."""

    id: int
    about: About
    record: bytes | None
    version: int
    confirmed_at: int | None
    memory: bytes
    cursor: int | None


class Noted(NamedTuple):
    """What changes at a channel without its being told anything; None leaves it as it is."""

    confirmed_at: int | None = None
    memory: bytes | None = None
    cursor: int | None = None


class Change(NamedTuple):
    """What a channel is told, as records."""

    version: int
    at: int
    """When, by the door's clock; of a channel that is told for the first time its staleness counts from there."""
    record: bytes | None
    """None: as before."""
    put: Mapping[int, bytes]
    gone: Iterable[int]
    is_whole: bool
    """Whoever is not in `put` is gone."""


class Store:
    """Opening it makes it, where there is none. Raises StoreFailed or Damaged, as every method does.

    On a disk that cannot be written it is only read; without a path it is in memory.
    """

    def __init__(self, path: Path | None, secret: bytes) -> None:
        self._seal = Seal(secret, "content")
        with _failing():
            if path is None:
                self._connection = self._reading = _begun(":memory:", is_new=True)
                return
            with suppress(OSError):
                path.touch(0o600)  # before SQLite makes it with the rights of others
            address = path.absolute().as_uri()
            try:
                self._connection = _begun(address, is_new=not path.stat().st_size)
            except sqlite3.OperationalError as error:
                if (error.sqlite_errorcode & 0xFF) in _DAMAGES:
                    raise
                # Nothing is left to be written to it but by the one who closed it last.
                address += "?immutable=1"
                self._connection = _begun(address, is_new=False)
            self._reading = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        """Let go of the file."""
        self._reading.close()
        self._connection.close()

    def channels(self) -> list[Kept]:
        """Every channel that is this controller's."""
        with _failing():
            rows = self._connection.execute(
                "SELECT id, about, record, version, confirmed_at, memory, cursor FROM channels ORDER BY id"
            ).fetchall()
            return [
                Kept(
                    channel_id,
                    msgspec.msgpack.decode(self._seal.open(about, _place("about", channel_id)), type=About),
                    None if record is None else self._seal.open(record, _place("channel", channel_id)),
                    version,
                    confirmed_at,
                    b"" if memory is None else self._seal.open(memory, _place("memory", channel_id)),
                    cursor,
                )
                for channel_id, about, record, version, confirmed_at, memory, cursor in rows
            ]

    def people(self, channel_id: int) -> Iterator[tuple[int, bytes]]:
        """Everybody that a channel has been told of: id and record."""
        with _failing():
            for person_id, record in self._connection.execute(
                "SELECT id, record FROM people WHERE channel_id = ?", (channel_id,)
            ):
                yield person_id, self._seal.open(record, _place("person", channel_id, person_id))

    def some_people(self, channel_id: int, person_ids: Sequence[int]) -> dict[int, bytes]:
        """The records of some."""
        found: dict[int, bytes] = {}
        with _failing():
            for start in range(0, len(person_ids), _AT_ONCE):
                some = person_ids[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                for person_id, record in self._reading.execute(
                    f"SELECT id, record FROM people WHERE channel_id = ? AND id IN ({marks})",  # noqa: S608 - marks only
                    (channel_id, *some),
                ):
                    found[person_id] = self._seal.open(record, _place("person", channel_id, person_id))
        return found

    def ids_in_buckets(self, channel_id: int, buckets: int, numbers: Iterable[int]) -> list[int]:
        """Who is in some of so many buckets."""
        wanted = set(numbers)
        with _failing():
            rows = self._reading.execute("SELECT id FROM people WHERE channel_id = ?", (channel_id,))
            return [person_id for (person_id,) in rows if person_id % buckets in wanted]

    def apply(self, channel_id: int, change: Change) -> None:
        """Keep what a channel is told: all of it or, if this raises, nothing."""
        with self._transaction() as execute:
            if change.is_whole:
                execute("DELETE FROM people WHERE channel_id = ?", (channel_id,))
            else:
                self._connection.executemany(
                    "DELETE FROM people WHERE channel_id = ? AND id = ?",
                    ((channel_id, person_id) for person_id in change.gone),
                )
            self._connection.executemany(
                "INSERT OR REPLACE INTO people (channel_id, id, record) VALUES (?, ?, ?)",
                (
                    (channel_id, person_id, self._seal.seal(record, _place("person", channel_id, person_id)))
                    for person_id, record in change.put.items()
                ),
            )
            execute(
                "UPDATE channels SET version = ?, confirmed_at = coalesce(confirmed_at, ?) WHERE id = ?",
                (change.version, change.at, channel_id),
            )
            if change.record is not None:
                sealed = self._seal.seal(change.record, _place("channel", channel_id))
                execute("UPDATE channels SET record = ? WHERE id = ?", (sealed, channel_id))

    def put_channel(self, channel_id: int, about: About) -> None:
        """A channel is this controller's, or is known by another name or other keys."""
        sealed = self._seal.seal(msgspec.msgpack.encode(about), _place("about", channel_id))
        with self._transaction() as execute:
            execute(
                "INSERT INTO channels (id, about) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET about = excluded.about",
                (channel_id, sealed),
            )

    def forget(self, channel_id: int) -> None:
        """A channel is this controller's no more: nothing is kept of it."""
        with self._transaction() as execute:
            execute("DELETE FROM people WHERE channel_id = ?", (channel_id,))
            execute("DELETE FROM channels WHERE id = ?", (channel_id,))

    def latest_at(self) -> int:
        """The instant of the door's clock that was noted last; 0: none."""
        with _failing():
            [(at,)] = self._connection.execute("SELECT latest_at FROM about").fetchall()
            return int(at)

    def note(
        self, channels: Mapping[int, Noted], presences: Mapping[int, bytes | None], until: int, at: int | None = None
    ) -> None:
        """Keep what has changed at doors, and where people are by now (None: that is not known any more).

        `until`: all that the events of the journal up to this one say of that is in it. `at`: what time it is by the
        door's clock; None leaves it as it was noted.
        """
        with self._transaction() as execute:
            execute("UPDATE about SET latest_at = coalesce(?, latest_at)", (at,))
            for channel_id, (confirmed_at, memory, cursor) in channels.items():
                sealed = None if memory is None else self._seal.seal(memory, _place("memory", channel_id))
                execute(
                    "UPDATE channels SET confirmed_at = coalesce(?, confirmed_at), memory = coalesce(?, memory), "
                    "cursor = coalesce(?, cursor) WHERE id = ?",
                    (confirmed_at, sealed, cursor, channel_id),
                )
            execute("DELETE FROM kept")
            execute("INSERT INTO kept VALUES (?)", (until,))
            for person_id, presence in presences.items():
                if presence is None:
                    execute("DELETE FROM presences WHERE person_id = ?", (person_id,))
                else:
                    sealed = self._seal.seal(presence, _place("presence", person_id))
                    execute("INSERT OR REPLACE INTO presences VALUES (?, ?)", (person_id, sealed))

    def kept_until(self) -> int:
        """Up to which event of the journal what is kept here is as new; 0: that is not known."""
        with _failing():
            if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'kept'").fetchall():
                return 0
            [(until,)] = self._connection.execute("SELECT coalesce(max(until), 0) FROM kept").fetchall()
            return int(until)

    def presences(self) -> dict[int, bytes]:
        """Where people were seen to go last."""
        with _failing():
            rows = self._connection.execute("SELECT person_id, presence FROM presences").fetchall()
            return {person_id: self._seal.open(presence, _place("presence", person_id)) for person_id, presence in rows}

    @contextmanager
    def _transaction(self) -> Iterator[_Execute]:
        execute = self._connection.execute
        with _failing():
            execute("BEGIN IMMEDIATE")
            try:
                yield execute
                execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    execute("ROLLBACK")
                raise


def _begun(uri: str, *, is_new: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        execute = connection.execute
        if "immutable" not in uri:
            execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        if is_new:
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        if execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise Damaged("the file is damaged")
        if execute("SELECT format FROM about").fetchall() != [(FORMAT,)]:
            raise Damaged("the file is of another version")
        if "immutable" not in uri:
            execute(_KEPT)
    except BaseException:
        connection.close()
        raise
    return connection


def set_aside(path: Path) -> None:
    """Keep a damaged file for whoever looks into it, and make room for a new one. Raises OSError."""
    with suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.damaged"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (Unsealable, msgspec.MsgspecError) as error:
        raise Damaged(str(error)) from None
    except sqlite3.DatabaseError as error:
        if (error.sqlite_errorcode & 0xFF) in _DAMAGES:
            raise Damaged(str(error)) from None
        raise StoreFailed(str(error)) from None


def _place(what: str, *ids: int) -> bytes:
    return f"{what} {ids}".encode()
