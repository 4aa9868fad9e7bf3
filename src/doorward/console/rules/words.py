"""What happens at doors, as words one can choose from; and a rule's conditions and actions as sentences. No I/O."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from doorward.decision.codes import EventCode
from doorward.decision.wording import event_label
from doorward.notification_rules.rule import (
    CALL_BACK,
    CONSOLE,
    DOOR_CONTROLLER,
    EMAIL,
    PERSON_GROUP,
    REPLAYED,
    SLACK,
    TIME_OF_DAY,
    Action,
    NotificationRule,
)

DAYS: Final = (
    ("mon", "Mon"),
    ("tue", "Tue"),
    ("wed", "Wed"),
    ("thu", "Thu"),
    ("fri", "Fri"),
    ("sat", "Sat"),
    ("sun", "Sun"),
    ("holiday", "Holidays"),
)
_DAY_WORDS: Final = dict(DAYS)
_ACTION_WORDS: Final = {CALL_BACK: "Post to", EMAIL: "E-mail to", SLACK: "Chat at", CONSOLE: "Show in the console"}


class Kinds(NamedTuple):
    """Kinds of events that stand together in the form."""

    title: str
    codes: tuple[int, ...]


def _codes(*spans: tuple[int, int]) -> tuple[int, ...]:
    return tuple(int(code) for code in EventCode if any(low <= code <= high for low, high in spans))


EVENT_KINDS: Final = (
    Kinds("Something is wrong at a door", (33, 34, 36, 37, 63, 90, 91, 92, 93)),
    Kinds("Somebody was refused", _codes((20, 29), (71, 73))),
    Kinds("Somebody was let in", _codes((10, 18), (70, 70))),
    Kinds("Doors open, close and change", (30, 31, 32, 35, *_codes((40, 42), (53, 58)))),
    Kinds("Controllers and synchronisation", (*_codes((1, 3)), 38, 39, 52, *_codes((100, 107)))),
    Kinds("From afar, keys and the record", (50, 51, 61, 62, 59, 60, 110, 111, *_codes((220, 225)))),
)
"""Every code there is, what matters most first."""


def words_of(code: int) -> str:
    """A kind of event in words: "Somebody admitted using card"."""
    said = event_label(code, "a door", "somebody")
    return f"{said[0].upper()}{said[1:]}"


def hours_words(value: str) -> str:
    """Hours of the week in words: "Mon to Fri, 22:00 to 06:00"."""
    days, _, hours = value.partition(" ")
    start, _, end = hours.partition("-")
    return f"{_days_words(days.split(','))}, {start} to {end}"


def _days_words(days: Sequence[str]) -> str:
    order = [day for day, _ in DAYS[:7]]
    places = [order.index(day) for day in days if day in order]
    if len(places) == len(days) and len(days) > 2 and places[-1] - places[0] == len(days) - 1:
        return f"{_DAY_WORDS[days[0]]} to {_DAY_WORDS[days[-1]]}"
    return ", ".join(_DAY_WORDS.get(day, day) for day in days)


def conditions_of(rule: NotificationRule, doors: Mapping[int, str], groups: Mapping[int, str]) -> dict[str, list[str]]:
    """When a rule applies, in words, under "Doors", "People" and "Hours"; what is not there has no limit."""
    found = {
        "Doors": [doors.get(int(value), f"door {value}, which is gone") for value in rule.values(DOOR_CONTROLLER)],
        "People": [groups.get(int(value), f"group {value}, which is gone") for value in rule.values(PERSON_GROUP)],
        "Hours": [hours_words(value) for value in rule.values(TIME_OF_DAY)],
    }
    return {name: words for name, words in found.items() if words}


def tells_late(rule: NotificationRule) -> bool:
    """Whether it is also told what doors report late, once they have contact again."""
    return bool(rule.values(REPLAYED))


def action_words(action: Action) -> str:
    """What is done, without where: "E-mail to"."""
    return _ACTION_WORDS[action.type]


def summary(rule: NotificationRule) -> str:
    """The kinds of events in one line: the first two, and how many more."""
    named = [words_of(code) for code in rule.event_codes[:2]]
    more = len(rule.event_codes) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")
