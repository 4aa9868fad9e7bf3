"""What a notification rule is: which events it is about, and what is then done."""

from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

RULE: Final = "notification_rule"

DOOR_CONTROLLER: Final = "door_controller_id"
PERSON_GROUP: Final = "person_group"
TIME_OF_DAY: Final = "time_of_day"
REPLAYED: Final = "replayed"

CALL_BACK: Final = 0
EMAIL: Final = 1
SLACK: Final = 2
CONSOLE: Final = 3

KINDS: Final = {"post": CALL_BACK, "email": EMAIL, "slack": SLACK, "console": CONSOLE}
"""The kinds of action as they are asked for. The contract has the first."""


class Condition(NamedTuple):
    """What an event must be about: `value` is an id as text, hours as "mon,tue 07:00-22:00", or "true"."""

    type: str
    value: str


class Action(NamedTuple):
    """What is done: `data` is the URL that is called, or the addresses that get mail, as "a@x.org, b@x.org", or ""."""

    type: int
    data: str


class NotificationRule(NamedTuple):
    """A rule: on any of its codes and, of each type of condition that it has, any one, each of its actions is done."""

    id: int
    account_id: int
    name: str
    active: bool
    conditions: tuple[Condition, ...]
    event_codes: tuple[int, ...]
    actions: tuple[Action, ...]
    created_at: int
    updated_at: int

    def concealed(self) -> "NotificationRule":
        """The rule without what gives its reader more than to know of it."""
        return self._replace(actions=tuple(map(concealed, self.actions)))

    def values(self, kind: str) -> list[str]:
        """The values of its conditions of one type."""
        return [condition.value for condition in self.conditions if condition.type == kind]


def concealed(action: Action) -> Action:
    """The action as it may be shown to anybody who sees the rule.

    Who knows the URL of a chat's incoming webhook may post there; whether it is another one can be seen.
    """
    if action.type != SLACK:
        return action
    parts = urlsplit(action.data)
    return action._replace(data=f"{parts.scheme}://{parts.netloc}/…{sha256(action.data.encode()).hexdigest()[:8]}")


def addresses_of(action: Action) -> list[str]:
    """Whom an action of the kind e-mail writes to."""
    return action.data.split(", ")
