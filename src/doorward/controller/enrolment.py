"""How a controller comes to belong to a server: one request, with a code that is good once.

The code proves each end to the other and goes into the link's key, so nothing here depends on the connection's own
security (doorward.link.keys). What is asked with is kept until it is done: should the answer be lost, the very same
request is given it again for as long as the code would have held.
"""

import base64
import binascii
import http.client
import os
import ssl
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

import msgspec

from doorward import __version__
from doorward.controller.files import replace_file
from doorward.controller.identity import Identity
from doorward.kit.errors import BadRequest
from doorward.link import keys

ATTEMPT_FILE: Final = "enrolling.json"
_LONGEST_ANSWER: Final = 1 << 20
_ANSWER_WITHIN_S: Final = 30.0


class EnrolmentFailed(OSError):
    """It could not be done; the text says why, in one sentence."""


class NotReached(EnrolmentFailed):
    """The server has not been asked: the code is still good."""


class CodeRefused(BadRequest):
    """The server does not take the code: it is wrong, over, or used."""


class EnrolledChannel(msgspec.Struct, frozen=True):
    """A channel that is the controller's from now on."""

    id: int
    name: str
    driver: str = "simulated"
    key: str = ""
    """Its encryption key in hex; empty: it has none."""

    def __repr__(self) -> str:
        return f"EnrolledChannel({self.id}, {self.name!r}, …)"


class Attempt(msgspec.Struct, frozen=True):
    """With what a controller asks; `code`: the part of it that is sent. Printing it shows no secret."""

    code: str
    private_key: str
    nonce: str

    def __repr__(self) -> str:
        return f"Attempt({self.code!r}, …)"


class _Asked(msgspec.Struct, frozen=True):
    code: str
    public_key: str
    nonce: str
    proof: str
    name: str
    software: str


class _Answered(msgspec.Struct, frozen=True):
    public_key: str
    nonce: str
    sealed: str


class _Sealed(msgspec.Struct, frozen=True):
    controller_id: int
    account: str
    server_time: int
    channels: tuple[EnrolledChannel, ...]


class _Refused(msgspec.Struct, frozen=True):
    error_description: str = ""


class Enrolled(msgspec.Struct, frozen=True):
    """What came of it."""

    identity: Identity
    channels: tuple[EnrolledChannel, ...]
    server_time: int


def server_address(text: str) -> str:
    """A server's base address as it was typed, checked. Raises BadRequest."""
    parts = urlsplit(text.strip())
    try:
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadRequest("--server must be the server's address, such as https://doors.example.com")
    if parts.username is not None:
        raise BadRequest("--server must not have a user name or password in it")
    return text.strip().rstrip("/")


def enrolment_code(text: str) -> keys.EnrolmentCode:
    """The code as it was typed. Raises BadRequest, which does not repeat it."""
    code = keys.parse_code(text)
    if code is None:
        raise BadRequest("--code must be the code that `doorward controller code` printed, four groups of five")
    return code


