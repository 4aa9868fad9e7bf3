"""`doorward`: joins the commands; turns refusals into one line and an exit code.

Exit codes: 0 done, 1 it could not be done (no database, a bug), 2 bad input.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

import typer

from doorward import __version__
from doorward.cli.lazily import Command, lazy_group

_COMMANDS: Final = {
    "serve": Command("doorward.cli.serving", "serve"),
    "demo": Command("doorward.cli.serving", "demo"),
    "check": Command("doorward.cli.doors", "check"),
    "db": Command("doorward.cli.database"),
    "account": Command("doorward.cli.accounts"),
    "user": Command("doorward.cli.users"),
    "app": Command("doorward.cli.apps"),
    "token": Command("doorward.cli.tokens"),
    "site": Command("doorward.cli.sites"),
    "person": Command("doorward.cli.people"),
    "channel": Command("doorward.cli.channels"),
    "group": Command("doorward.cli.groups"),
    "role": Command("doorward.cli.roles"),
    "shift": Command("doorward.cli.shifts"),
    "door": Command("doorward.cli.doors"),
    "events": Command("doorward.cli.events"),
    "alarm": Command("doorward.cli.alarms"),
    "report": Command("doorward.cli.reports"),
    "rule": Command("doorward.cli.rules"),
    "controller": Command("doorward.cli.controller", at_the_door=True),
    "webhook": Command("doorward.cli.webhooks"),
    "worker": Command("doorward.cli.worker"),
    "sim": Command("doorward.cli.simulation"),
}
_BAD_INPUT: Final = frozenset(
    {
        "doorward.kit.errors.DoorwardError",
        "doorward.oauth.scopes.UnknownScope",
        "doorward.db.connect.InvalidDatabaseUrl",
        "doorward.settings.InvalidSetting",
        "doorward.controller.configuration.InvalidConfiguration",
    }
)
_NOT_DONE: Final = frozenset(
    {
        "doorward.db.unit_of_work.DatabaseUnavailable",
        "doorward.db.unit_of_work.WrongSchema",
        "doorward.kit.crypto.SecretKeyError",
        "builtins.OSError",
    }
)
"""What commands raise, by name: where only a controller is installed most of them cannot be imported."""

app = typer.Typer(
    name="doorward",
    cls=lazy_group(_COMMANDS),
    help="Physical access control: who may open which door, and when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        refused = _refused(error, arguments)
        if refused is None:
            raise
        return _fail(*refused)
    return code if isinstance(code, int) else 0


def _refused(error: Exception, arguments: Sequence[str]) -> tuple[str, int] | None:
    """What is to be said of an error, and the exit code; None: it is a bug."""
    names = {f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__}
    if names & _BAD_INPUT:
        return str(error), 2
    if names & _NOT_DONE:
        return str(error), 1
    if isinstance(error, UnicodeEncodeError) and any(map(_is_no_text, arguments)):
        return "what was given on the command line is not UTF-8", 2
    return None


def _is_no_text(argument: str) -> bool:
    """Whether an argument has bytes that are no text; in the name of a file it may."""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _fail(text: str, code: int) -> int:
    line = " ".join(text.split())
    sys.stderr.write(f"doorward: {line}\n")
    return code


def main() -> None:
    """The console script. What it makes is for nobody else: the data directory, the database, keys, secrets."""
    os.umask(0o077)
    sys.exit(run(sys.argv[1:]))
