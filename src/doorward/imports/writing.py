"""Write the lines of a file that has been found right: in one transaction, a statement for each kind of row.

What was right when it was checked may not be so any more. Of those who are known `updated_at` tells; whatever else came
in between is refused by the database's own constraints, and with it the whole file.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from doorward.audit import service as audit
from doorward.credentials.choosing import lock
from doorward.credentials.pins import shortest_length
from doorward.credentials.tables import credentials
from doorward.db.query import Backend, Query, number, one_of, one_of_words
from doorward.db.unit_of_work import Rejected, Transaction
from doorward.groups.tables import person_groups
from doorward.imports.audited import KIND, entries
from doorward.imports.complaints import Complaint, ImportRefused
from doorward.imports.keys import Keys
from doorward.imports.known import pin_holders
from doorward.imports.lines import Line
from doorward.people.person import PEOPLE, Person
from doorward.people.search import addresses_changed
from doorward.people.service import IN_USE
from doorward.people.tables import people
from doorward.people.tally import tally
from doorward.roles.tables import person_roles
from doorward.webhooks.telling import CREATE, UPDATE, tell_of_credentials

_MEANWHILE: Final = "was changed by somebody else meanwhile"

# The writer is alone on SQLite, and who gives out ids there is the table's own sequence.
_NEXT_IDS: Final[Mapping[Backend, Query[int]]] = {
    "sqlite": Query(
        text(
            "SELECT 1 + value + max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'people'), 0), "
            "coalesce((SELECT max(id) FROM people), 0)) FROM json_each(:places)"
        ),
        number,
    ),
    "postgresql": Query(
        text("SELECT nextval(pg_get_serial_sequence('people', 'id')) FROM json_array_elements(CAST(:places AS json))"),
        number,
    ),
}
_LOCK: Final = Query(
    select(people.c.id, people.c.updated_at)
    .where(people.c.account_id == bindparam("account_id"), one_of(people.c.id, "ids"), people.c.deleted_at.is_(None))
    .order_by(people.c.id)
    .with_for_update(key_share=True),
    lambda person_id, updated_at: (person_id, updated_at),
)
_COLUMNS: Final = tuple(name for name in Person._fields if name in people.c)
_ADD: Final = Query[None](insert(people).values({name: bindparam(name) for name in _COLUMNS}))


class _Pairs(NamedTuple):
    """A table of pairs of a person and something."""

    add: Query[None]
    remove: Query[None]


def _pairs(table: Any, other: str) -> _Pairs:
    values: dict[str, Any] = {"person_id": bindparam("the_person"), other: bindparam("the_other")}
    return _Pairs(
        Query(insert_or(table).values(values).on_conflict_do_nothing()),
        Query(
            delete(table).where(table.c.person_id == bindparam("the_person"), table.c[other] == bindparam("the_other"))
        ),
    )


_GROUPS: Final = _pairs(person_groups, "group_id")
_ROLES: Final = _pairs(person_roles, "role_id")
_GIVEN: Final = ("account_id", "person_id", "credential_type_id", "value", "lookup", "created_at", "updated_at")
_GIVE: Final = Query[None](insert(credentials).values({**{name: bindparam(name) for name in _GIVEN}, "is_live": 1}))
_CHANGE: Final = Query[None](
    update(credentials)
    .where(credentials.c.id == bindparam("the_id"))
    .values(value=bindparam("new_value"), lookup=bindparam("new_lookup"), updated_at=bindparam("now"))
)
_GIVEN_NOW: Final = Query(
    select(credentials.c.id, credentials.c.person_id)
    .where(
        credentials.c.account_id == bindparam("account_id"),
        one_of_words(credentials.c.lookup, "lookups"),
        credentials.c.is_live == 1,
    )
    .order_by(credentials.c.id),
    lambda credential_id, person_id: (int(credential_id), int(person_id)),
)
_FORGET_DEAD: Final = Query[None](
    delete(credentials).where(
        credentials.c.account_id == bindparam("account_id"),
        one_of_words(credentials.c.lookup, "lookups"),
        credentials.c.is_live == 0,
    )
)


class Prepared(NamedTuple):
    """The lines as parameters, so that the transaction is as short as can be."""

    account_id: int
    lines: Sequence[Line]
    new: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    lookups: str
    keys: Keys

    @property
    def created(self) -> int:
        """How many people are new."""
        return len(self.new)

    @property
    def updated(self) -> int:
        """How many are known."""
        return len(self.changed)


def prepare(account_id: int, lines: Sequence[Line], keys: Keys) -> Prepared:
    """Make ready what is to be written."""
    new = [{**PEOPLE.params(line.person)} for line in lines if line.before is None]
    changed = [{**PEOPLE.params(line.person), "the_id": line.person.id} for line in lines if line.before is not None]
    return Prepared(
        account_id, lines, new, changed, json.dumps([each.lookup for line in lines for each in line.given]), keys
    )


def write(transaction: Transaction, prepared: Prepared, now: int) -> None:
    """Write and log it, but for the note to the doors. Raises ImportRefused."""
    try:
        _write(transaction, prepared, now)
    except Rejected as error:
        raise ImportRefused([_explained(error)]) from error


def _write(transaction: Transaction, prepared: Prepared, now: int) -> None:
    account_id, lines = prepared.account_id, prepared.lines
    if any(line.given for line in lines):
        lock(transaction, account_id)
        _check_pins(transaction, prepared)
    _check_unchanged(transaction, account_id, [line for line in lines if line.before is not None])
    places = str(list(range(len(prepared.new))))
    new_ids = iter(transaction.all(_NEXT_IDS[transaction.backend], places=places))
    ids = [line.person.id or next(new_ids) for line in lines]
    new = (person_id for person_id, line in zip(ids, lines, strict=True) if line.before is None)
    _many(transaction, _ADD, [{**row, "id": person_id} for row, person_id in zip(prepared.new, new, strict=True)])
    _many(transaction, PEOPLE.change, prepared.changed)
    addresses_changed(
        transaction,
        {line.before.id: line.before.email_key for line in lines if line.before and _has_another_address(line)},
        {
            person_id: line.person.email_key
            for person_id, line in zip(ids, lines, strict=True)
            if line.before is None or _has_another_address(line)
        },
    )
    for pairs, name in ((_GROUPS, "group_ids"), (_ROLES, "role_ids")):
        _write_pairs(transaction, pairs, name, ids, lines)
    _write_credentials(transaction, prepared, ids, now)
    audit.record_many(transaction, account_id, KIND, entries(lines, ids, now), now)
    tally(transaction, account_id, prepared.created)


def _has_another_address(line: Line) -> bool:
    return line.before is not None and line.before.email_key != line.person.email_key


def _check_unchanged(transaction: Transaction, account_id: int, lines: Sequence[Line]) -> None:
    """Hold on to those who are known. Raises ImportRefused for whom somebody has changed since they were read."""
    if not lines:
        return
    ids = str([line.person.id for line in lines])
    found = dict(transaction.all(_LOCK, account_id=account_id, ids=ids))
    changed = [line.row for line in lines if line.before and found.get(line.before.id) != line.before.updated_at]
    if changed:
        raise ImportRefused([Complaint(row, None, _MEANWHILE) for row in changed])


def _check_pins(transaction: Transaction, prepared: Prepared) -> None:
    keys = prepared.keys
    if keys.digits:
        needed = shortest_length(keys.new_holders + pin_holders(transaction, prepared.account_id))
        if needed is None or needed > keys.digits:
            message = "Others have given out so many PINs meanwhile that these are too short"
            raise ImportRefused([Complaint(None, None, message)])


def _write_pairs(transaction: Transaction, pairs: _Pairs, name: str, ids: Sequence[int], lines: Sequence[Line]) -> None:
    added, removed = [], []
    for person_id, line in zip(ids, lines, strict=True):
        wanted = getattr(line, name)
        if wanted is not None:
            before = {*getattr(line.before, name)} if line.before else set()
            added += [{"the_person": person_id, "the_other": other} for other in wanted if other not in before]
            removed += [{"the_person": person_id, "the_other": other} for other in before.difference(wanted)]
    _many(transaction, pairs.remove, removed)
    _many(transaction, pairs.add, added)


def _write_credentials(transaction: Transaction, prepared: Prepared, ids: Sequence[int], now: int) -> None:
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for person_id, line in zip(ids, prepared.lines, strict=True):
        for each in line.given:
            if each.held_id is not None:
                row = {"the_id": each.held_id, "new_value": each.stored, "new_lookup": each.lookup, "now": now}
                changed.append(row)
            else:
                values = (prepared.account_id, person_id, each.type.id, each.stored, each.lookup, now, now)
                new.append(dict(zip(_GIVEN, values, strict=True)))
    if new or changed:
        transaction.run(_FORGET_DEAD, account_id=prepared.account_id, lookups=prepared.lookups)
    _many(transaction, _CHANGE, changed)
    _many(transaction, _GIVE, new)
    if new or changed:
        held = {row["the_id"] for row in changed}
        given = transaction.all(_GIVEN_NOW, account_id=prepared.account_id, lookups=prepared.lookups)
        for action, is_held in ((UPDATE, True), (CREATE, False)):
            told = [each for each in given if (each[0] in held) == is_held]
            tell_of_credentials(transaction, prepared.account_id, action, told, now)


def _many(transaction: Transaction, query: Query[None], rows: Iterable[Mapping[str, Any]]) -> None:
    if rows := list(rows):
        transaction.run_many(query, rows)


def _explained(error: Rejected) -> Complaint:
    """What a constraint held against the file: somebody was quicker."""
    if error.names("email"):
        return Complaint(None, "email", f"An address {IN_USE}: somebody else has got it meanwhile")
    if error.names("lookup") or error.names("credential"):
        return Complaint(None, None, "A credential of the file is in use: somebody else has got it meanwhile")
    if error.names("group"):
        return Complaint(None, "groups", "A group of the file has been deleted meanwhile")
    if error.names("role"):
        return Complaint(None, "roles", "A role of the file has been deleted meanwhile")
    return Complaint(None, None, "Something that the file refers to was changed meanwhile")
