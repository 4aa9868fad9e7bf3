"""The last step: a card is held to the reader of a simulated door."""

from typing import Final

from doorward.audit import service as audit
from doorward.channels.tables import SIMULATED
from doorward.console.start.progress import FirstDoor, progress_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential, Presented
from doorward.kit.errors import Conflict
from doorward.oauth.principal import Principal

PRESENTED: Final = "present"
"""As what the audit log knows that somebody held a card to a simulated door."""


def to_present(transaction: Transaction, by: Principal, person_id: int, now: int) -> tuple[FirstDoor, Presented]:
    """The door and what is held to it: this person's card. Raises Conflict where there is no such door or card."""
    found = progress_of(transaction, by, person_id)
    if found.door is None or not found.door.is_local or found.person is None or found.person.card is None:
        raise Conflict("There is no simulated door, or nobody with a card, to try it with")
    after = {"driver": SIMULATED, "person_id": found.person.id}
    audit.record(transaction, by.account_id, PRESENTED, "channel", found.door.id, now, after=after)
    return found.door, Presented(Credential(CARD, found.person.card))
