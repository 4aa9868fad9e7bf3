"""E-mail addresses: plausible ones, and the key under which two spellings are the same."""

import re
from typing import Final

from doorward.kit.text import InvalidText

_LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64
# What may stand in a message and in a dialogue of SMTP as it is, quoted by nothing (RFC 5321, 4.1.2, without quotes).
_MAILBOX: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
# What lies between is for the mail server to judge: an address is right if a message to it arrives.
_PLAUSIBLE: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@(?:[^\s@<>()\[\]\\,;:\".]+\.)+[^\s@<>()\[\]\\,;:\".\d][^\s@.]*")


def clean_email(text: str) -> str:
    """The address without spaces around it. Raises InvalidText for what mail could not be sent to."""
    address = text.strip()
    local = address.partition("@")[0]
    if (
        len(address) > _LONGEST
        or len(local) > _LONGEST_LOCAL
        or local.startswith(".")
        or local.endswith(".")
        or ".." in address
        or not _PLAUSIBLE.fullmatch(address)
    ):
        raise InvalidText("is not an e-mail address")
    return address


def clean_mailbox(text: str) -> str:
    """An address that any mail server takes: of ASCII only. Raises InvalidText."""
    address = clean_email(text)
    if not _MAILBOX.fullmatch(address):
        raise InvalidText("must be of ASCII letters, digits and signs; a domain such as xn--mnchen-3ya.example")
    return address


def email_key(address: str) -> str:
    """The address without regard to case: what is unique."""
    return address.casefold()
