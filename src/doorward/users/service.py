"""Users: operators of an account. An e-mail address signs in to one account only, of the whole installation."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, select, update

from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.kit.crypto import hash_password, new_password
from doorward.kit.email_addresses import email_key
from doorward.kit.errors import Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.tables import tokens
from doorward.sites.tables import sites
from doorward.users.tables import user_sites, users

USER_ROLES: Final = ("owner", "admin", "operator", "viewer")
"""What a user of each may do is oauth.scopes.PERMISSIONS."""

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 255
IN_USE: Final = "is already in use"


class User(NamedTuple):
    """An operator. One that is limited to sites sees those of `site_ids` only, be they none."""

    id: int
    account_id: int
    email: str
    email_key: str
    first_name: str
    last_name: str
    role: str
    site_limited: bool
    disabled_at: int | None
    created_at: int
    updated_at: int
    site_ids: tuple[int, ...] = ()


class CreatedUser(NamedTuple):
    """A new user, and the password if it was made here: the only time that it can be seen."""

    user: User
    password: str | None

    def __repr__(self) -> str:
        return f"CreatedUser(user={self.user!r})"


_USERS: Final = Rows(users, User)
_OF_ACCOUNT: Final = users.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, users.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_USERS.columns).where(_OF_ACCOUNT).order_by(users.c.id), _USERS.of)
_ONE: Final = Query(select(*_USERS.columns).where(_THIS_ONE), _USERS.of)
_TO_CHANGE: Final = Query(select(*_USERS.columns).where(_THIS_ONE).with_for_update(key_share=True), _USERS.of)
_BY_EMAIL: Final = Query(select(*_USERS.columns).where(users.c.email_key == bindparam("the_key")), _USERS.of)
_WITH_EMAIL: Final = Query(
    select(users.c.id).where(users.c.email_key == bindparam("the_key"), users.c.id != bindparam("the_id")), number
)
_SET_PASSWORD: Final = Query[None](
    update(users).where(users.c.id == bindparam("the_id")).values(password_hash=bindparam("password_hash"))
)

_REVOKE_TOKENS: Final = Query[None](
    update(tokens)
    .where(and_(tokens.c.user_id == bindparam("the_id"), tokens.c.revoked_at.is_(None)))
    .values(revoked_at=bindparam("now"))
)

_SITES: Final = Owned(sites)
_LIMITED_TO: Final = Links(user_sites.c.user_id, user_sites.c.site_id)


def create_user(transaction: Transaction, account_id: int, body: object, now: int) -> CreatedUser:
    """A new user: `email`, `role`, and optionally `first_name`, `last_name`, `site_ids`, `password`. Raises Invalid."""
    fields = StructuredFields(body)
    wanted = _read(transaction, fields, User(0, account_id, "", "", "", "", "", False, None, now, now))
    given = _read_password(fields)
    fields.check()
    made = None if given is not None else new_password()
    try:
        wanted = wanted._replace(id=require(transaction.one(_USERS.add, **_USERS.params(wanted))))
    except Rejected as error:
        raise Invalid({"email": [IN_USE]}) from error
    _LIMITED_TO.replace(transaction, wanted.id, wanted.site_ids)
    transaction.run(_SET_PASSWORD, the_id=wanted.id, password_hash=hash_password(made or given or ""))
    return CreatedUser(wanted, made)


def update_user(transaction: Transaction, account_id: int, user_id: int, body: object, now: int) -> User:
    """Change what is given; `site_ids` null lifts the limit to sites. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    found = _with_sites(transaction, [_to_change(transaction, account_id, user_id)])[0]
    wanted = _read(transaction, fields, found)._replace(updated_at=now)
    password = _read_password(fields)
    fields.check()
    _write(transaction, wanted)
    _LIMITED_TO.replace(transaction, user_id, wanted.site_ids)
    if password is not None:
        transaction.run(_SET_PASSWORD, the_id=user_id, password_hash=hash_password(password))
    return wanted


def disable_user(transaction: Transaction, account_id: int, user_id: int, now: int) -> User:
    """Let a user in no more, and revoke their tokens, at once. Raises NotFound."""
    found = _with_sites(transaction, [_to_change(transaction, account_id, user_id)])[0]
    if found.disabled_at is not None:
        return found
    transaction.run(_REVOKE_TOKENS, the_id=user_id, now=now)
    return _write(transaction, found._replace(disabled_at=now, updated_at=now))


def enable_user(transaction: Transaction, account_id: int, user_id: int, now: int) -> User:
    """Let a disabled user in again; the tokens they had stay revoked. Raises NotFound."""
    found = _with_sites(transaction, [_to_change(transaction, account_id, user_id)])[0]
    return _write(transaction, found._replace(disabled_at=None, updated_at=now))


def get_user(transaction: Transaction, account_id: int, user_id: int) -> User:
    """One user. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=user_id)
    if found is None:
        raise NotFound
    return _with_sites(transaction, [found])[0]


def find_user(transaction: Transaction, email: str) -> User | None:
    """The user of an e-mail address, whatever its case, in whichever account."""
    found = transaction.one(_BY_EMAIL, the_key=email_key(email.strip()))
    return None if found is None else _with_sites(transaction, [found])[0]


def list_users(transaction: Transaction, account_id: int) -> list[User]:
    """The account's users, the disabled ones too, by id."""
    return _with_sites(transaction, transaction.all(_ALL, account_id=account_id))


def _to_change(transaction: Transaction, account_id: int, user_id: int) -> User:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=user_id)
    if found is None:
        raise NotFound
    return found


def _read(transaction: Transaction, fields: StructuredFields, before: User) -> User:
    wanted = before
    if not before.email or "email" in fields:
        address = fields.email("email", required=True) or ""
        wanted = wanted._replace(email=address, email_key=email_key(address))
        taken = transaction.one(_WITH_EMAIL, the_key=wanted.email_key, the_id=wanted.id)
        if taken is not None:
            fields.complain("email", IN_USE)
    if not before.role or "role" in fields:
        wanted = wanted._replace(role=fields.choice("role", USER_ROLES, required=True) or "")
    if "first_name" in fields:
        wanted = wanted._replace(first_name=fields.line("first_name") or "")
    if "last_name" in fields:
        wanted = wanted._replace(last_name=fields.line("last_name") or "")
    if "site_ids" in fields:
        site_ids = fields.identities("site_ids")
        _SITES.check(transaction, before.account_id, fields, "site_ids", site_ids)
        wanted = wanted._replace(site_limited=site_ids is not None, site_ids=tuple(sorted(site_ids or ())))
    return wanted


def _read_password(fields: StructuredFields) -> str | None:
    password = fields.text("password", limit=LONGEST_PASSWORD)
    if password is not None and len(password) < SHORTEST_PASSWORD:
        fields.complain("password", f"is too short (at least {SHORTEST_PASSWORD} characters)")
    return password


def _write(transaction: Transaction, user: User) -> User:
    try:
        transaction.run(_USERS.change, the_id=user.id, **_USERS.params(user))
    except Rejected as error:
        raise Invalid({"email": [IN_USE]}) from error
    return user


def _with_sites(transaction: Transaction, found: Sequence[User]) -> list[User]:
    limited_to = _LIMITED_TO.of_many(transaction, [user.id for user in found])
    return [user._replace(site_ids=limited_to.get(user.id, ())) for user in found]
