"""`doorward controller door present | state | rex | open | close`: simulated hardware of a running controller."""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.controller import ControllerDirOption, JsonOption, required
from doorward.cli.verdicts import credentials_given, show_answer, show_verdict
from doorward.controller.control import SOCKET, NobodyThere, ask

app = typer.Typer(help="Doors of a running controller; those that are simulated can be tried.", no_args_is_help=True)

ChannelArgument = Annotated[int, typer.Argument(metavar="CHANNEL", help="The channel's id.")]


@app.command()
def present(
    channel: ChannelArgument,
    card: Annotated[list[str] | None, typer.Option(help="The number of a card; may be given with --pin.")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="A PIN.")] = None,
    data_dir: ControllerDirOption = None,
    json: JsonOption = False,
) -> None:
    """Hold credentials to a simulated door's reader and print the verdict with its reasons."""
    credentials = [list(each) for each in credentials_given(card, pin)]
    show_verdict(_ask(data_dir, {"op": "present", "channel_id": channel, "credentials": credentials}), json)


@app.command()
def state(channel: ChannelArgument, data_dir: ControllerDirOption = None, json: JsonOption = False) -> None:
    """Print the state of a door."""
    show_answer(_ask(data_dir, {"op": "state", "channel_id": channel}), json)


@app.command()
def rex(channel: ChannelArgument, data_dir: ControllerDirOption = None, json: JsonOption = False) -> None:
    """Press the request-to-exit button of a simulated door."""
    _act(data_dir, channel, "rex", json)


@app.command("open")
def open_door(channel: ChannelArgument, data_dir: ControllerDirOption = None, json: JsonOption = False) -> None:
    """Open a simulated door; without leave that is by force."""
    _act(data_dir, channel, "open", json)


@app.command("close")
def close_door(channel: ChannelArgument, data_dir: ControllerDirOption = None, json: JsonOption = False) -> None:
    """Close a simulated door."""
    _act(data_dir, channel, "close", json)


def _act(data_dir: Path | None, channel: int, action: str, json: bool) -> None:
    show_answer(_ask(data_dir, {"op": "act", "channel_id": channel, "action": action}), json)


def _ask(data_dir: Path | None, request: dict[str, object]) -> object:
    directory = required(data_dir)
    try:
        return ask(directory / SOCKET, request)
    except NobodyThere:
        raise OSError(f"no controller runs on {directory}") from None
