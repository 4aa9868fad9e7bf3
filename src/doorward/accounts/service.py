"""Accounts: created by the installation's operator, found by id, changed by those who may."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select

from doorward.accounts.tables import accounts
from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Forbidden, Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText, clean_name
from doorward.kit.timestamps import InvalidTimestamp, find_zone
from doorward.oauth.principal import Principal
from doorward.users.tables import users


class Account(NamedTuple):
    """One account. `time_zone` is an IANA name; instants are milliseconds UTC."""

    id: int
    name: str
    time_zone: str
    created_at: int
    updated_at: int
    monitored: bool = False
    passport_enabled: bool = False
    """People may open doors with their telephones."""
    last_sync_at: int | None = None
    """When somebody last asked for the doors to be brought up to date."""


class Asking(NamedTuple):
    """The user who asks about their account."""

    id: int
    first_name: str
    last_name: str
    email: str


_ACCOUNTS: Final = Rows(accounts, Account)
_THIS_ONE: Final = accounts.c.id == bindparam("the_id")

_ADD: Final = Query(
    insert(accounts)
    .values({name: bindparam(name) for name in ("name", "time_zone", "created_at", "updated_at")})
    .returning(accounts.c.id),
    number,
)
_ALL: Final = Query(select(*_ACCOUNTS.columns).order_by(accounts.c.id), _ACCOUNTS.of)
_ONE: Final = Query(select(*_ACCOUNTS.columns).where(_THIS_ONE), _ACCOUNTS.of)
_TO_CHANGE: Final = Query(select(*_ACCOUNTS.columns).where(_THIS_ONE).with_for_update(key_share=True), _ACCOUNTS.of)
_ASKING: Final = Query(
    select(users.c.id, users.c.first_name, users.c.last_name, users.c.email).where(users.c.id == bindparam("the_user")),
    Asking,
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


def get_asking(transaction: Transaction, user_id: int) -> Asking:
    """The user of a token that holds."""
    return require(transaction.one(_ASKING, the_user=user_id))


def update_account(transaction: Transaction, principal: Principal, body: object, now: int) -> Account:
    """Change what is given of `name`, `time_zone`, `monitored`, `passport_enabled`. Raises Forbidden or Invalid.

    A zone that changes moves every shift of the account's sites that have none of their own.
    """
    if principal.site_limited:
        raise Forbidden
    before = require(transaction.one(_TO_CHANGE, the_id=principal.account_id))
    fields = StructuredFields(body)
    given: dict[str, str | bool] = {
        name: fields.flag(name, before=getattr(before, name)) for name in ("monitored", "passport_enabled")
    }
    if "name" in fields:
        given["name"] = fields.name("name", required=True) or ""
    if "time_zone" in fields:
        given["time_zone"] = _read_zone(fields)
    fields.check()
    after = before._replace(**given, updated_at=now)  # type: ignore[arg-type]  # each is of its field's type
    transaction.run(_ACCOUNTS.change, the_id=after.id, **_ACCOUNTS.params(after))
    audit.changed(transaction, after.id, "account", before, after, now)
    if after.time_zone != before.time_zone:
        changes.note(transaction, after.id, now)
    return after


def _read_zone(fields: StructuredFields) -> str:
    name = fields.name("time_zone", required=True)
    if name is not None:
        try:
            find_zone(name)
        except InvalidTimestamp as error:
            fields.complain("time_zone", str(error))
    return name or ""
