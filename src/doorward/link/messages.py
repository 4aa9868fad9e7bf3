"""The messages of a session. Each goes in the box that its docstring names; instants are milliseconds UTC.

Whoever receives a message that cannot be read, or in a box where it does not belong, ends the session.
"""

from typing import Final, TypeAlias

import msgspec

SPEAKS_EVERY_MS: Final = 10_000
"""Each end says something at least this often."""
SILENT_AFTER_MS: Final = 30_000
"""An end that has said nothing for so long is gone; well within the 45 s after which a channel counts as offline."""
MOST_EVENTS: Final = 200
"""So many events are told at once, at most."""
MOST_PEOPLE: Final = 2_000
"""So many people are told of in one message, at most."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A message of either end."""


# From the controller, in its own box.


class Held(msgspec.Struct, frozen=True):
    """What a controller has of a channel: the version and digest of what it was told, and by which key it is sealed."""

    channel_id: int
    version: int
    digest: bytes
    keys: tuple[str, ...]
    """Fingerprints of the channel's keys that it has, the one to use first; empty: none."""
    is_driven: bool = True
    """Whether its configuration file has hardware for the channel."""


class Hello(Message, frozen=True, tag="hello"):
    """The first sealed message of a controller."""

    software: str
    at: int
    record_format: int
    channels: tuple[Held, ...]
    next_sequence: int
    """The number of the first event that it has still to tell, or will tell next."""
    spool_length: int
    starts: tuple[str, ...] = ()
    """By what each start of the controller is known: the last that a server has agreed with, and those since."""


class Beat(Message, frozen=True, tag="beat"):
    """The controller is there."""

    at: int
    spool_length: int


class SequenceLost(Message, frozen=True, tag="sequence_lost"):
    """Events up to, not including, a number will never come: they were dropped, and a gap event says so."""

    next_sequence: int


# From the controller, in a channel's box.


class Taken(Message, frozen=True, tag="taken"):
    """The controller goes by this now, in memory, and sees to the rest: the next Update may come (decision 0034)."""

    version: int
    digest: bytes


class Applied(Message, frozen=True, tag="applied"):
    """What was taken is on the controller's disk, and on the board that decides at the door, if one does.

    Said once for what was taken last, or while a board takes long for something before. `refused`: what the hardware
    cannot represent, a sentence each.
    """

    version: int
    digest: bytes
    refused: tuple[str, ...] = ()


class NotApplied(Message, frozen=True, tag="not_applied"):
    """The channel goes on as before: what it was told does not fit what it has."""

    version: int
    reason: str
    buckets: bytes = b""
    """The sums of what it has, to be compared."""
    channel_digest: bytes = b""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened at the door."""

    sequence: int
    code: int
    at: int
    person_id: int | None = None
    person_name: str | None = None
    credential: str | None = None
    """The number of the card; never a PIN."""
    reasons: tuple[tuple[str, str], ...] = ()
    moved_to: tuple[int | None, int] | None = None
    """The area that the person went to (none: outside), and when."""
    answers: int | None = None
    """The request for a remote admission that this answers."""
    is_replayed: bool = False


class Events(Message, frozen=True, tag="events"):
    """Events of one channel, their numbers following one another."""

    events: tuple[Told, ...]


class KeyInUse(Message, frozen=True, tag="key_in_use"):
    """The channel has the key of this fingerprint, durably. The last frame under the key before."""

    fingerprint: str


# From the server, in the controller's own box.


class Welcome(Message, frozen=True, tag="welcome"):
    """The server's first sealed message. `channels`: those that are the controller's, with their keys' fingerprints."""

    at: int
    channels: tuple[tuple[int, str | None], ...]
    last_sequence: int
    """The controller's last event that is recorded."""
    is_forked: bool = False
    """Another start of the same controller has connected, of which this one knows nothing: its numbers are not ours."""


class Pulse(Message, frozen=True, tag="pulse"):
    """The server is there, and heard the Beat of `beat_at`, if any since the last.

    `as_of`: the controller has been sent all that was changed up to that instant; None: the server cannot tell. But for
    the channels `behind`, which have still to be sent something. That the server is there says nothing about it: it may
    be cut off from its database (docs/decisions/0034).
    """

    at: int
    beat_at: int | None = None
    as_of: int | None = None
    behind: tuple[int, ...] = ()


class Recorded(Message, frozen=True, tag="recorded"):
    """Events up to and with this number are on record."""

    sequence: int


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The session ends: `removed`, the controller is no longer one of the server's; `again`, connect again."""

    reason: str


# From the server, in a channel's box.


class Update(Message, frozen=True, tag="update"):
    """How the channel's content changes from one digest to another; nothing is applied before the last part is there.

    Records are as doorward.link.records encodes them. `buckets`: these buckets (numbers, of so many) are emptied first.
    """

    version: int
    before: bytes | None
    """The digest that the content must have before; none: it is told everything."""
    after: bytes
    channel: bytes | None = None
    """The channel's own record, or a piece of it: the pieces of all parts make it, in their order."""
    people: tuple[bytes, ...] = ()
    gone: tuple[int, ...] = ()
    buckets: tuple[int, tuple[int, ...]] | None = None
    part: int = 0
    parts: int = 1
    as_of: int | None = None
    """With this the channel has been sent all that was changed up to that instant, as Pulse has it."""


class Admit(Message, frozen=True, tag="admit"):
    """Release the door once, if it may be, for a person or for nobody in particular; `until` by the server's clock."""

    request_id: int
    person_id: int | None
    until: int


class Whereabouts(Message, frozen=True, tag="whereabouts"):
    """Where people went: (person, area or none, since); since 0: it is not known any more."""

    people: tuple[tuple[int, int | None, int], ...]
    everyone: bool = False
    """Whoever is not named is nowhere known."""


class NewKey(Message, frozen=True, tag="new_key"):
    """The channel's next key; empty: none. The last frame under the key before, once KeyInUse has come back."""

    key: bytes

    def __repr__(self) -> str:
        return "NewKey(…)"


FromController: TypeAlias = Hello | Beat | SequenceLost | Taken | Applied | NotApplied | Events | KeyInUse
FromServer: TypeAlias = Welcome | Pulse | Recorded | Goodbye | Update | Admit | Whereabouts | NewKey

_encoder: Final = msgspec.msgpack.Encoder()
_from_controller: Final = msgspec.msgpack.Decoder(FromController)
_from_server: Final = msgspec.msgpack.Decoder(FromServer)


class Unreadable(Exception):
    """A message that is none of ours."""


def encode(message: Message) -> bytes:
    """A message as bytes."""
    return _encoder.encode(message)


def decode_from_controller(raw: bytes) -> FromController:
    """Raises Unreadable."""
    try:
        message: FromController = _from_controller.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        raise Unreadable("a message of a controller cannot be read") from None
    return message


def decode_from_server(raw: bytes) -> FromServer:
    """Raises Unreadable."""
    try:
        message: FromServer = _from_server.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        raise Unreadable("a message of the server cannot be read") from None
    return message
