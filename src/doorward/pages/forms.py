"""Forms of our own pages, read strictly."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request

from doorward.kit.errors import BadRequest
from doorward.wire.bodies import UnsupportedMediaType

_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 50
_LONGEST: Final = 64 * 1024


async def read_form(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """The fields of a URL-encoded form, each once.

    Raises UnsupportedMediaType for a body of another type, BadRequest for what is no such form in UTF-8.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise UnsupportedMediaType
    pairs = pairs_in(await request.body(), longest=_LONGEST, most_fields=_MOST_FIELDS)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("The form has a field twice")
    return fields


def pairs_in(raw: bytes, *, longest: int, most_fields: int) -> list[tuple[str, str]]:
    """The names and values of a URL-encoded form in UTF-8, in their order. Raises BadRequest, also for a larger one."""
    if len(raw) > longest:
        raise BadRequest("The form is too large")
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=most_fields, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise BadRequest("The form could not be read") from None
