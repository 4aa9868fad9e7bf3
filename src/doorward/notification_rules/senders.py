"""How rules tell what has happened: senders for each kind of action (webhooks.sending.Sender)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from doorward.db.unit_of_work import Database
from doorward.events.wire import EventBody, event_body
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.kit.mail_servers import MailServer
from doorward.kit.timestamps import format_instant
from doorward.notification_rules.digest import NOTHING_LEFT, Digest, digest_of
from doorward.notification_rules.mailing import NO_MAIL_SERVER, mailed
from doorward.notification_rules.owners import TO_OWNERS, OwnersSender
from doorward.notification_rules.rule import EMAIL, Action, addresses_of
from doorward.notification_rules.targets import CHAT, IN_CONSOLE, MAIL, POST
from doorward.notification_rules.wording import Told, chat_message, message
from doorward.notifications.service import show_events
from doorward.outbound.mail import Mail
from doorward.webhooks.application_webhook import post, post_signed
from doorward.webhooks.endpoints import secrets_of
from doorward.webhooks.queue import TEST
from doorward.webhooks.sending import Delivery, Endpoint, Outcome, Sender

_NOTHING: Final = Outcome(NOTHING_LEFT, is_final=True)


class ToldEvent(EventBody, frozen=True, gc=False):
    """An event as a rule posts it: as the API has it, and by which rule it is told."""

    notification_rule_id: int
    notification_rule_name: str


class _Digesting:
    """What senders of rules have in common: they read what is to be said when they say it."""

    awaits_acknowledgement = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _digest(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Digest | None:
        return await self._database.read(lambda transaction: digest_of(transaction, endpoint, deliveries, now))


class PostSender(_Digesting):
    """One event to a URL, signed as webhooks are."""

    most = 1
    rests_ms = 0

    def __init__(self, database: Database, vault: Vault, clock: Clock, allow: tuple[str, ...]) -> None:
        super().__init__(database)
        self._vault = vault
        self._clock = clock
        self._allow = allow

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """See Sender."""
        digest = await self._digest(endpoint, deliveries, now)
        if digest is None:
            return _NOTHING
        body = msgspec.json.encode(told_event(digest, digest.happened[0]))
        secrets = secrets_of(self._vault, endpoint, now)
        if not secrets:  # a rule from before there were any, whose secret nobody has asked for
            return await post(endpoint.target, body, {}, self._clock, self._allow)
        return await post_signed(endpoint.target, body, secrets, self._clock, self._allow)


class ChatSender(_Digesting):
    """Events to an incoming webhook of Slack, or of a chat that understands the same."""

    most = 200
    rests_ms = 1_000
    """More than a message a second they do not take."""

    def __init__(self, database: Database, clock: Clock, allow: tuple[str, ...]) -> None:
        super().__init__(database)
        self._clock = clock
        self._allow = allow

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """See Sender."""
        digest = await self._digest(endpoint, deliveries, now)
        if digest is None:
            return _NOTHING
        body = json.dumps(chat_message(digest.rule_name, digest.happened)).encode()
        outcome = await post(endpoint.target, body, {}, self._clock, self._allow)
        # With its number an error would be held against one of the events, and each be sent alone: into a storm.
        return outcome if outcome.error is None else replace(outcome, status=None)


class MailSender(_Digesting):
    """Events to addresses: one message a minute at most, which tells all that has happened since the last."""

    most = 1_000
    rests_ms = 60_000

    def __init__(self, database: Database, server: MailServer | None) -> None:
        super().__init__(database)
        self._server = server

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """See Sender."""
        if self._server is None:
            return Outcome(NO_MAIL_SERVER)
        digest = await self._digest(endpoint, deliveries, now)
        if digest is None:
            return _NOTHING
        said = message(digest.rule_name, digest.account_name, digest.happened)
        to = tuple(addresses_of(Action(EMAIL, endpoint.target)))
        key = f"endpoint {endpoint.id}, deliveries {[each.id for each in deliveries]}"
        return await mailed(self._server, Mail(to, said.subject, said.text, said.html, key), now)


class ConsoleSender(_Digesting):
    """Events as notifications to the account's operators."""

    most = 500
    rests_ms = 0

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """See Sender. A test shows that it arrives here, and shows operators nothing that has not happened."""
        digest = await self._digest(endpoint, deliveries, now)
        if digest is None:
            return _NOTHING
        event_ids = [each.resource_id for each in deliveries if each.resource_type != TEST]
        await self._database.write(
            lambda transaction: show_events(
                transaction, endpoint.account_id, digest.rule_id, digest.rule_name, event_ids, now
            )
        )
        return Outcome()


def told_event(digest: Digest, told: Told) -> ToldEvent:
    """An event on the wire. A test is one without a code that anything has."""
    if told.said is None:
        body = event_body(told.event)
    else:
        at = format_instant(told.event.occurred_at)
        body = EventBody(0, 0, 0, told.said, None, None, None, None, None, None, None, at, at)
    return ToldEvent(
        **msgspec.structs.asdict(body), notification_rule_id=digest.rule_id, notification_rule_name=digest.rule_name
    )


def senders_of_rules(
    database: Database, vault: Vault, clock: Clock, allow: tuple[str, ...], server: MailServer | None
) -> Mapping[str, Sender]:
    """A sender for each kind of action, and for messages to owners.

    `allow`: networks beyond what is public. Without a server mail fails.
    """
    return {
        POST: PostSender(database, vault, clock, allow),
        CHAT: ChatSender(database, clock, allow),
        MAIL: MailSender(database, server),
        IN_CONSOLE: ConsoleSender(database),
        TO_OWNERS: OwnersSender(database, server),
    }
