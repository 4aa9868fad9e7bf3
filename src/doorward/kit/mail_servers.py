"""The mail server that messages are handed to, as one URL: `smtps://user:password@mail.example.com?from=doors@example.com`."""

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from doorward.kit.email_addresses import clean_mailbox
from doorward.kit.text import InvalidText

Security = Literal["tls", "starttls", "none"]
"""From the first byte (RFC 8314); after STARTTLS, which then has to succeed (RFC 3207); not at all."""

_PORTS: Final[dict[Security, int]] = {"tls": 465, "starttls": 587, "none": 25}
_OPTIONS: Final = frozenset({"from", "starttls"})
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class InvalidMailServer(ValueError):
    """The URL names no mail server; the message says why, and has nothing of the URL in it."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where messages go, how the way there is secured, and from which address they come."""

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def mail_server(url: str) -> MailServer:
    """The server of a URL: `smtp://` demands STARTTLS unless `?starttls=never`, `smtps://` is TLS throughout.

    `?from=` is the address that messages come from; without it the user must be one. A password goes to no other
    machine unless the way is encrypted. Raises InvalidMailServer.
    """
    parts, port = _parts(url)
    options = _options(parts.query)
    security = _security(parts.scheme, options.get("starttls"))
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    host = parts.hostname or ""
    if (user is None) != (password is None):
        raise InvalidMailServer("must have both a user and a password, or neither")
    if password is not None and security == "none" and host not in _LOOPBACK:
        raise InvalidMailServer("must not send a password without TLS: leave starttls=never out")
    try:
        sender = clean_mailbox(options.get("from") or user or "")
    except InvalidText:
        raise InvalidMailServer("must say which address mail comes from: …?from=doors@example.com") from None
    return MailServer(host, port or _PORTS[security], security, sender, user, password)


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidMailServer("is not a URL") from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0:
        raise InvalidMailServer("must be a URL such as smtp://user:password@mail.example.com?from=doors@example.com")
    if parts.path not in ("", "/") or parts.fragment:
        raise InvalidMailServer("must have nothing behind the port but ?from=… and ?starttls=never")
    return parts, port


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=len(_OPTIONS))
    except ValueError:
        raise InvalidMailServer("must have no options but from=… and starttls=…") from None
    options = dict(pairs)
    if len(options) != len(pairs) or not _OPTIONS.issuperset(options):
        raise InvalidMailServer("must have no options but from=… and starttls=…, each once")
    return options


def _security(scheme: str, starttls: str | None) -> Security:
    if starttls not in (None, "required", "never"):
        raise InvalidMailServer("must have starttls=required or starttls=never")
    if scheme == "smtps":
        if starttls is not None:
            raise InvalidMailServer("is TLS from the first byte, so that starttls=… has no meaning")
        return "tls"
    return "none" if starttls == "never" else "starttls"
