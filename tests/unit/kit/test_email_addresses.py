"""kit/email_addresses.py: an address is plausible or refused; two spellings of one are one."""

import pytest

from doorward.kit.email_addresses import clean_email, email_key
from doorward.kit.text import InvalidText


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "ada.lovelace+doors@mail.example.co.uk",
        "o'neill@example.org",
        "zoë@müller.example",
        "a@b.xn--p1ai",
        f"{'a' * 64}@example.com",
    ],
)
def test_an_address_that_mail_can_be_sent_to_is_taken(address: str) -> None:
    assert clean_email(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada@exa mple.com",
        "a da@example.com",
        "ada@example..com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@.example.com",
        "ada@example.com.",
        "Ada <ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@127.0.0.1",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 250}.com",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidText, match="is not an e-mail address"):
        clean_email(address)


def test_case_makes_no_other_address() -> None:
    assert email_key("ADA@Straße.example") == email_key("ada@STRASSE.example")
