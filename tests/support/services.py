"""Call services on a test's account, a transaction each."""

from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import select

from doorward.accounts.service import create_account
from doorward.db.query import Query
from doorward.db.unit_of_work import Database, Transaction
from doorward.events.service import Event, record_all
from doorward.oauth.tokens import authenticate
from doorward.reservations.service import create_reservation
from doorward.roles.grants import role_of_reservation
from doorward.schema import metadata
from tests.support.world import World

P = ParamSpec("P")
T = TypeVar("T")


def write(world: World, service: Callable[..., T], *values: Any) -> T:
    """`service(transaction, account_id, *values, now)` in a transaction that commits."""
    return world.database.write_now(lambda tx: service(tx, world.account_id, *values, world.clock.now()))


def write_sealed(world: World, service: Callable[..., T], *values: Any) -> T:
    """The same for services that need the vault: `service(transaction, vault, account_id, *values, now)`."""
    now = world.clock.now()
    return world.database.write_now(lambda tx: service(tx, world.vault, world.account_id, *values, now))


def read(world: World, service: Callable[Concatenate[Transaction, int, P], T], *args: P.args, **more: P.kwargs) -> T:
    """`service(transaction, account_id, …)` in a transaction that only reads."""
    return world.database.read_now(lambda tx: service(tx, world.account_id, *args, **more))


def other_account(world: World) -> int:
    """Another account of the same installation."""
    return world.database.write_now(lambda tx: create_account(tx, "Other", "UTC", world.clock.now()))


def reserve(world: World, person_id: int) -> int:
    """Reserve the first channel for the person, this morning; gives the reservation's role."""
    now = world.clock.now()
    body = {
        "person_id": person_id,
        "start_time": "2026-03-02T10:00:00Z",
        "end_time": "2026-03-02T12:00:00Z",
        "channel_ids": world.channel_ids[:1],
    }

    def make(tx: Transaction) -> int:
        made = create_reservation(tx, authenticate(tx, world.token, now), body, now)
        role = role_of_reservation(tx, made.id)
        assert role is not None
        return role.id

    return world.database.write_now(make)


def happen(world: World, *codes: int, database: Database | None = None, **more: Any) -> list[int]:
    """Events of these codes, recorded at once; gives their ids."""
    now = world.clock.now()
    happened = [Event(world.account_id, code, now, **more) for code in codes]
    return (database or world.database).write_now(lambda tx: record_all(tx, happened, now))


_COMES_AND_GOES: Final = {"sessions", "sign_in_attempts", "usage_counts", "channel_reports"}
"""Tables that change while nobody changes anything."""


def everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    tables = [table for table in metadata.sorted_tables if table.name not in _COMES_AND_GOES]
    return world.database.read_now(
        lambda tx: {table.name: sorted(tx.all(Query(select(table), lambda *row: row)), key=repr) for table in tables}
    )
