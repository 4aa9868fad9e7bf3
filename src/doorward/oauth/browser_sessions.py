"""Whoever is signed in to a browser, as one who asks: may do what the user may, for as long as the session holds."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select

from doorward.accounts.tables import accounts
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Unauthorized
from doorward.oauth.principal import BROWSER, Principal
from doorward.oauth.scopes import ALL_SCOPES
from doorward.signing_in.tables import sessions
from doorward.users.tables import users

IDLE_MS: Final = 12 * 3_600_000
HOLDS: Final = and_(
    sessions.c.revoked_at.is_(None),
    sessions.c.expires_at > bindparam("now"),
    sessions.c.last_used_at > bindparam("used_after"),
)
"""The sessions that hold, given `now` and `used_after`, which is IDLE_MS before."""


class _SignedIn(NamedTuple):
    session_id: int
    user_id: int
    account_id: int
    user_role: str
    site_limited: int
    time_zone: str


_SIGNED_IN: Final = Query(
    select(
        sessions.c.id, sessions.c.user_id, users.c.account_id, users.c.role, users.c.site_limited, accounts.c.time_zone
    )
    .join(users, users.c.id == sessions.c.user_id)
    .join(accounts, accounts.c.id == users.c.account_id)
    .where(
        one_of(sessions.c.id, "session_ids"), HOLDS, sessions.c.needs_second_factor == 0, users.c.disabled_at.is_(None)
    ),
    _SignedIn,
)


def session_principal(
    session_id: int, user_id: int, account_id: int, user_role: str, site_limited: bool, time_zone: str
) -> Principal:
    """Who asks through a session that holds."""
    return Principal(
        account_id,
        ZoneInfo(time_zone),
        user_id,
        user_role,
        site_limited,
        None,
        None,
        ALL_SCOPES,
        BROWSER,
        session_id=session_id,
    )


def signed_in(transaction: Transaction, session_ids: Sequence[int], now: int) -> dict[int, Principal | Unauthorized]:
    """Who is signed in as of now, by the sessions' ids, or that one has ended."""
    rows = transaction.all(_SIGNED_IN, session_ids=str(list(session_ids)), now=now, used_after=now - IDLE_MS)
    found: dict[int, Principal | Unauthorized] = {
        row.session_id: session_principal(*row[:4], row.site_limited != 0, row.time_zone) for row in rows
    }
    return {each: found.get(each) or Unauthorized("You have been signed out") for each in session_ids}
