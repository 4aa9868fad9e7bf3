"""Users: operators of an account. An e-mail address signs in to one account only, of the whole installation.

Who asks is a Principal, or None for the command line of the machine itself, which may do anything but leave an account
without an owner.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, func, select, update

from doorward.audit import service as audit
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.kit.email_addresses import email_key
from doorward.kit.errors import Conflict, Forbidden, Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import revoke_user_tokens
from doorward.signing_in.tables import sessions
from doorward.sites.tables import sites
from doorward.users.passwords import read_password
from doorward.users.tables import user_sites, users

USER_ROLES: Final = ("owner", "admin", "operator", "viewer")
"""From the most powerful down. What a user of each may do is oauth.scopes.PERMISSIONS."""

OWNER: Final = "owner"
CHANGED_ELSEWHERE: Final = "is changed on the page /account/security"
IN_USE: Final = "is already in use"
LAST_OWNER: Final = "The account would have no owner left who can sign in and is not limited to sites"


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
    totp_enabled_at: int | None
    disabled_at: int | None
    created_at: int
    updated_at: int
    site_ids: tuple[int, ...] = ()


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
_OTHER_OWNERS: Final = Query(
    select(func.count()).where(
        _OF_ACCOUNT,
        users.c.role == OWNER,
        users.c.disabled_at.is_(None),
        users.c.site_limited == 0,
        users.c.id != bindparam("the_id"),
    ),
    number,
)
_SET_PASSWORD: Final = Query[None](
    update(users).where(users.c.id == bindparam("the_id")).values(password_hash=bindparam("password_hash"))
)
_END_SESSIONS: Final = Query[None](
    update(sessions)
    .where(
        sessions.c.user_id == bindparam("the_id"),
        sessions.c.id != bindparam("but"),
        sessions.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)

_SITES: Final = Owned(sites)
_LIMITED_TO: Final = Links(user_sites.c.user_id, user_sites.c.site_id)


def create_user(
    transaction: Transaction,
    account_id: int,
    body: object,
    password_hash: str | None,
    now: int,
    by: Principal | None = None,
) -> User:
    """A new user: `email`, `role`, and optionally `first_name`, `last_name`, `site_ids`, `password`.

    Not for the token of an application: the user would be left when the application's access is revoked.

    `password_hash` is that of the body's password, or of one that was made for them (users.passwords); None: nobody
    can sign in as this user yet. Raises Invalid or Forbidden.
    """
    fields = StructuredFields(body)
    nobody = User(0, account_id, "", "", "", "", "", False, None, None, now, now)
    wanted = _read(transaction, fields, nobody)
    read_password(fields)
    fields.check()
    _check_allowed(by, None, wanted)
    try:
        wanted = wanted._replace(id=require(transaction.one(_USERS.add, **_USERS.params(wanted))))
    except Rejected as error:
        raise Invalid({"email": [IN_USE]}) from error
    _LIMITED_TO.replace(transaction, wanted.id, wanted.site_ids)
    if password_hash is not None:
        transaction.run(_SET_PASSWORD, the_id=wanted.id, password_hash=password_hash)
    audit.created(transaction, account_id, "user", wanted, now)
    return wanted


def update_user(
    transaction: Transaction,
    account_id: int,
    user_id: int,
    body: object,
    password_hash: str | None,
    now: int,
    by: Principal | None = None,
) -> User:
    """Change what is given; `site_ids` null lifts the limit to sites; `disabled` as disable_user() and enable_user().

    `password_hash` is that of the body's `password`; a new one ends the user's sessions and all that was granted in
    their name. It is for others: one's own is changed where the old one is asked for. Raises NotFound, Invalid,
    Forbidden, or Conflict where no owner would be left.
    """
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, user_id)
    wanted = _read(transaction, fields, found)
    if "disabled" in fields and fields.flag("disabled", before=False) != (found.disabled_at is not None):
        wanted = wanted._replace(disabled_at=now if found.disabled_at is None else None)
    password = read_password(fields)
    if password is not None and by is not None and by.is_own and by.user_id == user_id:
        fields.complain("password", CHANGED_ELSEWHERE)
    fields.check()
    _check_allowed(by, found, wanted, password=password is not None)
    written = _write(transaction, found, wanted, now)
    if password_hash is not None:
        revoke_user_tokens(transaction, user_id, now)
        set_password(transaction, account_id, user_id, password_hash, now)
    return written


def set_password(
    transaction: Transaction, account_id: int, user_id: int, password_hash: str, now: int, *, but_session: int = 0
) -> None:
    """Set a user's password and end their sessions, all but one. Who may, is the caller's business."""
    transaction.run(_SET_PASSWORD, the_id=user_id, password_hash=password_hash)
    transaction.run(_END_SESSIONS, the_id=user_id, but=but_session, now=now)
    audit.record(transaction, account_id, audit.CHANGED, "user", user_id, now, after={"password": "changed"})


def disable_user(
    transaction: Transaction, account_id: int, user_id: int, now: int, by: Principal | None = None
) -> User:
    """Let a user in no more, and end their sessions and tokens, at once. Raises NotFound, Forbidden or Conflict."""
    found = _to_change(transaction, account_id, user_id)
    if found.disabled_at is not None:
        _check_allowed(by, found, found)
        return found
    wanted = found._replace(disabled_at=now)
    _check_allowed(by, found, wanted)
    return _write(transaction, found, wanted, now)


def enable_user(transaction: Transaction, account_id: int, user_id: int, now: int, by: Principal | None = None) -> User:
    """Let a disabled user in again; the tokens they had stay revoked. Raises NotFound or Forbidden."""
    found = _to_change(transaction, account_id, user_id)
    wanted = found._replace(disabled_at=None)
    _check_allowed(by, found, wanted)
    return found if wanted == found else _write(transaction, found, wanted, now)


def user_to_help(transaction: Transaction, account_id: int, user_id: int, by: Principal | None) -> User:
    """Somebody who has lost what they sign in with, and whom whoever asks may help; stays as it is until the commit.

    Raises NotFound, or Forbidden, also for oneself: that is done where the password is asked for.
    """
    found = _to_change(transaction, account_id, user_id)
    _check_allowed(by, found, found, password=True)
    if by is not None and by.user_id == user_id:
        raise Forbidden(f"Your own second factor {CHANGED_ELSEWHERE}")
    return found


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


def first_owner(transaction: Transaction, account_id: int) -> User | None:
    """The enabled owner with the smallest id."""
    return next(
        (user for user in list_users(transaction, account_id) if user.role == OWNER and user.disabled_at is None),
        None,
    )


def _to_change(transaction: Transaction, account_id: int, user_id: int) -> User:
    # One after the other: two owners who remove each other at the same moment would leave none.
    transaction.serialize(f"users of {account_id}")
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=user_id)
    if found is None:
        raise NotFound
    return _with_sites(transaction, [found])[0]


def _check_allowed(by: Principal | None, before: User | None, wanted: User, *, password: bool = False) -> None:
    """Raise Forbidden for what whoever asks may not do to this user; `password` is whether a new one is given."""
    if by is None:
        return
    if not by.is_own and (password or _gives_power(before, wanted)):
        raise Forbidden("The token of an application makes no users, and gives none a password or more power")
    touches_owner = wanted.role == OWNER or (before is not None and before.role == OWNER)
    if by.site_limited or (touches_owner and by.user_role != OWNER):
        raise Forbidden
    if before is None or before.id != by.user_id:
        return
    if USER_ROLES.index(wanted.role) < USER_ROLES.index(before.role):
        raise Forbidden("Nobody raises their own role")


def _gives_power(before: User | None, wanted: User) -> bool:
    """Whether somebody could do more after the change than before, or signs in by another address."""
    if before is None:
        return True
    more_sites = before.site_limited and not (wanted.site_limited and set(wanted.site_ids) <= set(before.site_ids))
    return (
        more_sites
        or wanted.email_key != before.email_key
        or USER_ROLES.index(wanted.role) < USER_ROLES.index(before.role)
        or (before.disabled_at is not None and wanted.disabled_at is None)
    )


def _read(transaction: Transaction, fields: StructuredFields, before: User) -> User:
    wanted = before
    if not before.email or "email" in fields:
        address = fields.email("email", required=True) or ""
        wanted = wanted._replace(email=address, email_key=email_key(address))
        taken = transaction.one(_WITH_EMAIL, the_key=wanted.email_key, the_id=wanted.id)
        if taken is not None:
            fields.complain("email", IN_USE)
    if not before.role or "role" in fields:
        wanted = wanted._replace(role=fields.choice("role", USER_ROLES, required=True) or before.role)
    if "first_name" in fields:
        wanted = wanted._replace(first_name=fields.line("first_name") or "")
    if "last_name" in fields:
        wanted = wanted._replace(last_name=fields.line("last_name") or "")
    if "site_ids" in fields:
        site_ids = fields.identities("site_ids")
        _SITES.check(transaction, before.account_id, fields, "site_ids", site_ids)
        wanted = wanted._replace(site_limited=site_ids is not None, site_ids=tuple(sorted(site_ids or ())))
    return wanted


def _write(transaction: Transaction, before: User, wanted: User, now: int) -> User:
    """Write a user that was locked by _to_change(). Raises Invalid, or Conflict where no owner would be left."""
    is_owner = wanted.role == OWNER and wanted.disabled_at is None and not wanted.site_limited
    was_owner = before.role == OWNER and before.disabled_at is None and not before.site_limited
    if was_owner and not is_owner:
        others = transaction.one(_OTHER_OWNERS, account_id=before.account_id, the_id=before.id)
        if not others:
            raise Conflict(LAST_OWNER)
    wanted = wanted._replace(updated_at=now)
    try:
        transaction.run(_USERS.change, the_id=wanted.id, **_USERS.params(wanted))
    except Rejected as error:
        raise Invalid({"email": [IN_USE]}) from error
    _LIMITED_TO.replace(transaction, wanted.id, wanted.site_ids)
    if wanted.disabled_at is not None and before.disabled_at is None:
        revoke_user_tokens(transaction, wanted.id, now)
        transaction.run(_END_SESSIONS, the_id=wanted.id, but=0, now=now)
    audit.changed(transaction, wanted.account_id, "user", before, wanted, now)
    return wanted


def _with_sites(transaction: Transaction, found: Sequence[User]) -> list[User]:
    limited_to = _LIMITED_TO.of_many(transaction, [user.id for user in found])
    return [user._replace(site_ids=limited_to.get(user.id, ())) for user in found]
