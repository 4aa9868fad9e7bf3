"""`doorward worker run`."""

import typer

from doorward.cli.session import DatabaseOption, DataDirOption
from doorward.settings import load

app = typer.Typer(help="What is done beside serving, in a process of its own.", no_args_is_help=True)


@app.callback()
def worker() -> None:
    """What is done beside serving, in a process of its own."""


@app.command()
def run(database: DatabaseOption = None, data_dir: DataDirOption = None) -> None:
    """Send webhooks and notifications until stopped; any number of workers share that, also with the server itself."""
    from doorward.process.relaying import work  # noqa: PLC0415 - loads what sends

    work(load(database=database, data_dir=data_dir), lambda: typer.echo("Doorward sends deliveries"))
