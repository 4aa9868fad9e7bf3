"""Parameters of OAuth requests, read strictly: each at most once, no control characters, none too long."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request

from doorward.provider.refusals import OAuthRefusal

LONGEST_VALUE: Final = 4096
LONGEST_STATE: Final = 2048
_LONGEST_BODY: Final = 64 * 1024
_MOST: Final = 50
_FORM: Final = "application/x-www-form-urlencoded"

AUTHORIZATION: Final = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)
"""What the authorization endpoint understands; all else is ignored (RFC 6749, 3.1)."""
TOKEN: Final = (
    *("grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"),
    *("token", "token_type_hint"),
)
"""What the token, revocation and introspection endpoints understand."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was sent of the names that are understood. One without a value counts as not sent (RFC 6749, 3.1)."""

    values: Mapping[str, str]
    twice: tuple[str, ...] = ()
    """Names sent more than once; they have no value here."""
    bad: tuple[str, ...] = ()
    """Names whose value no such parameter can have; they have no value here."""

    def get(self, name: str) -> str | None:
        """The value, if one was sent that can be used."""
        return self.values.get(name)

    @property
    def fault(self) -> str | None:
        """What is wrong with how they were sent, for an `error_description`."""
        if self.twice:
            return f"The parameter {self.twice[0]} was sent more than once"
        if self.bad:
            return f"The parameter {self.bad[0]} is too long or has a character that is not allowed"
        return None


def parse(raw: bytes, known: tuple[str, ...]) -> Parameters:
    """Read a query or a form. Raises ValueError for what is neither."""
    pairs = parse_qsl(
        raw.decode("utf-8"), keep_blank_values=False, max_num_fields=_MOST, encoding="utf-8", errors="strict"
    )
    sent = [(name, value) for name, value in pairs if name in known]
    counts = Counter(name for name, _ in sent)
    twice = tuple(name for name in known if counts[name] > 1)
    bad = tuple(name for name, value in sent if not _is_clean(name, value))
    values = {name: value for name, value in sent if name not in twice and name not in bad}
    return Parameters(values, twice, bad)


async def read_form(request: Request[Any, Any, Any]) -> Parameters:
    """The form of a request to a token endpoint. Raises OAuthRefusal."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await request.body()
    if media_type != _FORM and (raw or media_type):
        raise OAuthRefusal("invalid_request", f"The request body must be {_FORM}", 415)
    if len(raw) > _LONGEST_BODY:
        raise OAuthRefusal("invalid_request", "The request body is too large", 413)
    try:
        in_query = parse(request.scope["query_string"], TOKEN)
        found = parse(raw, TOKEN)
    except ValueError:
        raise OAuthRefusal("invalid_request", "The request body is no form in UTF-8") from None
    if in_query.values or in_query.twice or in_query.bad:
        # RFC 6749, 2.3.1 and 3.2: addresses end up in logs.
        raise OAuthRefusal("invalid_request", "Parameters belong in the request body, not in the address")
    if found.fault:
        raise OAuthRefusal("invalid_request", found.fault)
    return found


def _is_clean(name: str, value: str) -> bool:
    if len(value) > (LONGEST_STATE if name == "state" else LONGEST_VALUE):
        return False
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
