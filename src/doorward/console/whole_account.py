"""What is the whole account's is not for users who are limited to sites."""

from typing import Any

from litestar import Request

from doorward.kit.errors import Forbidden
from doorward.oauth.principal import Principal
from doorward.wire.context import principal_of


def whole_account(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if they are not limited to sites. Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal
