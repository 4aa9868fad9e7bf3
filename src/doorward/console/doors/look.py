"""How a door stands, as one word with an icon and a colour; the gravest first."""

from typing import Final, NamedTuple

from doorward.alarms.kinds import Kind
from doorward.console.doors.reading import Door


class Look(NamedTuple):
    """What is shown of a state: `kind` gives the colour (page.state), `key` is its name among ours."""

    key: str
    kind: str
    word: str
    icon: str


_ALARMS: Final = (
    (Kind.DURESS, Look("duress", "bad", "Duress", "urgent")),
    (Kind.FORCED, Look("forced", "bad", "Forced open", "alert-triangle")),
    (Kind.TAMPER, Look("tamper", "bad", "Tampered with", "shield-x")),
    (Kind.HELD_OPEN, Look("held", "late", "Held open", "clock-exclamation")),
)
_OFFLINE: Final = Look("offline", "off", "Offline", "wifi-off")
_LOCKDOWN: Final = Look("lockdown", "lockdown", "Locked down", "shield-lock")
_UNLOCKED: Final = Look("unlocked", "open", "Unlocked", "lock-open")
_BY_SHIFT: Final = Look("auto", "open", "Unlocked by its shift", "clock-play")
_LOCKED: Final = Look("locked", "good", "Locked", "lock")


def mode_of(door: Door) -> Look:
    """What is set at the door: lockdown before unlock mode before the shift, as the engine has it."""
    channel = door.channel
    if channel.locked_down:
        return _LOCKDOWN
    if channel.mode == "unlock":
        return _UNLOCKED
    return _BY_SHIFT if door.shift_open else _LOCKED


def looks_of(door: Door, now: int) -> list[Look]:
    """All that is to be seen at a door, at least one: alarms, whether it is cut off, and how it is set.

    That it is to be locked is left out where there is more to say: of one that is cut off or forced it is not known.
    """
    found = [look for kind, look in _ALARMS if kind.value in door.alarms]
    if not door.seen.standing.is_online(now):
        found.append(_OFFLINE)
    mode = mode_of(door)
    return found if found and mode is _LOCKED else [*found, mode]


def lockdown_words(door_flags: tuple[bool, bool, bool]) -> str:
    """What a lockdown of cards, of the exit button and of auxiliary inputs (in this order) is of, in few words."""
    card, rex, aux = door_flags
    named = [word for flag, word in ((card, "cards and PINs"), (aux, "inputs"), (rex, "the exit button")) if flag]
    if card and not rex:
        return "leaving stays possible"
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else f"{named[0]} only"


def lockdown_of(door: Door) -> str:
    """The same of a door that is locked down."""
    channel = door.channel
    return lockdown_words((channel.card_lockdown, channel.rex_lockdown, channel.aux_lockdown))
