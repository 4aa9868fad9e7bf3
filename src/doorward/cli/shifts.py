"""`doorward shift list | create | update | delete`, `doorward shift holiday list | add | import | remove`."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from doorward.cli.output import show
from doorward.cli.rows import given, naming, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.kit.errors import Invalid
from doorward.shifts.holidays import add_holiday, import_holidays, list_holidays, remove_holiday
from doorward.shifts.rules import DAYS
from doorward.shifts.service import Shift, create_shift, delete_shift, list_shifts, update_shift

app = typer.Typer(help="Shifts: when roles grant and doors stand open.", no_args_is_help=True)
holidays = typer.Typer(help="Holidays, on which shifts may have other windows.", no_args_is_help=True)
app.add_typer(holidays, name="holiday")

ShiftArgument = Annotated[int, typer.Argument(metavar="SHIFT", help="The shift's id.")]
WindowsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--window",
        help='Days and local times: "mon-fri 07:00-22:00", "sat,holiday 10:00-16:00", "daily 22:00-06:00"; '
        "may be given several times.",
    ),
]
HolidaysOption = Annotated[
    str | None,
    typer.Option("--holidays", help="ignore: as other days; replace: only windows of the day holiday apply."),
]
FirstDayOption = Annotated[str | None, typer.Option("--first-day", help='2024-01-15; "" for none.')]
LastDayOption = Annotated[str | None, typer.Option("--last-day", help='2024-01-15; "" for none.')]
SiteOption = Annotated[int | None, typer.Option("--site", help="The id of a site; without it, at every site.")]

_COLUMNS = ("id", "name", "when", "holidays")
_WEEK: Final = DAYS[:7]
_WINDOW: Final = re.compile(r"\s*(\S+)\s+(\S+?)-(\S+)\s*")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the shifts, by name, those of reservations among them."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        found = session.read(lambda transaction: list_shifts(transaction, account_id, now))
    rows = [row_of(shift) if json else {**row_of(shift), "when": _when(shift)} for shift in found]
    show(rows, json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    window: WindowsOption = None,
    holidays: HolidaysOption = None,
    first_day: FirstDayOption = None,
    last_day: LastDayOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a shift."""
    windows = read_windows(window or ())
    body = given(name=name, windows=windows, holidays=holidays, first_day=first_day, last_day=last_day)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: create_shift(transaction, account_id, body, now))
    show(row_of(made), json)


@app.command()
def update(
    shift: ShiftArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    window: WindowsOption = None,
    holidays: HolidaysOption = None,
    first_day: FirstDayOption = None,
    last_day: LastDayOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a shift; windows replace those it has."""
    windows = read_windows(window or ())
    body = given(name=name, windows=windows, holidays=holidays, first_day=first_day, last_day=last_day)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("shift", shift):
            changed = session.write(lambda transaction: update_shift(transaction, account_id, shift, body, now))
    show(row_of(changed), json)


@app.command()
def delete(
    shift: ShiftArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a shift that nothing uses."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("shift", shift):
            session.write(lambda transaction: delete_shift(transaction, account_id, shift, now))
    show({"deleted": shift}, json)


@holidays.command("list")
def list_all_holidays(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the holidays, by day."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_holidays(transaction, account_id))
    show([row_of(holiday) for holiday in found], json, ("id", "day", "name", "site_id"))


@holidays.command("add")
def add(
    day: Annotated[str, typer.Argument(metavar="DAY", help="2024-12-25")],
    name: Annotated[str, typer.Argument(metavar="NAME")],
    site: SiteOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Add a holiday."""
    body = given(day=day, name=name, site_id=site)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: add_holiday(transaction, account_id, body, now))
    show(row_of(made), json)


@holidays.command("import")
def import_public(
    country: Annotated[str, typer.Argument(metavar="COUNTRY", help="ISO 3166 code, such as GB.")],
    year: Annotated[list[int], typer.Option("--year", help="May be given several times.")],
    region: Annotated[str | None, typer.Option("--region", help="The code of a part of it, such as ENG.")] = None,
    site: SiteOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Add the public holidays of a country or of a part of it."""
    body = given(country=country, subdivision=region, years=year, site_id=site)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        done = session.write(lambda transaction: import_holidays(transaction, account_id, body, now))
    show(done._asdict(), json)


@holidays.command("remove")
def remove(
    holiday: Annotated[int, typer.Argument(metavar="HOLIDAY", help="The holiday's id.")],
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Remove a holiday."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("holiday", holiday):
            session.write(lambda transaction: remove_holiday(transaction, account_id, holiday, now))
    show({"deleted": holiday}, json)


def read_windows(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Windows as people type them, as the service reads them. Raises Invalid; the times are the service's to judge."""
    found = []
    for number, text in enumerate(texts, start=1):
        match = _WINDOW.fullmatch(text.lower())
        days = None if match is None else _days(match[1])
        if match is None or days is None:
            raise Invalid({"windows": [f'window {number}: {text!r} is not such as "mon-fri 07:00-22:00"']})
        found.append({"days": days, "start": match[2], "end": match[3]})
    return found


def _days(text: str) -> list[str] | None:
    """Days of "mon-wed,holiday"; a range may go over the weekend. None for what are no days."""
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "daily":
            found += _WEEK
        elif part in DAYS:
            found.append(part)
        elif dash and first in _WEEK and last in _WEEK:
            start, length = _WEEK.index(first), (_WEEK.index(last) - _WEEK.index(first)) % 7 + 1
            found += [_WEEK[(start + step) % 7] for step in range(length)]
        else:
            return None
    return found


def _when(shift: Shift) -> str:
    """The shift for people to read."""
    row = row_of(shift)
    if shift.starts_at is not None:
        return f"{row['starts_at']} to {row['ends_at']}"
    windows = "; ".join(f"{','.join(each.days)} {each.start}-{each.end}" for each in shift.windows)
    between = [f"from {shift.first_day}"] if shift.first_day else []
    between += [f"to {shift.last_day}"] if shift.last_day else []
    return " ".join([windows, *between])
