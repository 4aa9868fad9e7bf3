"""Forms of the console: what was sent, as the body that the API would take; and how a form is shown again.

A field of a form has the name that it has in the API, so that what a service says of a field stands at that field.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request

from doorward.console.multipart import parts_in
from doorward.kit.errors import Conflict, Invalid
from doorward.pages.forms import pairs_in
from doorward.signing_in import csrf
from doorward.signing_in.current import session_of
from doorward.wire.bodies import UnsupportedMediaType

_ENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_MOST_FIELDS: Final = 5_000
_LONGEST: Final = 512 * 1024
_SHORT: Final = 16 * 1024
"""Longer ones take some milliseconds to read: that is done beside the event loop."""


SEEN: Final = "seen"
"""The field that says how a thing was when its form was opened: seen_of()."""


class ChangedMeanwhile(Invalid):
    """The form shows what is not so any more: to save it would undo what somebody else has changed since."""

    def __init__(self) -> None:
        super().__init__({"": ["Somebody has changed this since you opened it. Save again to put yours in its place."]})


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields of a form that our own page has sent, each as often as it was in it, and what is in its files."""

    fields: Mapping[str, Sequence[str]]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str:
        """What was written, "" if nothing was."""
        values = self.fields.get(name, ())
        return values[-1] if values else ""

    def texts(self, name: str) -> list[str]:
        """All that was written or ticked under one name."""
        return list(self.fields.get(name, ()))

    def body(
        self,
        *,
        texts: Collection[str] = (),
        numbers: Collection[str] = (),
        flags: Collection[str] = (),
        ids: Collection[str] = (),
        words: Collection[str] = (),
    ) -> dict[str, object]:
        """The body that the API would be sent: a blank is null, a box that is not ticked is false.

        `texts` are lines, choices and instants, `numbers` one whole number each, `ids` lists of these, `words` lists of
        texts. What is no number is passed on as it is written, for the service to complain of.
        """
        found: dict[str, object] = {name: self.text(name).strip() or None for name in texts}
        found.update({name: _number(self.text(name)) for name in numbers})
        found.update({name: self.text(name) not in ("", "false", "0") for name in flags})
        found.update({name: [_number(text) for text in self.texts(name) if text] for name in ids})
        found.update({name: [text for text in self.texts(name) if text] for name in words})
        return found


@dataclass(slots=True)
class Form:
    """A form as it is shown: the values of its fields, and what is wrong with them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def value(self, name: str, default: Any = "") -> Any:
        """What the field holds; "" for nothing."""
        found = self.values.get(name, default)
        return default if found is None else found

    def holds(self, name: str, option: object) -> bool:
        """Whether an option is chosen among a field's."""
        found = self.values.get(name)
        options = found if isinstance(found, list | tuple | set | frozenset) else [found]
        return str(option) in {str(each) for each in options if each is not None}

    def said_of(self, name: str) -> list[str]:
        """What is wrong with a field."""
        return list(self.errors.get(name, ()))


def again(sent: Sent, error: Invalid | Conflict, *, lists: Collection[str] = ()) -> Form:
    """The form as it was sent, with what is wrong with it; `lists` are the fields with several values."""
    values = {name: list(given) if name in lists else given[-1] for name, given in sent.fields.items() if given}
    if isinstance(error, ChangedMeanwhile):
        del values[SEEN]
    errors = error.errors if isinstance(error, Invalid) else {"": [error.text]}
    return Form(values, errors)


def seen_of(*values: object) -> str:
    """What stands for how a thing is, in a form that holds all of it."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:32]


def require_as_seen(sent: Sent, *values: object) -> None:
    """Raise ChangedMeanwhile unless a thing is as it was when its form was opened; a form that does not say passes."""
    if SEEN in sent and sent.text(SEEN) != seen_of(*values):
        raise ChangedMeanwhile


async def sent(request: Request[Any, Any, Any], *, most: int = _LONGEST) -> Sent:
    """What a form of ours has sent, of at most `most` bytes if it is not one with files.

    Raises Forbidden for one that does not come from our page, UnsupportedMediaType, or BadRequest.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = Sent({})
    if media_type == _ENCODED:
        body = await request.body()
        found = _urlencoded(body, most) if len(body) <= _SHORT else await asyncio.to_thread(_urlencoded, body, most)
    elif media_type == _MULTIPART:
        parts = await parts_in(request)
        found = Sent(_by_name(parts.fields), parts.files)
    elif media_type:
        raise UnsupportedMediaType
    csrf.check(session_of(request), found.text("csrf_token"), request)
    return found


def _urlencoded(raw: bytes, most: int) -> Sent:
    return Sent(_by_name(pairs_in(raw, longest=most, most_fields=_MOST_FIELDS)))


def _by_name(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return found


def _number(text: str) -> object:
    digits = text.strip()
    if not digits:
        return None
    whole = digits.removeprefix("-")
    return int(digits) if whole.isascii() and whole.isdigit() and len(digits) < 19 else text
