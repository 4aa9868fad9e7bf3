"""Who else acts on what is recorded, in the transaction that records it: webhooks, rules, alarms.

Events are below all of these and know none of them: the installation says who follows (doorward.followers).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from doorward.db.unit_of_work import Transaction

if TYPE_CHECKING:
    from doorward.events.service import Event


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is on record once the transaction commits."""

    id: int
    position: int
    """In the record of its account: 1, 2, 3 … in the order of commits."""
    event: "Event"


Follow = Callable[[Transaction, Sequence[Recorded], int], None]
"""Called with the events of one account, at least one, by position, and with the instant at which they are recorded.

It costs a fixed number of statements, whatever the number of events, and raises only for what must undo the recording.
"""

_followers: tuple[Follow, ...] = ()


def follow(*followers: Follow) -> None:
    """From now on these follow, in this order, and nobody else. Called once, before anything is recorded."""
    global _followers  # noqa: PLW0603 - who follows is the same for all of a process
    _followers = followers


def tell(transaction: Transaction, recorded: Sequence[Recorded], now: int) -> None:
    """Let those who follow act on events of one account."""
    for each in _followers:
        each(transaction, recorded, now)
