"""Commands are imported when they are called; a controller's need nothing of the server."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from doorward.cli import main
from doorward.cli.lazily import Command
from doorward.cli.main import _BAD_INPUT, _COMMANDS, _NOT_DONE, run

OF_THE_SERVER = ("litestar", "sqlalchemy", "psycopg", "uvicorn", "argon2", "alembic", "jinja2", "httpx", "sqids")
RAISED = sorted(_BAD_INPUT | _NOT_DONE)


def modules_after(statements: str) -> set[str]:
    """The packages that are imported in a new process after some statements."""
    code = f"import sys, json\n{statements}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statements",
    [
        "import doorward.controller.process, doorward.cli.controller, doorward.cli.controller_doors",
        "from doorward.cli.main import run; run(['controller', 'run', '--help'])",
        "from doorward.cli.main import run; run(['--version'])",
    ],
)
def test_what_a_controller_does_imports_nothing_of_the_server(statements: str) -> None:
    assert modules_after(statements) & set(OF_THE_SERVER) == set()


@pytest.mark.parametrize("name", RAISED)
def test_what_commands_raise_is_called_as_the_table_says(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Exception)


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_is_where_the_table_says(name: str) -> None:
    command = _COMMANDS[name]
    assert hasattr(importlib.import_module(command.module), command.name)


def test_without_the_servers_packages_commands_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("doorward.cli.lazily._OF_THE_SERVER", "a_package_that_is_not_there")
    for arguments in (["serve"], ["person", "list"], ["controller", "code"]):
        assert run(arguments) == 1
        assert capsys.readouterr().err == (
            "doorward: this command needs the server's packages: pip install 'doorward[server]'\n"
        )
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "controller" in shown
    assert "serve" not in shown


def test_a_command_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dor"]) == 2
    assert capsys.readouterr().err == "doorward: No such command 'dor'. Did you mean 'door'?\n"


def test_what_nobody_expects_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def app(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", app)
    with pytest.raises(ZeroDivisionError):
        run(["db", "check"])
    assert Command("a").name == "app"


BAD = [
    ["controller", "run"],
    ["controller", "run", "--data-dir", "{}", "--config", "{}/missing.toml"],
    ["controller", "enrol", "--server", "doors", "--code", "X", "--data-dir", "{}"],
    ["controller", "enrol", "--server", "http://127.0.0.1:1", "--code", "SECRET-CODE", "--data-dir", "{}"],
    ["controller", "enrol", "--server", "http://127.0.0.1:1", "--code", "SECRET-CODE"],
    ["controller", "enrol", "--server", "http://127.0.0.1:1", "--code", "A", "--data-dir", "{}", "--ca", "{}/none"],
    ["controller", "enrol", "--server", "http://127.0.0.1:1", "--code", "A", "--data-dir", "{}", "--name", ""],
    ["controller", "door", "present", "1", "--data-dir", "{}"],
    ["controller", "door", "state", "x", "--data-dir", "{}"],
]
NOT_DONE = [
    ["controller", "run", "--data-dir", "{}"],
    ["controller", "enrol", "--server", "http://127.0.0.1:1", "--code", "00000-00000-00000-00000", "--data-dir", "{}"],
    ["controller", "door", "state", "1", "--data-dir", "{}"],
]


@pytest.mark.parametrize(("arguments", "code"), [*((each, 2) for each in BAD), *((each, 1) for each in NOT_DONE)])
def test_what_is_wrong_or_cannot_be_done_is_one_line_without_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    for name in [name for name in os.environ if name.startswith("DOORWARD_")]:
        monkeypatch.delenv(name)
    assert run([each.replace("{}", str(tmp_path)) for each in arguments]) == code
    said = capsys.readouterr()
    assert said.err.startswith("doorward: ")
    assert said.err.count("\n") == 1
    assert "SECRET" not in said.err
    assert list(tmp_path.iterdir()) == []
