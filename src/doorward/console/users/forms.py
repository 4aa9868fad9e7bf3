"""The form of a user: a role, and all sites or some."""

from collections.abc import Mapping
from typing import Any, Final

from doorward.console.forms import Sent
from doorward.oauth.principal import Principal
from doorward.users.service import OWNER, User

ALL_SITES: Final = "all"
SOME_SITES: Final = "some"
_ROLES: Final = (
    ("owner", "Owner", "All that an admin may do; makes other owners, and services."),
    ("admin", "Admin", "Sets up doors, roles, shifts, integrations and users."),
    ("operator", "Operator", "Manages people and reservations, opens and locks down doors, answers alarms."),
    ("viewer", "Viewer", "Sees, and changes nothing."),
)
REACH: Final = ((ALL_SITES, "Every site", ""), (SOME_SITES, "Only the sites ticked below", ""))
ROLE_WORDS: Final = {value: words for value, words, _ in _ROLES}


def roles_for(principal: Principal, user: User | None) -> list[tuple[str, str, str]]:
    """The roles that whoever asks may give: only owners make owners, and nobody raises their own role."""
    offered = [role for role in _ROLES if role[0] != OWNER or principal.user_role == OWNER]
    if user is None or user.id != principal.user_id:
        return offered
    own = next((place for place, role in enumerate(offered) if role[0] == user.role), 0)
    return offered[own:]


def may_touch(principal: Principal, user: User) -> bool:
    """Whether whoever asks may change the user: only owners change owners."""
    allowed = principal.may("account.user") and not principal.site_limited
    return allowed and (user.role != OWNER or principal.user_role == OWNER)


def body_of(form: Sent) -> dict[str, object]:
    """The body that the API would take."""
    body = form.body(texts=("email", "role", "first_name", "last_name"), ids=("site_ids",))
    return body if form.text("reach") == SOME_SITES else {**body, "site_ids": None}


def values_of(user: User) -> Mapping[str, Any]:
    """What the form of a user holds."""
    reach = SOME_SITES if user.site_limited else ALL_SITES
    return {**user._asdict(), "site_ids": list(user.site_ids), "reach": reach}
