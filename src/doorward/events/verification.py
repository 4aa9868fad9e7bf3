"""Find in an account's record what somebody has changed, removed or reordered (docs/decisions/0026).

The whole record is read once, in pages, and nothing is kept of it but where the chain has come to. What is wrong is
said of the row where it is, not of all that come after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, or_, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events import statements
from doorward.events.chain import START, Content, commitment, link
from doorward.events.spans import Spans, digest_of
from doorward.events.tables import event_chains, event_erasures, events

MOST_FINDINGS: Final = 100
"""So many are told of; of more, only how many there are."""

_PAGE: Final = 1_000
_MOST_BAD: Final = 50
"""Of so many rows that fit nowhere it is tried whether they have been swapped."""


class Finding(NamedTuple):
    """Something that is wrong with the record."""

    position: int
    event_id: int | None
    """None: there is no such row."""
    kind: str
    """altered, missing, moved, repeated, erasure, removal, head or expected."""
    text: str


class Verdict(NamedTuple):
    """What has become of a record."""

    first: int
    """The first position that is there: those before it were removed because they were too old."""
    last: int
    digest: str
    """The chain up to the last position. Kept elsewhere, it proves later that nothing up to here was rewritten."""
    events: int
    erased: int
    findings: list[Finding]
    found: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0


class _Head(NamedTuple):
    position: int
    digest: str
    removed_to: int
    removed_digest: str


class _Row(NamedTuple):
    """The content, as chain.Content has it; then what is personal, and what holds it together."""

    account_id: int
    position: int
    id: int
    event_code: int
    occurred_at: int
    received_at: int
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    controller_id: int | None
    sequence: int | None
    is_replayed: int
    person_name: str | None
    credential: str | None
    reasons: str
    salt: str | None
    commitment: str | None
    chain: str

    @property
    def content(self) -> Content:
        return Content(*self[:12])


class _Erasure(NamedTuple):
    position: int
    positions: str


class _Reason(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    text: str


_HEAD: Final = Query(
    select(*(event_chains.c[name] for name in _Head._fields)).where(
        event_chains.c.account_id == bindparam("account_id")
    ),
    _Head,
)
_AFTER: Final = Query(
    select(*(events.c[name] for name in _Row._fields))
    .where(
        events.c.account_id == bindparam("account_id"),
        events.c.position >= bindparam("position"),
        # Should a position be there twice, no row of it is passed over.
        or_(events.c.position > bindparam("position"), events.c.id > bindparam("the_id")),
    )
    .order_by(events.c.position, events.c.id)
    .limit(_PAGE),
    _Row,
)
_WITH_THE_ONE_BEFORE: Final = Query(
    select(*(events.c[name] for name in _Row._fields))
    .where(
        events.c.account_id == bindparam("account_id"),
        events.c.position >= bindparam("position") - 1,
        events.c.position <= bindparam("position"),
    )
    .order_by(events.c.position),
    _Row,
)
_ERASURES: Final = Query(
    select(event_erasures.c.position, event_erasures.c.positions)
    .where(event_erasures.c.account_id == bindparam("account_id"))
    .order_by(event_erasures.c.position),
    _Erasure,
)
_decode_reasons: Final = msgspec.json.Decoder(list[_Reason]).decode
_decode_spans: Final = msgspec.json.Decoder(list[tuple[int, int]]).decode


def verify(transaction: Transaction, account_id: int, expected: Mapping[int, str] | None = None) -> Verdict:
    """Read the whole record. `expected`: the chain up to some positions, as it was kept elsewhere."""
    head = transaction.one(_HEAD, account_id=account_id) or _Head(0, START, 0, START)
    erasures = transaction.all(_ERASURES, account_id=account_id)
    reading = _Reading(head, erasures, dict(expected or {}))
    for row in _rows(transaction, account_id):
        reading.take(row)
    return reading.end()


def is_as_recorded(transaction: Transaction, account_id: int, position: int) -> bool:
    """Whether what an event says is what its own chain says, and that of the one before it.

    Whoever writes these anew as well breaks the chain behind it, which verify() finds.
    """
    head = transaction.one(_HEAD, account_id=account_id)
    found = transaction.all(_WITH_THE_ONE_BEFORE, account_id=account_id, position=position)
    if head is None or not found or found[-1].position != position:
        return False
    row = found[-1]
    if position == head.removed_to + 1:
        before = head.removed_digest
    elif len(found) == 2:
        before = found[0].chain
    else:
        return False
    return link(before, row.content, _commitment(row)) == row.chain


def _rows(transaction: Transaction, account_id: int) -> Iterator[_Row]:
    """All that there are, also at positions that no event can have: lists show them all the same."""
    position, the_id = -(2**63), 0
    while page := transaction.all(_AFTER, account_id=account_id, position=position, the_id=the_id):
        yield from page
        position, the_id = page[-1].position, page[-1].id


@dataclass
class _Reading:
    """How far the record has been read, and what was wrong."""

    head: _Head
    erasures: Sequence[_Erasure]
    expected: dict[int, str]
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    events: int = 0
    erased: int = 0
    bad: list[_Row] = field(default_factory=list)
    """Rows that the chain does not lead to."""
    before_bad: dict[int, str] = field(default_factory=dict)
    """The chain before the position of each, as it is stored."""
    left: _Row | None = None
    """The last row of those that are still to be removed."""

    def __post_init__(self) -> None:
        self.position, self.digest = self.head.removed_to, self.head.removed_digest
        self.computed = self.digest
        self.is_known = True
        self.last_id = 0
        self.removal_said = self.head.removed_to == 0
        self.statements = {each.position: each for each in self.erasures if each.position > self.position}
        # Only by lists for which an event of the record can vouch: before its beginning there is none.
        stated = self.statements.values()
        self.to_be_erased = Spans(span for each in stated for span in _spans(each.positions))
        self._expect(self.position, None, self.digest)

    def take(self, row: _Row) -> None:
        """The next row."""
        if row.position <= self.head.removed_to:
            self._take_left(row)
            return
        self.events += 1
        if row.position == self.position:
            self._find(row.position, row.id, "repeated", f"event {row.id} has the position of event {self.last_id}")
            return
        if row.position > self.position + 1:
            self._miss(self.position + 1, row.position - 1)
        committed = self._committed(row)
        computed = link(self.digest, row.content, committed)
        if self.is_known and computed != row.chain and not self._follows(row, committed):
            self._keep_bad(row)
        self._statement(row)
        self._expect(row.position, row.id, row.chain)
        self.position, self.digest, self.computed, self.last_id = row.position, row.chain, computed, row.id
        self.is_known = True

    def end(self) -> Verdict:
        """There are no more."""
        self._name_bad()
        head, left = self.head, self.left
        if left is not None and (left.position, left.chain) != (head.removed_to, head.removed_digest):
            text = f"event {left.id} is none of those that were removed because they were too old"
            self._find(left.position, left.id, "removal", text)
        if head.position > self.position:
            self._miss(self.position + 1, head.position)
        elif (head.position, head.digest) != (self.position, self.digest) and self.is_known:
            text = f"the chain ends at position {self.position}, but is said to end at {head.position} otherwise"
            self._find(head.position, None, "head", text)
        if not self.removal_said:
            text = f"the events up to position {head.removed_to} are missing, and no event says that they were removed"
            self._find(head.removed_to, None, "removal", text)
        for position in self.statements:
            self._find(position, None, "erasure", "there is a list of erased events, but no event that says so")
        for position in sorted(self.expected):
            short = position > self.position
            why = "the record is shorter than it was" if short else "it was removed since: nothing can be said of it"
            self._find(position, None, "expected", f"there is no position {position}: {why}")
        last = max(self.position, head.removed_to)
        first = head.removed_to + 1
        return Verdict(
            first, last, self.digest, self.events, self.erased, sorted(self.findings, key=_by_position), self.found
        )

    def _take_left(self, row: _Row) -> None:
        """A row that is said to be removed: their rows go after that, the oldest first, so that those left follow."""
        before, self.left = self.left, row
        if row.position < 1:
            self._find(row.position, row.id, "removal", f"event {row.id} lies before the first position there is")
            self.left = None
        elif before is not None and (
            row.position != before.position + 1 or link(before.chain, row.content, _commitment(row)) != row.chain
        ):
            text = f"event {row.id} is not what was recorded at this position, from which events are being removed"
            self._find(row.position, row.id, "removal", text)

    def _follows(self, row: _Row, committed: str) -> bool:
        """Whether the row is sound, and only what the row before it says of the chain was changed or swapped."""
        candidates = [self.computed, *(each.chain for each in self.bad)]
        return any(link(before, row.content, committed) == row.chain for before in candidates)

    def _committed(self, row: _Row) -> str:
        """What the chain holds of the personal part, as it is now."""
        if row.commitment is None:
            if row.position in self.to_be_erased:
                self._find(row.position, row.id, "erasure", f"event {row.id} was erased, but names somebody again")
            return _commitment(row)
        self.erased += 1
        if row.position not in self.to_be_erased:
            text = f"event {row.id} is without name and credential, but no erasure is on record that says so"
            self._find(row.position, row.id, "erasure", text)
        if (row.person_name, row.credential, row.reasons, row.salt) != (None, None, "[]", None):
            self._find(row.position, row.id, "altered", f"event {row.id} was erased, but says something again")
        return row.commitment

    def _statement(self, row: _Row) -> None:
        """What an event says of the record itself."""
        if row.event_code == EventCode.PERSON_ERASED:
            stated = self.statements.pop(row.position, None)
            if stated is None or digest_of(stated.positions) not in row.reasons:
                text = f"event {row.id} speaks of an erasure, but the list of what was erased is another one"
                self._find(row.position, row.id, "erasure", text)
        elif row.event_code == EventCode.EVENTS_REMOVED and not self.removal_said:
            wanted = statements.removed(self.head.removed_to, self.head.removed_digest)[1]
            self.removal_said = wanted in row.reasons

    def _keep_bad(self, row: _Row) -> None:
        if len(self.bad) < _MOST_BAD:
            self.bad.append(row)
            self.before_bad[row.position] = self.digest
        else:
            self._find(row.position, row.id, "altered", f"event {row.id} is not what was recorded at this position")

    def _name_bad(self) -> None:
        """Say of each row that the chain does not lead to whether it belongs elsewhere or was changed."""
        for row in self.bad:
            there = self._belongs_to(row)
            if there is None:
                text = f"event {row.id} is not what was recorded at this position"
                self._find(row.position, row.id, "altered", text)
            elif there != row.position:  # else it is sound: only the row before it is in another place
                text = f"event {row.id} was recorded at position {there}"
                self._find(row.position, row.id, "moved", text)

    def _belongs_to(self, row: _Row) -> int | None:
        """At which of the positions where something is wrong the row was recorded, if it was at one of these."""
        committed = _commitment(row)
        chains = [each.chain for each in self.bad]
        for there, before in self.before_bad.items():
            content = row.content._replace(position=there)
            if any(link(each, content, committed) == row.chain for each in (before, *chains)):
                return there
        return None

    def _miss(self, first: int, last: int) -> None:
        which = f"position {first} is" if first == last else f"positions {first} to {last} are"
        self._find(first, None, "missing", f"{which} missing: nothing proves what position {last + 1} says")
        # What was the chain before the next row nobody can say.
        self.is_known = False

    def _expect(self, position: int, event_id: int | None, digest: str) -> None:
        kept = self.expected.pop(position, None)
        if kept is not None and kept != digest:
            text = f"the chain up to position {position} is not the one that was kept elsewhere"
            self._find(position, event_id, "expected", text)

    def _find(self, position: int, event_id: int | None, kind: str, text: str) -> None:
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(position, event_id, kind, text))


def _commitment(row: _Row) -> str:
    if row.commitment is not None:
        return row.commitment
    try:
        reasons = [(each.code, each.text) for each in _decode_reasons(row.reasons)]
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""  # nothing that was recorded is like that
    return commitment(row.salt or "", row.person_name, row.credential, reasons)


def _by_position(finding: Finding) -> int:
    return finding.position


def _spans(stored: str) -> list[tuple[int, int]]:
    try:
        return _decode_spans(stored)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return []  # then no event states this list
