"""Where one can go: what a user may not see is not offered."""

from typing import Final, NamedTuple

from doorward.oauth.principal import Principal


class Place(NamedTuple):
    """A page one can go to; any one of `scopes` will do to see it."""

    key: str
    label: str
    path: str
    scopes: tuple[str, ...]
    icon: str = ""


class Section(NamedTuple):
    """What stands together in the navigation; one without a label is its only place."""

    label: str
    places: tuple[Place, ...]
    daily: bool = False
    """Stands open wherever one is."""


HOME: Final = "/console"
_EVENTS: Final = ("account.event.access.readonly",)
_CHANNELS: Final = ("account.channel.readonly",)
_PEOPLE: Final = ("account.person.readonly",)

SECTIONS: Final = (
    Section("", (Place("overview", "Overview", HOME, _CHANNELS, "home"),)),
    Section("", (Place("doors", "Doors", "/console/doors", _CHANNELS, "door"),)),
    Section("", (Place("people", "People", "/console/people", _PEOPLE, "users"),)),
    Section(
        "Access",
        (
            Place("groups", "Groups", "/console/groups", ("account.group.readonly",), "users-group"),
            Place("roles", "Roles", "/console/roles", ("account.role.readonly",), "id-badge"),
            Place("shifts", "Shifts", "/console/shifts", ("account.shift.readonly",), "calendar-repeat"),
            Place("holidays", "Holidays", "/console/holidays", ("account.shift.readonly",), "beach"),
            Place("access", "Access check", "/console/access", _PEOPLE, "help"),
        ),
        daily=True,
    ),
    Section(
        "",
        (
            Place(
                "reservations", "Reservations", "/console/reservations", ("account.reservation.readonly",), "calendar"
            ),
        ),
    ),
    Section(
        "Activity",
        (
            Place("events", "Events", "/console/events", _EVENTS, "list"),
            Place("alarms", "Alarms", "/console/alarms", _EVENTS, "bell"),
            Place("reports", "Reports", "/console/reports", ("account.reports.readonly",), "chart-bar"),
        ),
        daily=True,
    ),
    Section(
        "Integrations",
        (
            Place("applications", "Applications", "/console/applications", ("account.application.readonly",), "plug"),
            Place("webhooks", "Webhooks", "/console/webhooks", ("account.application.readonly",), "webhook"),
            Place("rules", "Notification rules", "/console/rules", ("account.notification_rule.readonly",), "bell"),
            Place("tokens", "Personal tokens", "/console/tokens", _CHANNELS, "key"),
        ),
    ),
    Section(
        "Settings",
        (
            Place("account", "Account", "/console/settings", ("account.settings",), "settings"),
            Place("sites", "Sites", "/console/sites", ("account.site.readonly",), "building"),
            Place("users", "Users", "/console/users", ("account.user.readonly",), "user"),
            Place(
                "credential_types",
                "Credential types",
                "/console/credential-types",
                ("account.credential_type.readonly",),
                "credit-card",
            ),
            Place("card_formats", "Card formats", "/console/card-formats", _CHANNELS, "nfc"),
            Place("controllers", "Controllers", "/console/controllers", ("account.channel",), "device-desktop"),
            Place("audit", "Audit log", "/console/audit", ("account.audit.readonly",), "history"),
        ),
    ),
)
"""All there is; the address of a thing is below that of its list."""


def offered_to(principal: Principal) -> list[Section]:
    """The sections with the places that the user may see; a section without any is left out."""
    found = (
        section._replace(places=tuple(place for place in section.places if principal.may(*place.scopes)))
        for section in SECTIONS
    )
    return [section for section in found if section.places]


_ELSEWHERE: Final = {"/console/lockdown": "doors"}
"""Pages whose address is not below that of their place."""


def place_of(path: str) -> str:
    """The key of the place that a page belongs to; "" for one that belongs to none."""
    if path in _ELSEWHERE:
        return _ELSEWHERE[path]
    known = [place for section in SECTIONS for place in section.places]
    # Every page is below the overview, which is not to say that it is a part of it.
    fitting = [
        place for place in known if path == place.path or (path.startswith(f"{place.path}/") and place.path != HOME)
    ]
    return max(fitting, key=lambda place: len(place.path)).key if fitting else ""
