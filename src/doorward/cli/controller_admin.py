"""`doorward controller code | list | status | rename | remove`: controllers, where the server is."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, Final

import typer

from doorward.cli.output import print_json, show
from doorward.cli.rows import naming, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.controllers import enrolment, service
from doorward.controllers.service import SeenController
from doorward.kit.timestamps import format_instant, format_optional

ControllerArgument = Annotated[int, typer.Argument(metavar="CONTROLLER", help="The controller's id.")]
ChannelOption = Annotated[
    list[int], typer.Option("--channel", help="A channel that it is to serve; may be given several times.")
]

_ANY_SERVER: Final = "SERVER"
"""What stands in the command for an address that is not known here."""

_COLUMNS = ("id", "name", "online", "channels", "last_seen_at", "clock_skew_ms", "spool_length", "software", "address")
_STATUS_COLUMNS = (
    "channel_id",
    "name",
    "controller",
    "online",
    "status",
    "version",
    "confirmed_at",
    "last_contact",
    "spool_length",
)


def code(
    channel: ChannelOption,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Print a one-time code by which a controller enrols for channels; it is good for ten minutes."""
    with open_session(database, data_dir) as session:
        account_id, now, vault = session.account(account).id, session.clock.now(), session.vault
        body = {"channel_ids": channel}
        made = session.write(lambda transaction: enrolment.create_code(transaction, vault, account_id, body, now))
        server, here = _server(session), _here(session)
    command = enrolment.command(made, server or _ANY_SERVER)
    channels = [row_of(each) for each in made.channels]
    if json:
        shown = {"code": str(made.code), "expires_at": format_instant(made.expires_at), "channels": channels}
        print_json({**shown, "server": server, "command": command})
        return
    typer.echo(f"Code: {made.code}   (good once, until {format_instant(made.expires_at)})")
    typer.echo(f"At the controller: {command}")
    if server is None:
        typer.echo(
            f"Write for {_ANY_SERVER} the address under which the controller reaches this server, such as "
            f"https://doors.example.com (on this machine {here}). With DOORWARD_PUBLIC_URL set it is in the command."
        )
    for each in made.channels:
        if each.controller_id is not None:
            typer.echo(f"{each.name} ({each.id}) stays with controller {each.controller_id} until the code is used.")


def list_(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the controllers: whether they are there, how far their clocks are off, what they have still to tell."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        found = session.read(lambda transaction: service.list_controllers(transaction, account_id))
    show([_row(seen, now) for seen in found], json, _COLUMNS)


def status(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Show for each door of a controller what it has confirmed, and when its controller was last heard."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        found = session.read(lambda transaction: service.list_controllers(transaction, account_id))
    show([row for seen in found for row in _status_rows(seen, now)], json, _STATUS_COLUMNS)


def rename(
    controller: ControllerArgument,
    name: Annotated[str, typer.Option("--name", help="What it is to be called.")],
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Give a controller another name."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("controller", controller):
            seen = session.write(
                lambda transaction: service.rename_controller(transaction, account_id, controller, {"name": name}, now)
            )
    show(_row(seen, now), json)


def remove(
    controller: ControllerArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Remove a controller; the keys of its channels are replaced, so that what it has is worth nothing."""
    with open_session(database, data_dir) as session:
        account_id, now, vault = session.account(account).id, session.clock.now(), session.vault
        with naming("controller", controller):
            session.write(
                lambda transaction: service.remove_controller(transaction, vault, account_id, controller, now)
            )
    show({"removed": controller}, json)


def _server(session: Session) -> str | None:
    """Under which address other machines reach the server; None: the settings do not tell."""
    settings = session.settings
    if settings.public_url is not None:
        return settings.public_url
    address = _address(settings.host)
    if settings.host.casefold() == "localhost" or (address and (address.is_loopback or address.is_unspecified)):
        return None
    return _url(settings.host, settings.port)


def _here(session: Session) -> str:
    """Under which address the server is reached on its own machine."""
    settings = session.settings
    address = _address(settings.host)
    if address is not None and address.is_unspecified:
        return _url("127.0.0.1" if address.version == 4 else "::1", settings.port)
    return _url(settings.host, settings.port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _row(seen: SeenController, now: int) -> dict[str, Any]:
    controller = seen.controller
    return {**row_of(controller), "online": controller.is_online(now), "channels": [each.id for each in seen.channels]}


def _status_rows(seen: SeenController, now: int) -> list[dict[str, Any]]:
    controller = seen.controller
    return [
        {
            "channel_id": each.id,
            "name": each.name,
            "controller_id": controller.id,
            "controller": controller.name,
            "online": each.standing.is_online(now),
            "status": each.standing.sync(now),
            "version": service.confirmed_version(each.standing),
            "confirmed_at": format_optional(each.standing.synced_at),
            "behind_since": format_optional(each.standing.behind_since),
            "last_contact": format_optional(each.standing.last_seen_at),
            "spool_length": controller.spool_length,
            "refused_frames": controller.refused_frames,
        }
        for each in seen.channels
    ]
