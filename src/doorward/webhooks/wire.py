"""Deliveries and their attempts on the wire."""

from typing import Any, Final

from msgspec import Struct

from doorward.kit import public_ids
from doorward.kit.timestamps import format_instant, format_optional
from doorward.webhooks.log import Logged, LoggedAttempt
from doorward.webhooks.telling import CREDENTIAL


class DeliveryBody(Struct, frozen=True, gc=False):
    """A delivery. `status` and `error` are of the last attempt; no `next_attempt_at`: it has come to an end."""

    id: int
    application_id: int | None
    rule_id: int | None
    channel: str
    resource_type: str
    action: str
    resource_id: str
    person_id: int | None
    state: str
    attempts: int
    status: int | None
    error: str | None
    created_at: str
    sent_at: str | None
    delivered_at: str | None
    acknowledged_at: str | None
    next_attempt_at: str | None


class AttemptBody(Struct, frozen=True, gc=False):
    """One attempt: what the endpoint answered, or why it did not. `answer` are the first bytes."""

    at: str
    took_ms: int
    status: int | None
    error: str | None
    answer: str | None


class DeliveryWithAttempts(DeliveryBody, frozen=True, gc=False):
    """A delivery with its attempts, oldest first."""

    made: list[AttemptBody]


def delivery_body(found: Logged) -> DeliveryBody:
    """A delivery as the API shows it."""
    return DeliveryBody(**_fields(found))


def with_attempts(found: Logged, made: list[LoggedAttempt]) -> DeliveryWithAttempts:
    """The same with its attempts."""
    shown = [AttemptBody(format_instant(each.at), each.took_ms, each.status, each.error, each.answer) for each in made]
    return DeliveryWithAttempts(**_fields(found), made=shown)


def shown_id(resource_type: str, resource_id: int) -> str:
    """The id of what is told of, as the API has it."""
    return public_ids.encode("credential", resource_id) if resource_type == CREDENTIAL else str(resource_id)


def _fields(found: Logged) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _AS_THEY_ARE},
        "resource_id": shown_id(found.resource_type, found.resource_id),
        "person_id": found.parent_id,
        "created_at": format_instant(found.created_at),
        "sent_at": format_optional(found.sent_at),
        "delivered_at": format_optional(found.received_at),
        "acknowledged_at": format_optional(found.acknowledged_at),
        "next_attempt_at": format_optional(found.due_at),
    }


_AS_THEY_ARE: Final = (
    *("id", "application_id", "rule_id", "channel", "resource_type", "action", "state", "attempts", "status", "error"),
)
