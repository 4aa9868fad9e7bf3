"""Cards that a door does not know may be somebody's all the same: the server knows whose they were.

A door is told only of people who have a role there (link.records), so that of anybody else it says 20. What is on
record is what the rules say of them: first whether the door accepts such credentials at all (26), then that they may
not pass (27). It is theirs only if they had it when it was presented: what a door tells days later must not name
whoever has been given the card since.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.credentials.choosing import lookup
from doorward.credentials.tables import credentials
from doorward.db.query import Query, one_of_words
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import PIN, READ_KINDS, EventCode
from doorward.decision.snapshot import Channel
from doorward.decision.values import normal_value
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.decision.wording import reasons_of
from doorward.events.service import Event
from doorward.kit.crypto import Vault
from doorward.people.tables import people

_CARRIED: Final = tuple(kind for kind in READ_KINDS if kind != PIN)
"""What a door's "unknown card" may have been: it does not say of which kind."""


class Holding(NamedTuple):
    """Somebody's credential, and since when it is as it is now."""

    kind: str
    person_id: int
    person_name: str
    is_deleted: bool
    unchanged_since: int


Holdings = Mapping[str, Sequence[Holding]]
"""Of values as doors tell them."""


class _Row(NamedTuple):
    lookup: str
    person_id: int
    first_name: str
    last_name: str
    deleted_at: int | None
    updated_at: int


_HELD: Final = Query(
    select(
        credentials.c.lookup,
        people.c.id,
        people.c.first_name,
        people.c.last_name,
        people.c.deleted_at,
        credentials.c.updated_at,
    )
    .join(people, people.c.id == credentials.c.person_id)
    .where(
        credentials.c.account_id == bindparam("account_id"),
        people.c.erased_at.is_(None),
        one_of_words(credentials.c.lookup, "lookups"),
    ),
    _Row,
)


def holdings(transaction: Transaction, vault: Vault, account_id: int, values: Iterable[str]) -> Holdings:
    """Who has these, in one statement; deleted people have what they had until somebody else is given it."""
    meant: dict[str, list[tuple[str, str]]] = {}  # "0099" and "99" are one card
    for value in values:
        for kind in _CARRIED:
            normal = normal_value(kind, value)
            if normal is not None:
                meant.setdefault(lookup(vault, account_id, kind, normal), []).append((value, kind))
    found: dict[str, list[Holding]] = {}
    if meant:
        for row in transaction.all(_HELD, account_id=account_id, lookups=json.dumps(list(meant))):
            name = f"{row.first_name} {row.last_name}".strip()
            for value, kind in meant[row.lookup]:
                holding = Holding(kind, row.person_id, name, row.deleted_at is not None, row.updated_at)
                found.setdefault(value, []).append(holding)
    return found


def attributed(event: Event, known: Holdings, accepts: frozenset[str]) -> Event:
    """An event of an unknown card (20) as somebody's, if it was somebody's at that moment.

    `accepts`: kinds that the door accepts. If it may have been of several kinds it is taken to be of one of these.
    """
    then = [each for each in known.get(event.credential or "", ()) if each.unchanged_since <= event.occurred_at]
    if not then:
        return event
    holding = max(then, key=lambda each: (each.kind in accepts, not each.is_deleted, each.person_id))
    code, why = EventCode.REJECT_UNAUTHORIZED, Reason(ReasonCode.NO_ROLE_HERE)
    if holding.kind not in accepts:
        code, why = EventCode.REJECT_INVALID_TYPE, Reason(ReasonCode.TYPE_NOT_ACCEPTED, None, holding.kind)
    elif holding.is_deleted:
        why = Reason(ReasonCode.PERSON_DELETED)
    door = Channel(0, event.channel_name or "", "UTC", accepts)
    others = tuple(each for each in event.reasons if each[0] != ReasonCode.UNKNOWN_CREDENTIAL)
    return replace(
        event,
        event_code=code,
        person_id=holding.person_id,
        person_name=holding.person_name,
        reasons=(*reasons_of(Verdict(code, False, door, event.occurred_at, None, (why,))), *others),
    )
