"""`doorward serve` and `doorward demo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from doorward.cli.output import print_json
from doorward.cli.session import DatabaseOption, DataDirOption, JsonOption
from doorward.settings import load

if TYPE_CHECKING:
    from doorward.demo.account import Demo

# The web framework takes half a second to import; only these two commands need it.

HostOption = Annotated[
    str | None, typer.Option("--host", help="Address to listen on [env: DOORWARD_HOST; default 127.0.0.1]")
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65_535, help="Port to listen on, 0 for a free one [env: DOORWARD_PORT; default 8080]"
    ),
]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Send no webhooks: `doorward worker run` does, in another process.")
    ] = False,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Serve the API and control the doors, until stopped."""
    from doorward.process.run import serve as serve_process  # noqa: PLC0415

    settings = load(database=database, data_dir=data_dir, host=host, port=port)
    serve_process(settings, lambda url: typer.echo(f"Doorward serves {url}"), with_worker=not no_worker)


def demo(
    port: PortOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Make the example account, print it, and stop.")] = False,
    json: JsonOption = False,
) -> None:
    """Make an example account, a co-working house, and serve it; an account that is there is used as it is."""
    from doorward.demo.account import prepare_demo  # noqa: PLC0415
    from doorward.process.run import serve as serve_process  # noqa: PLC0415

    settings = load(database=database, data_dir=data_dir, port=port)
    made = prepare_demo(settings)
    if no_serve:
        _show(made, f"http://{settings.host}:{settings.port}", json, serving=False)
        return
    serve_process(settings, lambda base_url: _show(made, base_url, json, serving=True))


def _show(made: "Demo", base_url: str, json: bool, *, serving: bool) -> None:
    if json:
        print_json(made.answer(base_url))
    else:
        typer.echo(made.welcome(base_url) if serving else made.made())
