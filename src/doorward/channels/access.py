"""Which channels a user can see and hand out."""

from typing import Final

from sqlalchemy import bindparam, or_, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.users.tables import user_sites

_ACCESSIBLE: Final = Query(
    select(channels.c.id).where(
        channels.c.account_id == bindparam("account_id"),
        one_of(channels.c.id, "ids"),
        or_(
            bindparam("site_limited") == 0,
            channels.c.site_id.in_(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))),
        ),
    ),
    number,
)


def accessible_channels(
    transaction: Transaction,
    channel_ids: list[int],
    *,
    account_id: int,
    user_id: int,
    site_limited: bool,
) -> set[int]:
    """Those of the channels that are the account's and, for a user limited to sites, at one of these."""
    return set(
        transaction.all(
            _ACCESSIBLE,
            ids=str(channel_ids),
            account_id=account_id,
            user_id=user_id,
            site_limited=int(site_limited),
        )
    )
