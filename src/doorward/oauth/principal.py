"""Who is asking: always an application, a user, an account and scopes together."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from doorward.kit.errors import Forbidden, InsufficientScope
from doorward.oauth.scopes import PERMISSIONS


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
