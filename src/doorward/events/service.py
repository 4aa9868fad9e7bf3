"""Record what happened: the events, and what is still to be told about them, in one transaction.

The events of an account form a chain, in the order of commits. Whoever records holds the account's chain from then on
until the commit: so "everything after position N" misses nothing, and recording comes late in a transaction, before
only what doors have to learn of (doorward.changes).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from doorward.db.bulk import Bulk
from doorward.db.fresh_ids import fresh_ids
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.snapshot import Presence
from doorward.events import chain, following
from doorward.events.following import Recorded
from doorward.events.tables import event_chains, events
from doorward.webhooks.telling import tell_of_events

TOPIC: Final = "events"
"""What a transaction signals when it has recorded something."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event to record. Names are kept as they are now; `occurred_at` is by the door's clock, milliseconds UTC."""

    account_id: int
    event_code: int
    occurred_at: int
    channel_id: int | None = None
    channel_name: str | None = None
    person_id: int | None = None
    person_name: str | None = None
    credential: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    """Codes and sentences."""
    moved_to: Presence | None = None
    controller_id: int | None = None
    """Which controller told of it; None: the server itself saw it."""
    sequence: int | None = None
    """That controller's own count."""
    is_replayed: bool = False
    """It happened while the controller had no contact, and was told later."""


class _Head(NamedTuple):
    """Where an account's chain has come to: the last position of those that are taken now, the chain before them."""

    position: int
    digest: str
    ids: str
    """Of the events that are added now, a JSON list."""


_first = upsert(event_chains).values(
    account_id=bindparam("account_id"), position=bindparam("count"), digest=chain.START
)
# Adds or waits for the account's row, and holds it: nobody else gets positions or ids until the commit.
_TAKE: Final = Query(
    _first.on_conflict_do_update(
        index_elements=["account_id"], set_={"position": event_chains.c.position + _first.excluded.position}
    ).returning(event_chains.c.position, event_chains.c.digest, fresh_ids(events, "count")),
    _Head,
)
_COLUMNS: Final = tuple(column.name for column in events.c if column.name != "commitment")
_ADD: Final = Bulk(events, _COLUMNS)
_ADVANCE: Final = Query[None](
    update(event_chains)
    .where(event_chains.c.account_id == bindparam("the_account"))
    .values(digest=bindparam("the_digest"))
)
_MOVE: Final = Query[None](
    text(
        "INSERT INTO presences (person_id, account_id, area_id, since) "
        "VALUES (:person_id, :account_id, :area_id, :since) "
        "ON CONFLICT (person_id) DO UPDATE SET area_id = excluded.area_id, since = excluded.since "
        "WHERE presences.since <= excluded.since"
    )
)


def record(transaction: Transaction, event: Event, now: int) -> int:
    """Append an event, and let those act on it who follow; gives its id."""
    return record_all(transaction, (event,), now)[0]


def record_all(transaction: Transaction, happened: Sequence[Event], now: int) -> list[int]:
    """Append events in this order, and let those act on them who follow; gives their ids.

    A fixed number of statements for each account. Raises Rejected if one that a controller told is there already.
    """
    return [each.id for each in append(transaction, happened, now)]


def append(transaction: Transaction, happened: Sequence[Event], now: int) -> list[Recorded]:
    """record_all(), for whoever has to know the positions, too."""
    if not happened:
        return []
    _move(transaction, happened)
    found: dict[int, Recorded] = {}
    # Always in the same order, so that no two transactions wait for each other.
    for account_id in sorted({event.account_id for event in happened}):
        places = [place for place, event in enumerate(happened) if event.account_id == account_id]
        recorded = _append(transaction, account_id, [happened[place] for place in places], now)
        found.update(zip(places, recorded, strict=True))
        tell_of_events(transaction, account_id, [each.id for each in recorded], now)
        following.tell(transaction, recorded, now)
    transaction.signal(TOPIC)
    return [found[place] for place in range(len(happened))]


def _append(transaction: Transaction, account_id: int, added: Sequence[Event], now: int) -> list[Recorded]:
    """Add events of one account at the end of its chain."""
    head = require(transaction.one(_TAKE, account_id=account_id, count=len(added)))
    position, digest = head.position - len(added), head.digest
    recorded, rows = [], []
    for event, event_id, salt in zip(added, sorted(json.loads(head.ids)), chain.new_salts(len(added)), strict=True):
        position += 1
        content = chain.Content(
            account_id,
            position,
            event_id,
            int(event.event_code),
            event.occurred_at,
            now,
            event.channel_id,
            event.channel_name,
            event.person_id,
            event.controller_id,
            event.sequence,
            int(event.is_replayed),
        )
        committed = chain.commitment(salt, event.person_name, event.credential, event.reasons)
        digest = chain.link(digest, content, committed)
        rows.append(_row(content, event, digest, salt))
        recorded.append(Recorded(event_id, position, event))
    _ADD.add(transaction, rows)
    transaction.run(_ADVANCE, the_account=account_id, the_digest=digest)
    return recorded


def _row(content: chain.Content, event: Event, digest: str, salt: str) -> dict[str, Any]:
    return {
        "account_id": event.account_id,
        "position": content.position,
        "id": content.id,
        "event_code": content.event_code,
        "occurred_at": event.occurred_at,
        "received_at": content.received_at,
        "channel_id": event.channel_id,
        "channel_name": event.channel_name,
        "person_id": event.person_id,
        "controller_id": event.controller_id,
        "sequence": event.sequence,
        "is_replayed": content.is_replayed,
        "chain": digest,
        "salt": salt,
        "person_name": event.person_name,
        "credential": event.credential,
        "reasons": stored_reasons(event.reasons),
    }


def stored_reasons(reasons: Sequence[tuple[str, str]]) -> str:
    """Reasons as the column holds them."""
    if not reasons:
        return "[]"
    return msgspec.json.encode([{"code": code, "text": sentence} for code, sentence in reasons]).decode()


def _move(transaction: Transaction, happened: Iterable[Event]) -> None:
    """Note where people have gone by these events: a later one counts, whatever the order in which they are told."""
    moves = [
        {
            "person_id": event.person_id,
            "account_id": event.account_id,
            "area_id": event.moved_to.area,
            "since": event.moved_to.since,
        }
        for event in happened
        if event.moved_to is not None and event.person_id is not None
    ]
    if moves:
        transaction.run_many(_MOVE, sorted(moves, key=lambda move: move["person_id"] or 0))
