"""What proves that an event is as it was recorded: its place in the chain, reckoned anew (docs/decisions/0026).

It proves that the event follows from what is on record before it; that the whole record does, `doorward events verify`
proves.
"""

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, func, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.events.chain import Content, commitment, link
from doorward.events.tables import event_chains, events
from doorward.events.wire import EventReason


class Proof(NamedTuple):
    """Where in the record an event stands, with the chain up to it."""

    position: int
    chain: str
    holds: bool
    """Whether the chain before it leads to it."""
    is_erased: bool
    """Whether the name and the credential have been taken out of it, as somebody was erased."""


class _Row(NamedTuple):
    content: Content
    person_name: str | None
    credential: str | None
    reasons: str
    salt: str | None
    commitment: str | None
    chain: str
    before: str | None


def _row(*columns: Any) -> _Row:
    content = Content(*columns[: len(Content._fields)])
    return _Row(content, *columns[len(Content._fields) :])


_previous = events.alias("previous")
# The event before it; the first one that is left follows what was removed.
_BEFORE: Final = func.coalesce(
    select(_previous.c.chain)
    .where(_previous.c.account_id == events.c.account_id, _previous.c.position == events.c.position - 1)
    .scalar_subquery(),
    select(event_chains.c.removed_digest)
    .where(event_chains.c.account_id == events.c.account_id, event_chains.c.removed_to == events.c.position - 1)
    .scalar_subquery(),
)
_ONE: Final = Query(
    select(
        *(events.c[name] for name in Content._fields),
        *(events.c[name] for name in ("person_name", "credential", "reasons", "salt", "commitment", "chain")),
        _BEFORE,
    ).where(events.c.account_id == bindparam("account_id"), events.c.id == bindparam("the_id")),
    _row,
)
_REASONS: Final = msgspec.json.Decoder(list[EventReason])


def proof_of(transaction: Transaction, account_id: int, event_id: int) -> Proof:
    """The proof of an event that there is."""
    row = require(transaction.one(_ONE, account_id=account_id, the_id=event_id))
    reasons = [(reason.code, reason.text) for reason in _REASONS.decode(row.reasons)]
    is_erased = row.commitment is not None
    committed = row.commitment or commitment(row.salt or "", row.person_name, row.credential, reasons)
    holds = row.before is not None and link(row.before, row.content, committed) == row.chain
    return Proof(row.content.position, row.chain, holds, is_erased)