def certificates(path: Path | None) -> str | None:
    """The certificates in a file. Raises BadRequest unless they are some."""
    if path is None:
        return None
    try:
        text = path.read_text("ascii")
        tls_context(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it holds no certificates in PEM"
        raise BadRequest(f"--ca {path}: {why}") from None
    return text


def tls_context(pem: str | None) -> ssl.SSLContext:
    """How a server's certificate is checked: as usual, by the system's authorities or by these. Raises SSLError."""
    return ssl.create_default_context(cadata=pem)


def attempt_at(directory: Path, code: keys.EnrolmentCode) -> Attempt:
    """With what this machine asks to be enrolled by a code: the same as before, if it has. Raises OSError."""
    path = directory / ATTEMPT_FILE
    with suppress(FileNotFoundError, msgspec.MsgspecError):
        kept = msgspec.json.decode(path.read_bytes(), type=Attempt)
        if kept.code == code.lookup:
            return kept
    made = Attempt(code.lookup, keys.new_private_key().hex(), os.urandom(keys.NONCE_BYTES).hex())
    replace_file(path, msgspec.json.encode(made))
    return made


def forget_attempt(directory: Path) -> None:
    """It has come to something. Raises OSError."""
    (directory / ATTEMPT_FILE).unlink(missing_ok=True)


def enrol(
    server: str, code: keys.EnrolmentCode, name: str, pem: str | None, attempt: Attempt | None = None
) -> Enrolled:
    """Ask the server. Raises EnrolmentFailed, or CodeRefused; with the same `attempt` it may be asked again."""
    if attempt is None:
        private_key, nonce = keys.new_private_key(), os.urandom(keys.NONCE_BYTES)
    else:
        private_key, nonce = bytes.fromhex(attempt.private_key), bytes.fromhex(attempt.nonce)
    public_key = keys.public_key_of(private_key)
    asked = _Asked(
        code.lookup,
        public_key.hex(),
        nonce.hex(),
        keys.proof(code, public_key, nonce).hex(),
        name,
        f"doorward {__version__}",
    )
    raw = _post(f"{server}/api/3/controllers/enrol", msgspec.json.encode(asked), pem)
    try:
        answered = msgspec.json.decode(raw, type=_Answered)
        nonces = nonce + bytes.fromhex(answered.nonce)
        agreed = keys.agree(code, private_key, bytes.fromhex(answered.public_key), nonces)
        opened = keys.open_once(agreed.answer_key, base64.b64decode(answered.sealed, validate=True))
        sealed = msgspec.json.decode(opened, type=_Sealed)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise EnrolmentFailed(f"what answers at {server} is no Doorward server, or one of another version") from None
    except keys.WrongKey:
        raise EnrolmentFailed(f"what answers at {server} does not know the code: it is not trusted") from None
    identity = Identity(sealed.controller_id, sealed.account, server, private_key.hex(), agreed.link_key.hex(), pem)
    return Enrolled(identity, sealed.channels, sealed.server_time)


def is_this_machine(url: str) -> bool:
    """Whether the address is of the machine itself, which no proxy leads to."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _post(url: str, body: bytes, pem: str | None) -> bytes:
    request = Request(url, body, {"Content-Type": "application/json", "Accept": "application/json"})  # noqa: S310
    opener = OpenerDirector()  # without the handler that follows redirects, nor those for files and FTP
    context = tls_context(pem)
    proxies = ProxyHandler({}) if is_this_machine(url) else ProxyHandler()
    for handler in (proxies, HTTPHandler(), HTTPSHandler(context=context), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    opener.add_handler(HTTPErrorProcessor())
    try:
        with opener.open(request, timeout=_ANSWER_WITHIN_S) as answer:
            content: bytes = answer.read(_LONGEST_ANSWER)
            return content
    except HTTPError as error:
        raise _refusal(error) from None
    except URLError as error:
        # It is raised for what goes wrong before all has been sent.
        raise NotReached(f"the server does not answer: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise EnrolmentFailed(f"the server does not answer: {error or type(error).__name__}") from None


def _refusal(error: HTTPError) -> EnrolmentFailed | CodeRefused:
    if 300 <= error.code < 400:
        location = error.headers.get("Location")
        return EnrolmentFailed(f"the server sends one on to {location}: give its own address as --server")
    try:
        said = msgspec.json.decode(error.read(_LONGEST_ANSWER), type=_Refused).error_description
    except (msgspec.MsgspecError, OSError, http.client.HTTPException):
        said = ""
    if not said:
        return EnrolmentFailed(f"the server refuses with status {error.code}")
    # Of a server of ours: anything before it that refuses says so in other words.
    kind = CodeRefused if error.code == HTTPStatus.FORBIDDEN else EnrolmentFailed
    return kind(f"the server refuses: {said}")
