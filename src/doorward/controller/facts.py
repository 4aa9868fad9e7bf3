"""What happens at a door, as values to be recorded."""

from collections.abc import Callable
from dataclasses import dataclass

from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence
from doorward.decision.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened at a door, to be recorded."""

    channel_id: int
    code: EventCode
    at: int
    verdict: Verdict | None = None
    """Who and why, also of what nobody has decided: its reasons are the event's."""
    credential: str | None = None
    """The number of the card that was presented; never a PIN."""
    moved_to: Presence | None = None
    """Where the person went by this admission, if the door leads from one area to another."""
    answers: int | None = None
    """The request for a remote admission that this is the answer to (50: admitted, 51: denied, 52: out of reach)."""


FactSink = Callable[[Fact], None]
