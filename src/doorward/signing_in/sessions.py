"""Browser sessions: begun by signing in; ended at once by signing out, a new password, or the user being disabled."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, select, update

from doorward.accounts.tables import accounts
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import new_token, token_digest
from doorward.oauth.browser_sessions import HOLDS, IDLE_MS
from doorward.signing_in.tables import sessions
from doorward.users.tables import users

LONGEST_MS: Final = 7 * 86_400_000
CODE_MS: Final = 10 * 60_000
"""How long one who has given the password may take to give the code."""
_NOTED_EVERY_MS: Final = 60_000
_LONGEST_AGENT: Final = 300


class LiveSession(NamedTuple):
    """A session that holds, and whose it is. `site_limited` and `needs_second_factor` are 0 or 1."""

    id: int
    user_id: int
    account_id: int
    account_name: str
    time_zone: str
    email: str
    first_name: str
    last_name: str
    role: str
    site_limited: int
    needs_second_factor: int
    created_at: int
    last_used_at: int


class ListedSession(NamedTuple):
    """A session as its user sees it."""

    id: int
    address: str
    user_agent: str
    created_at: int
    last_used_at: int


_FIND: Final = Query(
    select(
        sessions.c.id,
        sessions.c.user_id,
        users.c.account_id,
        accounts.c.name,
        accounts.c.time_zone,
        *(users.c[name] for name in ("email", "first_name", "last_name", "role", "site_limited")),
        *(sessions.c[name] for name in ("needs_second_factor", "created_at", "last_used_at")),
    )
    .join(users, users.c.id == sessions.c.user_id)
    .join(accounts, accounts.c.id == users.c.account_id)
    .where(sessions.c.digest == bindparam("the_digest"), HOLDS, users.c.disabled_at.is_(None)),
    LiveSession,
)
_ADD: Final = Query(
    insert(sessions)
    .values(
        {
            name: bindparam(name)
            for name in (
                *("digest", "user_id", "address", "user_agent", "needs_second_factor"),
                *("created_at", "last_used_at", "expires_at"),
            )
        }
    )
    .returning(sessions.c.id),
    number,
)
_NOTE_USE: Final = Query[None](
    update(sessions)
    .where(sessions.c.id == bindparam("the_id"), sessions.c.last_used_at < bindparam("now"))
    .values(last_used_at=bindparam("now"), address=bindparam("address"))
)
_NOT_REVOKED: Final = and_(sessions.c.user_id == bindparam("the_user"), sessions.c.revoked_at.is_(None))
_REVOKE: Final = Query[None](
    update(sessions).where(_NOT_REVOKED, sessions.c.id == bindparam("the_id")).values(revoked_at=bindparam("now"))
)
_REVOKE_OTHERS: Final = Query[None](
    update(sessions).where(_NOT_REVOKED, sessions.c.id != bindparam("the_id")).values(revoked_at=bindparam("now"))
)
_LIST: Final = Query(
    select(
        sessions.c.id, sessions.c.address, sessions.c.user_agent, sessions.c.created_at, sessions.c.last_used_at
    )
    .where(sessions.c.user_id == bindparam("the_user"), HOLDS, sessions.c.needs_second_factor == 0)
    .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc()),
    ListedSession,
)  # fmt: skip
_FORGET: Final = Query[None](delete(sessions).where(sessions.c.expires_at < bindparam("before")))


def begin(
    transaction: Transaction, user_id: int, address: str, user_agent: str, now: int, *, needs_second_factor: bool
) -> str:
    """A new session; gives its cookie, which cannot be seen again. Always a new one: none is ever upgraded."""
    cookie = new_token()
    require(
        transaction.one(
            _ADD,
            digest=token_digest(cookie),
            user_id=user_id,
            address=address,
            user_agent="".join(letter for letter in user_agent if letter.isprintable())[:_LONGEST_AGENT],
            needs_second_factor=int(needs_second_factor),
            created_at=now,
            last_used_at=now,
            expires_at=now + (CODE_MS if needs_second_factor else LONGEST_MS),
        )
    )
    return cookie


def find(transaction: Transaction, cookie: str, now: int) -> LiveSession | None:
    """The session of a cookie, if it holds; also one that still wants the second factor."""
    return transaction.one(_FIND, the_digest=token_digest(cookie), now=now, used_after=now - IDLE_MS)


def wants_noting(session: LiveSession, now: int) -> bool:
    """Whether the last use is so long ago that note_use() is worth a write."""
    return now - session.last_used_at >= _NOTED_EVERY_MS


def note_use(transaction: Transaction, session_id: int, address: str, now: int) -> None:
    """Keep that the session was used."""
    transaction.run(_NOTE_USE, the_id=session_id, address=address, now=now)


def end(transaction: Transaction, user_id: int, session_id: int, now: int) -> bool:
    """End one of the user's sessions; False if they have no such session that is not over."""
    return transaction.run(_REVOKE, the_user=user_id, the_id=session_id, now=now) > 0


def end_others(transaction: Transaction, user_id: int, session_id: int, now: int) -> int:
    """End all of the user's sessions but one (0: all); gives their number."""
    return transaction.run(_REVOKE_OTHERS, the_user=user_id, the_id=session_id, now=now)


def list_sessions(transaction: Transaction, user_id: int, now: int) -> list[ListedSession]:
    """The user's sessions that hold, the last used first."""
    return transaction.all(_LIST, the_user=user_id, now=now, used_after=now - IDLE_MS)


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove the sessions that ran out more than a month ago; gives their number."""
    return transaction.run(_FORGET, before=now - 30 * 86_400_000)
