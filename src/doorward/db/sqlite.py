"""SQLite in WAL mode: reads on held connections, all writes through one writer with group commit.

The writer takes whatever has queued up, runs each job in a savepoint of one transaction, commits once (one fsync), and
only then tells the callers (docs/decisions/0004). Many writers in one process would only wait for each other.
"""

import asyncio
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, Final, TypeVar

import structlog

from doorward.db.query import Backend, Params, Query
from doorward.db.unit_of_work import DatabaseUnavailable, Rejected, Work
from doorward.kit.errors import BadRequest

T = TypeVar("T")

_log = structlog.get_logger("doorward.sqlite")

_BUSY_MS: Final = 30_000
_LARGEST_BATCH: Final = 256
_LONGEST_BATCH_S: Final = 0.05
_INLINE_BUDGET_S: Final = 0.001
_STEPS_BETWEEN_LOOKS: Final = 1_000
_READERS: Final = 2
_CONSTRAINT_TEXTS: Final = (
    "UNIQUE constraint failed: ",
    "CHECK constraint failed: ",
    "NOT NULL constraint failed: ",
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the pragmas that every use of the file relies on; a new file is its owner's alone."""
    # Only ever a file that was not there: to close another descriptor of one in use would drop SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -16000")
    return connection


class SqliteTransaction:
    """See unit_of_work.Transaction."""

    backend: Backend = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.signals: set[str] = set()

    def all(self, query: Query[T], **params: Any) -> list[T]:
        return query.rows(self._execute(query, params).fetchall())

    def one(self, query: Query[T], **params: Any) -> T | None:
        cursor = self._execute(query, params)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else query.rows((row,))[0]

    def run(self, query: Query[Any], **params: Any) -> int:
        return self._execute(query, params).rowcount

    def run_many(self, query: Query[Any], rows: Iterable[Params]) -> None:
        compiled = query.compiled("sqlite")
        constants = compiled.constants
        try:
            params = ({**constants, **row} for row in rows) if constants else rows
            self._connection.executemany(compiled.sql, params)
        except sqlite3.IntegrityError as error:
            raise _rejected(error) from error

    def serialize(self, topic: str) -> None:
        """Nothing to do: there is one writer at a time."""

    def signal(self, topic: str) -> None:
        self.signals.add(topic)

    def _execute(self, query: Query[Any], params: dict[str, Any]) -> sqlite3.Cursor:
        compiled = query.compiled("sqlite")
        if compiled.constants:
            params = {**compiled.constants, **params}
        try:
            return self._connection.execute(compiled.sql, params)
        except sqlite3.IntegrityError as error:
            raise _rejected(error) from error
        except OverflowError:
            raise BadRequest("a number is out of range") from None


def _rejected(error: sqlite3.IntegrityError) -> Rejected:
    text = str(error)
    for prefix in _CONSTRAINT_TEXTS:
        text = text.removeprefix(prefix)
    return Rejected(text)


@dataclass(slots=True)
class _Job:
    """Work for the writer, and how its caller is told: a future of its event loop, or an event to wait for."""

    work: Work[Any]
    future: "asyncio.Future[Any] | None" = None
    loop: asyncio.AbstractEventLoop | None = None
    done: threading.Event | None = None
    result: Any = None
    error: BaseException | None = None
    signals: set[str] = field(default_factory=set)


class SqliteDatabase:
    """See unit_of_work.Database."""

    backend: Backend = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._inline = connect(path)
        self._inline_use = threading.Lock()
        self._state = threading.Lock()
        self._deadline = 0.0
        self._reading = threading.local()
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-read")
        self._opened: list[sqlite3.Connection] = [self._inline]
        self._listeners: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._closed = False

    async def read(self, work: Work[T]) -> T:
        """On the event loop if it takes no longer than a millisecond, else (begun anew) on a reader's thread."""
        try:
            return self._read_inline(work)
        except _OverBudget:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self.read_now, work)

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(_Job(work, future=future, loop=loop))
        return await future

    def read_now(self, work: Work[T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        if connection is None:
            connection = self._reading.connection = connect(self._path)
            self._opened.append(connection)
        return _read(connection, work)

    def write_now(self, work: Work[T]) -> T:
        job = _Job(work, done=threading.Event())
        self._submit(job)
        if job.done is not None:
            job.done.wait()
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def listen(self, topic: str, callback: Callable[[], None]) -> None:
        self._listeners[topic].append(callback)

    def close(self) -> None:
        with self._state:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        if self._writer is not None:
            self._writer.join()
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()

    def _read_inline(self, work: Work[T]) -> T:
        if not self._inline_use.acquire(blocking=False):
            raise _OverBudget
        connection = self._inline
        try:
            connection.execute("BEGIN")
            try:
                self._deadline = perf_counter() + _INLINE_BUDGET_S
                connection.set_progress_handler(self._over_budget, _STEPS_BETWEEN_LOOKS)
                return work(SqliteTransaction(connection))
            finally:
                # Before the end of the transaction: that must not be interrupted.
                connection.set_progress_handler(None, 0)
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _OverBudget from None
            raise _unavailable(error) from error
        except sqlite3.DatabaseError as error:
            raise _unavailable(error) from error
        finally:
            self._inline_use.release()

    def _over_budget(self) -> int:
        return perf_counter() > self._deadline

    def _submit(self, job: _Job) -> None:
        with self._state:
            if self._closed:
                raise DatabaseUnavailable("the database is closed")
            if self._writer is None:
                connection = connect(self._path)
                self._writer = threading.Thread(
                    target=self._write_forever,
                    args=(connection,),
                    name="sqlite-write",
                    daemon=True,
                )
                self._writer.start()
            self._jobs.put(job)

    def _write_forever(self, connection: sqlite3.Connection) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                batch = [job]
                try:
                    self._commit_together(connection, batch)
                except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the writer goes on
                    connection = _begin_anew(connection, self._path)
                    failure = DatabaseUnavailable(f"the database refused to write: {error}")
                    failure.__cause__ = error
                    for failed in batch:
                        failed.result, failed.error, failed.signals = (
                            None,
                            failure,
                            set(),
                        )
                try:
                    self._tell(batch)
                except Exception:  # noqa: BLE001 - logged with its trace
                    _log.exception("a listener failed")
        finally:
            connection.close()

    def _commit_together(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        """Run the batch's first job and whatever else is queued, then commit: all are durable, or none."""
        connection.execute("BEGIN IMMEDIATE")
        started = perf_counter()
        _run(connection, batch[0])
        while len(batch) < _LARGEST_BATCH and perf_counter() - started < _LONGEST_BATCH_S:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            batch.append(job)
            _run(connection, job)
        connection.execute("COMMIT")

    def _tell(self, batch: list[_Job]) -> None:
        for topic in set().union(*(job.signals for job in batch if job.error is None)):
            for callback in self._listeners.get(topic, ()):
                callback()
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
        for job in batch:
            if job.loop is not None:
                loops[job.loop].append(job)
            elif job.done is not None:
                job.done.set()
        for loop, jobs in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, jobs)


def _begin_anew(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """The connection without a transaction; another one if it cannot be rid of it."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        connection.close()
        return connect(path)
    return connection


class _OverBudget(Exception):
    """An inline read would hold the event loop for too long."""


def _read(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Run work against one state of the database."""
    try:
        connection.execute("BEGIN")
        try:
            return work(SqliteTransaction(connection))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        raise _unavailable(error) from error


def _unavailable(error: sqlite3.Error) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"the database cannot be used: {error}")


def _run(connection: sqlite3.Connection, job: _Job) -> None:
    """Run one job in a savepoint of its own, so that a job that fails leaves the others alone."""
    transaction = SqliteTransaction(connection)
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(transaction)
        job.signals = transaction.signals
    except BaseException as error:
        job.error = error
        if not connection.in_transaction:
            raise sqlite3.OperationalError("the transaction was rolled back by the database") from error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future is None or job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
