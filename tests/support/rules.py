"""Notification rules at work: what is due is sent by the real senders."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import null, select, update

from doorward.db.query import Query, number
from doorward.events.tables import events
from doorward.kit.mail_servers import MailServer
from doorward.notification_rules.rule import NotificationRule
from doorward.notification_rules.senders import senders_of_rules
from doorward.notification_rules.service import create_rule
from doorward.notifications.tables import notifications
from doorward.webhooks import queue
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher, WhenDisabled, nothing_more
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.retrying import Retries
from doorward.webhooks.tables import endpoints
from tests.support.services import write_sealed
from tests.support.webhooks import BASE_URL
from tests.support.world import World

HERE = ("127.0.0.0/8",)


def new_rule(
    world: World, *actions: Mapping[str, object], codes: tuple[int, ...] = (33,), **more: object
) -> NotificationRule:
    """A rule on forced doors, unless other codes are named."""
    body = {"name": "Doors", "match_event_codes": list(codes), "actions": list(actions), **more}
    return write_sealed(world, create_rule, body)


def sender_of(
    world: World,
    mail: MailServer | None = None,
    allow: tuple[str, ...] = HERE,
    when_disabled: WhenDisabled = nothing_more,
    *,
    webhooks_too: bool = False,
) -> Dispatcher:
    """A worker's."""
    senders = dict(senders_of_rules(world.database, world.vault, world.clock, allow, mail))
    if webhooks_too:
        senders[WEBHOOK] = ApplicationWebhook(world.vault, world.clock, lambda: BASE_URL, allow)
    return Dispatcher(world.database, world.clock, senders, Retries(), chance=lambda: 0.0, when_disabled=when_disabled)


def send_due(world: World, dispatcher: Dispatcher) -> int:
    """Send all that is due now; gives how many requests that took."""

    async def send() -> int:
        requests = 0
        for each in world.database.read_now(queue.due):
            if each.at <= world.clock.now():
                while await dispatcher.send_some(each.endpoint_id, each.channel) is not None:
                    requests += 1
        return requests

    return asyncio.run(send())


def shown(world: World) -> list[int]:
    """The events that the account's operators are shown, newest first."""
    query = Query(select(notifications.c.event_id).order_by(notifications.c.id.desc()), number)
    return world.database.read_now(lambda tx: tx.all(query))


def forget_names(world: World) -> None:
    """Take the names out of all events."""
    query = Query[None](update(events).values(person_name=null()))
    world.database.write_now(lambda tx: tx.run(query))


def forget_secrets(world: World) -> None:
    """Take away what is signed with."""
    query = Query[None](update(endpoints).values(secret=null()))
    world.database.write_now(lambda tx: tx.run(query))
