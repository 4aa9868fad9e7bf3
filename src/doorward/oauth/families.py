"""Families of tokens: all that came of one consent, which lives and dies together (RFC 9700, 4.14.2).

Whoever changes a family locks its row first, so that no token is added to one that is being revoked. The user and the
application are locked before that (see standing), in the order in which those who disable and remove them lock.
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from doorward.audit.service import CREATED, DELETED, record
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.oauth.tables import applications, authorization_codes, token_families, tokens
from doorward.users.tables import users


class Grant(NamedTuple):
    """What somebody has consented to: that the application acts for the user, within the scopes."""

    account_id: int
    application_id: int
    user_id: int
    scopes: str
    """By their present names, separated by spaces."""


class _Standing(NamedTuple):
    disabled_at: int | None
    removed_at: int | None


_STANDING: Final = Query(
    select(users.c.disabled_at, applications.c.removed_at)
    .join(applications, applications.c.account_id == users.c.account_id)
    .where(users.c.id == bindparam("user_id"), applications.c.id == bindparam("application_id"))
    # Whoever disables or removes them waits, and then finds what is added here.
    .with_for_update(read=True),
    _Standing,
)
_ADD: Final = Query(
    insert(token_families)
    .values(
        {name: bindparam(name) for name in ("account_id", "application_id", "user_id", "scopes", "created_at")},
    )
    .returning(token_families.c.id),
    number,
)
_LOCK: Final = Query(
    select(token_families.c.id)
    .where(token_families.c.id == bindparam("the_id"), token_families.c.revoked_at.is_(None))
    .with_for_update(),
    number,
)
_REVOKE: Final = Query(
    update(token_families)
    .where(token_families.c.id == bindparam("the_id"), token_families.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
    .returning(*(token_families.c[name] for name in Grant._fields)),
    Grant,
)
_REVOKE_TOKENS: Final = Query[None](
    update(tokens)
    .where(tokens.c.family_id == bindparam("the_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


_REVOKE_ALL: Final = {
    column: (
        Query[None](
            update(token_families)
            .where(token_families.c[column] == bindparam("the_id"), token_families.c.revoked_at.is_(None))
            .values(revoked_at=bindparam("now"))
        ),
        Query[None](
            update(authorization_codes)
            .where(authorization_codes.c[column] == bindparam("the_id"), authorization_codes.c.used_at.is_(None))
            .values(used_at=bindparam("now"))
        ),
    )
    for column in ("application_id", "user_id")
}
"""What kills the families of an application or a user, and their codes that nobody has exchanged yet."""


def standing(transaction: Transaction, application_id: int, user_id: int) -> bool:
    """Whether the application is there, the user may sign in, and both are of one account; so it stays until the end.

    For use within a write, before a family is locked.
    """
    found = transaction.one(_STANDING, application_id=application_id, user_id=user_id)
    return found == (None, None)


def add_family(transaction: Transaction, grant: Grant, now: int) -> int:
    """A new family, without any tokens; gives its id."""
    return require(transaction.one(_ADD, **grant._asdict(), created_at=now))


def lock_family(transaction: Transaction, family_id: int) -> bool:
    """Lock a family until the end of the transaction; False if it has been revoked."""
    return transaction.one(_LOCK, the_id=family_id) is not None


def revoke_family(transaction: Transaction, family_id: int, reason: str, now: int) -> bool:
    """Revoke a family with all its tokens, which are dead at once; False if it was revoked before.

    Its refresh tokens need no mark of their own: none is looked at without its family.
    """
    grant = transaction.one(_REVOKE, the_id=family_id, now=now)
    transaction.run(_REVOKE_TOKENS, the_id=family_id, now=now)
    if grant is None:
        return False
    before = {"user_id": grant.user_id, "scopes": grant.scopes}
    after = {"reason": reason}
    record(transaction, grant.account_id, DELETED, "consent", grant.application_id, now, before=before, after=after)
    return True


def note_consent(transaction: Transaction, grant: Grant, now: int) -> None:
    """Log that somebody has consented; in the log a consent has the id of its application."""
    after = {"user_id": grant.user_id, "scopes": grant.scopes}
    record(transaction, grant.account_id, CREATED, "consent", grant.application_id, now, after=after)


def revoke_families(
    transaction: Transaction, now: int, *, application_id: int | None = None, user_id: int | None = None
) -> None:
    """Revoke the families of an application or of a user, and the codes not exchanged yet; not the access tokens."""
    for column, the_id in (("application_id", application_id), ("user_id", user_id)):
        if the_id is not None:
            for query in _REVOKE_ALL[column]:
                transaction.run(query, the_id=the_id, now=now)
