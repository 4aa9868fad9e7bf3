"""Accounts: created by the installation's operator, found by id."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select

from doorward.accounts.tables import accounts
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Invalid, NotFound
from doorward.kit.text import InvalidText, clean_name
from doorward.kit.timestamps import InvalidTimestamp, find_zone


class Account(NamedTuple):
    """One account. `time_zone` is an IANA name; instants are milliseconds UTC."""

    id: int
    name: str
    time_zone: str
    created_at: int
    updated_at: int


_ADD: Final = Query(
    insert(accounts)
    .values({name: bindparam(name) for name in ("name", "time_zone", "created_at", "updated_at")})
    .returning(accounts.c.id),
    number,
)
_ALL: Final = Query(
    select(
        accounts.c.id,
        accounts.c.name,
        accounts.c.time_zone,
        accounts.c.created_at,
        accounts.c.updated_at,
    ).order_by(accounts.c.id),
    Account,
)
_ONE: Final = Query(
    select(
        accounts.c.id,
        accounts.c.name,
        accounts.c.time_zone,
        accounts.c.created_at,
        accounts.c.updated_at,
    ).where(accounts.c.id == bindparam("the_id")),
    Account,
)


def create_account(transaction: Transaction, name: str, time_zone: str, now: int) -> int:
    """A new account; gives its id. Raises Invalid."""
    errors: dict[str, list[str]] = {}
    try:
        name = clean_name(name)
    except InvalidText as error:
        errors["name"] = [str(error)]
    try:
        find_zone(time_zone)
    except InvalidTimestamp as error:
        errors["time_zone"] = [str(error)]
    if errors:
        raise Invalid(errors)
    return require(transaction.one(_ADD, name=name, time_zone=time_zone, created_at=now, updated_at=now))


def list_accounts(transaction: Transaction) -> list[Account]:
    """Every account of the installation, oldest first."""
    return transaction.all(_ALL)


def get_account(transaction: Transaction, account_id: int) -> Account:
    """One account. Raises NotFound."""
    found = transaction.one(_ONE, the_id=account_id)
    if found is None:
        raise NotFound
    return found
