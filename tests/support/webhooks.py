"""Applications that listen to webhooks, and what is in their queue."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select, update

from doorward.applications.service import create_application
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events.service import Event, record
from doorward.oauth.tables import tokens
from doorward.oauth.tokens import create_token
from doorward.webhooks import queue
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.endpoints import get_endpoint, of_application, set_webhook_url
from doorward.webhooks.retrying import Retries
from doorward.webhooks.sending import Delivery, Endpoint, Outcome, Sender
from doorward.webhooks.tables import deliveries
from tests.support.world import World

EVENTS = "account.event.access.readonly"
PEOPLE = "account.person"
BASE_URL = "https://doors.example.com"
HERE = ("127.0.0.0/8",)


class Row(NamedTuple):
    """A delivery as it is in the database."""

    id: int
    endpoint_id: int
    resource_type: str
    action: str
    resource_id: int
    parent_id: int | None
    state: str
    attempts: int
    due_at: int | None
    lease: str | None
    is_alone: int
    status: int | None
    error: str | None


_ROWS = Query(select(*(deliveries.c[name] for name in Row._fields)).order_by(deliveries.c.id), Row)


@dataclass(frozen=True)
class Listener:
    """An application with a webhook URL, and a token that it holds."""

    application_id: int
    endpoint_id: int
    secret: str
    token: str


def listening(world: World, url: str, scopes: str = f"{EVENTS} {PEOPLE}", user_id: int | None = None) -> Listener:
    """An application of the world's account that listens, in the name of the owner unless somebody else is named."""

    def make(tx: Transaction) -> Listener:
        now = world.clock.now()
        body = {"name": "Listener", "redirect_uris": ["https://app.example/back"], "webhook_url": url}
        made = create_application(tx, world.account_id, body, "no hash", now)
        secret = set_webhook_url(tx, world.vault, world.account_id, made.id, url, now)
        token = create_token(
            tx,
            account_id=world.account_id,
            application_id=made.id,
            user_id=user_id or world.owner_id,
            scopes=scopes,
            now=now,
        )
        endpoint = of_application(tx, made.id)
        assert endpoint is not None
        assert secret is not None
        return Listener(made.id, endpoint.id, secret, token)

    return world.database.write_now(make)


def happened(world: World, code: int = 10, *, account_id: int | None = None, **more: Any) -> int:
    """Record an event, at the first door unless another is named; gives its id."""
    now = world.clock.now()
    given = {"channel_id": world.channel_ids[0], "channel_name": "Front door", "occurred_at": now, **more}
    event = Event(account_id or world.account_id, code, **given)
    return world.database.write_now(lambda tx: record(tx, event, now))


def rows(world: World) -> list[Row]:
    """All deliveries, oldest first."""
    return world.database.read_now(lambda tx: tx.all(_ROWS))


def endpoint_of(world: World, listener: Listener) -> Endpoint:
    """The endpoint as it is now."""
    found = world.database.read_now(lambda tx: get_endpoint(tx, world.account_id, listener.endpoint_id))
    assert found is not None
    return found


def keep_tokens(world: World) -> None:
    """Let what the applications hold last, however far the clock is moved."""
    last = Query[None](update(tokens).values(expires_at=2**53))
    world.database.write_now(lambda tx: tx.run(last))


@dataclass
class Recording:
    """A sender that remembers what it was given, and answers as it is told to."""

    answer: Callable[[Sequence[Delivery]], Outcome] = lambda _: Outcome(None, 200)
    most: int = 20
    awaits_acknowledgement: bool = False
    rests_ms: int = 0
    sent: list[tuple[int, list[Delivery]]] = field(default_factory=list)

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:  # noqa: ARG002
        """Remember."""
        self.sent.append((endpoint.id, list(deliveries)))
        return self.answer(deliveries)


def dispatcher(world: World, sender: Sender | None = None, **options: Any) -> Dispatcher:
    """One that sends applications' webhooks with this sender, or really."""
    real = ApplicationWebhook(world.vault, world.clock, lambda: BASE_URL, HERE)
    senders = {"webhook": sender or real}
    return Dispatcher(world.database, world.clock, senders, Retries(), chance=lambda: 0.0, **options)


def send_all(world: World, sender: Sender | None = None, **options: Any) -> int:
    """Send all that is due now; gives how many requests that took."""
    sends = dispatcher(world, sender, **options)

    async def send() -> int:
        requests = 0
        for each in world.database.read_now(queue.due):
            if each.at <= world.clock.now():
                while await sends.send_some(each.endpoint_id, each.channel) is not None:
                    requests += 1
        return requests

    return asyncio.run(send())
