"""kit/mail_servers.py: which mail server a URL names, and what of it is refused."""

import pytest

from doorward.kit.mail_servers import InvalidMailServer, MailServer, mail_server

NAMED = "?from=doors@acme.example"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (f"smtp://mail.example{NAMED}", MailServer("mail.example", 587, "starttls", "doors@acme.example")),
        (f"smtp://mail.example:2525/{NAMED}", MailServer("mail.example", 2525, "starttls", "doors@acme.example")),
        (f"smtp://relay{NAMED}&starttls=never", MailServer("relay", 25, "none", "doors@acme.example")),
        (f"smtp://[::1]:25{NAMED}&starttls=required", MailServer("::1", 25, "starttls", "doors@acme.example")),
        (
            "smtps://doors%40acme.example:p%40ss%2F1@mail.example",
            MailServer("mail.example", 465, "tls", "doors@acme.example", "doors@acme.example", "p@ss/1"),
        ),
        (
            f"smtp://u:p@127.0.0.1:1025{NAMED}&starttls=never",
            MailServer("127.0.0.1", 1025, "none", "doors@acme.example", "u", "p"),
        ),
    ],
)
def test_a_url_names_a_server_and_how_the_way_there_is_secured(url: str, server: MailServer) -> None:
    assert mail_server(url) == server


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mail.example", "must be a URL"),
        (f"https://mail.example{NAMED}", "must be a URL"),
        (f"smtp://{NAMED}", "must be a URL"),
        (f"smtp://mail.example:0{NAMED}", "must be a URL"),
        (f"smtp://mail.example:99999{NAMED}", "is not a URL"),
        (f"smtp://mail.example\r\nX: y{NAMED}", "is not a URL"),
        (f"smtp://mail.example/box{NAMED}", "nothing behind the port"),
        ("smtp://mail.example", "which address"),
        ("smtp://user:secret@mail.example", "which address"),
        ("smtp://mail.example?from=nobody", "which address"),
        ("smtp://mail.example?from=a@b.example%0d%0aBcc:x@y.example", "which address"),
        ("smtp://mail.example?from=d%C3%B6rs@acme.example", "which address"),
        (f"smtp://mail.example{NAMED}&starttls=maybe", "starttls=required"),
        (f"smtps://mail.example{NAMED}&starttls=never", "no meaning"),
        (f"smtp://mail.example{NAMED}&tls=1", "no options but"),
        (f"smtp://mail.example{NAMED}&from=x@y.example", "each once"),
        (f"smtp://user@mail.example{NAMED}", "both a user and a password"),
        (f"smtp://user:secret@mail.example{NAMED}&starttls=never", "without TLS"),
    ],
)
def test_what_names_no_server_is_refused_without_repeating_it(url: str, why: str) -> None:
    with pytest.raises(InvalidMailServer, match=why) as caught:
        mail_server(url)
    assert "secret" not in str(caught.value)


def test_a_server_does_not_show_its_password() -> None:
    assert "p4ss" not in repr(mail_server(f"smtps://u:p4ss@mail.example{NAMED}"))
