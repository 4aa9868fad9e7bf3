"""The last step: a card is held to the door's reader, in this process or in the hand, and what happens is shown."""

from typing import Final, NamedTuple

from doorward.audit import service as audit
from doorward.channels.tables import SIMULATED
from doorward.console.start.progress import LET_IN, FirstDoor, progress_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD, EventCode
from doorward.decision.snapshot import Credential, Presented
from doorward.decision.wording import event_label
from doorward.events.codes import ACCESS
from doorward.events.listing import StoredEvent, Wanted, list_events
from doorward.kit.errors import Conflict
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal

PRESENTED: Final = "present"
"""As what the audit log knows that somebody held a card to a simulated door."""

_SHOWN: Final = 4
_READ_WITHIN_MS: Final = 15 * 60_000
_UNKNOWN: Final = frozenset({int(EventCode.REJECT_CARD)})


class Happened(NamedTuple):
    """An event in words."""

    event: StoredEvent
    label: str
    admitted: bool


def to_present(transaction: Transaction, by: Principal, person_id: int, now: int) -> tuple[FirstDoor, Presented]:
    """The door and what is held to it: this person's card. Raises Conflict where there is no such door or card."""
    found = progress_of(transaction, by, person_id)
    if found.door is None or not found.door.is_local or found.person is None or found.person.card is None:
        raise Conflict("There is no simulated door, or nobody with a card, to try it with")
    after = {"driver": SIMULATED, "person_id": found.person.id}
    audit.record(transaction, by.account_id, PRESENTED, "channel", found.door.id, now, after=after)
    return found.door, Presented(Credential(CARD, found.person.card))


def lately(transaction: Transaction, by: Principal, door_id: int, since: int) -> list[Happened]:
    """The latest events at a door."""
    wanted = Wanted(ACCESS, since=since, channel_ids=[door_id])
    found, _ = list_events(transaction, by.account_id, wanted, Page(1, _SHOWN), by=by)
    return [_in_words(each) for each in found]


def cards_read(transaction: Transaction, by: Principal, now: int) -> list[Happened]:
    """The cards that nobody has and that were read in the last minutes, each once, the latest first."""
    wanted = Wanted(_UNKNOWN, since=now - _READ_WITHIN_MS)
    found, _ = list_events(transaction, by.account_id, wanted, Page(1, 20), by=by)
    known: dict[str, StoredEvent] = {}
    for each in found:
        if each.credential and each.person_id is None:
            known.setdefault(each.credential, each)
    return [_in_words(each) for each in list(known.values())[:_SHOWN]]


def _in_words(event: StoredEvent) -> Happened:
    label = event_label(event.event_code, event.channel_name or "a door", event.person_name)
    return Happened(event, label, event.event_code in LET_IN)
