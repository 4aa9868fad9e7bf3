"""Passwords of users: what is one, and its hash made before any transaction begins."""

from typing import Final, NamedTuple

from doorward.kit.crypto import hash_password, new_password
from doorward.kit.fields import Fields
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.hashing import hashed

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 255


class Prepared(NamedTuple):
    """A password's hash; and the password, if it was made here: the only time that it can be seen."""

    password_hash: str | None
    made: str | None

    def __repr__(self) -> str:
        return "Prepared(…)"


def read_password(fields: Fields) -> str | None:
    """The password that a body gives; complains about one that is too short or too long."""
    password = fields.text("password", limit=LONGEST_PASSWORD)
    if password is not None and len(password) < SHORTEST_PASSWORD:
        fields.complain("password", f"is too short (at least {SHORTEST_PASSWORD} characters)")
        return None
    return password


async def prepare(body: object, *, make: bool) -> Prepared:
    """The hash of the body's password; where it gives none and `make`, of a new one.

    A bad password has no hash: the service complains about it. Raises BadRequest for what is no JSON object.
    """
    given, made = _choose(body, make=make)
    password = given or made
    return Prepared(None if password is None else await hashed(password), made)


def prepare_now(body: object, *, make: bool) -> Prepared:
    """The same for callers without an event loop."""
    given, made = _choose(body, make=make)
    password = given or made
    return Prepared(None if password is None else hash_password(password), made)


def _choose(body: object, *, make: bool) -> tuple[str | None, str | None]:
    fields = StructuredFields(body)
    given = read_password(fields)
    return given, new_password() if make and given is None and not fields.errors else None
