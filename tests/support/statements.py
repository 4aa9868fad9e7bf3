"""A database that counts the statements it is asked to run."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from doorward.db.query import Params, Query
from doorward.db.unit_of_work import Database, Transaction, Work

T = TypeVar("T")


class _Counting:
    """A transaction that counts."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner
        self.backend = inner.backend
        self.number = 0

    def all(self, query: Query[T], **params: Any) -> list[T]:
        self.number += 1
        return self._inner.all(query, **params)

    def one(self, query: Query[T], **params: Any) -> T | None:
        self.number += 1
        return self._inner.one(query, **params)

    def run(self, query: Query[Any], **params: Any) -> int:
        self.number += 1
        return self._inner.run(query, **params)

    def run_many(self, query: Query[Any], rows: Iterable[Params]) -> None:
        self.number += 1
        self._inner.run_many(query, rows)

    def serialize(self, topic: str) -> None:
        self._inner.serialize(topic)

    def signal(self, topic: str) -> None:
        self._inner.signal(topic)


class CountingDatabase:
    """Another database, with what it was asked since the last reset(); work that is begun anew counts once."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.backend = inner.backend
        self.number = 0

    def reset(self) -> None:
        self.number = 0

    def _counted(self, work: Work[T]) -> Work[T]:
        def run(transaction: Transaction) -> T:
            counting = _Counting(transaction)
            result = work(counting)
            self.number += counting.number
            return result

        return run

    async def read(self, work: Work[T]) -> T:
        return await self._inner.read(self._counted(work))

    async def write(self, work: Work[T]) -> T:
        return await self._inner.write(self._counted(work))

    def read_now(self, work: Work[T]) -> T:
        return self._inner.read_now(self._counted(work))

    def write_now(self, work: Work[T]) -> T:
        return self._inner.write_now(self._counted(work))

    def listen(self, topic: str, callback: Callable[[], None]) -> None:
        self._inner.listen(topic, callback)

    def close(self) -> None:
        self._inner.close()
