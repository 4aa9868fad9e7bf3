"""`doorward sim run | list`."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer

from doorward.cli.output import print_json, show
from doorward.cli.session import JsonOption
from doorward.simulation.library import find_scenario, shipped
from doorward.simulation.player import play
from doorward.simulation.telling import headline, summary, told

app = typer.Typer(help="A day at a site, played with the real product around it.", no_args_is_help=True)


@app.command("list")
def list_all(json: JsonOption = False) -> None:
    """List the scenarios that ship with the product."""
    rows = [
        {"name": each.name, "title": each.title, "site": each.site, "date": each.calendar.day.isoformat()}
        for each in shipped()
    ]
    show(rows, json)


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="The name of one that ships, or a file's path.")],
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=1, max=600, help="Let time run so many times as fast; else it jumps."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Play a scenario: a server, controllers and doors of its own, in a directory that is gone afterwards.

    Exit code 0 if all that the scenario expects holds, 1 if not, 2 if it is no scenario.
    """
    found = find_scenario(scenario)
    width = max((len(door.name) for door in found.doors), default=0)
    if not json:
        typer.echo(headline(found))
    with _quiet():
        report = asyncio.run(play(found, speed, lambda entry: None if json else typer.echo(told(entry, width))))
    if json:
        print_json(report.body())
    else:
        typer.echo(summary(report))
    if not report.is_met:
        raise typer.Exit(1)


@contextmanager
def _quiet() -> Iterator[None]:
    """A server that is killed and a link that is cut are what a scenario is about: nothing for the log."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
    )
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)
