"""outbound/mail.py: messages arrive in a real mail server, and what goes wrong is said."""

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from doorward.kit import mail_servers
from doorward.outbound.fetching import OutboundFailed, OutboundRefused, tls_context
from doorward.outbound.mail import HandedOver, Mail, hand_over
from tests.conftest import NOW
from tests.support.certificates import certificate
from tests.support.mail_server import MailBox, mail_server

pytestmark = pytest.mark.anyio

TO = ("guard@acme.example", "boss@acme.example")
MAIL = Mail(TO, "Front door forced open", "Zoë's door\n.\nFrom here\n", "<p>Zoë's door</p>", "rule 7, event 12")
WITHOUT_TLS = "&starttls=never"


async def send(url: str, mail: Mail = MAIL, timeout_s: float = 20) -> HandedOver:
    return await hand_over(mail_servers.mail_server(url), mail, NOW, timeout_s=timeout_s)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """A server's certificate for "localhost" that this process trusts."""
    path = certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(path))
        tls_context.cache_clear()
        tls_context()
        yield context
    tls_context.cache_clear()


@pytest.fixture
def plain() -> Iterator[MailBox]:
    """A server without TLS."""
    with mail_server() as box:
        yield box


async def test_a_message_arrives_in_two_parts_and_says_that_a_machine_wrote_it(plain: MailBox) -> None:
    assert await send(plain.url(more=WITHOUT_TLS)) == HandedOver("kept")
    [letter] = plain.letters
    message = letter.message
    assert (letter.sender, tuple(letter.recipients), letter.over_tls) == ("doors@acme.example", TO, False)
    assert (message["From"], message["To"]) == ("Doorward <doors@acme.example>", ", ".join(TO))
    assert (message["Subject"], message["Auto-Submitted"]) == ("Front door forced open", "auto-generated")
    assert message["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert message.get_content_type() == "multipart/alternative"
    assert (letter.text().replace("\r\n", "\n"), letter.text("html").strip()) == (
        "Zoë's door\n.\nFrom here\n",
        "<p>Zoë's door</p>",
    )


async def test_a_message_that_is_sent_again_is_known_by_its_id(plain: MailBox) -> None:
    url = plain.url(more=WITHOUT_TLS)
    for mail in (MAIL, MAIL, MAIL._replace(key="another")):
        await send(url, mail)
    first, again, other = (letter.message["Message-ID"] for letter in plain.letters)
    assert first == again != other
    assert first.endswith("@acme.example>")


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85", "\0"])
async def test_nothing_in_a_text_becomes_a_header(plain: MailBox, line_end: str) -> None:
    evil = f"Ada{line_end}Bcc: spy@evil.example{line_end}{line_end}Hello"
    await send(plain.url(more=WITHOUT_TLS), MAIL._replace(subject=evil, text=evil, html=evil, key=evil))
    [letter] = plain.letters
    assert letter.message["Bcc"] is None
    assert letter.recipients == list(TO)
    assert letter.message["Subject"] == "Ada Bcc: spy@evil.example Hello"


async def test_with_starttls_and_a_password_a_message_arrives(secure: ssl.SSLContext) -> None:
    with mail_server(starttls=secure, login=True) as box:
        await send(box.url(host="localhost", user=True))
        [letter] = box.letters
        assert (letter.over_tls, letter.user) == (True, "doors@acme.example")
        wrong = box.url(host="localhost", user=True).replace("p%40ss", "wrong")
        with pytest.raises(OutboundFailed, match=r"refused the user or the password \(535\)"):
            await send(wrong)
        with pytest.raises(OutboundFailed, match="certificate does not hold"):
            await send(box.url(user=True))  # the certificate is of another name
        with pytest.raises(OutboundRefused, match="Must issue a STARTTLS"):
            await send(box.url(host="localhost", more=WITHOUT_TLS))
        assert len(box.letters) == 1


async def test_with_tls_from_the_first_byte_a_message_arrives(secure: ssl.SSLContext) -> None:
    with mail_server(tls=secure) as box:
        await send(box.url(host="localhost", scheme="smtps"))
        assert [letter.over_tls for letter in box.letters] == [True]


async def test_a_server_without_starttls_gets_nothing_unless_it_is_allowed(plain: MailBox) -> None:
    with pytest.raises(OutboundFailed, match="does not offer STARTTLS"):
        await send(plain.url())
    assert plain.letters == []


async def test_what_the_server_will_never_take_is_told_from_what_it_may_take_later(plain: MailBox) -> None:
    url = plain.url(more=WITHOUT_TLS)
    plain.answers = ["451 greylisted, come again", "554 spam"]
    with pytest.raises(OutboundFailed, match="answered 451 greylisted, come again"):
        await send(url)
    with pytest.raises(OutboundRefused, match="answered 554 spam"):
        await send(url)
    plain.refused = {TO[0]: "550 nobody of that name"}
    assert (await send(url)).refused == (TO[0],)
    assert plain.letters[-1].recipients == [TO[1]]
    plain.refused = {TO[0]: "550 nobody of that name", TO[1]: "550 nobody"}
    with pytest.raises(OutboundRefused, match="takes nothing for these addresses: nobody of that name"):
        await send(url)
    plain.refused = {TO[0]: "550 nobody of that name", TO[1]: "450 busy"}
    with pytest.raises(OutboundFailed, match="takes nothing for these addresses"):
        await send(url)


async def test_a_server_that_is_not_there_or_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"smtp://127.0.0.1:{port}?from=doors@acme.example"
        with pytest.raises(OutboundFailed, match=r"did not answer within 0\.2 seconds"):
            await send(url, timeout_s=0.2)
    with pytest.raises(OutboundFailed, match=r"could not be reached \(the connection was refused\)"):
        await send(url)


async def test_a_server_that_breaks_off_is_told_from_one_that_took_the_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def serve() -> None:
            connection, _ = rude.accept()
            with connection:
                connection.sendall(b"220 hello\r\n")
                connection.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OutboundFailed, match="could not be reached"):
            await send(f"smtp://127.0.0.1:{rude.getsockname()[1]}?from=doors@acme.example")
        thread.join(10)
