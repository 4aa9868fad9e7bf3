"""Erase a person: they are deleted, and nothing is left that says who it was.

It is done in steps, for somebody may have passed doors a hundred thousand times: the first leaves no name of them but
in events, and each takes it from some of these. Each step is on record. To erase somebody again takes away what has
been told of them since.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, null, select, update

from doorward.admissions.tables import admission_requests
from doorward.audit import service as audit
from doorward.audit.tables import audit_log
from doorward.channels.tables import presences
from doorward.credentials.tables import credentials
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.erasure.places import PLACES
from doorward.erasure.texts import only_what_is_kept, without
from doorward.erasure.traces import Traces
from doorward.events.erasing import erase_events
from doorward.idempotency.service import forget_answer
from doorward.images.service import remove_image
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.people.person import PEOPLE, Person
from doorward.people.search import address_changed, forget_addresses
from doorward.people.service import delete_person
from doorward.people.tables import people

ERASED: Final = "erase"
"""The action in the audit log."""

AT_ONCE: Final = 2_000
"""So many events a step erases."""


class Step(NamedTuple):
    """What a step has done."""

    events: int
    is_last: bool


class _Row(NamedTuple):
    id: int
    before: str | None
    after: str | None


_PERSON: Final = Query(
    select(*PEOPLE.columns)
    .where(people.c.account_id == bindparam("account_id"), people.c.id == bindparam("the_id"))
    .with_for_update(),
    PEOPLE.of,
)
_MARK: Final = Query[None](update(people).where(people.c.id == bindparam("the_id")).values(erased_at=bindparam("now")))
_CREDENTIALS: Final = Query[None](delete(credentials).where(credentials.c.person_id == bindparam("the_id")))
_PRESENCE: Final = Query[None](delete(presences).where(presences.c.person_id == bindparam("the_id")))
_ADMISSIONS: Final = Query[None](
    update(admission_requests)
    .where(
        admission_requests.c.account_id == bindparam("account_id"),
        admission_requests.c.person_id == bindparam("the_id"),
    )
    .values(person_name=null())
)
_LOGGED = select(audit_log.c.id, audit_log.c.before, audit_log.c.after)
_THEIR_LOG: Final = Query(
    _LOGGED.where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == "person",
        audit_log.c.resource_id == bindparam("the_id"),
    ),
    _Row,
)
_OTHER_LOG: Final = Query(
    _LOGGED.where(audit_log.c.account_id == bindparam("account_id"), one_of(audit_log.c.id, "ids")), _Row
)
_REWRITE: Final = Query[None](
    update(audit_log)
    .where(audit_log.c.id == bindparam("the_id"))
    .values(before=bindparam("was"), after=bindparam("is_now"))
)


def require_may_erase(by: Principal) -> None:
    """Raises Forbidden to a user who is limited to sites: events are everywhere."""
    if by.site_limited:
        raise Forbidden


def erase_person(
    transaction: Transaction, account_id: int, person_id: int, traces: Traces, now: int, *, most: int = AT_ONCE
) -> Step:
    """Erase a person, with the first of their events; `traces` have been looked for before. Raises NotFound.

    It is never the last step: who records at this moment may know the person as they were, and comes after it.
    """
    found = transaction.one(_PERSON, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    # The record first: whoever records holds its end, and notes what doors have to learn of after that.
    step = erase_more(transaction, account_id, person_id, traces, now, most=most)
    if found.deleted_at is None:
        delete_person(transaction, account_id, person_id, now)
        found = found._replace(deleted_at=now)
    _pseudonymise(transaction, found, now)
    which = {"account_id": account_id, "the_id": person_id}
    remove_image(transaction, account_id, person_id, now)
    transaction.run(_CREDENTIALS, the_id=person_id)
    transaction.run(_PRESENCE, the_id=person_id)
    transaction.run(_ADMISSIONS, **which)
    for key in traces.keys:
        forget_answer(transaction, key)
    for place, ids in zip(PLACES, traces.texts, strict=True):
        place.rewrite(transaction, account_id, ids, lambda text: without(traces.names, text))
    audit.record(transaction, account_id, ERASED, "person", person_id, now)
    _rewrite_log(transaction, account_id, person_id, traces)
    return step._replace(is_last=False)


def erase_more(
    transaction: Transaction, account_id: int, person_id: int, traces: Traces, now: int, *, most: int = AT_ONCE
) -> Step:
    """Erase more of the events of a person who has been erased."""
    by_whom = ("by", f"By {audit.actor_name(transaction)}.")
    count, is_more = erase_events(transaction, account_id, person_id, traces.event_ids, by_whom, now, most=most)
    return Step(count, not is_more)


def _pseudonymise(transaction: Transaction, found: Person, now: int) -> None:
    first_name, last_name = "Erased", f"person {found.id}"
    nobody = Person(
        found.id,
        found.account_id,
        first_name,
        last_name,
        sort_key(f"{first_name} {last_name}"),
        found.created_at,
        now,
        enabled=found.enabled,
        valid_from=found.valid_from,
        valid_to=found.valid_to,
        deleted_at=found.deleted_at,
    )
    transaction.run(PEOPLE.change, the_id=found.id, **PEOPLE.params(nobody))
    transaction.run(_MARK, the_id=found.id, now=now)
    address_changed(transaction, found.id, found.email_key, None)
    if found.email_key is not None:
        forget_addresses(transaction)


def _rewrite_log(transaction: Transaction, account_id: int, person_id: int, traces: Traces) -> None:
    own = transaction.all(_THEIR_LOG, account_id=account_id, the_id=person_id)
    rows = [_rewritten(each, only_what_is_kept) for each in own]
    others = set(traces.audit_ids) - {each.id for each in own}
    if others:
        found = transaction.all(_OTHER_LOG, account_id=account_id, ids=str(sorted(others)))
        rows += [_rewritten(each, lambda text: without(traces.names, text)) for each in found]
    if rows:
        transaction.run_many(_REWRITE, rows)


def _rewritten(row: _Row, mended: Callable[[str], str]) -> dict[str, object]:
    was, is_now = (None if text is None else mended(text) for text in (row.before, row.after))
    return {"the_id": row.id, "was": was, "is_now": is_now}
