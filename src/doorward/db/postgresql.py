"""PostgreSQL through psycopg 3: a small pool of threads, a connection each, READ COMMITTED for writes.

Work that the server aborts for a deadlock, and work whose connection breaks before the commit was sent, is run again.
A connection that breaks during the commit is an error: nobody can know which way it went, and no answer claims to.
"""

import asyncio
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors
from sqlalchemy import bindparam, select
from sqlalchemy.sql import func

from doorward.db.query import Backend, Params, Query, number
from doorward.db.unit_of_work import DatabaseUnavailable, Rejected, Work
from doorward.kit.errors import BadRequest

T = TypeVar("T")

_THREADS: Final = 8
_ATTEMPTS: Final = 5
_PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 20,
    "options": "-c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=60000",
}
_LOCK_TOPIC: Final = Query(select(func.pg_advisory_xact_lock(bindparam("topic"))), number)


class PostgresqlTransaction:
    """See unit_of_work.Transaction."""

    backend: Backend = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.signals: set[str] = set()

    def all(self, query: Query[T], **params: Any) -> list[T]:
        return query.rows(self._execute(query, params).fetchall())

    def one(self, query: Query[T], **params: Any) -> T | None:
        row = self._execute(query, params).fetchone()
        return None if row is None else query.rows((row,))[0]

    def run(self, query: Query[Any], **params: Any) -> int:
        return self._execute(query, params).rowcount

    def run_many(self, query: Query[Any], rows: Iterable[Params]) -> None:
        compiled = query.compiled("postgresql")
        constants = compiled.constants
        try:
            with self._connection.cursor() as cursor:
                params = [{**constants, **row} for row in rows] if constants else rows
                cursor.executemany(compiled.sql, params)
        except errors.IntegrityError as error:
            raise _rejected(error) from error

    def serialize(self, topic: str) -> None:
        self.one(_LOCK_TOPIC, topic=zlib.crc32(topic.encode()))

    def signal(self, topic: str) -> None:
        self.signals.add(topic)

    def _execute(self, query: Query[Any], params: dict[str, Any]) -> psycopg.Cursor[Any]:
        compiled = query.compiled("postgresql")
        if compiled.constants:
            params = {**compiled.constants, **params}
        try:
            return self._connection.execute(compiled.sql, params)
        except errors.IntegrityError as error:
            raise _rejected(error) from error
        except errors.NumericValueOutOfRange:
            raise BadRequest("a number is out of range") from None


def _rejected(error: errors.IntegrityError) -> Rejected:
    return Rejected(error.diag.constraint_name or error.diag.column_name or str(error))


class PostgresqlDatabase:
    """See unit_of_work.Database."""

    backend: Backend = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self._held = threading.local()
        self._opened: list[psycopg.Connection[Any]] = []
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="postgresql")
        self._listeners: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._closed = False

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read_now, work)

    async def write(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.write_now, work)

    def read_now(self, work: Work[T]) -> T:
        return self._attempt("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work)[0]

    def write_now(self, work: Work[T]) -> T:
        result, signals = self._attempt("BEGIN", work)
        for topic in signals:
            for callback in self._listeners.get(topic, ()):
                callback()
        return result

    def listen(self, topic: str, callback: Callable[[], None]) -> None:
        self._listeners[topic].append(callback)

    def close(self) -> None:
        self._closed = True
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()

    def _attempt(self, begin: str, work: Work[T]) -> tuple[T, set[str]]:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            connection = self._connection()
            try:
                connection.execute(begin.encode())
                transaction = PostgresqlTransaction(connection)
                result = work(transaction)
            except (errors.SerializationFailure, errors.DeadlockDetected) as error:
                connection.rollback()
                if last:
                    raise DatabaseUnavailable("the database is too busy") from error
                continue
            except (errors.QueryCanceled, errors.LockNotAvailable) as error:
                connection.rollback()
                raise DatabaseUnavailable(f"the database took too long: {error}") from error
            except psycopg.OperationalError as error:
                self._let_go(connection)
                if last:
                    raise DatabaseUnavailable(f"the database broke off: {error}") from error
                continue
            except BaseException:
                if not connection.closed:
                    connection.rollback()
                raise
            try:
                connection.commit()
            except psycopg.Error as error:
                self._let_go(connection)
                raise DatabaseUnavailable(f"the database did not confirm the commit: {error}") from error
            return result, transaction.signals
        raise DatabaseUnavailable("the database is too busy")

    def _connection(self) -> psycopg.Connection[Any]:
        if self._closed:
            raise DatabaseUnavailable("the database is closed")
        connection: psycopg.Connection[Any] | None = getattr(self._held, "connection", None)
        if connection is None or connection.closed:
            try:
                connection = psycopg.connect(self._url, autocommit=True, **_PATIENCE)
            except psycopg.OperationalError as error:
                raise DatabaseUnavailable(f"the database cannot be reached: {error}") from error
            self._held.connection = connection
            self._opened.append(connection)
        return connection

    def _let_go(self, connection: psycopg.Connection[Any]) -> None:
        connection.close()
        self._opened.remove(connection)
        self._held.connection = None
