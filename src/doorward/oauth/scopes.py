"""Scopes limit an application, permissions limit a user; an operation needs both (behaviour.md, "OAuth 2.0")."""

from typing import Final

_READ_ONLY: Final = (
    "account.person.readonly",
    "account.credential_type.readonly",
    "account.channel.readonly",
    "account.event.access.readonly",
    "account.group.readonly",
    "account.role.readonly",
    "account.shift.readonly",
    "account.site.readonly",
    "account.reservation.readonly",
    "account.group_reservation.readonly",
    "account.notification_rule.readonly",
    "account.reports.readonly",
)
_OPERATING: Final = (
    "account.alarm",
    "account.person",
    "account.channel.admit",
    "account.channel.admit.person",
    "account.reservation",
    "account.group_reservation",
    "account.sync",
)
_CONFIGURING: Final = (
    "account.credential_type",
    "account.channel",
    "account.group",
    "account.role",
    "account.shift",
    "account.site",
    "account.notification_rule",
    "account.audit.readonly",
    "account.settings",
    "account.person.erasure",
    "account.user.readonly",
    "account.user",
    "account.application.readonly",
    "account.application",
)

ALL_SCOPES: Final = frozenset(_READ_ONLY + _OPERATING + _CONFIGURING)
"""Every scope there is, by its present name."""

_OLD_NAMES: Final = {"account.event.readonly": "account.event.access.readonly"}

_INCLUDES: Final = {
    "account.channel.admit": ("account.channel.admit.person",),
    # The vendor's own sample application relies on this.
    "account.person": ("account.group.readonly", "account.credential_type.readonly"),
    "account.person.readonly": (
        "account.group.readonly",
        "account.credential_type.readonly",
    ),
}

PERMISSIONS: Final = {
    "viewer": frozenset(_READ_ONLY),
    "operator": frozenset(_READ_ONLY + _OPERATING),
    "admin": ALL_SCOPES,
    "owner": ALL_SCOPES,
}
"""What a user of each role may do, in terms of scopes."""

USER_ROLES: Final = tuple(PERMISSIONS)


class UnknownScope(ValueError):
    """`invalid_scope`: the text names a scope that does not exist."""


def parse_scopes(text: str) -> frozenset[str]:
    """The scopes of a space-separated text, by their present names. Raises UnknownScope."""
    scopes = frozenset(_OLD_NAMES.get(scope, scope) for scope in text.split())
    unknown = sorted(scopes - ALL_SCOPES)
    if unknown:
        raise UnknownScope(f"unknown scope: {', '.join(unknown)}")
    return scopes


def expand(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes and all that they include: a write scope its `.readonly`, and what _INCLUDES says."""
    expanded = set(scopes)
    expanded.update(f"{scope}.readonly" for scope in scopes if f"{scope}.readonly" in ALL_SCOPES)
    for scope in tuple(expanded):
        expanded.update(_INCLUDES.get(scope, ()))
    return frozenset(expanded)
