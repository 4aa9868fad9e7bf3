"""`doorward`: joins the commands; turns refusals into one line and an exit code.

Exit codes: 0 done, 1 it could not be done (no database, a bug), 2 bad input.
"""

import os
import sys
from collections.abc import Sequence

import typer

from doorward import __version__
from doorward.cli import (
    accounts,
    apps,
    channels,
    database,
    doors,
    groups,
    people,
    roles,
    serving,
    shifts,
    sites,
    tokens,
    users,
)
from doorward.db.connect import InvalidDatabaseUrl
from doorward.db.unit_of_work import DatabaseUnavailable, WrongSchema
from doorward.kit.crypto import SecretKeyError
from doorward.kit.errors import DoorwardError
from doorward.oauth.scopes import UnknownScope
from doorward.settings import InvalidSetting

app = typer.Typer(
    name="doorward",
    help="Physical access control: who may open which door, and when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serving.serve)
app.command("demo")(serving.demo)
app.command("check")(doors.check)
for name, commands in (
    ("db", database.app),
    ("account", accounts.app),
    ("user", users.app),
    ("app", apps.app),
    ("token", tokens.app),
    ("site", sites.app),
    ("person", people.app),
    ("channel", channels.app),
    ("group", groups.app),
    ("role", roles.app),
    ("shift", shifts.app),
    ("door", doors.app),
):
    app.add_typer(commands, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"doorward {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Physical access control: who may open which door, and when."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    try:
        code = app(args=list(arguments), prog_name="doorward", standalone_mode=False)
    except typer.Abort:
        return _fail("stopped", 1)
    except typer.exceptions.TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except (DoorwardError, UnknownScope, InvalidDatabaseUrl, InvalidSetting) as error:
        return _fail(str(error), 2)
    except (DatabaseUnavailable, WrongSchema, SecretKeyError, OSError) as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0


def _fail(text: str, code: int) -> int:
    line = " ".join(text.split())
    sys.stderr.write(f"doorward: {line}\n")
    return code


def main() -> None:
    """The console script. What it makes is for nobody else: the data directory, the database, keys, secrets."""
    os.umask(0o077)
    sys.exit(run(sys.argv[1:]))
