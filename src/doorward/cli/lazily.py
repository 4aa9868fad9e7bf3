"""Commands that are imported when they are called: most need the server's packages, and all take their time.

Where only a controller is installed, those packages are not there; then the commands that need them say so.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

_OF_THE_SERVER: Final = "sqlalchemy"
"""Without it there is no server."""


class ServerNotInstalled(OSError):
    """The command needs packages that are not there."""

    def __init__(self) -> None:
        super().__init__("this command needs the server's packages: pip install 'doorward[server]'")


class Command(NamedTuple):
    """Where a command, or a group of them, is: `name` in `module`. `at_the_door`: it needs no server's packages."""

    module: str
    name: str = "app"
    at_the_door: bool = False


class _Commands(MutableMapping[str, Any]):
    """Commands by name; each is imported when it is asked for. Those that cannot be are not among them."""

    def __init__(self, there: Mapping[str, Any], commands: Mapping[str, Command]) -> None:
        self._there = dict(there)
        self._commands = commands

    def __getitem__(self, name: str) -> Any:
        found = self._there.get(name)
        if found is None:
            command = self._commands[name]
            if not (command.at_the_door or is_server_installed()):
                raise ServerNotInstalled
            found = self._there[name] = _made(name, getattr(import_module(command.module), command.name))
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        self._there[name] = command

    def __delitem__(self, name: str) -> None:
        del self._there[name]

    def __iter__(self) -> Iterator[str]:
        server = is_server_installed()
        yield from (name for name, command in self._commands.items() if command.at_the_door or server)
        yield from (name for name in self._there if name not in self._commands)

    def __len__(self) -> int:
        return len(list(iter(self)))


def lazy_group(commands: Mapping[str, Command]) -> type[TyperGroup]:
    """A class for typer.Typer(cls=…): a group with these commands, in this order, beside its own."""

    class LazyGroup(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = _Commands(self.commands, commands)

    return LazyGroup


def is_server_installed() -> bool:
    """Whether the server's packages are there."""
    return find_spec(_OF_THE_SERVER) is not None


def _made(name: str, found: Any) -> Any:
    """A command as the group has it, of a function or of a Typer."""
    group = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    group.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        group.add_typer(found, name=name)
    else:
        group.command(name)(found)
    made: Any = get_command(group)
    return made.commands[name]
