"""A mail server (aiosmtpd) on a free port of this machine: it keeps what it is given."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "doors@acme.example", "p@ss/wörd"


@dataclass
class Letter:
    """A message that arrived, and how."""

    message: EmailMessage
    sender: str
    recipients: list[str]
    over_tls: bool
    user: str | None

    def text(self, kind: str = "plain") -> str:
        """The part of it that is plain text, or HTML."""
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass
class MailBox:
    """What a server was given, and where it is."""

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """What it says to the next messages instead of taking them."""
    refused: dict[str, str] = field(default_factory=dict)
    """What it says to recipients that it takes nothing for."""

    def url(self, *, host: str = "127.0.0.1", scheme: str = "smtp", user: bool = False, more: str = "") -> str:
        """The setting that names this server."""
        login = "doors%40acme.example:p%40ss%2Fw%C3%B6rd@" if user else ""
        return f"{scheme}://{login}{host}:{self.port}?from=doors@acme.example{more}"


class _Handler:
    def __init__(self, box: MailBox) -> None:
        self._box = box

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address in self._box.refused:
            return self._box.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._box.answers:
            return self._box.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        user = session.auth_data
        assert server.transport is not None
        over_tls = server.transport.get_extra_info("sslcontext") is not None
        letter = Letter(message, envelope.mail_from or "", list(envelope.rcpt_tos), over_tls, user)
        self._box.letters.append(letter)
        return "250 kept"


def _authenticator(_: SMTP, __: Session, ___: Envelope, ____: str, login: Any) -> AuthResult:
    right = isinstance(login, LoginPassword) and (login.login.decode(), login.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False, auth_data=USER if right else None)


class _OnAFreePort(Controller):
    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's own


@contextmanager
def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[MailBox]:
    """Serve until the block ends; with `login` nobody gets in without the password, nor without TLS."""
    box = MailBox()
    controller = _OnAFreePort(
        _Handler(box),
        hostname="127.0.0.1",
        port=0,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=_authenticator if login else None,
        auth_required=login,
        ident="mail.example ESMTP",
    )
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
