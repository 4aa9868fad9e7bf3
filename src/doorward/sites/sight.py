"""Which channels a user can see and hand out, and which sites they see."""

from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, or_, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.sites.tables import sites
from doorward.users.tables import user_sites

_OF_USER: Final = select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))
VISIBLE: Final[ColumnElement[bool]] = and_(
    channels.c.account_id == bindparam("account_id"),
    or_(bindparam("site_limited") == 0, channels.c.site_id.in_(_OF_USER)),
)
"""Channels of the account and, for a user who is limited to sites, at one of these; bound to visible_to()."""

SITE_VISIBLE: Final[ColumnElement[bool]] = and_(
    sites.c.account_id == bindparam("account_id"),
    or_(bindparam("site_limited") == 0, sites.c.id.in_(_OF_USER)),
)
"""Sites of the account and, for a user who is limited to sites, one of these; bound to visible_to(), too."""

_ACCESSIBLE: Final = Query(select(channels.c.id).where(VISIBLE, one_of(channels.c.id, "ids")), number)


def visible_to(principal: Principal) -> dict[str, int]:
    """The parameters of VISIBLE and SITE_VISIBLE."""
    return {
        "account_id": principal.account_id,
        "user_id": principal.user_id,
        "site_limited": int(principal.site_limited),
    }


def everywhere(account_id: int) -> dict[str, int]:
    """The parameters of VISIBLE for nobody in particular, such as the command line: the whole account."""
    return {"account_id": account_id, "user_id": 0, "site_limited": 0}


def require_channel(transaction: Transaction, by: Principal | None, channel_id: int) -> None:
    """Raises NotFound for a channel that the user does not see; nobody in particular (the command line) sees all."""
    if by is not None and not transaction.all(_ACCESSIBLE, ids=str([channel_id]), **visible_to(by)):
        raise NotFound


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
