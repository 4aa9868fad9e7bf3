"""Send deliveries: within the server, or in a process of its own (`doorward worker run`)."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Final

from doorward.db.connect import open_database
from doorward.db.migrate import require_newest
from doorward.db.unit_of_work import Database
from doorward.installation.vault import open_vault
from doorward.kit.clock import Clock, SystemClock
from doorward.kit.crypto import Vault
from doorward.kit.log import configure_logging
from doorward.notification_rules.owners import tell_owners_of_disabling
from doorward.notification_rules.senders import senders_of_rules
from doorward.settings import Settings
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher, nothing_more, unnoticed
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.retrying import Retries
from doorward.webhooks.sending import Senders
from doorward.worker.relay import Relay

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


def senders(settings: Settings, database: Database, vault: Vault, clock: Clock, base_url: str) -> Senders:
    """All ways in which something is told, by the channel of an endpoint."""
    allow = settings.outbound_allow
    return {
        WEBHOOK: ApplicationWebhook(vault, clock, lambda: base_url, allow),
        **senders_of_rules(database, vault, clock, allow, settings.mail_server),
    }


def relay(
    settings: Settings,
    database: Database,
    vault: Vault,
    clock: Clock,
    base_url: str,
    observe: Callable[[str, int], None] = unnoticed,
) -> Relay:
    """A worker that sends everything; `base_url`: under which address clients reach the API."""
    found = senders(settings, database, vault, clock, base_url)
    when_disabled = nothing_more if settings.mail_server is None else tell_owners_of_disabling
    dispatcher = Dispatcher(database, clock, found, retries(settings), when_disabled=when_disabled, observe=observe)
    return Relay(database, clock, dispatcher)


def retries(settings: Settings) -> Retries:
    """The waits between attempts that an operator has set, or the usual ones."""
    return Retries() if settings.retry_waits_ms is None else Retries(settings.retry_waits_ms)


def listening_at(settings: Settings, host: str, port: int) -> str:
    """Under which address clients reach the API: as set, or where the server listens."""
    return settings.public_url or (f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def work(settings: Settings, on_ready: Callable[[], None]) -> None:
    """Send until SIGINT or SIGTERM; `on_ready` is called once it does.

    Raises DatabaseUnavailable, WrongSchema or SecretKeyError.
    """
    configure_logging()
    require_newest(settings.database)
    database = open_database(settings.database)
    try:
        vault = open_vault(settings.secret_key, settings.secret_key_file, database)
        asyncio.run(_work(settings, database, vault, on_ready))
    finally:
        database.close()


async def _work(settings: Settings, database: Database, vault: Vault, on_ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    base_url = listening_at(settings, settings.host, settings.port)
    working = asyncio.create_task(relay(settings, database, vault, SystemClock(), base_url).run())
    for number in _STOPPING:
        loop.add_signal_handler(number, working.cancel)
    on_ready()
    with contextlib.suppress(asyncio.CancelledError):
        await working
