"""`doorward report attendance | muster | door-activity | denied | unused-credentials`: what the record says in sum."""

import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from doorward.cli.lockdowns import find_site
from doorward.cli.output import print_json, show
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.db.unit_of_work import Transaction
from doorward.decision.zones import DAY_MS
from doorward.kit.csv_lines import csv_lines
from doorward.kit.errors import BadRequest
from doorward.kit.pages import Page
from doorward.reports import sheets, wire
from doorward.reports.attendance import attendance, attendance_of
from doorward.reports.denied import denied_at_doors, denied_people
from doorward.reports.door_activity import door_activity
from doorward.reports.muster import muster
from doorward.reports.scope import Scope, scope_of
from doorward.reports.unused_credentials import unused_credentials

app = typer.Typer(help="Reports: what the record says in sum.", no_args_is_help=True)

FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first local day: 2026-03-01.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last local day, which is in it.")]
SiteOption = Annotated[str | None, typer.Option("--site", help="Only of this site, by id or name.")]
ChannelOption = Annotated[
    list[int] | None, typer.Option("--channel", help="Only of this channel; may be given several times.")
]
MostOption = Annotated[int, typer.Option("--most", min=1, max=100_000, help="How many rows.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, with local times.")]

_ROWS: Final = 1000
_T = TypeVar("_T")
_Sheet = Callable[[], list[Any]]


@app.command("attendance")
def report_attendance(
    first: FromOption = None,
    last: ToOption = None,
    site: SiteOption = None,
    person: Annotated[int | None, typer.Option("--person", help="Only of this person, by id.")] = None,
    most: Annotated[
        int, typer.Option("--most", min=1, max=100_000, help="After how many rows to end with a day.")
    ] = _ROWS,
    csv: CsvOption = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """When people came and went: first in and last out of each local day of a site."""
    with open_session(database, data_dir) as session:
        account_id, wanted = _wanted(session, account, site, first, last)

        def read(tx: Transaction) -> tuple[Scope, Any, date | None]:
            scope = wanted(tx)
            if person is not None:
                return scope, attendance_of(tx, account_id, scope, person), None
            return scope, *attendance(tx, account_id, scope, most)

        scope, found, after = session.read(read)
    told = wire.attendance_report(scope, found, None if after is None else after.isoformat())
    _print(told, [sheets.ATTENDANCE, *sheets.attendance_rows(scope, found)], json=json, csv=csv)
    if after is not None and not json:
        typer.echo(f"there is more: --from {after}", err=True)


@app.command("muster")
def report_muster(
    site: SiteOption = None,
    most: Annotated[int, typer.Option("--most", min=1, max=100_000, help="How many people of each area.")] = _ROWS,
    csv: CsvOption = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Who is in, by site and area, at this moment."""
    with open_session(database, data_dir) as session:
        account_id, wanted = _wanted(session, account, site)
        now = session.clock.now()
        found = session.read(lambda tx: muster(tx, account_id, wanted(tx), Page(1, most)))
    _print(wire.muster_report(now, found), [sheets.MUSTER, *sheets.muster_rows(found)], json=json, csv=csv)


@app.command("door-activity")
def report_door_activity(
    first: FromOption = None,
    last: ToOption = None,
    site: SiteOption = None,
    channel: ChannelOption = None,
    most: Annotated[int, typer.Option("--most", min=1, max=100_000, help="How many doors.")] = _ROWS,
    csv: CsvOption = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """How many were admitted and denied at each door, by hour and weekday of local time."""
    with open_session(database, data_dir) as session:
        account_id, wanted = _wanted(session, account, site, first, last)

        def read(tx: Transaction) -> tuple[Scope, Any]:
            scope = wanted(tx)
            return scope, door_activity(tx, account_id, scope, Page(1, most), channel_ids=channel or None)[0]

        scope, found = session.read(read)
    sheet = [sheets.DOOR_ACTIVITY, *sheets.door_activity_rows(scope, found)]
    _print(wire.door_activity_report(scope, found), sheet, json=json, csv=csv)


@app.command("denied")
def report_denied(
    first: FromOption = None,
    last: ToOption = None,
    site: SiteOption = None,
    channel: ChannelOption = None,
    by_person: Annotated[bool, typer.Option("--by-person", help="By person instead of by door.")] = False,
    most: MostOption = _ROWS,
    csv: CsvOption = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Who was denied, by reason and door or person, most often first."""
    with open_session(database, data_dir) as session:
        account_id, wanted = _wanted(session, account, site, first, last)

        def read(tx: Transaction) -> tuple[wire.DeniedReport, list[Any]]:
            scope = wanted(tx)
            if by_person:
                people, _ = denied_people(tx, account_id, scope, Page(1, most), channel_ids=channel or None)
                sheet = [sheets.DENIED_PEOPLE, *sheets.denied_people_rows(scope, people)]
                return wire.denied_report(scope, people), sheet
            doors, _ = denied_at_doors(tx, account_id, scope, Page(1, most), channel_ids=channel or None)
            return wire.denied_report(scope, doors), [sheets.DENIED_AT_DOORS, *sheets.denied_door_rows(scope, doors)]

        told, sheet = session.read(read)
    _print(told, sheet, json=json, csv=csv)


@app.command("unused-credentials")
def report_unused_credentials(
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="Not used for so many days.")] = 90,
    never: Annotated[bool, typer.Option("--never", help="Only those that never were.")] = False,
    most: MostOption = _ROWS,
    csv: CsvOption = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Credentials with which nobody has been admitted for some time, or ever, as far as the record goes back."""
    with open_session(database, data_dir) as session:
        of = session.account(account)
        before = session.clock.now() - days * DAY_MS
        found, _ = session.read(lambda tx: unused_credentials(tx, of.id, Page(1, most), before=before, never=never))
    sheet = [sheets.UNUSED, *sheets.unused_rows(of.time_zone, found)]
    _print(wire.unused_report(before, of.time_zone, found), sheet, json=json, csv=csv)


def _wanted(
    session: Session, account: str | None, site: str | None, first: str | None = None, last: str | None = None
) -> tuple[int, Callable[[Transaction], Scope]]:
    """The account, and what to read for the report's scope. Raises BadRequest or NotFound."""
    account_id, now = session.account(account).id, session.clock.now()
    days = _day("--from", first), _day("--to", last)
    site_ids = None if site is None else [find_site(session, account_id, site)]
    return account_id, lambda tx: scope_of(tx, account_id, now, first=days[0], last=days[1], site_ids=site_ids)


def _day(option: str, given: str | None) -> date | None:
    try:
        day = None if given is None else date.fromisoformat(given)
    except ValueError:
        day = None
    if given is not None and (day is None or day.isoformat() != given):
        raise BadRequest(f"{option} must be a date such as 2026-03-01")
    return day


def _print(told: msgspec.Struct, sheet: list[Any], *, json: bool, csv: bool) -> None:
    """The report: JSON as the API has it, or the rows of its CSV as such or as a table."""
    if json and csv:
        raise BadRequest("--json and --csv exclude each other")
    if json:
        print_json(msgspec.to_builtins(told))
    elif csv:
        sys.stdout.write(csv_lines(sheet).decode())
    else:
        names, *rows = sheet
        show([dict(zip(names, row, strict=True)) for row in rows], json)
