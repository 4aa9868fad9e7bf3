"""`doorward db upgrade | check | compact`."""

import typer

from doorward import schema
from doorward.cli.output import show
from doorward.cli.session import DatabaseOption, DataDirOption, JsonOption
from doorward.db import compacting, migrate
from doorward.settings import load

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def upgrade(database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Create the schema, or bring it to this version's."""
    settings = load(database=database, data_dir=data_dir)
    show({"schema": migrate.upgrade(settings.database)}, json)


@app.command()
def check(database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Compare the database with what this version declares; exit code 1 if they differ."""
    settings = load(database=database, data_dir=data_dir)
    migrate.require_newest(settings.database)
    differences = migrate.differences(settings.database, schema.metadata)
    show({"schema": migrate.newest(), "ok": not differences, "differences": differences}, json)
    if differences:
        raise typer.Exit(1)


@app.command()
def compact(database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Leave nothing in the database's files of what was removed, as by erasing a person; a running server waits."""
    settings = load(database=database, data_dir=data_dir)
    migrate.require_newest(settings.database)
    compacting.compact(settings.database)
    show({"compacted": True}, json)
