"""Messages by e-mail: written here, handed to the mail server of the installation (RFC 5321, RFC 5322).

Who writes the text has not chosen the headers: each is one line, made of what has been checked, so that no text can add
one. A message that is sent again has the same Message-ID, by which those who read it can see that it is the same.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NamedTuple

import aiosmtplib

from doorward.kit.mail_servers import MailServer
from doorward.outbound.fetching import OutboundFailed, OutboundRefused, tls_context

TIMEOUT_S: Final = 25.0
_LONGEST_SUBJECT: Final = 200
_LONGEST_REASON: Final = 300
_NOT_ONE_LINE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_NAME: Final = "Doorward"


class Mail(NamedTuple):
    """A message: the same in plain text and in HTML. `key` is what makes it this message and no other."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    key: str


class HandedOver(NamedTuple):
    """What the mail server said when it took the message."""

    answer: str
    refused: tuple[str, ...] = ()
    """Addresses that it did not take the message for."""


async def hand_over(server: MailServer, mail: Mail, now: int, *, timeout_s: float = TIMEOUT_S) -> HandedOver:
    """Hand a message to the mail server, over a connection of its own.

    Raises OutboundRefused if the server will never take it, OutboundFailed if it may the next time.
    """
    tls = None if server.security == "none" else await asyncio.to_thread(tls_context)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        local_hostname=_domain(server),
        timeout=timeout_s,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=tls,
    )
    try:
        async with asyncio.timeout(timeout_s), client:
            refused, answer = await client.send_message(composed(server, mail, now))
            return HandedOver(_plain(answer), tuple(refused))
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [each.code for each in error.recipients]
        reason = f"the mail server takes nothing for these addresses: {_plain(error.recipients[0].message)}"
        raise _of_code(max(codes) if min(codes) >= 500 else 450, reason) from None
    except aiosmtplib.SMTPAuthenticationError as error:
        # To be set right by whoever runs the installation: until then messages wait.
        raise OutboundFailed(f"the mail server refused the user or the password ({error.code})") from None
    except aiosmtplib.SMTPResponseException as error:
        raise _of_code(error.code, f"the mail server answered {error.code} {_plain(error.message)}") from None
    except aiosmtplib.SMTPNotSupported as error:
        raise OutboundFailed(f"the mail server cannot do what is needed: {_plain(str(error))}") from None
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        raise OutboundFailed(f"the mail server did not answer within {timeout_s:g} seconds") from None
    except ssl.SSLCertVerificationError as error:
        raise OutboundFailed(f"the mail server's certificate does not hold ({error.verify_message})") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise OutboundFailed(f"the mail server could not be reached ({_cause(error)})") from None


def composed(server: MailServer, mail: Mail, now: int) -> EmailMessage:
    """The message as it is sent: two parts that say the same, and headers that say that nobody wrote it by hand."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_NAME, addr_spec=server.sender)
    message["To"] = tuple(Address(addr_spec=address) for address in mail.to)
    message["Subject"] = one_line(mail.subject)[:_LONGEST_SUBJECT]
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, UTC))
    message["Message-ID"] = f"<{hashlib.sha256(mail.key.encode()).hexdigest()[:32]}@{_domain(server)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody is away on holiday for it
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def one_line(text: str) -> str:
    """A text as one line, whatever was in it."""
    return _NOT_ONE_LINE.sub(" ", text).strip()


def _domain(server: MailServer) -> str:
    return server.sender.rpartition("@")[2]


def _of_code(code: int, reason: str) -> OutboundRefused | OutboundFailed:
    """5xx is for good, 4xx for now (RFC 5321, 4.2.1)."""
    return OutboundRefused(reason) if code >= 500 else OutboundFailed(reason)


def _plain(answer: str) -> str:
    return one_line(answer)[:_LONGEST_REASON]


def _cause(error: BaseException) -> str:
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate does not hold: {each.verify_message}"
        if isinstance(each, ssl.SSLError):
            return "TLS failed"
        if isinstance(each, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(each, aiosmtplib.SMTPException) and "STARTTLS" in str(each):
            return "it does not offer STARTTLS"
    return "the connection failed"


def _chain(error: BaseException) -> Iterable[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
