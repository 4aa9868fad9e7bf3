"""`doorward token create | revoke`."""

from typing import Annotated, Final

import typer

from doorward.applications.service import command_line_application, revoke_application
from doorward.cli.apps import known_application
from doorward.cli.output import print_json, show
from doorward.cli.session import DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.cli.users import known_user
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Invalid, NotFound
from doorward.kit.fields import REQUIRED
from doorward.oauth.scopes import UnknownScope, parse_scopes
from doorward.oauth.tokens import (
    ACCESS_TOKEN_SECONDS,
    create_token,
    revoke_token,
)

app = typer.Typer(help="Bearer tokens for the API.", no_args_is_help=True)

_LONGEST_SECONDS: Final = 10 * 366 * 86_400


@app.command()
def create(
    user: Annotated[str, typer.Option("--user", help="The e-mail address of the user in whose name it acts.")],
    scope: Annotated[str, typer.Option("--scope", help='What it may do: "account.person account.role.readonly".')],
    expires_in: Annotated[
        int, typer.Option("--expires-in", min=1, max=_LONGEST_SECONDS, help="Seconds.")
    ] = ACCESS_TOKEN_SECONDS,
    client_id: Annotated[
        str | None,
        typer.Option(
            "--app",
            metavar="CLIENT_ID",
            help="The application it belongs to, else the command line's.",
            show_default=False,
        ),
    ] = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Print a new token, and nothing else; it is not to be seen again."""
    _check_scope(scope)
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def make(transaction: Transaction) -> str:
            found = known_user(transaction, user)
            if found.disabled_at is not None:
                raise Invalid({"user": ["is disabled"]})
            if client_id is None:
                application = command_line_application(transaction, found.account_id, now)
            else:
                application = known_application(transaction, client_id)
                if application.account_id != found.account_id:
                    raise Invalid({"app": ["belongs to another account than the user"]})
            return create_token(
                transaction,
                account_id=found.account_id,
                application_id=application.id,
                user_id=found.id,
                scopes=scope,
                now=now,
                seconds=expires_in,
            )

        token = session.write(make)
    if json:
        print_json({"token": token, "expires_in": expires_in})
    else:
        typer.echo(token)


@app.command(context_settings={"ignore_unknown_options": True})  # one token in 64 begins with "-"
def revoke(
    token: Annotated[str | None, typer.Argument(metavar="[TOKEN]", show_default=False)] = None,
    client_id: Annotated[str | None, typer.Option("--app", help="Revoke all tokens of the application.")] = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke a token, or all tokens of an application, at once."""
    if (token is None) == (client_id is None):
        raise BadRequest("name a TOKEN or an application with --app CLIENT_ID")
    with open_session(database, data_dir) as session:
        now = session.clock.now()

        def act(transaction: Transaction) -> int:
            if client_id is not None:
                application = known_application(transaction, client_id)
                return revoke_application(transaction, application.account_id, application.id, now)
            if token is None or not revoke_token(transaction, token, now):
                raise NotFound("there is no such token, or it was revoked before")
            return 1

        revoked = session.write(act)
    show({"revoked": revoked}, json)


def _check_scope(scope: str) -> None:
    try:
        if not parse_scopes(scope):
            raise Invalid({"scope": [REQUIRED]})
    except UnknownScope as error:
        raise Invalid({"scope": [str(error)]}) from None
