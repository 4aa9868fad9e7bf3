"""What scopes and roles allow, written down once more and naively: the matrix is checked against this."""

from typing import Final

READ: Final = {
    *("account.person.readonly", "account.credential_type.readonly", "account.channel.readonly"),
    *("account.event.access.readonly", "account.group.readonly", "account.role.readonly", "account.shift.readonly"),
    *("account.site.readonly", "account.reservation.readonly", "account.group_reservation.readonly"),
    *("account.notification_rule.readonly", "account.reports.readonly"),
}
OPERATE: Final = {
    *("account.person", "account.channel.admit", "account.channel.admit.person", "account.reservation"),
    *("account.group_reservation", "account.sync", "account.alarm"),
}
CONFIGURE: Final = {
    *("account.credential_type", "account.channel", "account.group", "account.role", "account.shift", "account.site"),
    *(
        "account.notification_rule",
        "account.audit.readonly",
        "account.settings",
        "account.user",
        "account.person.erasure",
    ),
    *("account.user.readonly", "account.application", "account.application.readonly"),
}
ALL: Final = sorted(READ | OPERATE | CONFIGURE)

ROLES: Final = {
    "viewer": READ,
    "operator": READ | OPERATE,
    "admin": READ | OPERATE | CONFIGURE,
    "owner": READ | OPERATE | CONFIGURE,
}
"""What a user of each role may do, in terms of scopes."""


def covers(held: str, needed: str) -> bool:
    """Whether a token with the one scope may do what needs the other (behaviour.md, "OAuth 2.0")."""
    if needed in (held, f"{held}.readonly"):
        return True
    if held == "account.channel.admit":
        return needed == "account.channel.admit.person"
    if held in ("account.person", "account.person.readonly"):
        return needed in ("account.group.readonly", "account.credential_type.readonly")
    return False
