"""What operators have set at a door."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """What operators have set at the door; instants and durations in milliseconds."""

    pulse_ms: int
    held_open_ms: int
    unlocked: bool = False
    unlocked_until: int | None = None
    card_lockdown: bool = False
    rex_lockdown: bool = False
    aux_lockdown: bool = False
    held_open_warning_ms: int = 0
    """How long before the alarm the reader warns that the door is held open; 0: never."""
    rex_held_ms: int = 0
    """After which a request-to-exit button that is held is told of; 0: never."""
    relock_on_open: bool = False
    """Once the door has been opened the lock is locked again, not only when the release is over."""
