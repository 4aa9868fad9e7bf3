"""How an endpoint does, and how a delivery stands: by a word, a colour and an icon. No I/O."""

from typing import Final, NamedTuple

from doorward.console.webhooks.reading import EndpointRow
from doorward.webhooks.log import Logged
from doorward.webhooks.queue import ACKNOWLEDGED, DELIVERED, GIVEN_UP, REMOVED, explained


class Health(NamedTuple):
    """What is said of it: the arguments of the macro page.state, and a sentence beside it."""

    kind: str
    word: str
    icon: str
    text: str = ""


def health_of(endpoint: EndpointRow, now: int) -> Health:
    """How an endpoint does, the worst first."""
    if endpoint.disabled_at is not None:
        text = explained(endpoint.disabled_reason)
        return Health("bad", "Switched off", "circle-x", f"{text[0].upper()}{text[1:]}.")
    if endpoint.paused_until is not None and endpoint.paused_until > now:
        return Health("late", "Paused", "player-pause", "It asked to be left alone for a while.")
    if endpoint.failing_since is not None:
        return Health("bad", "Failing", "alert-triangle", "What it was not told is tried again for five days.")
    if endpoint.failed:
        return Health("late", "Retrying", "refresh", "Some deliveries did not arrive and are tried again.")
    if endpoint.last_at is None:
        return Health("plain", "Nothing sent yet", "clock")
    return Health("good", "Working", "circle-check")


def is_there(endpoint: EndpointRow) -> bool:
    """Whether it is still somebody's: an application that has no webhook any more keeps its endpoint for the log."""
    return endpoint.disabled_reason != REMOVED


_WORDS: Final = {
    ACKNOWLEDGED: Health("good", "Acknowledged", "circle-check"),
    DELIVERED: Health("good", "Delivered", "check"),
    GIVEN_UP: Health("bad", "Given up", "circle-x"),
}


def state_of(delivery: Logged) -> Health:
    """How a delivery stands."""
    if delivery.state in _WORDS:
        return _WORDS[delivery.state]
    if delivery.error is not None:
        return Health("late", "Retrying", "refresh")
    return Health("plain", "Waiting", "clock")
