"""Somebody's attempt to pass that is not decided yet: a second factor is awaited, or a second person."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from doorward.decision.snapshot import Presence, Presented
from doorward.decision.verdict import Verdict

Presences = Mapping[int, Presence]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What has been presented, and the refusal that comes of it if nothing follows."""

    presented: Presented = field(repr=False)
    since: int
    verdict: Verdict

    def is_over(self, at: int, milliseconds: int) -> bool:
        """Whether nothing has followed in time, also by a clock that has been put back."""
        return not 0 <= at - self.since <= milliseconds

    def given_up(self, at: int) -> Verdict:
        """The refusal, at the instant at which it is one."""
        return msgspec.structs.replace(self.verdict, at=at)
