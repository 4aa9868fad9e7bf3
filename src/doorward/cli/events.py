"""`doorward events list | show | tail | verify | export | retention`."""

import re
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.event_log import list_all, show_one
from doorward.cli.event_tail import tail
from doorward.cli.output import print_json, show
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.db.unit_of_work import Transaction
from doorward.events.exporting import FORMATS, STEP, Format, Wanted, head, part, stretch
from doorward.events.retention import get_retention, set_retention
from doorward.events.verification import Verdict
from doorward.events.verification import verify as verify_record
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import InvalidTimestamp, find_zone, parse_instant

app = typer.Typer(help="Events: list and follow them; see whether their record is whole.", no_args_is_help=True)
app.command("list")(list_all)
app.command("show")(show_one)
app.command()(tail)

_EXPECTED: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})", re.ASCII)


@app.command()
def verify(
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="POSITION:DIGEST",
            help="The chain as it was kept elsewhere: what an earlier run printed. May be given several times.",
        ),
    ] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """See whether an event was changed, removed or reordered since it was recorded, and which.

    Exit code 1 if so. The last line is the chain as it is now: keep it elsewhere, and give it to a later run with
    --expect, which then also finds a record that was rewritten from there on, or cut off.
    """
    expected = _expected(expect or [])
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: verify_record(transaction, account_id, expected))
    if json:
        print_json(_body(found))
    else:
        _print(found)
    if not found.is_sound:
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write; without it, standard output.")
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="csv, or jsonl (JSON Lines).")] = "csv",
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only what happened from then on; ISO 8601, local time of the account."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only what happened before then.")] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the record of events to a file, in its order."""
    chosen = next((each for each in FORMATS if each == kind), None)
    if chosen is None:
        raise BadRequest(f"--format: must be one of {', '.join(FORMATS)}")
    if file is not None and file.exists():
        raise BadRequest(f"{file} is there already")
    with open_session(database, data_dir) as session:
        found = session.account(account)
        wanted = Wanted(
            since=_instant("--since", since, found.time_zone), until=_instant("--until", until, found.time_zone)
        )
        there = session.read(lambda transaction: stretch(transaction, found.id))
        with nullcontext(sys.stdout.buffer) if file is None else file.open("xb") as out:
            out.write(head(chosen))
            for after in range(there.after, there.to, STEP):
                out.write(session.read(partial(_part, found.id, wanted, chosen, after, there.to)))


def _part(account_id: int, wanted: Wanted, kind: Format, after: int, to: int, transaction: Transaction) -> bytes:
    return part(transaction, account_id, wanted, kind, after, to)


def _instant(option: str, given: str | None, zone: str) -> int | None:
    if given is None:
        return None
    try:
        return parse_instant(given, find_zone(zone))
    except InvalidTimestamp as error:
        raise BadRequest(f"{option} {error}") from None


@app.command()
def retention(
    days: Annotated[int | None, typer.Option("--days", help="Keep events for so many days from now on.")] = None,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="Keep them for ever from now on.")] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """See, or set, for how many days events are kept.

    Older ones are removed within an hour by the running server. That they go is an event itself.
    """
    if days is not None and for_ever:
        raise BadRequest("--days and --for-ever exclude each other")
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        if days is not None or for_ever:
            body = {"days": days}
            found = session.write(lambda transaction: set_retention(transaction, account_id, body, now))
        else:
            found = session.read(lambda transaction: get_retention(transaction, account_id))
    show({"days": found.event_retention_days}, json)


def _expected(texts: list[str]) -> dict[int, str]:
    expected: dict[int, str] = {}
    for text in texts:
        given = _EXPECTED.fullmatch(text)
        if given is None:
            raise BadRequest("--expect: must be POSITION:DIGEST, the digest 64 digits of hex")
        expected[int(given[1])] = given[2]
    return expected


def _body(found: Verdict) -> dict[str, Any]:
    return {
        "sound": found.is_sound,
        "first": found.first,
        "last": found.last,
        "digest": found.digest,
        "events": found.events,
        "erased": found.erased,
        "found": found.found,
        "findings": [each._asdict() for each in found.findings],
    }


def _print(found: Verdict) -> None:
    for each in found.findings:
        typer.echo(f"position {each.position}: {each.kind}: {each.text}")
    if found.found > len(found.findings):
        typer.echo(f"and {found.found - len(found.findings)} more")
    since = "" if found.first == 1 else f" (those before position {found.first} were removed because they were too old)"
    typer.echo(f"{'sound' if found.is_sound else 'NOT sound'}: {found.events} events, {found.erased} erased{since}")
    typer.echo(f"{found.last}:{found.digest}")
