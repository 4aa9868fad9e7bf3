"""`doorward webhook deliveries | resend | test | enable | rotate-secret`."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from msgspec import structs

from doorward.applications.service import Application, find_application, get_application
from doorward.applications.webhooks import NewSecret, enable_webhook, rotate_webhook_secret, webhook_to_test
from doorward.cli.output import print_json, show
from doorward.cli.rows import naming
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.kit.fields import LARGEST_ID
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_optional
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.log import Logged, Wanted, begin_test, list_deliveries
from doorward.webhooks.log import resend as send_again
from doorward.webhooks.queue import Claimed
from doorward.webhooks.sending import Endpoint
from doorward.webhooks.wire import delivery_body

T = TypeVar("T")

app = typer.Typer(help="Webhooks: what was told to applications, and what came of it.", no_args_is_help=True)

AppOption = Annotated[str, typer.Option("--app", metavar="ID", help="The application, by its id or its client id.")]
_COLUMNS = (
    *(
        "id",
        "application_id",
        "rule_id",
        "channel",
        "resource_type",
        "action",
        "resource_id",
        "state",
        "attempts",
        "status",
    ),
    *("error", "created_at", "next_attempt_at"),
)


@app.command()
def deliveries(
    app_id: Annotated[
        str | None,
        typer.Option("--app", metavar="ID", help="Only of this application, by its id or its client id."),
    ] = None,
    rule: Annotated[int | None, typer.Option("--rule", metavar="ID", help="Only of this notification rule.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those whose last attempt failed, or that were given up.")
    ] = False,
    number: Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many.")] = 50,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List deliveries, newest first."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id

        def read(transaction: Transaction) -> list[Logged]:
            of = None if app_id is None else _application(transaction, account_id, app_id).id
            wanted = Wanted(application_id=of, rule_id=rule, failed=failed or None)
            return list_deliveries(transaction, account_id, wanted, Page(size=number))[0]

        found = session.read(read)
    rows = [_row(each) for each in found]
    if json:
        print_json(rows)
    else:
        show(rows, json, _COLUMNS)


@app.command()
def resend(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID)],
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Send a delivery again: the running server or worker does so within a second."""
    with open_session(database, data_dir) as session, naming("delivery", delivery_id):
        account_id, now = session.account(account).id, session.clock.now()
        found = session.write(lambda transaction: send_again(transaction, account_id, delivery_id, now))
    show(_row(found), json, _COLUMNS)


@app.command("test")
def send_test(
    app_id: AppOption,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Send something to the application's webhook now, and print what came of it; exit code 1 if it did not arrive."""
    with open_session(database, data_dir) as session:
        account_id, vault, settings = session.account(account).id, session.vault, session.settings
        address = settings.public_url or f"http://{settings.host}:{settings.port}"
        sender = ApplicationWebhook(vault, session.clock, lambda: address, settings.outbound_allow)
        dispatcher = Dispatcher(session.database, session.clock, {WEBHOOK: sender})
        (lease, until), now = dispatcher.next_test_lease(), session.clock.now()

        def begin(transaction: Transaction) -> Claimed:
            found = _application(transaction, account_id, app_id)
            return begin_test(transaction, webhook_to_test(transaction, account_id, found.id), lease, now, until)

        claimed = session.write(begin)
        sent = asyncio.run(dispatcher.send(claimed))
    shown = {
        "delivery_id": claimed.deliveries[0].id,
        "delivered": sent.outcome.error is None,
        "status": sent.outcome.status,
        "error": sent.outcome.error,
        "took_ms": sent.took_ms,
    }
    show(shown, json)
    if sent.outcome.error is not None:
        raise typer.Exit(1)


@app.command()
def enable(
    app_id: AppOption,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Tell an application again whose webhook was disabled."""
    with open_session(database, data_dir) as session:

        def act(transaction: Transaction, account_id: int, now: int) -> Endpoint:
            found = _application(transaction, account_id, app_id)
            return enable_webhook(transaction, account_id, found.id, now)

        found = _written(session, account, act)
    show({"url": found.target, "disabled_at": format_optional(found.disabled_at)}, json)


@app.command("rotate-secret")
def rotate(
    app_id: AppOption,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="The secret before is good no longer; else for another day.")
    ] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Replace the secret that an application's webhooks are signed with, and print it."""
    with open_session(database, data_dir) as session:
        vault = session.vault

        def act(transaction: Transaction, account_id: int, now: int) -> NewSecret:
            found = _application(transaction, account_id, app_id)
            return rotate_webhook_secret(transaction, vault, account_id, found.id, now, at_once=at_once)

        made = _written(session, account, act)
    show({"webhook_secret": made.secret, "previous_secret_until": format_optional(made.previous_until)}, json)


def _written(session: Session, account: str | None, act: Callable[[Transaction, int, int], T]) -> T:
    account_id, now = session.account(account).id, session.clock.now()
    return session.write(lambda transaction: act(transaction, account_id, now))


def _application(transaction: Transaction, account_id: int, given: str) -> Application:
    """An application of the account, by its id or its client id. Raises NotFound."""
    is_id = given.isascii() and given.isdigit() and len(given) < 20
    if is_id and int(given) <= LARGEST_ID:
        with naming("application", int(given)):
            return get_application(transaction, account_id, int(given))
    found = find_application(transaction, given)
    if found is None or found.account_id != account_id:
        raise NotFound(f"there is no application with the client id {given}")
    return found


def _row(found: Logged) -> dict[str, Any]:
    return structs.asdict(delivery_body(found))
