"""The record as a file: CSV or JSON Lines, a part at a time, in the order of the record.

However long the record is, a part is read of some hundred positions, so that nothing waits for it and little is held.
"""

from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

import msgspec
from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.wording import event_label
from doorward.events.tables import event_chains, events
from doorward.kit.csv_lines import csv_lines
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to

Format = Literal["csv", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl")
MEDIA_TYPES: Final[dict[Format, str]] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}

STEP: Final = 500
"""So many positions are looked at for a part."""


class Wanted(NamedTuple):
    """Which events are exported; None: of any. Instants are when it happened, milliseconds UTC, half-open."""

    codes: frozenset[int] | None = None
    channel_ids: frozenset[int] | None = None
    since: int | None = None
    until: int | None = None
    person_ids: frozenset[int] | None = None


class Stretch(NamedTuple):
    """From which position on, not including it, up to which a record reaches at this moment."""

    after: int
    to: int


class _Row(NamedTuple):
    """An event as it is on record."""

    position: int
    id: int
    event_code: int
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    credential: str | None
    reasons: str
    occurred_at: int
    received_at: int
    controller_id: int | None
    sequence: int | None
    is_replayed: int
    chain: str


class ExportedEvent(msgspec.Struct, frozen=True, gc=False):
    """A line of the file; `chain` is the record's chain up to this event."""

    position: int
    id: int
    occurred_at: str
    received_at: str
    event_code: int
    event_label: str
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    credential: str | None
    reasons: msgspec.Raw | str
    controller_id: int | None
    sequence: int | None
    replayed: bool
    chain: str


_STRETCH: Final = Query(
    select(event_chains.c.removed_to, event_chains.c.position).where(
        event_chains.c.account_id == bindparam("account_id")
    ),
    Stretch,
)
_PART: Final = Query(
    select(*(events.c[name] for name in _Row._fields))
    .where(
        events.c.account_id == bindparam("account_id"),
        events.c.position > bindparam("after"),
        events.c.position <= bindparam("to"),
    )
    .order_by(events.c.position),
    _Row,
)
_VISIBLE: Final = Query(select(channels.c.id).where(VISIBLE), number)
_encode: Final = msgspec.json.Encoder().encode
_decode_reasons: Final = msgspec.json.Decoder(list[dict[str, str]]).decode


def stretch(transaction: Transaction, account_id: int) -> Stretch:
    """What there is to export."""
    return transaction.one(_STRETCH, account_id=account_id) or Stretch(0, 0)


def seen_by(transaction: Transaction, wanted: Wanted, principal: Principal) -> Wanted:
    """What of it a user sees: who is limited to sites, the events at doors there."""
    if not principal.site_limited:
        return wanted
    visible = frozenset(transaction.all(_VISIBLE, **visible_to(principal)))
    asked = wanted.channel_ids
    return wanted._replace(channel_ids=visible if asked is None else visible & asked)


def head(kind: Format) -> bytes:
    """What the file begins with."""
    return csv_lines([ExportedEvent.__struct_fields__]) if kind == "csv" else b""


def part(transaction: Transaction, account_id: int, wanted: Wanted, kind: Format, after: int, to: int) -> bytes:
    """The events of a STEP after a position, none of them after `to`, as lines of the file."""
    found = transaction.all(_PART, account_id=account_id, after=after, to=min(after + STEP, to))
    lines = _LINES[kind]
    return lines([row for row in found if _is_wanted(row, wanted)])


def _is_wanted(row: _Row, wanted: Wanted) -> bool:
    return (
        (wanted.codes is None or row.event_code in wanted.codes)
        and (wanted.channel_ids is None or row.channel_id in wanted.channel_ids)
        and (wanted.person_ids is None or row.person_id in wanted.person_ids)
        and (wanted.since is None or row.occurred_at >= wanted.since)
        and (wanted.until is None or row.occurred_at < wanted.until)
    )


def _exported(row: _Row, reasons: msgspec.Raw | str) -> ExportedEvent:
    return ExportedEvent(
        row.position,
        row.id,
        format_instant(row.occurred_at),
        format_instant(row.received_at),
        row.event_code,
        event_label(row.event_code, row.channel_name or "A door", row.person_name),
        row.channel_id,
        row.channel_name,
        row.person_id,
        row.person_name,
        row.credential,
        reasons,
        row.controller_id,
        row.sequence,
        bool(row.is_replayed),
        row.chain,
    )


def _json_lines(rows: Iterable[_Row]) -> bytes:
    return b"".join(_encode(_exported(row, msgspec.Raw(row.reasons.encode()))) + b"\n" for row in rows)


def _csv_lines(rows: Iterable[_Row]) -> bytes:
    return csv_lines(msgspec.structs.astuple(_exported(row, _sentences(row.reasons))) for row in rows)


_LINES: Final[dict[Format, Callable[[Iterable[_Row]], bytes]]] = {"csv": _csv_lines, "jsonl": _json_lines}


def _sentences(reasons: str) -> str:
    return " ".join(reason["text"] for reason in _decode_reasons(reasons))
