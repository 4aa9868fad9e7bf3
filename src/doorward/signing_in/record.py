"""What the audit log says of signing in: whose account it is, from where, in which browser; never a secret."""

from typing import Final

from sqlalchemy import bindparam, select

from doorward.audit import service as audit
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.signing_in.devices import device_name
from doorward.users.tables import users

SIGN_IN: Final = "sign_in"
SIGN_OUT: Final = "sign_out"
SIGN_IN_FAILED: Final = "sign_in_failed"
SESSIONS_ENDED: Final = "sessions_ended"
_KIND: Final = "user"
_ACCOUNT_OF: Final = Query(select(users.c.account_id).where(users.c.id == bindparam("the_id")), number)


def account_of(transaction: Transaction, user_id: int) -> int:
    """The account of a user that exists."""
    return require(transaction.one(_ACCOUNT_OF, the_id=user_id))


def signed_in(transaction: Transaction, user_id: int, user_agent: str, now: int, *, second_factor: bool) -> None:
    """The user has signed in; with the second factor, or without having one."""
    after = {"browser": device_name(user_agent), "second_factor": second_factor}
    audit.record(transaction, account_of(transaction, user_id), SIGN_IN, _KIND, user_id, now, after=after)


def signed_out(transaction: Transaction, user_id: int, now: int) -> None:
    """The user has signed out."""
    audit.record(transaction, account_of(transaction, user_id), SIGN_OUT, _KIND, user_id, now)


def blocked(transaction: Transaction, user_id: int, what: str, wait_ms: int, now: int) -> None:
    """Somebody has failed at `what` of the user so often that they have to wait: once a block, not once a failure."""
    after = {"wrong": what, "has_to_wait_seconds": -(-wait_ms // 1000)}
    audit.record(transaction, account_of(transaction, user_id), SIGN_IN_FAILED, _KIND, user_id, now, after=after)


def sessions_ended(transaction: Transaction, user_id: int, how_many: int, now: int) -> None:
    """The user has signed out other browsers, if there were any."""
    if how_many:
        after = {"sessions": how_many}
        audit.record(transaction, account_of(transaction, user_id), SESSIONS_ENDED, _KIND, user_id, now, after=after)
