"""The page docs/reference/commands.md, made of the commands themselves.

`python -m tests.support.commands_page > docs/reference/commands.md` writes it anew.
"""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from doorward.cli.main import app

HEAD = """# Commands

Every command takes `--database` and `--data-dir` (see [settings](settings.md)), and `--json` if it prints something.
They work beside a running server on the same data directory, and without one. This page is made of the commands.
"""
EVERYWHERE = {"--database", "--data-dir", "--json", "--help"}


def commands(command: Any, path: tuple[str, ...] = ("doorward",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from commands(child, (*path, name))


def commands_page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command in commands(get_command(app)):
        arguments = [param for param in command.params if param.param_type_name == "argument"]
        options = [
            param
            for param in command.params
            if param.param_type_name == "option" and not EVERYWHERE.intersection(param.opts)
        ]
        usage = " ".join([*path, *(param.metavar or param.name.upper() for param in arguments)])
        lines = [f"## {usage}\n", f"{command.help or ''}\n".strip(), ""]
        lines.extend(
            f"- `{', '.join([*param.opts, *param.secondary_opts])}` {' '.join((param.help or '').split())}".rstrip()
            for param in options
        )
        parts.append("\n".join(lines).rstrip() + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(commands_page(), end="")
