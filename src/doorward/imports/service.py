"""Imports of people as rows: begun, under way, finished; what an operator sees of them.

States: checking, then writing, then done; or failed, and then nothing was written. There is one at a time for an
account.
"""

import json
from typing import Final, Literal, NamedTuple

from sqlalchemy import and_, bindparam, func, select, update

from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.imports.complaints import Complaint
from doorward.imports.tables import people_imports
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.pages import Page

State = Literal["checking", "writing", "done", "failed"]

CHECKING: Final = "checking"
WRITING: Final = "writing"
DONE: Final = "done"
FAILED: Final = "failed"

_STOPPED: Final = Complaint(None, None, "The server stopped before the import was done; nothing of it was written")


class PeopleImport(NamedTuple):
    """One import. `created` and `updated` are of a dry run what they would be; `errors` are the first errors."""

    id: int
    account_id: int
    user_id: int | None
    dry_run: bool
    state: State
    rows_total: int
    rows_done: int
    created: int
    updated: int
    errors_total: int
    errors: tuple[Complaint, ...]
    created_at: int
    updated_at: int
    finished_at: int | None = None


_IMPORTS: Final = Rows(people_imports, PeopleImport)
_OF_ACCOUNT: Final = people_imports.c.account_id == bindparam("account_id")
_UNDER_WAY: Final = and_(people_imports.c.id == bindparam("the_id"), people_imports.c.finished_at.is_(None))

_ONE: Final = Query(
    select(*_IMPORTS.columns).where(_OF_ACCOUNT, people_imports.c.id == bindparam("the_id")), _IMPORTS.of
)
_PAGE: Final = Query(
    select(*_IMPORTS.columns)
    .where(_OF_ACCOUNT)
    .order_by(people_imports.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    _IMPORTS.of,
)
_COUNT: Final = Query(select(func.count()).select_from(people_imports).where(_OF_ACCOUNT), number)
_PROGRESS: Final = Query[None](
    update(people_imports)
    .where(_UNDER_WAY)
    .values(
        state=bindparam("new_state"),
        rows_done=bindparam("new_rows_done"),
        errors_total=bindparam("new_errors_total"),
        updated_at=bindparam("now"),
    )
)
_FINISH: Final = Query[None](
    update(people_imports)
    .where(_UNDER_WAY)
    .values(
        state=bindparam("new_state"),
        rows_done=bindparam("new_rows_done"),
        created=bindparam("new_created"),
        updated=bindparam("new_updated"),
        errors_total=bindparam("new_errors_total"),
        errors=bindparam("new_errors"),
        updated_at=bindparam("now"),
        finished_at=bindparam("now"),
    )
)
SILENT_MS: Final = 120_000
"""An import that has not been carried on for so long has lost its server: progress is written every few seconds."""

_LEFT: Final = and_(people_imports.c.finished_at.is_(None), people_imports.c.updated_at <= bindparam("before"))
_ANY_LEFT: Final = Query(select(people_imports.c.id).where(_LEFT).limit(1), number)
_RECOVER: Final = Query[None](
    update(people_imports)
    .where(_LEFT)
    .values(
        state=FAILED,
        errors_total=1,
        errors=json.dumps([_STOPPED._asdict()]),
        updated_at=bindparam("now"),
        finished_at=bindparam("now"),
    )
)


def begin(
    transaction: Transaction, account_id: int, user_id: int | None, rows_total: int, now: int, *, dry_run: bool
) -> PeopleImport:
    """An import that is under way from now on. Raises Conflict while another one of the account is."""
    wanted = PeopleImport(0, account_id, user_id, dry_run, CHECKING, rows_total, 0, 0, 0, 0, (), now, now)
    try:
        return wanted._replace(id=require(transaction.one(_IMPORTS.add, **_IMPORTS.params(wanted))))
    except Rejected as error:
        raise Conflict("Another import of people is under way") from error


def progress(
    transaction: Transaction, import_id: int, state: State, rows_done: int, errors_total: int, now: int
) -> bool:
    """Show how far it is; False if it has been given up meanwhile."""
    return bool(
        transaction.run(
            _PROGRESS,
            the_id=import_id,
            new_state=state,
            new_rows_done=rows_done,
            new_errors_total=errors_total,
            now=now,
        )
    )


def finish(transaction: Transaction, ended: PeopleImport, now: int) -> bool:
    """Let it have ended as `ended` says; False if it has been given up meanwhile."""
    params = _IMPORTS.params(ended)
    return bool(
        transaction.run(
            _FINISH,
            the_id=ended.id,
            now=now,
            **{
                f"new_{name}": params[name]
                for name in ("state", "rows_done", "created", "updated", "errors_total", "errors")
            },
        )
    )


def recover(transaction: Transaction, now: int) -> int:
    """Give up the imports that a server left behind when it stopped; gives their number.

    On SQLite there is one server, so that at its start all are left behind; elsewhere those that nobody has carried on
    for two minutes: another server may be at work on the others.
    """
    before = now if transaction.backend == "sqlite" else now - SILENT_MS
    return transaction.run(_RECOVER, now=now, before=before)


def give_up_silent(transaction: Transaction, now: int) -> int:
    """Give up the imports that nobody has carried on for two minutes; gives their number."""
    if transaction.one(_ANY_LEFT, before=now - SILENT_MS) is None:
        return 0
    return transaction.run(_RECOVER, now=now, before=now - SILENT_MS)


def get_import(transaction: Transaction, account_id: int, import_id: int) -> PeopleImport:
    """One import. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=import_id)
    if found is None:
        raise NotFound
    return found


def list_imports(transaction: Transaction, account_id: int, page: Page) -> tuple[list[PeopleImport], int]:
    """A page of the account's imports, the latest first, and how many there are in all."""
    found = transaction.all(_PAGE, account_id=account_id, limit=page.limit, offset=page.offset)
    return found, transaction.one(_COUNT, account_id=account_id) or 0
