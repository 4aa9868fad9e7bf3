"""`doorward user list | create | disable | enable | password | reset-totp`."""

from typing import Annotated

import typer

from doorward.cli.output import show
from doorward.cli.rows import given, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.signing_in.second_factor import turn_off
from doorward.users.passwords import prepare_now
from doorward.users.service import (
    User,
    create_user,
    disable_user,
    enable_user,
    find_user,
    list_users,
    update_user,
)

app = typer.Typer(help="Users: the operators of an account.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL")]

_COLUMNS = ("id", "email", "role", "site_limited", "site_ids", "disabled_at")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the users."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_users(transaction, account_id))
    show([row_of(user) for user in found], json, _COLUMNS)


@app.command()
def create(
    email: EmailArgument,
    role: Annotated[str, typer.Option("--role", help="owner, admin, operator or viewer.")],
    site: Annotated[
        list[int] | None,
        typer.Option("--site", help="The id of a site that the user is limited to; may be given several times."),
    ] = None,
    first_name: Annotated[str | None, typer.Option("--first-name")] = None,
    last_name: Annotated[str | None, typer.Option("--last-name")] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a user and print the password, which is not to be seen again."""
    body = given(email=email, role=role, site_ids=site, first_name=first_name, last_name=last_name)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        secret = prepare_now(body, make=True)
        user = session.write(lambda transaction: create_user(transaction, account_id, body, secret.password_hash, now))
    show({**row_of(user), "password": secret.made}, json, ("id", "email", "role", "site_ids", "password"))


@app.command()
def disable(
    email: EmailArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Let a user in no more, at once; their tokens hold no longer."""
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> User:
            user = known_user(transaction, email)
            return disable_user(transaction, user.account_id, user.id, now)

        changed = session.write(act)
    show(row_of(changed), json, _COLUMNS)


@app.command()
def enable(
    email: EmailArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Let a disabled user in again."""
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> User:
            user = known_user(transaction, email)
            return enable_user(transaction, user.account_id, user.id, now)

        changed = session.write(act)
    show(row_of(changed), json, _COLUMNS)


@app.command()
def password(
    email: EmailArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Give a user a new password and print it; it is not to be seen again."""
    secret = prepare_now({}, make=True)
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> User:
            user = known_user(transaction, email)
            return update_user(transaction, user.account_id, user.id, {}, secret.password_hash, now)

        changed = session.write(act)
    show({"id": changed.id, "email": changed.email, "password": secret.made}, json)


@app.command("reset-totp")
def reset_totp(
    email: EmailArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Turn off the second factor of a user who has lost it, with its recovery codes."""
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> tuple[User, bool]:
            user = known_user(transaction, email)
            return user, turn_off(transaction, user.id, now)

        user, was_on = session.write(act)
    show({"id": user.id, "email": user.email, "turned_off": was_on}, json)


def known_user(transaction: Transaction, email: str) -> User:
    """The user of an address, whatever their account. Raises NotFound."""
    found = find_user(transaction, email)
    if found is None:
        raise NotFound(f"there is no user {email}")
    return found
