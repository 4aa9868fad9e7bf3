"""The chain that an account's events form: whoever changes, removes or reorders one breaks it (docs/decisions/0026).

Pure. The form of what is digested is for ever: chains that were made long ago are verified by it, here and by others.
"""

import os
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

START: Final = "0" * 64
"""What comes before an account's first event."""

_FORM: Final = 1
_SALT_BYTES: Final = 16
_encode: Final = msgspec.json.Encoder().encode


class Content(NamedTuple):
    """What an event says for ever: nothing of a person but a number. Instants are milliseconds UTC."""

    account_id: int
    position: int
    id: int
    event_code: int
    occurred_at: int
    received_at: int
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    controller_id: int | None
    sequence: int | None
    is_replayed: int
    """0 or 1."""


def new_salts(count: int) -> list[str]:
    """Salts for commitments: 128 random bits each, in hex."""
    digits = os.urandom(_SALT_BYTES * count).hex()
    length = 2 * _SALT_BYTES
    return [digits[start : start + length] for start in range(0, length * count, length)]


def commitment(salt: str, person_name: str | None, credential: str | None, reasons: Sequence[tuple[str, str]]) -> str:
    """What the chain holds of what may name somebody; once the salt is gone, it says nothing of that any more.

    SHA-256, in hex, of the salt and, after a line feed, [person_name, credential, [[code, text], …]] in JSON.
    """
    return sha256(salt.encode() + b"\n" + _encode((person_name, credential, reasons))).hexdigest()


def link(previous: str, content: Content, committed: str) -> str:
    """The chain after an event: SHA-256, in hex, of the chain before it and, after a line feed, [1, content…] in JSON.

    JSON without spaces, in UTF-8, with no escapes but those that it must have.
    """
    return sha256(previous.encode() + b"\n" + _encode((_FORM, *content, committed))).hexdigest()
