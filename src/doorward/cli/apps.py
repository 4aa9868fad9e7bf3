"""`doorward app list | create | remove | rotate-secret | revoke | usage`."""

from typing import Annotated

import typer

from doorward.applications.client_secrets import new_client_secret
from doorward.applications.service import (
    Application,
    create_application,
    find_application,
    list_applications,
    remove_application,
    revoke_application,
    rotate_secret,
)
from doorward.applications.usage import Totals, Use, first_day, usage_of
from doorward.cli.output import print_json, show
from doorward.cli.rows import given, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_instant, format_optional
from doorward.webhooks.endpoints import set_webhook_url

app = typer.Typer(help="Applications: the OAuth clients of an account.", no_args_is_help=True)

ClientArgument = Annotated[str, typer.Argument(metavar="CLIENT_ID")]

_COLUMNS = ("id", "name", "kind", "client_id")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the applications."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_applications(transaction, account_id))
    show([row_of(application) for application in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", help="https://…, or http:// on the user's machine; may be given several times."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="It cannot keep a secret, and gets none.")] = False,
    service: Annotated[bool, typer.Option("--service", help="It may get tokens in its own name.")] = False,
    webhook_url: Annotated[str | None, typer.Option("--webhook-url")] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create an application and print its secrets, which are not to be seen again."""
    body = given(name=name, redirect_uris=redirect_uri, public=public, service=service, webhook_url=webhook_url)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        secret = None if public else new_client_secret()
        secret_hash = None if secret is None else secret.secret_hash
        vault = session.vault if webhook_url else None

        def make(transaction: Transaction) -> tuple[Application, str | None]:
            made = create_application(transaction, account_id, body, secret_hash, now)
            if vault is None or made.webhook_url is None:
                return made, None
            return made, set_webhook_url(transaction, vault, account_id, made.id, made.webhook_url, now)

        made, webhook_secret = session.write(make)
    shown = {"client_secret": None if secret is None else secret.secret, "webhook_secret": webhook_secret}
    columns = (*_COLUMNS, "client_secret", "redirect_uris", *(("webhook_secret",) if webhook_secret else ()))
    show({**row_of(made), **shown}, json, columns)


@app.command()
def remove(
    client_id: ClientArgument,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Remove an application and revoke all its tokens, at once."""
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> int:
            found = known_application(transaction, client_id)
            return remove_application(transaction, found.account_id, found.id, now)

        revoked = session.write(act)
    show({"removed": client_id, "revoked": revoked}, json)


@app.command("rotate-secret")
def rotate(
    client_id: ClientArgument,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Give an application a new client secret and print it; the old one is good no longer."""
    secret = new_client_secret()
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> Application:
            found = known_application(transaction, client_id)
            return rotate_secret(transaction, found.account_id, found.id, secret.secret_hash, now)

        session.write(act)
    show({"client_id": client_id, "client_secret": secret.secret}, json)


@app.command()
def revoke(
    client_id: ClientArgument,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke all that an application holds, at once: tokens, refresh tokens, codes. The application stays."""
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> int:
            found = known_application(transaction, client_id)
            return revoke_application(transaction, found.account_id, found.id, now)

        revoked = session.write(act)
    show({"client_id": client_id, "revoked": revoked}, json)


@app.command()
def usage(
    client_id: ClientArgument,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days back, today among them.")] = 30,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Show what an application is used for: per user, operation and day (UTC)."""
    with open_session(database, data_dir) as session:
        today = format_instant(session.clock.now())[:10]
        first = first_day(today, days)

        def read(transaction: Transaction) -> tuple[list[Use], Totals, str | None]:
            found = known_application(transaction, client_id)
            return usage_of(transaction, found.id, first, today, Page(paged=False))

        uses, totals, address = session.read(read)
    rows = [row_of(use) for use in uses]
    if not json:
        show(rows, json)
        return
    print_json(
        {
            "client_id": client_id,
            "from": first,
            "to": today,
            "uses": totals.uses,
            "last_used_at": format_optional(totals.last_used_at),
            "last_address": address,
            "rows": rows,
        }
    )


def known_application(transaction: Transaction, client_id: str) -> Application:
    """The application of a client id, whatever its account. Raises NotFound."""
    found = find_application(transaction, client_id)
    if found is None:
        raise NotFound(f"there is no application with the client id {client_id}")
    return found
