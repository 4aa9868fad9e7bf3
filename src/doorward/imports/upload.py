"""The file of a request: its body, or the field `file` of a form."""

from email.message import Message
from typing import Final

from doorward.kit.errors import BadRequest, Invalid
from doorward.wire.bodies import UnsupportedMediaType

CSV: Final = "text/csv"
FORM: Final = "multipart/form-data"
FIELD: Final = "file"

_MOST_PARTS: Final = 20


def file_in(body: bytes, content_type: str) -> bytes:
    """The bytes of the file. Raises UnsupportedMediaType, BadRequest for what is no form, Invalid without a file."""
    header = _header("content-type", content_type)
    media_type = header.get_content_type() if content_type else ""
    if media_type == CSV:
        return body
    if media_type != FORM:
        raise UnsupportedMediaType(f"{CSV} or {FORM}")
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary.isascii():
        raise BadRequest("The form has no boundary")
    return _of_form(body, boundary.encode())


def _of_form(body: bytes, boundary: bytes) -> bytes:
    """RFC 7578: parts between boundaries, each a head, an empty line and what it holds."""
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_PARTS)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise BadRequest("The form is cut short, or has too many fields")
    for part in parts[1:-1]:
        head, empty_line, content = part.partition(b"\r\n\r\n")
        if empty_line and _name(head) == FIELD:
            return content
    raise Invalid({FIELD: ["can't be blank"]})


def _name(head: bytes) -> str | None:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            found = _header(name.strip(), value.strip()).get_param("name", header="content-disposition")
            return found if isinstance(found, str) else None
    return None


def _header(name: str, value: str) -> Message:
    message = Message()
    message[name] = value.replace("\r", " ").replace("\n", " ")
    return message
