"""How a delivery leaves: senders, one for each channel of endpoints, and what they say of an attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Endpoint(NamedTuple):
    """Where deliveries go. Secrets are encrypted."""

    id: int
    account_id: int
    kind: str
    application_id: int | None
    rule_id: int | None
    channel: str
    target: str
    secret: str | None
    previous_secret: str | None
    previous_until: int | None
    failing_since: int | None
    paused_until: int | None
    rests_until: int | None
    disabled_at: int | None
    disabled_reason: str | None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"Endpoint(id={self.id}, kind={self.kind!r}, channel={self.channel!r})"


class Delivery(NamedTuple):
    """Something that is to be told to an endpoint."""

    id: int
    account_id: int
    endpoint_id: int
    resource_type: str
    action: str
    resource_id: int
    parent_id: int | None
    content: str | None
    attempts: int
    """Made so far, since it was told to be sent."""
    created_at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt."""

    error: str | None = None
    """Why it did not arrive, to be shown to whoever chose the endpoint; None: it has arrived."""
    status: int | None = None
    """With what it was answered, where that is a number."""
    answer: str | None = None
    """The first bytes of the answer."""
    retry_after_ms: int | None = None
    """For how long the endpoint wants to be left alone."""
    is_gone: bool = False
    """The endpoint wants nothing more, ever."""
    is_final: bool = False
    """Another attempt would fail as well."""


class Sender(Protocol):
    """Tells deliveries to endpoints of one channel."""

    most: int
    """How many deliveries it takes at once."""
    rests_ms: int
    """For how long an endpoint is left alone from when something was begun to be sent: what happens meanwhile goes
    together. 0: not at all."""
    awaits_acknowledgement: bool
    """Whether a delivery that has arrived is sent again until somebody has acknowledged it."""

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """Tell them, in this order, as one; done within half a minute. What it raises counts as a failure."""
        ...


Senders = Mapping[str, Sender]
"""By the channel of the endpoint."""
