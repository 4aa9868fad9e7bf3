"""`doorward app list | create | remove`."""

from typing import Annotated

import typer

from doorward.applications.service import (
    Application,
    create_application,
    find_application,
    list_applications,
    remove_application,
)
from doorward.cli.output import show
from doorward.cli.rows import given, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound

app = typer.Typer(help="Applications: the OAuth clients of an account.", no_args_is_help=True)

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
    """Create an application and print its client secret, which is not to be seen again."""
    body = given(name=name, redirect_uris=redirect_uri, public=public, service=service, webhook_url=webhook_url)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made, secret = session.write(lambda transaction: create_application(transaction, account_id, body, now))
    show({**row_of(made), "client_secret": secret}, json, (*_COLUMNS, "client_secret", "redirect_uris"))


@app.command()
def remove(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
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


def known_application(transaction: Transaction, client_id: str) -> Application:
    """The application of a client id, whatever its account. Raises NotFound."""
    found = find_application(transaction, client_id)
    if found is None:
        raise NotFound(f"there is no application with the client id {client_id}")
    return found
