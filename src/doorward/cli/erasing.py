"""`doorward person erase`."""

from typing import Annotated

import typer

from doorward.cli.output import show
from doorward.cli.rows import naming
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.erasure.service import erase_more, erase_person
from doorward.erasure.traces import find_traces
from doorward.kit.errors import BadRequest


def erase(
    person: Annotated[int, typer.Argument(metavar="PERSON", help="The person's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="It cannot be undone: say that it is meant.")] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Erase a person for ever: nothing is left that says who it was, also in events and the audit log.

    What happened stays on record, under a number. `doorward db compact` then leaves nothing in the file either.
    """
    if not yes:
        raise BadRequest("erasing a person cannot be undone: say --yes if it is meant")
    with open_session(database, data_dir) as session:
        account_id, vault, now = session.account(account).id, session.vault, session.clock.now()
        with naming("person", person):
            traces = session.read(lambda transaction: find_traces(transaction, vault, account_id, person))
            step = session.write(lambda transaction: erase_person(transaction, account_id, person, traces, now))
        events = step.events
        while not step.is_last:
            step = session.write(lambda transaction: erase_more(transaction, account_id, person, traces, now))
            events += step.events
    show({"person_id": person, "events": events}, json)
