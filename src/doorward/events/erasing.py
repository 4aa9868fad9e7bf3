"""Take name, credential and reasons from events of a person; the chain goes on to hold (docs/decisions/0026)."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, func, insert, literal, null, or_, select, update

from doorward.db.query import Query, number, one_of, one_of_words, word
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events import chain, statements
from doorward.events.service import Event, append
from doorward.events.spans import digest_of, spans_of, stored_spans
from doorward.events.tables import event_chains, event_erasures, events

Reason = tuple[str, str]


class _Personal(NamedTuple):
    id: int
    position: int
    salt: str | None
    person_name: str | None
    credential: str | None
    reasons: str


_HEAD: Final = Query(
    select(event_chains.c.position).where(event_chains.c.account_id == bindparam("account_id")).with_for_update(),
    number,
)
_IS_THEIRS: Final = and_(
    events.c.person_id == bindparam("person_id"),
    events.c.account_id == bindparam("account_id"),
    events.c.commitment.is_(None),
    events.c.event_code != int(EventCode.PERSON_ERASED),
)
_NAMES: Final = Query(
    select(events.c.person_name).where(_IS_THEIRS, events.c.person_name.is_not(None)).distinct(), word
)
_CREDENTIALS: Final = Query(
    select(events.c.credential).where(_IS_THEIRS, events.c.credential.is_not(None)).distinct(), word
)
# Adding nothing to a column keeps a planner from the index on it: of nobody there are more events than of anybody.
_OF_NOBODY: Final = Query(
    select(events.c.id).where(
        events.c.account_id == bindparam("account_id"),
        (events.c.person_id + 0).is_(None),
        events.c.commitment.is_(None),
        or_(one_of_words(events.c.person_name, "names"), one_of_words(events.c.credential, "credentials")),
    ),
    number,
)
_PERSONAL = select(*(events.c[name] for name in _Personal._fields))
_THEIRS: Final = Query(
    _PERSONAL.where(_IS_THEIRS).order_by(events.c.position).limit(bindparam("most")).with_for_update(), _Personal
)
_THESE: Final = Query(
    _PERSONAL.where(
        events.c.account_id == bindparam("account_id"), events.c.commitment.is_(None), one_of(events.c.id, "ids")
    )
    .order_by(events.c.position)
    .limit(bindparam("most"))
    .with_for_update(),
    _Personal,
)
_ERASE: Final = Query[None](
    update(events)
    .where(events.c.id == bindparam("the_id"))
    .values(
        person_name=null(),
        credential=null(),
        reasons=literal("[]"),
        salt=null(),
        commitment=bindparam("the_commitment"),
    )
)
_LIST: Final = Query[None](
    insert(event_erasures).values({name: bindparam(name) for name in ("account_id", "position", "positions")})
)
_ALREADY: Final = Query(
    select(func.count())
    .select_from(events)
    .where(
        events.c.person_id == bindparam("person_id"),
        events.c.account_id == bindparam("account_id"),
        events.c.event_code == int(EventCode.PERSON_ERASED),
    ),
    number,
)
_decode: Final = msgspec.json.Decoder(list[dict[str, str]]).decode


def names_and_credentials(transaction: Transaction, account_id: int, person_id: int) -> tuple[set[str], set[str]]:
    """By what a person is named in their events."""
    which = {"account_id": account_id, "person_id": person_id}
    return set(transaction.all(_NAMES, **which)), set(transaction.all(_CREDENTIALS, **which))


def events_of_nobody(
    transaction: Transaction, account_id: int, names: Collection[str], credentials: Collection[str]
) -> list[int]:
    """The events that name nobody by number, but have one of the names or credentials. Reads the whole record."""
    listed = {"names": sorted(names), "credentials": sorted(credentials)}
    params = {name: msgspec.json.encode(values).decode() for name, values in listed.items()}
    return transaction.all(_OF_NOBODY, account_id=account_id, **params)


def erase_events(
    transaction: Transaction,
    account_id: int,
    person_id: int,
    others: Collection[int],
    by_whom: Reason,
    now: int,
    *,
    most: int,
) -> tuple[int, bool]:
    """Erase some of the events of a person, and of `others`, by their ids, that have no person; puts it on record.

    Gives how many they were, and whether there may be more. The first time it is put on record also without any.
    """
    # Whoever records just now comes first: what they knew before the person was erased is seen, too.
    transaction.one(_HEAD, account_id=account_id)
    found = transaction.all(_THEIRS, account_id=account_id, person_id=person_id, most=most)
    if others and len(found) < most:
        left = most - len(found)
        found += transaction.all(_THESE, account_id=account_id, ids=str(sorted(others)), most=left)
    if found or not transaction.one(_ALREADY, account_id=account_id, person_id=person_id):
        _erase(transaction, account_id, person_id, found, by_whom, now)
    return len(found), len(found) == most


def _erase(
    transaction: Transaction, account_id: int, person_id: int, found: Sequence[_Personal], by_whom: Reason, now: int
) -> None:
    if found:
        transaction.run_many(_ERASE, [_without(each) for each in found])
    positions = stored_spans(spans_of(sorted(each.position for each in found)))
    said = statements.erased(len(found), digest_of(positions))
    event = Event(account_id, EventCode.PERSON_ERASED, now, person_id=person_id, reasons=(said, by_whom))
    [recorded] = append(transaction, (event,), now)
    transaction.run(_LIST, account_id=account_id, position=recorded.position, positions=positions)


def _without(row: _Personal) -> dict[str, Any]:
    try:
        reasons = [(each["code"], each["text"]) for each in _decode(row.reasons)]
    except (msgspec.DecodeError, KeyError):
        reasons = []  # somebody has changed it: the chain will say so
    committed = chain.commitment(row.salt or "", row.person_name, row.credential, reasons)
    return {"the_id": row.id, "the_commitment": committed}
