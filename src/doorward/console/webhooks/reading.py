"""The endpoints of an account with whose they are and what waits for them: one statement."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.notification_rules.rule import SLACK, Action, concealed
from doorward.notification_rules.tables import notification_rules
from doorward.notification_rules.targets import CHAT
from doorward.oauth.tables import applications
from doorward.webhooks.tables import APPLICATION, OWNERS, deliveries, endpoints


class EndpointRow(NamedTuple):
    """An endpoint. `waiting` are deliveries that have not come to an end, `failed` those that were tried in vain."""

    id: int
    kind: str
    application_id: int | None
    rule_id: int | None
    channel: str
    target: str
    failing_since: int | None
    paused_until: int | None
    disabled_at: int | None
    disabled_reason: str | None
    application_name: str | None
    application_removed_at: int | None
    rule_name: str | None
    last_at: int | None
    waiting: int
    failed: int

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return self.application_name or self.rule_name or "The account's owners"

    @property
    def owner_path(self) -> str:
        """The page of whose it is; "" where there is none."""
        if self.kind == APPLICATION:
            return "" if self.application_removed_at else f"/console/applications/{self.application_id}"
        return f"/console/rules/{self.rule_id}" if self.rule_id else ""

    @property
    def where(self) -> str:
        """Where it leads, as it may be shown; of chats only the host, for whoever knows the rest may post there."""
        if self.kind == OWNERS:
            return "Their e-mail addresses"
        if self.channel == CHAT:
            return concealed(Action(SLACK, self.target)).data
        return self.target or "Everybody's console"

    @property
    def word(self) -> str:
        """How it is told."""
        return CHANNEL_WORDS.get(self.channel, self.channel)


CHANNEL_WORDS: Final = {
    "webhook": "Webhook",
    "post": "Post to a URL",
    "email": "E-mail",
    "slack": "Chat",
    "console": "Console",
    "owners": "E-mail to owners",
}
_OPEN: Final = (deliveries.c.endpoint_id == endpoints.c.id, deliveries.c.due_at.is_not(None))
_WAITING: Final = select(func.count()).where(*_OPEN).correlate(endpoints).scalar_subquery()
_FAILED: Final = (
    select(func.count()).where(*_OPEN, deliveries.c.error.is_not(None)).correlate(endpoints).scalar_subquery()
)
_LAST: Final = (
    select(deliveries.c.created_at)
    .where(deliveries.c.endpoint_id == endpoints.c.id)
    .order_by(deliveries.c.id.desc())
    .limit(1)
    .correlate(endpoints)
    .scalar_subquery()
)
_ENDPOINTS: Final = Query(
    select(
        *(endpoints.c[name] for name in EndpointRow._fields[:10]),
        applications.c.name,
        applications.c.removed_at,
        notification_rules.c.name,
        _LAST,
        _WAITING,
        _FAILED,
    )
    .select_from(
        endpoints.outerjoin(applications, applications.c.id == endpoints.c.application_id).outerjoin(
            notification_rules, notification_rules.c.id == endpoints.c.rule_id
        )
    )
    .where(endpoints.c.account_id == bindparam("account_id"))
    .order_by(endpoints.c.id),
    EndpointRow,
)


def endpoints_of(transaction: Transaction, account_id: int) -> list[EndpointRow]:
    """All of them, also those whose application was removed, for the log still has what they were told."""
    return transaction.all(_ENDPOINTS, account_id=account_id)
