"""`doorward alarm list | show | acknowledge | close | note | assign`: what is wrong at doors, and who sees to it."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
import typer

from doorward.alarms import service
from doorward.alarms.alarm import Alarm
from doorward.alarms.kinds import CLOSED, STATES, Kind
from doorward.alarms.listing import Wanted, details_of, get_alarm, list_alarms
from doorward.alarms.wire import alarm_body, details_body, note_body
from doorward.cli.lockdowns import find_site
from doorward.cli.output import show
from doorward.cli.rows import given, naming
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.pages import Page
from doorward.users.service import find_user

app = typer.Typer(help="Alarms: what is wrong at doors, and who sees to it.", no_args_is_help=True)

AlarmArgument = Annotated[int, typer.Argument(metavar="ALARM", help="The alarm's id.")]
NoteOption = Annotated[str | None, typer.Option("--note", help="What there is to say about it.")]

_COLUMNS: Final = ("id", "severity", "state", "label", "count", "raised_at", "over_at", "assignee")


@app.command("list")
def list_all(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help=f"Only in this state ({', '.join(STATES)}); may be given several times."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help=f"Only of this kind ({', '.join(Kind)}); may be given several times."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    channel: Annotated[
        list[int] | None, typer.Option("--channel", help="Only of this channel; may be given several times.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only of this site, by id or name.")] = None,
    assignee: Annotated[str | None, typer.Option("--assignee", help="Only those of this user, by e-mail.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many.")] = 100,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List alarms, newest first: those that are not closed, unless told otherwise."""
    _check("--state", state, STATES)
    _check("--kind", kind, tuple(Kind))
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        wanted = Wanted(
            states=state or (None if everything else [each for each in STATES if each != CLOSED]),
            kinds=kind or None,
            channel_ids=channel or None,
            site_ids=None if site is None else [find_site(session, account_id, site)],
            assignee_id=None if assignee is None else _user(session, account_id, assignee),
        )
        found, _ = session.read(lambda transaction: list_alarms(transaction, account_id, wanted, Page(1, most)))
    _show([_row(alarm_body(each)) for each in found], json)


@app.command("show")
def show_one(
    alarm: AlarmArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Show an alarm with its notes and events."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        with naming("alarm", alarm):
            found = session.read(lambda transaction: details_of(transaction, account_id, alarm))
    row = _row(details_body(found))
    if json:
        show(row, json)
        return
    notes, events = row.pop("notes"), row.pop("events")
    for name in ("assignee", "acknowledged_by", "closed_by"):
        row[name] = _name(row[name])
    show(row, json)
    for note in notes:
        typer.echo(f"{note['created_at']} {note['by']['name']}: {note['text']}")
    for event in events:
        typer.echo(f"{event['created_at']} {event['event_label']} ({event['id']})")


@app.command("acknowledge")
def acknowledge(
    alarm: AlarmArgument,
    note: NoteOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Acknowledge an alarm: somebody sees to it."""
    with open_session(database, data_dir) as session:
        _act(session, account, alarm, given(note=note), service.acknowledge, json)


@app.command("close")
def close(
    alarm: AlarmArgument,
    note: NoteOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Close an alarm: it has been seen to."""
    with open_session(database, data_dir) as session:
        _act(session, account, alarm, given(note=note), service.close, json)


@app.command("note")
def write_note(
    alarm: AlarmArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Write something down about an alarm; it stays as it is written."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("alarm", alarm):
            made = session.write(
                lambda transaction: service.add_note(transaction, account_id, alarm, {"text": text}, now)
            )
    row = _row(note_body(made))
    show(row if json else {**row, "by": _name(row["by"])}, json)


@app.command("assign")
def assign(
    alarm: AlarmArgument,
    user: Annotated[
        str | None, typer.Argument(metavar="[USER]", help="The user's e-mail address; nobody without one.")
    ] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Say who is to see to an alarm."""
    with open_session(database, data_dir) as session:
        user_id = None if user is None else _user(session, session.account(account).id, user)
        _act(session, account, alarm, {"assignee_id": user_id}, service.assign, json)


def _act(
    session: Session,
    account: str | None,
    alarm_id: int,
    body: dict[str, Any],
    action: Callable[..., Alarm],
    json: bool,
) -> None:
    account_id, now = session.account(account).id, session.clock.now()

    def act(transaction: Transaction) -> dict[str, Any]:
        action(transaction, account_id, alarm_id, body, now)
        return _row(alarm_body(get_alarm(transaction, account_id, alarm_id)))

    with naming("alarm", alarm_id):
        row = session.write(act)
    show(row if json else {**row, "assignee": _name(row["assignee"])}, json, _COLUMNS)


def _show(rows: list[dict[str, Any]], json: bool) -> None:
    show(rows if json else [{**row, "assignee": _name(row["assignee"])} for row in rows], json, _COLUMNS)


def _row(body: msgspec.Struct) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(body)
    return row


def _name(operator: dict[str, Any] | None) -> str | None:
    return None if operator is None else str(operator["name"])


def _user(session: Session, account_id: int, email: str) -> int:
    """The user of the account with this address. Raises NotFound."""
    found = session.read(lambda transaction: find_user(transaction, email))
    if found is None or found.account_id != account_id:
        raise NotFound(f"there is no user {email}")
    return found.id


def _check(option: str, words: list[str] | None, known: tuple[str, ...]) -> None:
    wrong = [word for word in words or () if word not in known]
    if wrong:
        raise BadRequest(f"{option}: {wrong[0]} is none of {', '.join(known)}")
