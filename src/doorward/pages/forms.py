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
    raw = await request.body()
    if len(raw) > _LONGEST:
        raise BadRequest("The form is too large")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise BadRequest("The form could not be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("The form has a field twice")
    return fields
