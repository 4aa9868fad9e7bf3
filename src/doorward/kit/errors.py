"""What can go wrong, as types: raised where the rule is, turned into HTTP, CLI lines or pages in one place each."""

from collections.abc import Mapping, Sequence


class DoorwardError(Exception):
    """A refusal that the caller is told about. `code` and `text` are the body's error and error_description."""

    code = "error"
    text = ""

    def __init__(self, text: str | None = None) -> None:
        super().__init__(text or self.text)
        self.text = text or self.text


class BadRequest(DoorwardError):
    """400: malformed JSON or query."""

    code = "bad_request"
    text = "The request could not be understood"


class Unauthorized(DoorwardError):
    """401: no access token or one that does not hold. `challenge` is the RFC 6750 error code, None without a token."""

    code = "unauthorized"
    text = "The access token is invalid"

    def __init__(self, text: str | None = None, challenge: str | None = "invalid_token") -> None:
        super().__init__(text)
        self.challenge = challenge


class Forbidden(DoorwardError):
    """403: the user may not."""

    code = "forbidden"
    text = "You are not authorized to access this resource"


class InsufficientScope(Forbidden):
    """403: the application has not been granted a scope that the operation needs; any of `scopes` would do."""

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__()
        self.scopes = tuple(scopes)


class NotFound(DoorwardError):
    """404: no such thing, or one of another account."""

    code = "not_found"
    text = "The requested resource was not found"


class Conflict(DoorwardError):
    """409: the thing is there already, or is in the way."""

    code = "conflict"
    text = "The resource is in conflict with an existing one"


class Invalid(DoorwardError):
    """422: fields that break a rule, all of them at once."""

    code = "unprocessable_entity"
    text = "Validation failed"

    def __init__(self, errors: Mapping[str, Sequence[str]], text: str | None = None) -> None:
        super().__init__(text or "Validation failed: " + "; ".join(_sentences(errors)))
        self.errors = {field: list(messages) for field, messages in errors.items()}


class TooManyRequests(DoorwardError):
    """429: to be tried again after `retry_in` seconds. `limit` is how many requests a minute are allowed."""

    code = "rate_limited"
    text = "Too many requests. Please wait before trying again."

    def __init__(self, retry_in: int, limit: int | None = None, text: str | None = None) -> None:
        super().__init__(text)
        self.retry_in = retry_in
        self.limit = limit


def _sentences(errors: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{field} {message}" for field, messages in errors.items() for message in messages]
