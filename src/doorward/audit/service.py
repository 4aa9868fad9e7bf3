"""The audit log: every change, by whom, through which application, before and after.

Services say what changed; who changes is said once, at the edge, with acting() (docs/decisions/0010). What nobody in
particular does (a sweeper, a door) is done by "system".
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import bindparam, func, insert, literal, select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.tables import applications
from doorward.users.tables import users

CREATED: Final = "create"
CHANGED: Final = "update"
DELETED: Final = "delete"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a user through an application, or, without them, what `name` says."""

    name: str
    user_id: int | None = None
    application_id: int | None = None
    request_id: str | None = None
    address: str | None = None


SYSTEM: Final = Actor("system")
_acting: ContextVar[Actor] = ContextVar("doorward.actor", default=SYSTEM)


class _Row(Protocol):
    @property
    def id(self) -> int: ...

    def _asdict(self) -> dict[str, Any]: ...


class Entry(NamedTuple):
    """One line of the log. `before` and `after` are JSON objects."""

    id: int
    at: int
    user_id: int | None
    user_name: str | None
    application_id: int | None
    application_name: str | None
    request_id: str | None
    address: str | None
    action: str
    resource_type: str
    resource_id: int | None
    before: str | None
    after: str | None


_GIVEN: Final = (
    *("account_id", "at", "user_id", "application_id", "request_id", "address", "action", "resource_type"),
    *("resource_id", "before", "after"),
)
_USER_NAME: Final = (
    select(
        func.trim(users.c.first_name + literal(" ") + users.c.last_name + literal(" <") + users.c.email + literal(">"))
    )
    .where(users.c.id == bindparam("user_id"))
    .scalar_subquery()
)
_APPLICATION_NAME: Final = (
    select(applications.c.name).where(applications.c.id == bindparam("application_id")).scalar_subquery()
)
_ADD: Final = Query[None](
    insert(audit_log).values(
        {
            **{name: bindparam(name, type_=audit_log.c[name].type) for name in _GIVEN},
            "user_name": func.coalesce(_USER_NAME, bindparam("name", type_=audit_log.c.user_name.type)),
            "application_name": _APPLICATION_NAME,
        }
    )
)

_WHO: Final = Query(
    select(func.trim(users.c.first_name + literal(" ") + users.c.last_name), users.c.email).where(
        users.c.id == bindparam("user_id")
    ),
    lambda name, email: str(name or email),
)

_NOT_SHOWN: Final = frozenset({"account_id", "name_key", "email_key", "secret_hash", "password_hash", "updated_at"})
_INSTANTS: Final = ("_at", "_time")
_MORE_INSTANTS: Final = frozenset({"valid_from", "valid_to"})


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Whoever changes something within the block, on this thread, is `actor`."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def actor_name(transaction: Transaction) -> str:
    """Who is acting, as an event names them."""
    actor = _acting.get()
    found = None if actor.user_id is None else transaction.one(_WHO, user_id=actor.user_id)
    return found or actor.name


class Done(NamedTuple):
    """One of many things that were done; secrets have no place in `before` and `after`."""

    action: str
    resource_id: int | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


def created(transaction: Transaction, account_id: int, kind: str, row: _Row, now: int) -> None:
    """Log that the row came to be."""
    record(transaction, account_id, CREATED, kind, row.id, now, after=shown(row))


def changed(transaction: Transaction, account_id: int, kind: str, before: _Row, after: _Row, now: int) -> None:
    """Log what of the row has changed; nothing if nothing has."""
    was, is_now = difference(before, after)
    if is_now:
        record(transaction, account_id, CHANGED, kind, after.id, now, before=was, after=is_now)


def deleted(transaction: Transaction, account_id: int, kind: str, row: _Row, now: int) -> None:
    """Log that the row is gone, and what it was."""
    record(transaction, account_id, DELETED, kind, row.id, now, before=shown(row))


def record(
    transaction: Transaction,
    account_id: int,
    action: str,
    kind: str,
    resource_id: int | None,
    now: int,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Log anything else that somebody did. Secrets have no place in `before` and `after`."""
    transaction.run(_ADD, **_params(account_id, kind, Done(action, resource_id, before, after), now))


def record_many(transaction: Transaction, account_id: int, kind: str, done: Iterable[Done], now: int) -> None:
    """Log many things at once, with one statement."""
    if rows := [_params(account_id, kind, each, now) for each in done]:
        transaction.run_many(_ADD, rows)


def difference(before: _Row, after: _Row) -> tuple[dict[str, object], dict[str, object]]:
    """What of a row has changed, as the log shows it: as it was, and as it is now."""
    was, is_now = shown(before), shown(after)
    names = [name for name in is_now if was.get(name) != is_now[name]]
    return {name: was.get(name) for name in names}, {name: is_now[name] for name in names}


def shown(row: _Row) -> dict[str, object]:
    """A row as the log shows it: instants readable, what is derived or secret left out."""
    return {name: _readable(name, value) for name, value in row._asdict().items() if name not in _NOT_SHOWN}


def _params(account_id: int, kind: str, done: Done, now: int) -> dict[str, Any]:
    actor = _acting.get()
    return {
        "account_id": account_id,
        "at": now,
        "user_id": actor.user_id,
        "application_id": actor.application_id,
        "request_id": actor.request_id,
        "address": actor.address,
        "action": done.action,
        "resource_type": kind,
        "resource_id": done.resource_id,
        "before": None if done.before is None else json.dumps(done.before, ensure_ascii=False),
        "after": None if done.after is None else json.dumps(done.after, ensure_ascii=False),
        "name": actor.name,
    }


def _readable(name: str, value: object) -> object:
    if isinstance(value, int) and (name.endswith(_INSTANTS) or name in _MORE_INSTANTS):
        return format_instant(value)
    if isinstance(value, tuple):
        return [each._asdict() if hasattr(each, "_asdict") else each for each in value]
    return value
