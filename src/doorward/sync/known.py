"""People as channels are told of them: somebody with roles, and everybody of a channel as of one moment."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from doorward.decision.snapshot import Credential, Directory, Person
from doorward.link.records import ChannelRecord, Hardware, SettingRecord, channel_record, encode, person_record
from doorward.sync.compiler import CompiledChannel


class Known(NamedTuple):
    """Somebody with roles, and the credentials that they have."""

    person: Person
    credentials: tuple[Credential, ...]

    def roles(self) -> set[int]:
        """Every role that they hold, be it for a time."""
        return set(self.person.roles).union(*(membership.roles for membership in self.person.memberships))

    def record(self, here: Collection[int]) -> bytes | None:
        """What a channel that knows these roles is told of them; None: nothing."""
        record = person_record(self.person, self.credentials, here)
        return None if record is None else encode(record)


class Capture:
    """Everybody who has one of some roles, as they are at this moment, to be gone through little by little.

    Nothing is copied for it but the ids of one role at a time; who changes meanwhile is kept as they were.
    """

    def __init__(
        self, here: frozenset[int], people: Mapping[int, Known], by_role: Mapping[int, Collection[int]]
    ) -> None:
        """`people` and `by_role` are the ones that change; whoever changes them says so before, by keep()."""
        self.here = here
        self._people = people
        self._by_role = by_role
        self._seen: set[int] = set()
        self._before: dict[int, Known | None] = {}

    def keep(self, person_id: int, before: Known | None) -> None:
        """Somebody is about to change: they are kept as they were, if they have not been come to yet."""
        if person_id not in self._seen:
            self._before.setdefault(person_id, before)

    def people(self) -> Iterator[Known]:
        """Everybody, once."""
        for role_id in self.here:
            for person_id in list(self._by_role.get(role_id, ())):
                if person_id not in self._seen and person_id not in self._before:
                    self._seen.add(person_id)
                    yield self._people[person_id]
        while self._before:
            person_id, before = self._before.popitem()
            self._seen.add(person_id)
            if before is not None and not self.here.isdisjoint(before.roles()):
                yield before


def known_of(directory: Directory, person_id: int) -> Known | None:
    """Somebody as they are; None for who has no role, and so is of no matter to any channel."""
    person = directory.people.get(person_id)
    if person is None or not (person.roles or person.memberships):
        return None
    return Known(person, directory.credentials_of(person_id))


def record_of(compiled: CompiledChannel) -> ChannelRecord:
    """A channel as it is told of itself."""
    controls, snapshot = compiled.controls, compiled.snapshot
    setting = SettingRecord(
        pulse_ms=controls.pulse_ms,
        held_open_ms=controls.held_open_ms,
        unlocked=controls.unlocked,
        unlocked_until=controls.unlocked_until,
        card_lockdown=controls.card_lockdown,
        rex_lockdown=controls.rex_lockdown,
        aux_lockdown=controls.aux_lockdown,
        held_open_warning_ms=controls.held_open_warning_ms,
        rex_held_ms=controls.rex_held_ms,
        relock_on_open=controls.relock_on_open,
    )
    hardware = Hardware(controls.driver, controls.unit, controls.card_format, controls.serial_number)
    return channel_record(snapshot.channel, snapshot.grants, setting, hardware)
