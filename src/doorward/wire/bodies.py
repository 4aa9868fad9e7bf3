"""JSON from outside, read strictly: every input is hostile."""

import json
from typing import Any, NoReturn

from litestar import Request

from doorward.kit.errors import BadRequest


class UnsupportedMediaType(Exception):
    """415: the body is not JSON, or not what the message says that it must be."""


async def read_json(request: Request[Any, Any, Any]) -> object:
    """The request's JSON body.

    Raises UnsupportedMediaType for a body of another type, BadRequest for what is not JSON in UTF-8 or says the same
    key twice.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType
    return parse_json(await request.body())


async def read_optional_json(request: Request[Any, Any, Any]) -> object:
    """The same where a body may be left out, or be null: then it is an object without fields.

    Clients without a body say that it is JSON, or form data, or nothing at all.
    """
    if not (await request.body()).strip():
        return {}
    found = await read_json(request)
    return {} if found is None else found


def unwrapped(body: object, name: str) -> object:
    """What a body says, be it by itself or, as some clients have it, as the one object `name` within."""
    inner = body.get(name) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else body


def parse_json(raw: bytes) -> object:
    """Decode JSON. Raises BadRequest where decoders usually shrug: duplicate keys, NaN, lone surrogates, depth."""
    try:
        text = raw.decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails for a lone surrogate
    except UnicodeError:
        raise BadRequest("The request body is not valid UTF-8 text") from None
    except RecursionError:
        raise BadRequest("The request body is nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadRequest(f"The request body is not valid JSON: {error.msg} ({where})") from None
    except ValueError:
        raise BadRequest("The request body has a number that is out of range") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadRequest(f"The request body has the key {key[:50]!r} twice")
            seen.add(key)
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"The request body is not valid JSON: {name} is no number")
