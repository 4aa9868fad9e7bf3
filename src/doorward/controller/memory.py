"""What a door must not forget when its controller is restarted without a server to ask."""

from typing import Literal

import msgspec

from doorward.decision.codes import EventCode

Cause = Literal["exit", "aux", "other"]
"""What released the lock: each has its own lockdown, which also ends the release."""

ByShift = Literal["locked", "awaited", "unlocked", "suppressed"]
"""What its auto-unlock shift does to a door. While the shift is open: unlock it; or not, as the first person is still
awaited, or as the door is locked down or tampered with (suppressed)."""


class DoorMemory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a door beside its configuration: small, and JSON by msgspec.

    With it nothing that happened is said twice, or not at all, whatever the restart fell into. A release under way is
    not in it: a controller that has been restarted has a locked door, unless its mode says otherwise.
    """

    first_person_at: int | None = None
    by_shift: ByShift | None = None
    relocks_at: int | None = None
    """When the unlock mode that was in force ends by itself; that it has is said after a restart, too."""
    unlocking_over: int | None = None
    """When unlock mode, as it is set, has ended: a clock that is put back does not begin it again."""
    is_open: bool = False
    open_since: int = 0
    """From when it counts how long the door is held open."""
    alarm: EventCode | None = None
    contact_faulty: bool = False
    exit_button_faulty: bool = False
    leave: dict[Cause, tuple[int, int]] = {}
    """From when until when somebody who was admitted may open the door; it opens nothing."""
    tampered: bool = False
    online: bool | None = None
    """Whether the device answered when it was last heard of; None: it has said neither."""
    powered: bool = True
