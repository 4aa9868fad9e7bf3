"""What operators do in a scenario, through the API: each step knows the request that does it."""

from typing import Any, NamedTuple

from doorward.simulation.ids import Ids
from doorward.simulation.steps import Step


class Request(NamedTuple):
    """A request to be made, and in words what is wanted of it."""

    method: str
    path: str
    body: dict[str, Any] | None
    words: str


class ByOperator(Step, frozen=True, kw_only=True):
    """An operator does something."""

    def request(self, ids: Ids) -> Request:
        """What to ask the API for."""
        raise NotImplementedError


class Lockdown(ByOperator, frozen=True, kw_only=True, tag="lockdown"):
    """A door, or the whole site, is locked down; `rex`: nobody can leave by the button, either."""

    door: str | None = None
    rex: bool = False

    def request(self, ids: Ids) -> Request:
        """Lock it down."""
        place, what = _door_or_site(self.door, ids)
        leaving = ", leaving too" if self.rex else ""
        return Request("POST", f"{place}/lockdown", {"rex_lockdown": self.rex}, f"lock down {what}{leaving}")


class Unlockdown(ByOperator, frozen=True, kw_only=True, tag="unlockdown"):
    """The lockdown of a door, or of the whole site, is lifted."""

    door: str | None = None

    def request(self, ids: Ids) -> Request:
        """Lift it."""
        place, what = _door_or_site(self.door, ids)
        return Request("POST", f"{place}/unlockdown", None, f"lift the lockdown of {what}")


class Unlock(ByOperator, frozen=True, kw_only=True, tag="unlock"):
    """A door is unlocked for everybody, until a time or until told otherwise."""

    door: str
    until: str | None = None

    def request(self, ids: Ids) -> Request:
        """Unlock it."""
        path = f"{_door(self.door, ids)}/unlock"
        if self.until is None:
            return Request("POST", path, None, f"unlock {self.door}")
        return Request("POST", path, {"relock_at": ids.calendar.iso(self.until)}, f"unlock {self.door} to {self.until}")


class Normal(ByOperator, frozen=True, kw_only=True, tag="normal"):
    """A door decides about everybody again."""

    door: str

    def request(self, ids: Ids) -> Request:
        """Return it to normal mode."""
        return Request("POST", f"{_door(self.door, ids)}/normal", None, f"return {self.door} to normal mode")


class AutoUnlock(ByOperator, frozen=True, kw_only=True, tag="auto_unlock"):
    """The shift in which a door stands unlocked; without one, none."""

    door: str
    shift: str | None = None

    def request(self, ids: Ids) -> Request:
        """Set it."""
        path = f"{_door(self.door, ids)}/auto_unlock"
        if self.shift is None:
            return Request("POST", path, None, f"let {self.door} unlock by no shift")
        return Request("POST", path, {"shift_id": ids.shifts[self.shift]}, f'let {self.door} unlock by "{self.shift}"')


class Admit(ByOperator, frozen=True, kw_only=True, tag="admit"):
    """A door is released from afar, once: for somebody, or for nobody in particular."""

    door: str
    who: str | None = None

    def request(self, ids: Ids) -> Request:
        """Ask for it."""
        place, words = _door(self.door, ids), f"release {self.door} from afar"
        if self.who is None:
            return Request("POST", f"{place}/admit", None, words)
        return Request("POST", f"{place}/admit_person", {"person_id": ids.people[self.who]}, f"{words} for {self.who}")


class RegenerateKey(ByOperator, frozen=True, kw_only=True, tag="regenerate_key"):
    """A door gets a new encryption key."""

    door: str

    def request(self, ids: Ids) -> Request:
        """Make it."""
        path = f"{_door(self.door, ids)}/regenerate_encryption_key"
        return Request("POST", path, None, f"make a new key for {self.door}")


class Disable(ByOperator, frozen=True, kw_only=True, tag="disable"):
    """Somebody is admitted nowhere any more."""

    who: str

    def request(self, ids: Ids) -> Request:
        """Disable them."""
        return Request("PUT", f"/people/{ids.people[self.who]}", {"enabled": False}, f"disable {self.who}")


class Enable(ByOperator, frozen=True, kw_only=True, tag="enable"):
    """Somebody who was disabled is admitted again."""

    who: str

    def request(self, ids: Ids) -> Request:
        """Enable them."""
        return Request("PUT", f"/people/{ids.people[self.who]}", {"enabled": True}, f"enable {self.who}")


class Reserve(ByOperator, frozen=True, kw_only=True, tag="reserve"):
    """Doors are reserved for somebody, within one day."""

    who: str
    doors: tuple[str, ...]
    since: str
    until: str

    def request(self, ids: Ids) -> Request:
        """Reserve them."""
        body = {
            "person_id": ids.people[self.who],
            "start_time": ids.calendar.iso(self.since),
            "end_time": ids.calendar.iso(self.until),
            "channel_ids": [ids.doors[door] for door in self.doors],
        }
        words = f"reserve {', '.join(self.doors)} for {self.who}, {self.since} to {self.until}"
        return Request("POST", "/reservations", body, words)


class ReserveGroup(ByOperator, frozen=True, kw_only=True, tag="reserve_group"):
    """Somebody is in groups for a time."""

    who: str
    groups: tuple[str, ...]
    since: str
    until: str

    def request(self, ids: Ids) -> Request:
        """Put them there."""
        body = {
            "person_id": ids.people[self.who],
            "start_time": ids.calendar.iso(self.since),
            "end_time": ids.calendar.iso(self.until),
            "group_ids": [ids.groups[group] for group in self.groups],
        }
        words = f"put {self.who} into {', '.join(self.groups)}, {self.since} to {self.until}"
        return Request("POST", "/group_reservations", {"group_reservation": body}, words)


class Forgive(ByOperator, frozen=True, kw_only=True, tag="forgive"):
    """Where somebody is, or everybody at the site, is forgotten, so that they may pass any door."""

    who: str | None = None

    def request(self, ids: Ids) -> Request:
        """Forgive them."""
        if self.who is None:
            return Request("POST", f"/sites/{ids.site_id}/forgive", None, "forgive everybody")
        return Request("POST", f"/people/{ids.people[self.who]}/forgive", None, f"forgive {self.who}")


def _door(name: str, ids: Ids) -> str:
    return f"/channels/{ids.doors[name]}"


def _door_or_site(name: str | None, ids: Ids) -> tuple[str, str]:
    """Where the API has it, and what it is called."""
    return (f"/sites/{ids.site_id}", "the whole site") if name is None else (_door(name, ids), name)
