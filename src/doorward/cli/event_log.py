"""`doorward events list | show`: what has happened at the doors, with all that is on record of it."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from msgspec import to_builtins

from doorward.cli.output import print_json, show
from doorward.cli.rows import naming
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.events.codes import EVERY, read_codes
from doorward.events.listing import Wanted, get_event, list_events, usual_since
from doorward.events.wire import logged_body
from doorward.kit.errors import BadRequest
from doorward.kit.pages import Page
from doorward.kit.timestamps import InvalidTimestamp, find_zone, parse_instant

EventArgument = Annotated[int, typer.Argument(metavar="EVENT", help="The event's id.")]
ChannelOption = Annotated[
    list[int] | None, typer.Option("--channel", help="Only of this channel; may be given several times.")
]
CodeOption = Annotated[
    list[int] | None, typer.Option("--code", help="Only of this event code; may be given several times.")
]
SiteOption = Annotated[
    list[int] | None, typer.Option("--site", help="Only of this site's channels; may be given several times.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="From then on (ISO 8601; local time of the account without offset); 90 days if none."),
]

_COLUMNS = ("id", "created_at", "event_code", "event_label", "channel_name", "replayed")
_SHOWN = (
    "id",
    "event_code",
    "event_label",
    "channel_id",
    "channel_name",
    "person_id",
    "person_name",
    "credentials_number",
    "created_at",
    "received_at",
    "replayed",
    "controller_id",
    "sequence",
)


def list_all(
    channel: ChannelOption = None,
    person: Annotated[int | None, typer.Option("--person", help="Only of this person.")] = None,
    code: CodeOption = None,
    site: SiteOption = None,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option("--until", help="Before then.")] = None,
    replayed: Annotated[
        bool | None, typer.Option("--replayed/--not-replayed", help="Only what was told later, or only what was not.")
    ] = None,
    number: Annotated[int, typer.Option("-n", min=1, max=1000, help="So many of the newest.")] = 50,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List events of every code, newest first; `created_at` is when it happened."""
    with open_session(database, data_dir) as session:
        found = session.account(account)
        zone = find_zone(found.time_zone)
        end = None if until is None else _instant("--until", until, zone)
        usual = usual_since(session.clock.now() if end is None else end)
        wanted = Wanted(
            codes=read_codes(code, EVERY) if code else None,
            since=usual if since is None else _instant("--since", since, zone),
            until=end,
            channel_ids=channel or None,
            person_id=person,
            site_ids=site or None,
            replayed=replayed,
        )
        page = Page(1, number)
        listed, _ = session.read(lambda transaction: list_events(transaction, found.id, wanted, page))
    show([to_builtins(logged_body(event)) for event in listed], json, _COLUMNS)


def show_one(
    event: EventArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Show an event and its reasons: of somebody who was refused, what they would have needed."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        with naming("event", event):
            found = session.read(lambda transaction: get_event(transaction, account_id, event))
    body: dict[str, Any] = to_builtins(logged_body(found))
    if json:
        print_json(body)
        return
    show(body, json, _SHOWN)
    for reason in body["reasons"]:
        typer.echo(f"- {reason['text']}")


def _instant(option: str, text: str, zone: ZoneInfo) -> int:
    try:
        return parse_instant(text, zone)
    except InvalidTimestamp as error:
        raise BadRequest(f"{option} {error}") from None
