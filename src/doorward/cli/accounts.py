"""`doorward account list | create | lockdown | unlockdown`."""

from typing import Annotated, Any

import typer

from doorward.accounts.service import Account, create_account, get_account, list_accounts
from doorward.cli import lockdowns
from doorward.cli.output import show
from doorward.cli.rows import row_of
from doorward.cli.session import DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.credentials.types import ensure_default_types
from doorward.db.unit_of_work import Transaction
from doorward.kit import public_ids

app = typer.Typer(help="Accounts: the tenants of this installation.", no_args_is_help=True)

app.command("lockdown")(lockdowns.lock_account)
app.command("unlockdown")(lockdowns.lift_account)

_COLUMNS = ("id", "public_id", "name", "time_zone", "created_at")


@app.command("list")
def list_all(database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """List the accounts."""
    with open_session(database, data_dir) as session:
        found = session.read(list_accounts)
    show([_row(account) for account in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="IANA name, such as Europe/London.")],
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create an account, with credential types for cards and PINs."""
    with open_session(database, data_dir, create=True) as session:
        now = session.clock.now()

        def make(transaction: Transaction) -> Account:
            account_id = create_account(transaction, name, time_zone, now)
            ensure_default_types(transaction, account_id, now)
            return get_account(transaction, account_id)

        made = session.write(make)
    show(_row(made), json, _COLUMNS)


def _row(account: Account) -> dict[str, Any]:
    """With the id that the API shows."""
    row = row_of(account)
    return {"id": row.pop("id"), "public_id": public_ids.encode("account", account.id), **row}
