"""`doorward person import`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.output import show
from doorward.cli.rows import row_of
from doorward.cli.session import COMMAND_LINE, AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.credentials.types import list_types
from doorward.imports import service as imports
from doorward.imports.checking import MATCHES, Options, check_columns, usual_match
from doorward.imports.csv_file import DELIMITERS, read_csv
from doorward.imports.running import Job, carry_out
from doorward.imports.service import PeopleImport
from doorward.kit.errors import BadRequest, Invalid

_ERRORS_SHOWN: Final = 10


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8 with a header.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; write nothing.")] = False,
    match: Annotated[
        str | None,
        typer.Option(
            "--match",
            help="By what somebody is known again, to be changed: email (if it is there), system_id or none.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="What is between cells: , ; | or tab; without it, what is found.")
    ] = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Import people from a CSV file: all of its rows, or none.

    Columns are named as in the API: first_name, last_name, email, groups, card_number and so on.
    """
    if match is not None and match not in MATCHES:
        raise BadRequest(f"--match: must be one of {', '.join(MATCHES)}")
    if delimiter is not None and delimiter not in DELIMITERS:
        raise BadRequest(f"--delimiter: must be one of {' '.join(DELIMITERS)}")
    read = read_csv(file.read_bytes(), DELIMITERS[delimiter] if delimiter else None)
    match = match or usual_match(read.columns)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        types = session.read(lambda transaction: {each.slug: each for each in list_types(transaction, account_id)})
        check_columns(read.columns, types, match, None)
        begun = session.write(
            lambda transaction: imports.begin(transaction, account_id, None, read.rows_total, now, dry_run=dry_run)
        )
        options = Options(match, dry_run)
        ended = carry_out(Job(session.database, session.vault, session.clock, begun, read, options, None, COMMAND_LINE))
    if ended.state != imports.DONE and not json:
        raise Invalid(_complaints(ended), _refusal(ended))
    show(row_of(ended), json, ("id", "state", "dry_run", "rows_total", "created", "updated"))
    if ended.state != imports.DONE:
        raise typer.Exit(2)


def _refusal(ended: PeopleImport) -> str:
    """One line with the first of what is wrong."""
    said = "; ".join(
        f"{'' if each.row is None else f'row {each.row}: '}{each.field or ''} {each.message}".replace("  ", " ")
        for each in ended.errors[:_ERRORS_SHOWN]
    )
    more = ended.errors_total - _ERRORS_SHOWN
    return f"nothing was imported: {said}" + (f"; and {more} more (--json has them)" if more > 0 else "")


def _complaints(ended: PeopleImport) -> dict[str, list[str]]:
    return {"file": [each.message for each in ended.errors[:_ERRORS_SHOWN]]}
