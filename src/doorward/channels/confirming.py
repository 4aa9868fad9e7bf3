"""Which doors go by what is set at them now: they have confirmed it.

The truth is in the log of changes: a door goes by what is set at it, a lockdown before all, if it has confirmed the
last note that concerns the door, or everything. What has happened to people since makes no difference. Notes are kept
for a week; what is older a door has confirmed if it has confirmed any note that is still there.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select

from doorward.changes.reports import HEARD_WITHIN_MS, REPORTS
from doorward.changes.tables import changes
from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.sync.tables import channel_reports

Unconfirmed = Literal["waiting", "offline"]
"""Why a door has not confirmed: it is about to; or it has not been heard lately, and knows nothing of it."""


class DoorConfirmation(NamedTuple):
    """A door, whether anything is locked down there, and whether it goes by that."""

    id: int
    name: str
    is_locked_down: bool
    is_confirmed: bool
    last_seen_at: int | None

    def is_online(self, now: int) -> bool:
        """Whether the door has been heard lately."""
        return self.last_seen_at is not None and now - self.last_seen_at <= HEARD_WITHIN_MS


def _door(the_id: int, name: str, is_locked_down: int, is_confirmed: int, last_seen_at: int | None) -> DoorConfirmation:
    return DoorConfirmation(the_id, name, bool(is_locked_down), bool(is_confirmed), last_seen_at)


_version: Final = func.coalesce(channel_reports.c.version, -1)
_oldest: Final = (
    select(func.coalesce(func.min(changes.c.id), 0))
    .where(changes.c.account_id == channels.c.account_id)
    .scalar_subquery()
)


def _later(concerns: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a note that the door has not confirmed concerns it."""
    return (
        select(changes.c.id)
        .where(
            changes.c.account_id == channels.c.account_id,
            concerns,
            changes.c.id > _version,
            changes.c.person_id.is_(None),
            changes.c.role_id.is_(None),
        )
        .exists()
    )


def _flag(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, 1), else_=0)


_DOORS: Final = Query(
    select(
        channels.c.id,
        channels.c.name,
        _flag(or_(channels.c.card_lockdown == 1, channels.c.rex_lockdown == 1, channels.c.aux_lockdown == 1)),
        _flag(
            and_(
                _version >= _oldest,
                ~_later(changes.c.channel_id == channels.c.id),
                ~_later(changes.c.channel_id.is_(None)),
            )
        ),
        channel_reports.c.last_seen_at,
    )
    .select_from(REPORTS)
    .where(
        channels.c.account_id == bindparam("account_id"),
        or_(bindparam("the_site") == 0, channels.c.site_id == bindparam("the_site")),
    )
    .order_by(channels.c.id),
    _door,
)


def confirmations(transaction: Transaction, account_id: int, site_id: int | None) -> list[DoorConfirmation]:
    """Every door of a site, or of the account without one, by id; one statement whatever their number."""
    return transaction.all(_DOORS, account_id=account_id, the_site=site_id or 0)


def unconfirmed(doors: Iterable[DoorConfirmation], now: int) -> Iterator[tuple[DoorConfirmation, Unconfirmed]]:
    """Those that have not confirmed, each with why."""
    for door in doors:
        if not door.is_confirmed:
            yield door, "waiting" if door.is_online(now) else "offline"
