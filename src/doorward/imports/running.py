"""Carry out an import: check all rows, showing how far it is, then write all of them or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.imports import service
from doorward.imports.checking import Checker, Options, check_roles
from doorward.imports.complaints import MOST_KEPT, Complaint, Complaints, ImportRefused
from doorward.imports.csv_file import CsvFile
from doorward.imports.lines import Line
from doorward.imports.reach import beyond_people, require_reach_of_lines
from doorward.imports.service import PeopleImport, State
from doorward.imports.writing import Prepared, prepare, write
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.kit.errors import DoorwardError
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again

_log = structlog.get_logger("doorward.imports")

SCOPE: Final = "account.person"
"""What an import takes, when it begins and when it is written."""

KIND: Final = "people_import"
"""As what the audit log knows an import."""


class _GivenUp(Exception):
    """Somebody else has declared the import failed; it must not be written."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import that has begun, and all it takes to carry it out. `by` None is the installation's operator."""

    database: Database
    vault: Vault
    clock: Clock
    begun: PeopleImport
    file: CsvFile
    options: Options
    by: Principal | None
    actor: audit.Actor


def carry_out(job: Job) -> PeopleImport:
    """Carry it out, on a thread of its own; gives how it ended. Raises nothing that a file or a database can cause."""
    try:
        return _carry_out(job)
    except ImportRefused as refused:
        return _fail(job, refused.complaints, len(refused.complaints), job.begun.rows_total)
    except _GivenUp:
        return job.database.read_now(lambda tx: service.get_import(tx, job.begun.account_id, job.begun.id))
    except DatabaseUnavailable as error:
        _log.warning("an import could not be done", import_id=job.begun.id, reason=str(error))
        return _fail(job, (Complaint(None, None, "The database was unavailable"),), 1)
    except Exception:  # noqa: BLE001 - whatever it is, the import must not stay under way
        _log.exception("an import failed", import_id=job.begun.id)
        return _fail(job, (Complaint(None, None, "An unexpected error occurred"),), 1)


def _carry_out(job: Job) -> PeopleImport:
    begun, clock = job.begun, job.clock
    checker = Checker(job.database, job.vault, begun.account_id, job.file, job.options, job.by, clock.now())
    for _ in checker.slices():
        _show(job, service.CHECKING, checker.rows_done, checker.complaints)
    checker.settle()
    complaints = checker.complaints
    if complaints.total:
        return _fail(job, complaints.kept, complaints.total, checker.rows_done)
    prepared = prepare(begun.account_id, checker.lines, checker.keys)
    done = begun._replace(
        state=service.DONE, rows_done=checker.rows_done, created=prepared.created, updated=prepared.updated
    )
    if job.options.dry_run:
        return _finish(job, done)
    _show(job, service.WRITING, checker.rows_done, complaints)

    def write_all(transaction: Transaction) -> PeopleImport:
        # Only here, where nobody else is writing: whoever follows `since` must not have looked past it already.
        now = clock.now()
        _stamp(prepared, now)
        _ask_again(job, transaction, checker.lines, now)
        with audit.acting(job.actor):
            write(transaction, prepared, now)
            if not service.finish(transaction, done, now):
                raise _GivenUp
            counts = {"rows": done.rows_total, "created": done.created, "updated": done.updated}
            audit.record(transaction, done.account_id, audit.CREATED, KIND, done.id, now, after=counts)
        changes.note(transaction, done.account_id, now)
        return done._replace(updated_at=now, finished_at=now)

    return job.database.write_now(write_all)


def _ask_again(job: Job, transaction: Transaction, lines: Sequence[Line], now: int) -> None:
    """Whether who began the import may still do all of it: checking takes a while. Raises ImportRefused."""
    if job.by is None:
        return
    try:
        by = authenticate_again(transaction, job.by, now)
        by.require(SCOPE)
        check_roles(job.file.columns, by)
        require_reach_of_lines(transaction, by, lines)
    except DoorwardError as error:
        raise ImportRefused([Complaint(None, None, f"Not permitted any more: {error.text}")]) from error
    beyond = beyond_people(transaction, by, lines, now)
    if beyond:
        complaints = Complaints()
        for row, errors in beyond:
            complaints.add(row, errors)
        raise ImportRefused(complaints.kept)


def _stamp(prepared: Prepared, now: int) -> None:
    """Whoever follows `since` asks for what was written after they looked, not for what was checked before."""
    for row in prepared.new:
        row["created_at"] = row["updated_at"] = now
    for row in prepared.changed:
        row["updated_at"] = now


def _show(job: Job, state: State, rows_done: int, complaints: Complaints) -> None:
    now, import_id, errors_total = job.clock.now(), job.begun.id, complaints.total
    if not job.database.write_now(
        lambda transaction: service.progress(transaction, import_id, state, rows_done, errors_total, now)
    ):
        raise _GivenUp


def _fail(job: Job, complaints: Sequence[Complaint], total: int, rows_done: int = 0) -> PeopleImport:
    kept = tuple(complaints[:MOST_KEPT])
    failed = job.begun._replace(state=service.FAILED, rows_done=rows_done, errors_total=total, errors=kept)
    try:
        return _finish(job, failed)
    except (_GivenUp, DatabaseUnavailable) as error:
        _log.warning("an import is left to be given up", import_id=job.begun.id, reason=str(error))
        return failed


def _finish(job: Job, ended: PeopleImport) -> PeopleImport:
    now = job.clock.now()
    if not job.database.write_now(lambda transaction: service.finish(transaction, ended, now)):
        raise _GivenUp
    return ended._replace(updated_at=now, finished_at=now)
