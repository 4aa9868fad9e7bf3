"""Telling an account's owners by mail that an endpoint has been disabled: through the same queue as everything else."""

import html
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct, json
from sqlalchemy import bindparam, select

from doorward.accounts.tables import accounts
from doorward.db.query import Query, word
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.email_addresses import clean_mailbox
from doorward.kit.mail_servers import MailServer
from doorward.kit.text import InvalidText
from doorward.kit.timestamps import format_instant
from doorward.notification_rules.mailing import NO_MAIL_SERVER, mailed
from doorward.notification_rules.tables import notification_rules
from doorward.oauth.tables import applications
from doorward.outbound.mail import Mail
from doorward.users.service import OWNER
from doorward.users.tables import users
from doorward.webhooks.endpoints import for_owners
from doorward.webhooks.queue import explained
from doorward.webhooks.sending import Delivery, Endpoint, Outcome
from doorward.webhooks.tables import OWNERS
from doorward.webhooks.telling import CREATE, ToTell, tell

TO_OWNERS: Final = "owners"
"""The channel of their endpoint."""
DISABLED: Final = "DisabledEndpoint"
"""The type of what is told on it."""

_MOST_OWNERS: Final = 20
_NOBODY: Final = "no owner of the account has an address that mail can be sent to"


class _Said(Struct, frozen=True):
    """What is to be said of one endpoint."""

    subject: str
    text: str


class _Named(NamedTuple):
    account: str
    application: str | None
    rule: str | None


_NAMES: Final = Query(
    select(
        accounts.c.name,
        select(applications.c.name)
        .where(applications.c.id == bindparam("the_application", type_=applications.c.id.type))
        .scalar_subquery(),
        select(notification_rules.c.name)
        .where(notification_rules.c.id == bindparam("the_rule", type_=notification_rules.c.id.type))
        .scalar_subquery(),
    ).where(accounts.c.id == bindparam("account_id")),
    _Named,
)
_OWNERS: Final = Query(
    select(users.c.email)
    .where(users.c.account_id == bindparam("account_id"), users.c.role == OWNER, users.c.disabled_at.is_(None))
    .order_by(users.c.id)
    .limit(_MOST_OWNERS),
    word,
)


def tell_owners_of_disabling(transaction: Transaction, endpoint: Endpoint, reason: str, now: int) -> None:
    """See webhooks.dispatching.WhenDisabled."""
    names = transaction.one(
        _NAMES, account_id=endpoint.account_id, the_application=endpoint.application_id, the_rule=endpoint.rule_id
    )
    if endpoint.kind == OWNERS or names is None:
        return
    content = json.encode(_said(endpoint, names, reason, now)).decode()
    told_by = for_owners(transaction, endpoint.account_id, TO_OWNERS, now)
    what = ToTell(told_by.id, DISABLED, CREATE, endpoint.id, content=content)
    tell(transaction, endpoint.account_id, [what], now)


def _said(endpoint: Endpoint, names: _Named, reason: str, now: int) -> _Said:
    what = f'the application "{names.application}"' if names.rule is None else f'the notification rule "{names.rule}"'
    host = urlsplit(endpoint.target).hostname
    where = f" at {host}" if host else ""
    lines = [
        f"Since {format_instant(now)} nothing more is sent for {what} ({endpoint.channel}{where}).",
        f"The reason: {explained(reason)}.",
        "What happens until it is switched on again will not be sent later; it is in the list of events.",
        "Once it works again, save the rule or set the webhook URL of the application anew.",
    ]
    return _Said(f"[{names.account}] Switched off: {what}", "\n\n".join(lines))


class OwnersSender:
    """One message a minute at most to the owners of an account."""

    most = 100
    rests_ms = 60_000
    awaits_acknowledgement = False

    def __init__(self, database: Database, server: MailServer | None) -> None:
        self._database = database
        self._server = server

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """See webhooks.sending.Sender."""
        if self._server is None:
            return Outcome(NO_MAIL_SERVER)
        found = await self._database.read(lambda transaction: transaction.all(_OWNERS, account_id=endpoint.account_id))
        to = tuple(address for address in found if _is_mailable(address))
        if not to:
            return Outcome(_NOBODY, is_final=True)
        said = [json.decode(each.content or "", type=_Said) for each in deliveries]
        text = "\n\n\n".join(each.text for each in said)
        parts = "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n\n"))
        page = f'<!DOCTYPE html><html lang="en"><body>{parts}</body></html>'
        key = f"owners {endpoint.id}, deliveries {[each.id for each in deliveries]}"
        return await mailed(self._server, Mail(to, said[0].subject, f"{text}\n", page, key), now)


def _is_mailable(address: str) -> bool:
    try:
        clean_mailbox(address)
    except InvalidText:
        return False
    return True
