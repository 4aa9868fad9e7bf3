"""Notifications: what rules show to operators, newest first, and what each operator has read of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, insert, or_, select, text

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.notifications.tables import notification_marks, notification_reads, notifications
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to

KEPT_MS: Final = 90 * 86_400_000
_FORGOTTEN_AT_ONCE: Final = 5_000


class Notification(NamedTuple):
    """What a rule shows of an event, and whether the operator who asks has read it."""

    id: int
    rule_id: int | None
    rule_name: str
    created_at: int
    is_read: bool
    event: StoredEvent


def _notification(
    the_id: int, rule_id: int | None, rule_name: str, created_at: int, is_read: int, *event: object
) -> Notification:
    return Notification(the_id, rule_id, rule_name, created_at, bool(is_read), StoredEvent(*event))  # type: ignore[arg-type]  # the columns are selected by its fields


# Who is limited to sites sees what happened at doors there.
_SEEN: Final = and_(
    notifications.c.account_id == bindparam("account_id"),
    or_(bindparam("site_limited") == 0, events.c.channel_id.in_(select(channels.c.id).where(VISIBLE))),
)
_IS_READ: Final = or_(
    exists(
        select(1).where(
            notification_marks.c.user_id == bindparam("user_id"),
            notification_marks.c.read_up_to >= notifications.c.id,
        )
    ),
    exists(
        select(1).where(
            notification_reads.c.user_id == bindparam("user_id"),
            notification_reads.c.notification_id == notifications.c.id,
        )
    ),
)
_JOINED: Final = notifications.join(events, events.c.id == notifications.c.event_id)


def _page(*limits: ColumnElement[bool]) -> Query[Notification]:
    return Query(
        select(
            notifications.c.id,
            notifications.c.rule_id,
            notifications.c.rule_name,
            notifications.c.created_at,
            case((_IS_READ, 1), else_=0),
            *(events.c[name] for name in StoredEvent._fields),
        )
        .select_from(_JOINED)
        .where(_SEEN, *limits)
        .order_by(notifications.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _notification,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(_JOINED).where(_SEEN, *limits), number)


_PAGE: Final = {False: _page(), True: _page(~_IS_READ)}
_COUNT: Final = {False: _count(), True: _count(~_IS_READ)}
"""By whether only those are wanted that are not read."""

_SEEN_ONE: Final = Query(
    select(notifications.c.id).select_from(_JOINED).where(_SEEN, notifications.c.id == bindparam("the_id")), number
)
_LAST: Final = Query(
    select(func.coalesce(func.max(notifications.c.id), 0)).where(notifications.c.account_id == bindparam("account_id")),
    number,
)
_READ: Final = Query[None](
    text(
        "INSERT INTO notification_reads (user_id, notification_id) VALUES (:user_id, :the_id) "
        "ON CONFLICT (user_id, notification_id) DO NOTHING"
    )
)
_READ_UP_TO: Final = Query[None](
    text(
        "INSERT INTO notification_marks (user_id, read_up_to) VALUES (:user_id, :the_id) "
        "ON CONFLICT (user_id) DO UPDATE SET read_up_to = excluded.read_up_to "
        "WHERE notification_marks.read_up_to < excluded.read_up_to"
    )
)
_FORGET_READS: Final = Query[None](
    delete(notification_reads).where(
        notification_reads.c.user_id == bindparam("the_user"),
        notification_reads.c.notification_id <= bindparam("the_id"),
    )
)
_shown = insert(notifications).from_select(
    ["account_id", "rule_id", "rule_name", "event_id", "created_at"],
    select(
        events.c.account_id,
        bindparam("rule_id", type_=notifications.c.rule_id.type),
        bindparam("rule_name", type_=notifications.c.rule_name.type),
        events.c.id,
        bindparam("now", type_=notifications.c.created_at.type),
    )
    .where(
        events.c.account_id == bindparam("account_id"),
        one_of(events.c.id, "event_ids"),
        ~exists(
            select(1).where(notifications.c.event_id == events.c.id, notifications.c.rule_id == bindparam("rule_id"))
        ),
    )
    .order_by(events.c.id),
)
_SHOW: Final = Query[None](_shown)
_old = (
    select(notifications.c.id)
    .where(notifications.c.created_at < bindparam("before"))
    .order_by(notifications.c.created_at)
    .limit(_FORGOTTEN_AT_ONCE)
)
_FORGET: Final = Query[None](delete(notifications).where(notifications.c.id.in_(_old)))


def show_events(
    transaction: Transaction, account_id: int, rule_id: int, rule_name: str, event_ids: Sequence[int], now: int
) -> None:
    """Show events of the account to its operators, each once for a rule, however often this is asked."""
    transaction.serialize(f"notifications {rule_id}")
    transaction.run(
        _SHOW, account_id=account_id, rule_id=rule_id, rule_name=rule_name, event_ids=str(list(event_ids)), now=now
    )


def page_of_notifications(
    transaction: Transaction, by: Principal, page: Page, *, unread: bool
) -> tuple[list[Notification], int]:
    """A page of them, newest first, and how many there are in all; `unread`: of those that the user has not read."""
    found = transaction.all(_PAGE[unread], limit=page.limit, offset=page.offset, **visible_to(by))
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT[unread], **visible_to(by)) or 0


def mark_read(transaction: Transaction, by: Principal, notification_id: int) -> None:
    """The user has read one. Raises NotFound."""
    if transaction.one(_SEEN_ONE, the_id=notification_id, **visible_to(by)) is None:
        raise NotFound
    transaction.run(_READ, user_id=by.user_id, the_id=notification_id)


def mark_all_read(transaction: Transaction, by: Principal, up_to: int | None) -> None:
    """The user has read all there are, or all up to one; what is not there yet stays to be read."""
    last = transaction.one(_LAST, account_id=by.account_id) or 0
    the_id = last if up_to is None else min(up_to, last)
    transaction.run(_READ_UP_TO, user_id=by.user_id, the_id=the_id)
    transaction.run(_FORGET_READS, the_user=by.user_id, the_id=the_id)


def forget_old(transaction: Transaction, now: int) -> int:
    """Forget what was shown long ago; gives how many."""
    return transaction.run(_FORGET, before=now - KEPT_MS)
