"""`doorward controller enrol | run | status | door` at the door, `code | list | rename | remove` at the server."""

import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from doorward.cli.lazily import Command, lazy_group
from doorward.cli.output import print_json, show
from doorward.kit.errors import BadRequest

if TYPE_CHECKING:
    from doorward.controller.runtime import Controller

_COMMANDS: Final = {
    "code": Command("doorward.cli.controller_admin", "code"),
    "list": Command("doorward.cli.controller_admin", "list_"),
    "rename": Command("doorward.cli.controller_admin", "rename"),
    "remove": Command("doorward.cli.controller_admin", "remove"),
    "door": Command("doorward.cli.controller_doors", at_the_door=True),
}
_LONGEST_NAME: Final = 255

app = typer.Typer(
    cls=lazy_group(_COMMANDS), help="Controllers: what stands at doors, and decides there.", no_args_is_help=True
)

ControllerDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="DOORWARD_DATA_DIR",
        show_envvar=False,
        help="Directory of what the controller keeps [env: DOORWARD_DATA_DIR]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ControllerNotInstalled(OSError):
    """The packages that a controller needs are not there."""


@app.command()
def enrol(
    server: Annotated[str, typer.Option("--server", help="The server's address, https://…", show_default=False)],
    code: Annotated[
        str,
        typer.Option(
            "--code", help='The code that "doorward controller code" printed; - reads it.', show_default=False
        ),
    ],
    data_dir: ControllerDirOption = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What it is called; else this machine's name.", show_default=False),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", help="Certificates (PEM) by which the server's is checked.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Let this machine be a controller of a server, with a one-time code."""
    from doorward.controller import content, enrolment, identity  # noqa: PLC0415 - only this command needs them

    directory = required(data_dir)
    if identity.is_enrolled(directory):
        raise BadRequest(f"{directory} is a controller's already: remove it there, or choose another --data-dir")
    address = enrolment.server_address(server)
    given = _read_code() if code == "-" else code
    pem = enrolment.certificates(ca)
    wanted, called = enrolment.enrolment_code(given), _name(name)
    # The code is good once: whether what comes of it can be kept is found out before.
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        pass
    # Should the answer be lost: with the same code the same command is given it again.
    attempt = enrolment.attempt_at(directory, wanted)
    try:
        made = enrolment.enrol(address, wanted, called, pem, attempt)
    except (enrolment.NotReached, enrolment.CodeRefused):
        enrolment.forget_attempt(directory)
        raise
    content.begin(directory, made.identity.secret, made.channels)
    identity.save(directory, made.identity)
    enrolment.forget_attempt(directory)
    answer = {
        "controller_id": made.identity.controller_id,
        "account": made.identity.account,
        "channels": [{"id": each.id, "name": each.name, "driver": each.driver} for each in made.channels],
    }
    if json:
        print_json(answer)
        return
    typer.echo(f"Controller {made.identity.controller_id} of {made.identity.account} serves:")
    for each in made.channels:
        typer.echo(f"  {each.name} ({each.id}), {each.driver}")
    typer.echo(f"Start it with: doorward controller run --data-dir {directory}")


@app.command()
def run(
    data_dir: ControllerDirOption = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="DOORWARD_CONTROLLER_CONFIG",
            show_envvar=False,
            help="TOML file of the hardware [env: DOORWARD_CONTROLLER_CONFIG]; else simulated channels are simulated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Drive the doors, with or without the server, until stopped."""
    from doorward.controller import identity  # noqa: PLC0415
    from doorward.controller.configuration import read_configuration  # noqa: PLC0415
    from doorward.controller.plan import Plan  # noqa: PLC0415

    try:
        from doorward.controller import process  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ControllerNotInstalled(f"{error}: pip install 'doorward[controller]'") from None
    directory = required(data_dir)
    plan = Plan() if config is None else read_configuration(config)
    process.run(directory, identity.load(directory), plan, _ready)


@app.command()
def status(
    account: Annotated[
        str | None, typer.Option("--account", help="The account's id; needed only where there are several.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", help="sqlite:///PATH or postgresql://… [env: DOORWARD_DATABASE]", show_default=False
        ),
    ] = None,
    data_dir: ControllerDirOption = None,
    json: JsonOption = False,
) -> None:
    """Show what each door of a controller has confirmed. On a controller's own data directory: how that one is."""
    from doorward.controller import identity  # noqa: PLC0415

    if data_dir is not None and identity.is_enrolled(data_dir):
        _show_own(data_dir, json)
        return
    from doorward.cli.lazily import ServerNotInstalled, is_server_installed  # noqa: PLC0415

    if not is_server_installed():
        raise ServerNotInstalled
    from doorward.cli import controller_admin  # noqa: PLC0415

    controller_admin.status(account, database, None if data_dir is None else str(data_dir), json)


def required(data_dir: Path | None) -> Path:
    """Raises BadRequest where no directory is named: what a controller keeps is nowhere by default."""
    if data_dir is None:
        raise BadRequest("name the controller's directory: --data-dir DIR")
    return data_dir


def _show_own(directory: Path, json: bool) -> None:
    from doorward.controller.control import SOCKET, NobodyThere, ask  # noqa: PLC0415
    from doorward.controller.identity import load  # noqa: PLC0415

    own = load(directory)
    try:
        answer = ask(directory / SOCKET, {"op": "status"})
    except NobodyThere:
        raise OSError(f"controller {own.controller_id} does not run on {directory}") from None
    if json or not isinstance(answer, dict):
        print_json(answer)
        return
    channels = answer.pop("channels")
    if undriven := [f"{each['name']} ({each['id']})" for each in channels if each["driver"] is None]:
        typer.echo(f"doorward: no hardware is configured for {', '.join(undriven)}: --config leaves it out", err=True)
    answer["drivers"] = [f"{each['name']}: {'; '.join(each['problems']) or 'well'}" for each in answer["drivers"]]
    show(answer, as_json=False)
    show(channels, as_json=False)


def _read_code() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Code", hide_input=True))
    return sys.stdin.readline(1_000)


def _name(given: str | None) -> str:
    name = " ".join((given if given is not None else socket.gethostname()).split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"--name must be 1 to {_LONGEST_NAME} characters")
    return name


def _ready(controller: "Controller") -> None:
    number = len(controller.channels)
    channels = "one channel" if number == 1 else f"{number} channels"
    typer.echo(f"Doorward controller {controller.identity.controller_id} serves {channels}")
    sys.stdout.flush()
