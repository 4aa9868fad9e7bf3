"""What a door knows when it decides: people and their credentials, the channel's own rules, the door's state.

People are in a directory that all channels of a process share; what differs between channels is small: which roles admit
there, and when. So a change to a person is one assignment, whatever the number of doors (docs/decisions/0005).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from doorward.decision.shifts import Timetable

Status = Literal["active", "disabled", "deleted"]


class Credential(NamedTuple):
    """What a reader reports: a kind from codes.KINDS and a value, for instance ("card", "1234567890")."""

    kind: str
    value: str


class Person(NamedTuple):
    """Somebody who may open doors. Validity is half-open: [valid_from, valid_to), milliseconds UTC, None = unbounded."""

    id: int
    name: str
    status: Status
    valid_from: int | None
    valid_to: int | None
    roles: frozenset[int]
    kinds: frozenset[str]
    """The kinds of credential that this person has enrolled."""


class Directory:
    """Credential → person, of one account. Changed one person at a time; read by every channel of the process."""

    __slots__ = ("_credentials", "_kinds", "_roles", "by_kind", "people")

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.by_kind: dict[str, dict[str, Person]] = {}
        self._credentials: dict[int, tuple[Credential, ...]] = {}
        # Thousands of people share a few hundred sets of roles and kinds: each set is kept once.
        self._roles: dict[frozenset[int], frozenset[int]] = {}
        self._kinds: dict[frozenset[str], frozenset[str]] = {}

    def put(self, person: Person, credentials: Iterable[Credential]) -> None:
        """Add the person or replace what was known of them.

        A credential that a deleted person once had does not displace the one who has it now.
        """
        self.remove(person.id)
        held = tuple(credentials)
        kinds = frozenset(credential.kind for credential in held)
        person = person._replace(
            roles=self._roles.setdefault(person.roles, person.roles), kinds=self._kinds.setdefault(kinds, kinds)
        )
        self.people[person.id] = person
        self._credentials[person.id] = held
        for kind, value in held:
            holders = self.by_kind.setdefault(kind, {})
            if person.status != "deleted" or value not in holders:
                holders[value] = person

    def remove(self, person_id: int) -> None:
        """Forget a person and the credentials that are theirs; nothing happens if nobody has this id."""
        self.people.pop(person_id, None)
        for kind, value in self._credentials.pop(person_id, ()):
            holders = self.by_kind[kind]
            holder = holders.get(value)
            if holder is not None and holder.id == person_id:
                del holders[value]

    def find(self, kind: str, value: str) -> Person | None:
        """Who has this credential."""
        return self.by_kind.get(kind, _NOBODY).get(value)


_NOBODY: Mapping[str, Person] = MappingProxyType({})


class Grant(NamedTuple):
    """A role that names this channel. `shift` None grants at any time."""

    role_id: int
    role_name: str
    shift: Timetable | None
    shift_name: str


class Passback(NamedTuple):
    """Anti-passback: `hard` refuses, `soft` admits and notes it, `timed` refuses for `minutes` after entering."""

    mode: Literal["hard", "soft", "timed"]
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """The rules of one door, apart from who may open it."""

    id: int
    name: str
    zone: str
    accepts: frozenset[str]
    two_factor: bool = False
    """A card (or pass) and a PIN of the same person, in either order."""
    second_factor_ms: int = 10_000
    auto_unlock: Timetable | None = None
    passback: Passback | None = None
    area_from: int | None = None
    """The area one stands in before passing; None is outside."""
    area_to: int | None = None
    staleness_ms: int | None = None
    """How long the door goes on deciding without contact to the server; None for ever."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one channel needs to decide. `version` counts up with each change to the account's configuration."""

    channel: Channel
    directory: Directory
    grants: Mapping[int, Grant]
    """By role id."""
    version: int = 0


class Presence(NamedTuple):
    """Where a person was last seen to go, and when; area None is outside."""

    area: int | None
    since: int


@dataclass(frozen=True, slots=True)
class DoorState:
    """What changes at a door without its configuration changing."""

    tampered: bool = False
    card_lockdown: bool = False
    aux_lockdown: bool = False
    rex_lockdown: bool = False
    unlocked: bool = False
    unlocked_until: int | None = None
    """The door relocks at this instant; None: not by itself."""
    confirmed_at: int | None = None
    """When the server last confirmed the snapshot; None while the server itself decides."""
    presence: Mapping[int, Presence] = field(default_factory=lambda: MappingProxyType({}))
    """By person id; a person who is not in it may stand anywhere."""


class Presented(NamedTuple):
    """What somebody held to the reader: one credential, or two and the time between them in milliseconds."""

    first: Credential
    second: Credential | None = None
    gap_ms: int = 0
