"""What the audit log speaks of: each kind of thing in words, and its page."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """A kind of thing; `page` is its address, with the id where "{}" is, if it has one."""

    word: str
    page: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "account": Kind("account", "/console/settings"),
    "alarm": Kind("alarm", "/console/alarms/{}"),
    "application": Kind("application", "/console/applications/{}"),
    "area": Kind("area"),
    "channel": Kind("door", "/console/doors/{}"),
    "controller": Kind("controller", "/console/controllers/{}"),
    "credential": Kind("credential"),
    "credential_type": Kind("credential type", "/console/credential-types/{}"),
    "group": Kind("group", "/console/groups/{}"),
    "group_reservation": Kind("group reservation"),
    "holiday": Kind("holiday", "/console/holidays"),
    "notification_rule": Kind("notification rule", "/console/rules/{}"),
    "people_import": Kind("import of people", "/console/people/import/{}"),
    "person": Kind("person", "/console/people/{}"),
    "personal_token": Kind("personal token", "/console/tokens"),
    "reservation": Kind("reservation", "/console/reservations/{}"),
    "role": Kind("role", "/console/roles/{}"),
    "shift": Kind("shift", "/console/shifts/{}"),
    "site": Kind("site", "/console/sites/{}"),
    "user": Kind("user", "/console/users/{}"),
    "webhook_delivery": Kind("webhook delivery", "/console/webhooks/deliveries/{}"),
}

ACTIONS: Final[Mapping[str, str]] = {
    "create": "Added",
    "update": "Changed",
    "delete": "Deleted",
    "erase": "Erased",
    "forgive": "Forgave",
    "admit": "Admitted at",
    "admit_denied": "Tried to admit at",
    "note": "Noted on",
    "sign_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "sign_out": "Signed out",
    "sessions_ended": "Ended the sessions of",
    "unlock_mode_set": "Unlocked",
    "normal_mode_set": "Set back to normal",
    "lockdown_set": "Locked down",
    "lockdown_cleared": "Ended the lockdown of",
}
"""What was done, as the beginning of a sentence; others are said as they are called."""

BY_ONESELF: Final = frozenset({"sign_in", "sign_in_failed", "sign_out"})
"""What one does to nobody but oneself."""


def word_of(kind: str) -> str:
    """A kind of thing in words."""
    found = KINDS.get(kind)
    return found.word if found else kind.replace("_", " ")


def action_words(action: str) -> str:
    """What was done, in words."""
    return ACTIONS.get(action) or action.replace("_", " ").capitalize()


def page_of_thing(kind: str, thing_id: int | None) -> str | None:
    """The address of a thing's page, if it has one."""
    found = KINDS.get(kind)
    if found is None or not found.page or (thing_id is None and "{}" in found.page):
        return None
    return found.page.format(thing_id)
