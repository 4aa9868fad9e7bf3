"""A form with files (RFC 7578) as browsers send it, read beside the event loop: names and texts are in UTF-8.

What a part says of its own charset is not listened to: some of those that Python knows take minutes for a megabyte.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import Request

from doorward.kit.errors import BadRequest

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([!-~]{1,70})"|([!#-:<-~]{1,70}))', re.IGNORECASE)
_DISPOSITION: Final = re.compile(r"^content-disposition:(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME: Final = re.compile(r';\s*name="([^"]*)"')
_FILENAME: Final = re.compile(r';\s*filename="[^"]*"')
_ESCAPED: Final = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))
_MOST_PARTS: Final = 1_000
_LONGEST_HEAD: Final = 8 * 1024


class Parts(NamedTuple):
    """The fields in their order, and the content of each file by the name of its field."""

    fields: Sequence[tuple[str, str]]
    files: Mapping[str, bytes]


async def parts_in(request: Request[Any, Any, Any]) -> Parts:
    """What a request has sent. Raises BadRequest for what is no such form."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None:
        raise BadRequest("The form has no boundary")
    boundary = (found[1] or found[2]).encode()
    body = await request.body()
    return await asyncio.to_thread(_read, body, boundary)


def _read(body: bytes, boundary: bytes) -> Parts:
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_PARTS + 1)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise BadRequest("The form is cut short, or has too many fields")
    fields: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for part in parts[1:-1]:
        head, empty_line, content = part.partition(b"\r\n\r\n")
        try:
            disposition = _DISPOSITION.search(head.decode()) if empty_line and len(head) <= _LONGEST_HEAD else None
            name = _NAME.search(disposition[1]) if disposition else None
            if disposition is None or name is None:
                raise BadRequest("A field of the form has no name")
            if _FILENAME.search(disposition[1]):
                files[_unescaped(name[1])] = content
            else:
                fields.append((_unescaped(name[1]), content.decode()))
        except UnicodeDecodeError:
            raise BadRequest("The form is not in UTF-8") from None
    return Parts(fields, files)


def _unescaped(name: str) -> str:
    """A name as it was before a browser wrote it between quotes."""
    for escaped, meant in _ESCAPED:
        name = name.replace(escaped, meant)
    return name
