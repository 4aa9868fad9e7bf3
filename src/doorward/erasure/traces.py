"""Where a person is named beside their own row: found by reading, before anything is written."""

import json
from collections.abc import Iterable
from itertools import islice, product
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.audit.tables import audit_log
from doorward.credentials.choosing import shown_value
from doorward.credentials.pins import MEMORISED
from doorward.credentials.tables import credential_types, credentials
from doorward.credentials.values import normal_value
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.erasure.places import PLACES
from doorward.erasure.texts import ADDRESSES, Names, contains, speaks_of
from doorward.events.erasing import events_of_nobody, names_and_credentials
from doorward.idempotency.service import bodies_of_account
from doorward.kit.crypto import Vault
from doorward.kit.errors import NotFound
from doorward.kit.text import InvalidText
from doorward.people.tables import people


class Traces(NamedTuple):
    """Rows that name the person, by id: not those that hold the person's number, which are found by it."""

    names: Names
    event_ids: list[int]
    audit_ids: list[int]
    texts: list[list[int]]
    """For each of PLACES."""
    keys: list[tuple[int, int, str]]
    """Idempotency keys: application, user, key."""


class _Row(NamedTuple):
    id: int
    before: str | None
    after: str | None


class _Held(NamedTuple):
    kind: str
    value: str


_PERSON: Final = Query(
    select(people.c.first_name, people.c.last_name, *(people.c[name] for name in ADDRESSES)).where(
        people.c.account_id == bindparam("account_id"), people.c.id == bindparam("the_id")
    ),
    lambda *values: dict(zip(("first_name", "last_name", *ADDRESSES), values, strict=True)),
)
_HELD: Final = Query(
    select(credential_types.c.kind, credentials.c.value)
    .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
    .where(credentials.c.account_id == bindparam("account_id"), credentials.c.person_id == bindparam("the_id")),
    _Held,
)
_THEIR_LOG: Final = Query(
    select(audit_log.c.id, audit_log.c.before, audit_log.c.after)
    .where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == "person",
        audit_log.c.resource_id == bindparam("the_id"),
    )
    .order_by(audit_log.c.id),
    _Row,
)
_LOG: Final = Query(
    select(audit_log.c.id, audit_log.c.before, audit_log.c.after)
    .where(audit_log.c.account_id == bindparam("account_id"), audit_log.c.id > bindparam("cursor"))
    .order_by(audit_log.c.id)
    .limit(bindparam("most")),
    _Row,
)
_PAGE: Final = 2_000
_MOST_NAMES: Final = 1_000


def find_traces(transaction: Transaction, vault: Vault, account_id: int, person_id: int) -> Traces:
    """Look for them. Raises NotFound. Reads the account's whole log and record: not for a writer."""
    row = transaction.one(_PERSON, account_id=account_id, the_id=person_id)
    if row is None:
        raise NotFound
    full_names, cards = names_and_credentials(transaction, account_id, person_id)
    said = [row, *_said(transaction.all(_THEIR_LOG, account_id=account_id, the_id=person_id))]
    texts = {str(each[name]) for each in said for name in ADDRESSES if each.get(name)}
    # The log says which name was changed, not what the other was then.
    firsts, lasts = ({str(each[name]) for each in said if each.get(name)} for name in ("first_name", "last_name"))
    full_names |= {f"{first} {last}" for first, last in islice(product(firsts, lasts), _MOST_NAMES)}
    for held in transaction.all(_HELD, account_id=account_id, the_id=person_id):
        if held.kind not in MEMORISED:
            cards.update(_spellings(vault, account_id, held))
    names = Names(person_id, frozenset(full_names), frozenset(texts), frozenset(cards))
    log = _log(transaction, account_id)
    return Traces(
        names,
        events_of_nobody(transaction, account_id, names.full_names, names.credentials),
        [each.id for each in log if contains(names, each.before) or contains(names, each.after)],
        [place.find(transaction, account_id, lambda text: contains(names, text)) for place in PLACES],
        [key for key, body in bodies_of_account(transaction, vault, account_id) if speaks_of(names, body)],
    )


def _said(rows: Iterable[_Row]) -> Iterable[dict[str, object]]:
    """What the log says that the person was called before."""
    for row in rows:
        for text in (row.before, row.after):
            if text is not None:
                yield json.loads(text)


def _log(transaction: Transaction, account_id: int) -> Iterable[_Row]:
    cursor = 0
    while page := transaction.all(_LOG, account_id=account_id, cursor=cursor, most=_PAGE):
        yield from page
        cursor = page[-1].id


def _spellings(vault: Vault, account_id: int, held: _Held) -> set[str]:
    """A credential as it was given, and as doors tell of it."""
    value = shown_value(vault, account_id, held.kind, held.value)
    try:
        return {value, normal_value(held.kind, value)}
    except InvalidText:
        return {value}
