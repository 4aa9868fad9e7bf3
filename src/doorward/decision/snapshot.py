"""What a door knows when it decides: people and their credentials, the channel's own rules, the door's state.

People are in a directory that all channels of a process share; what differs between channels is small: which
roles admit there, and when. So a change to a person is one assignment, whatever the number of doors
(docs/decisions/0005).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from doorward.decision.codes import DURESS, PIN
from doorward.decision.shifts import Timetable

Status = Literal["active", "disabled", "deleted"]

_SPARE_SETS: Final = 1024


class Credential(NamedTuple):
    """What a reader reports: a kind from codes.KINDS and a value, for instance ("card", "1234567890")."""

    kind: str
    value: str

    def __repr__(self) -> str:
        shown = "…" if self.kind in (PIN, DURESS) else repr(self.value)
        return f"Credential({self.kind!r}, {shown})"


class Membership(NamedTuple):
    """Somebody is in groups for a time, by a group reservation: they hold the roles in [start, end).

    Milliseconds UTC.
    """

    roles: Collection[int]
    start: int
    end: int


class Person(NamedTuple):
    """Somebody who may open doors.

    Validity is half-open: [valid_from, valid_to) in milliseconds UTC, None = unbounded.
    """

    id: int
    name: str
    status: Status
    valid_from: int | None
    valid_to: int | None
    roles: Collection[int]
    """A directory keeps them as a tuple in ascending order: that is read in half the time of a set."""
    kinds: frozenset[str]
    """The kinds of credential that this person has enrolled."""
    memberships: tuple[Membership, ...] = ()
    """Roles that are held for a time only, beside `roles`."""


class Directory:
    """Credential → person, of one account: changed one person at a time, read by all channels of the process.

    What it says depends on what it was told last about each person, not on the order. Should several have the
    same credential, it is that of somebody who is not deleted, then of the newest (highest id).
    """

    __slots__ = ("_credentials", "_interned", "_kinds", "_role_ids", "_shared", "by_kind", "people")

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.by_kind: dict[str, dict[str, Person]] = {}
        self._credentials: dict[int, tuple[Credential, ...]] = {}
        self._shared: dict[Credential, set[int]] = {}
        """The holders of the few credentials that have several (a deleted person's card, handed on)."""
        # Thousands of people share a few hundred roles and sets of them: each is kept once, which saves
        # memory and, more to the point, the time of fetching it from there.
        self._role_ids: dict[int, int] = {}
        self._interned: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._kinds: dict[frozenset[str], frozenset[str]] = {}

    def put(self, person: Person, credentials: Iterable[Credential]) -> None:
        """Add the person or replace what was known of them; at no moment in between are they unknown."""
        held = tuple(dict.fromkeys(credentials))
        kinds = frozenset(credential.kind for credential in held)
        kinds = self._kinds.setdefault(kinds, kinds)
        memberships = tuple(
            membership._replace(roles=self._one_copy(membership.roles)) for membership in person.memberships
        )
        person = person._replace(roles=self._one_copy(person.roles), kinds=kinds, memberships=memberships)
        before = self._credentials.get(person.id, ())
        self.people[person.id] = person
        self._credentials[person.id] = held
        for credential in before:
            if credential not in held:
                self._release(credential, person.id)
        for credential in held:
            self._claim(credential, person)

    def remove(self, person_id: int) -> None:
        """Forget a person and the credentials that are theirs; nothing happens if nobody has this id."""
        self.people.pop(person_id, None)
        for credential in self._credentials.pop(person_id, ()):
            self._release(credential, person_id)

    def find(self, kind: str, value: str) -> Person | None:
        """Who has this credential."""
        return self.by_kind.get(kind, _NOBODY).get(value)

    def holder(self, kind: str, value: str) -> Person | None:
        """Whose credential it is that somebody presents: a PIN that nobody has may be somebody's duress PIN."""
        person = self.by_kind.get(kind, _NOBODY).get(value)
        if kind == PIN and (person is None or person.status == "deleted"):
            under_duress = self.by_kind.get(DURESS, _NOBODY).get(value)
            if person is None or (under_duress is not None and under_duress.status != "deleted"):
                return under_duress
        return person

    def holders(self, credential: Credential) -> Collection[int]:
        """Everybody who has this credential, by id."""
        holder = self.find(credential.kind, credential.value)
        return self._shared.get(credential, () if holder is None else (holder.id,))

    def credentials_of(self, person_id: int) -> tuple[Credential, ...]:
        """The credentials that a person has; none if nobody has this id."""
        return self._credentials.get(person_id, ())

    def take_over(self, person_id: int, other: "Directory") -> None:
        """Let the person be as in another directory, which knows them."""
        self.put(other.people[person_id], other._credentials[person_id])  # noqa: SLF001 - it is of our own kind

    def _claim(self, credential: Credential, person: Person) -> None:
        holders = self.by_kind.setdefault(credential.kind, {})
        holder = holders.get(credential.value, person)
        if holder.id == person.id and credential not in self._shared:
            holders[credential.value] = person
        else:
            self._shared.setdefault(credential, {holder.id}).add(person.id)
            self._settle(credential)

    def _release(self, credential: Credential, person_id: int) -> None:
        if credential in self._shared:
            self._shared[credential].discard(person_id)
            self._settle(credential)
        else:
            del self.by_kind[credential.kind][credential.value]

    def _settle(self, credential: Credential) -> None:
        """Give a shared credential to the one whose it is."""
        sharers = self._shared[credential]
        people = [self.people[person_id] for person_id in sharers]
        holder = max(people, key=lambda person: (person.status != "deleted", person.id))
        self.by_kind[credential.kind][credential.value] = holder
        if len(sharers) == 1:
            del self._shared[credential]

    def _one_copy(self, roles: Collection[int]) -> tuple[int, ...]:
        ascending = tuple(sorted(set(roles)))
        found = self._interned.get(ascending)
        if found is None:
            if len(self._interned) > 2 * len(self.people) + _SPARE_SETS:
                # Reservations make roles, and so sets, that are gone tomorrow: forget them all now and then.
                self._interned, self._role_ids = {}, {}
            found = tuple(self._role_ids.setdefault(role_id, role_id) for role_id in ascending)
            self._interned[found] = found
        return found


_NOBODY: Final[Mapping[str, Person]] = MappingProxyType({})


class Grant(NamedTuple):
    """A role that names this channel. `shift` None grants at any time."""

    role_id: int
    role_name: str
    shift: Timetable | None
    shift_name: str


class Passback(NamedTuple):
    """Anti-passback: `hard` refuses, `soft` admits and notes it, `timed` refuses for `minutes`."""

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
    first_person_in: bool = False
    """The auto-unlock shift unlocks only once somebody has been admitted since it opened."""
    two_person: bool = False
    """Two different people, both of whom may pass, within `two_person_ms`."""
    two_person_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one channel needs to decide; `version` counts the changes to the account's configuration."""

    channel: Channel
    directory: Directory
    grants: Mapping[int, Grant]
    """By role id."""
    version: int = 0


class Presence(NamedTuple):
    """Where a person was last seen to go, and when; area None is outside."""

    area: int | None
    since: int


class Waiting(NamedTuple):
    """The first of two people whom a door lets in only together, and since when they wait."""

    person_id: int
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
    first_person_at: int | None = None
    """When somebody was last admitted here of those who let an auto-unlock shift begin."""
    waiting: Waiting | None = None


class Presented(NamedTuple):
    """What somebody held to the reader: one credential, or two and the time between them in milliseconds."""

    first: Credential
    second: Credential | None = None
    gap_ms: int = 0
