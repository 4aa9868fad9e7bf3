"""The unit of work: what a service gets to read and write with. It cannot commit; only the database can.

`await database.read(work)` and `await database.write(work)` run `work(transaction)`, a plain synchronous function. A
write that raises leaves nothing behind; one that returns is durable when the caller goes on.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from doorward.db.query import Backend, Params, Query

T = TypeVar("T")


class DatabaseUnavailable(RuntimeError):
    """The database cannot be reached or did not answer in time; the work has not been done."""


class WrongSchema(RuntimeError):
    """The database has the schema of another version of Doorward; the message says what to do."""


class Rejected(Exception):
    """A constraint of the database refused the write (a duplicate, a reference to nothing)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint
        """The constraint's name or, on SQLite, the columns: what `names()` looks in."""

    def names(self, *parts: str) -> bool:
        """Whether the constraint is about all of these columns."""
        return all(part in self.constraint for part in parts)


class Transaction(Protocol):
    """One transaction. Reads within it see one state of the database."""

    backend: Backend

    def all(self, query: Query[T], **params: Any) -> list[T]:
        """Every row."""
        ...

    def one(self, query: Query[T], **params: Any) -> T | None:
        """The first row, None if there is none."""
        ...

    def run(self, query: Query[Any], **params: Any) -> int:
        """Execute; gives the number of rows touched. Raises Rejected where a constraint refuses."""
        ...

    def run_many(self, query: Query[Any], rows: Iterable[Params]) -> None:
        """Execute once for each row of parameters. Raises Rejected where a constraint refuses."""
        ...

    def serialize(self, topic: str) -> None:
        """Wait until no other transaction that asked for the same topic is under way. Ask last, hold shortly."""
        ...

    def signal(self, topic: str) -> None:
        """Tell this process's listeners of the topic, once the transaction has committed."""
        ...


Work = Callable[[Transaction], T]


class Database(Protocol):
    """A database as the edges use it. Everything may be called from any thread; the async ones from an event loop."""

    backend: Backend

    async def read(self, work: Work[T]) -> T:
        """Run work that only reads. It may be run twice, so it must have no other effect."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run work that writes, commit, and make it durable before going on. It may be run twice."""
        ...

    def read_now(self, work: Work[T]) -> T:
        """The same for callers without an event loop."""
        ...

    def write_now(self, work: Work[T]) -> T:
        """The same for callers without an event loop."""
        ...

    def listen(self, topic: str, callback: Callable[[], None]) -> None:
        """Call back after each commit that signalled the topic, on whatever thread committed: return at once."""
        ...

    def close(self) -> None:
        """Finish what was accepted and let go of the connections."""
        ...


def require(found: T | None) -> T:
    """The row that must be there, for statements that always return one (RETURNING, counts)."""
    if found is None:
        raise LookupError("the statement returned no row")
    return found
