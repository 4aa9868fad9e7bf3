"""Who is asking: an application in a user's name, or a user's own browser; an account and scopes together."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from doorward.kit.errors import Forbidden, InsufficientScope
from doorward.oauth.scopes import PERMISSIONS

BROWSER: Final = "browser"
_OWN_KINDS: Final = ("command_line", "personal", BROWSER)


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a token that holds, or whoever is signed in to a browser."""

    account_id: int
    zone: ZoneInfo
    user_id: int
    user_role: str
    site_limited: bool
    """Sees and touches only what belongs to the sites in user_sites."""
    application_id: int | None
    """None: the console, which is no application."""
    token_id: int | None
    scopes: frozenset[str]
    """What the application was granted, with what that includes."""
    application_kind: str = "command_line"
    family_id: int | None = None
    """The consent that the token came from, if it came from one."""
    session_id: int | None = None
    """The browser's session; None with a token."""

    @property
    def holder(self) -> tuple[str, int]:
        """What it is that holds: a token or a session, by its id."""
        return ("token", self.token_id or 0) if self.session_id is None else ("session", self.session_id)

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
