"""Channels as clients see them: with how they stand to the database, and the name of the shift that unlocks them."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select

from doorward.changes.reports import REPORTS, STANDING, Standing
from doorward.channels.channel import CHANNELS, Channel
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.shifts.tables import shifts
from doorward.sites.sight import VISIBLE, everywhere, visible_to


class Seen(NamedTuple):
    """A channel, and what is to be said of it beside its own row."""

    channel: Channel
    auto_unlock_name: str | None
    has_pending_key: bool
    """Its door is to use a new key, and has not done so yet."""
    standing: Standing


SEEN_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    *CHANNELS.columns,
    shifts.c.name,
    channels.c.pending_encryption_key.is_not(None),
    *STANDING,
)
"""What seen_of() is made of, to select from SEEN_FROM."""
SEEN_FROM: Final = REPORTS.outerjoin(shifts, shifts.c.id == channels.c.auto_unlock_shift_id)
_OWN: Final = len(CHANNELS.columns)


def seen_of(*values: Any) -> Seen:
    """The values of SEEN_COLUMNS as a channel."""
    name, has_pending_key, *standing = values[_OWN:]
    return Seen(CHANNELS.of(*values[:_OWN]), name, bool(has_pending_key), Standing(*standing))


_SELECT: Final[Select[Any]] = select(*SEEN_COLUMNS).select_from(SEEN_FROM).where(VISIBLE)
_AT_SITE: Final = or_(bindparam("the_site") == 0, channels.c.site_id == bindparam("the_site"))
_THIS_ONE: Final = channels.c.id == bindparam("the_id")

_PAGE: Final = Query(
    _SELECT.where(_AT_SITE).order_by(channels.c.id).limit(bindparam("limit")).offset(bindparam("offset")), seen_of
)
_COUNT: Final = Query(select(func.count()).select_from(channels).where(VISIBLE, _AT_SITE), number)
_ONE: Final = Query(_SELECT.where(_THIS_ONE), seen_of)
_ALL_TO_COMMAND: Final = Query(
    _SELECT.where(_AT_SITE).order_by(channels.c.id).with_for_update(key_share=True, of=channels), seen_of
)
_TO_COMMAND: Final = Query(_SELECT.where(_THIS_ONE).with_for_update(key_share=True, of=channels), seen_of)


def list_seen(
    transaction: Transaction, principal: Principal, page: Page, site_id: int | None
) -> tuple[list[Seen], int]:
    """A page of the channels that the user sees, by id, at one site or all, and how many there are in all."""
    params = {**visible_to(principal), "the_site": site_id or 0}
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT, **params) or 0


def get_seen(transaction: Transaction, principal: Principal, channel_id: int, *, to_command: bool = False) -> Seen:
    """One channel; `to_command` it, nobody else may do so until the commit. Raises NotFound."""
    query = _TO_COMMAND if to_command else _ONE
    found = transaction.one(query, the_id=channel_id, **visible_to(principal))
    if found is None:
        raise NotFound
    return found


def all_to_command(transaction: Transaction, account_id: int, site_id: int | None) -> list[Seen]:
    """Every channel of the account or of one site, by id, to be commanded: nobody else may until the commit."""
    return transaction.all(_ALL_TO_COMMAND, the_site=site_id or 0, **everywhere(account_id))
