"""Who is asking: always an application, a user, an account and scopes together."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from doorward.kit.errors import Forbidden, InsufficientScope
from doorward.oauth.scopes import PERMISSIONS

_OWN_KINDS: Final = ("command_line", "personal")


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a token that holds."""

    account_id: int
    zone: ZoneInfo
    user_id: int
    user_role: str
    site_limited: bool
    """Sees and touches only what belongs to the sites in user_sites."""
    application_id: int
    token_id: int
    scopes: frozenset[str]
    """What the application was granted, with what that includes."""
    application_kind: str = "command_line"
    family_id: int | None = None
    """The consent that the token came from, if it came from one."""

    @property
    def is_own(self) -> bool:
        """Whether the token is the user's own (command line, personal), not one that was given to an application."""
        return self.application_kind in _OWN_KINDS

    def may(self, *scopes: str) -> bool:
        """Whether the application's scopes and the user's permissions allow any one of `scopes`."""
        return any(scope in self.scopes and scope in PERMISSIONS.get(self.user_role, ()) for scope in scopes)

    def require(self, *scopes: str) -> None:
        """Let pass whom the application's scopes and the user's permissions allow; any one of `scopes` will do.

        Raises InsufficientScope where the application lacks the scope, Forbidden where the user may not.
        """
        granted = [scope for scope in scopes if scope in self.scopes]
        if not granted:
            raise InsufficientScope(scopes)
        permitted = PERMISSIONS.get(self.user_role, frozenset())
        if not any(scope in permitted for scope in granted):
            raise Forbidden
