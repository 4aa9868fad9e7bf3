"""What a decision at the door depends on, beside what is presented."""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.controller.setting import Setting
from doorward.decision.snapshot import DoorState, Presence, Snapshot, Waiting


@dataclass(slots=True)
class Circumstances:
    """The configuration that the door has, and what it knows of itself. One object, shared by the parts of a door."""

    snapshot: Snapshot
    setting: Setting
    tampered: bool = False
    confirmed_at: int | None = None
    """When the server last confirmed the snapshot; None while the server itself decides."""
    first_person_at: int | None = None
    waiting: Waiting | None = None
    """The first of two people, while they wait."""
    unlocking_over: int | None = None
    """The instant at which unlock mode, as it is set, has ended: it is not begun again by a clock that is put back."""

    def take(self, snapshot: Snapshot, setting: Setting) -> None:
        """Another configuration. Whatever an operator sets anew may begin, also where the last has ended."""
        self.snapshot, self.setting = snapshot, setting
        if not setting.unlocked or setting.unlocked_until != self.unlocking_over:
            self.unlocking_over = None

    def see_time(self, at: int) -> None:
        """Note that unlock mode has ended by itself."""
        until = self.setting.unlocked_until if self.setting.unlocked else None
        if until is not None and at >= until:
            self.unlocking_over = until

    def state(
        self, presence: Mapping[int, Presence], setting: Setting | None = None, waiting: Waiting | None = None
    ) -> DoorState:
        """As the engine takes it; by another setting, or with somebody else waiting."""
        by = setting or self.setting
        is_over = by.unlocked_until is not None and by.unlocked_until == self.unlocking_over
        return DoorState(
            tampered=self.tampered,
            card_lockdown=by.card_lockdown,
            aux_lockdown=by.aux_lockdown,
            rex_lockdown=by.rex_lockdown,
            unlocked=by.unlocked and not is_over,
            unlocked_until=by.unlocked_until,
            confirmed_at=self.confirmed_at,
            presence=presence,
            first_person_at=self.first_person_at,
            waiting=waiting or self.waiting,
        )
