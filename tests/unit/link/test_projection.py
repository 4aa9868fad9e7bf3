"""What channels are to be told, kept up while things change, is what would come of counting everything anew."""

from itertools import islice
from math import inf
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Membership, Person, Snapshot
from doorward.link.content import Content
from doorward.link.records import encode, person_record
from doorward.sync.compiler import CompiledChannel, Controls
from doorward.sync.known import record_of
from doorward.sync.projection import AccountProjection

PROFILE = settings.get_profile("link")
ROLES, CHANNELS, PEOPLE = range(1, 7), range(1, 5), range(1, 40)


class World:
    """An account that changes at random, its projection, and what a session of each channel would believe."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.directory = Directory()
        self.grants: dict[int, dict[int, Grant]] = {channel_id: {} for channel_id in CHANNELS}
        self.served = set(CHANNELS)
        self.projection = AccountProjection(lambda: self.directory, self.compiled, self.sink)
        self.told: dict[int, dict[int, bytes]] = {channel_id: {} for channel_id in CHANNELS}
        self.changed: dict[int, set[int]] = {channel_id: set(PEOPLE) for channel_id in CHANNELS}
        for channel_id in CHANNELS:
            self.projection.add_channel(channel_id)

    def compiled(self, channel_id: int) -> CompiledChannel | None:
        if channel_id not in self.served:
            return None
        channel = Channel(channel_id, f"Door {channel_id}", "UTC", frozenset({"card"}))
        controls = Controls(1, "osdp", 5000, 30_000, False, None, False, False, False, controller_id=1)
        return CompiledChannel(Snapshot(channel, self.directory, self.grants[channel_id]), controls)

    def sink(self, channel_id: int, person_ids: object) -> None:
        assert isinstance(person_ids, set | tuple | frozenset)
        self.changed[channel_id].update(person_ids)

    def person(self, person_id: int) -> None:
        some = [role_id for role_id in ROLES if self.random.random() < 0.3]
        memberships = (Membership((self.random.choice(ROLES),), 0, 10),) if self.random.random() < 0.3 else ()
        name = f"Person {person_id} {self.random.randint(0, 2)}"
        person = Person(person_id, name, "active", None, None, some, frozenset(), memberships)
        self.directory.put(person, [Credential("card", str(self.random.randint(1, 60)))])

    def change(self) -> None:
        """One thing changes, and is noted as the snapshots of the process would note it."""
        match self.random.choice(("person", "person", "person", "channel", "gone", "everybody", "nothing")):
            case "person":
                person_id = self.random.choice(PEOPLE)
                self.person(person_id)
                self.projection.note([person_id])
            case "channel":
                channel_id = self.random.choice(CHANNELS)
                self.grants[channel_id] = {
                    role_id: Grant(role_id, f"Role {role_id}", None, "")
                    for role_id in ROLES
                    if self.random.random() < 0.5
                }
                self.projection.note_channels([channel_id])
            case "gone":
                channel_id = self.random.choice(CHANNELS)
                self.served ^= {channel_id}
                self.projection.note_channels([channel_id])
                if channel_id in self.served:
                    self.projection.add_channel(channel_id)
                    self.told[channel_id] = {}
                    self.changed[channel_id] = set(PEOPLE)
            case "everybody":
                self.directory = Directory()
                for person_id in PEOPLE:
                    if self.random.random() < 0.8:
                        self.person(person_id)
                self.projection.note_everybody()

    def check(self) -> None:
        """Everything is as if it were counted anew, and whoever is told of changes only has it all."""
        assert self.projection.is_settled
        assert not self.projection.has_work
        assert self.projection.channel_ids == self.served
        for channel_id in self.served:
            compiled = self.compiled(channel_id)
            assert compiled is not None
            here = compiled.snapshot.grants
            records = {
                person_id: encode(record)
                for person_id, person in self.directory.people.items()
                if (record := person_record(person, self.directory.credentials_of(person_id), here)) is not None
            }
            anew = Content()
            anew.set_channel(encode(record_of(compiled)))
            for person_id, each in records.items():
                anew.add(person_id, each)
            kept = self.projection.content(channel_id)
            assert kept is not None
            assert kept.digest() == anew.digest()
            assert kept.sums(8) == anew.sums(8)
            assert kept.people == len(records)
            captured = self.projection.capture(channel_id)
            assert {known.person.id: known.record(captured.here) for known in captured.people()} == records
            told = self.told[channel_id]
            some = self.projection.some(channel_id, self.changed[channel_id])
            for person_id, known in some.people:
                raw = None if known is None else known.record(some.here)
                if raw is None:
                    told.pop(person_id, None)
                else:
                    told[person_id] = raw
            self.changed[channel_id].clear()
            assert told == records
            for person_id in PEOPLE:
                assert self.projection.concerns(channel_id, person_id) == (person_id in records)


@settings(PROFILE, max_examples=150)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 5), max_size=30))
def test_what_was_kept_up_through_changes_is_what_would_be_counted_anew(seed: int, pauses: list[int]) -> None:
    world = World(seed)
    for slices in pauses:
        world.change()
        for _ in range(slices):
            world.projection.work(0.0)  # as little as there can be done at once
        if slices == 5:
            world.projection.work(inf)
            world.check()
    world.projection.work(inf)
    world.check()


@settings(PROFILE)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 8), min_size=1, max_size=20))
def test_what_was_captured_stays_as_it_was_while_everything_changes(seed: int, steps: list[int]) -> None:
    """As a channel is told everything little by little: what comes of it is what it was at the first moment."""
    world = World(seed)
    world.projection.note_everybody()
    for person_id in PEOPLE:
        world.person(person_id)
    for channel_id in CHANNELS:
        world.grants[channel_id] = {role_id: Grant(role_id, "Role", None, "") for role_id in (1, 2, channel_id)}
    world.projection.note_channels(CHANNELS)
    world.projection.work(inf)
    content = world.projection.content(1)
    assert content is not None
    digest, record, count = content.digest(), world.projection.record(1), content.people
    captured = world.projection.capture(1)
    people, told = captured.people(), Content()
    told.set_channel(record)
    for taken in (*steps, 1_000):
        for known in islice(people, taken):
            raw = known.record(captured.here)
            assert raw is not None
            told.add(known.person.id, raw)
        world.served = set(CHANNELS)
        world.change()
        world.projection.work(inf)
    assert told.people == count
    assert told.digest() == digest
    del captured, people
    assert not world.projection._captures, "nothing is kept for nobody"


def test_a_revocation_does_not_wait_for_everybody_to_be_looked_at() -> None:
    world = World(1)
    for channel_id in CHANNELS:
        world.grants[channel_id] = {1: Grant(1, "Role", None, "")}
    for person_id in range(1, 3_000):
        world.directory.put(Person(person_id, "P", "active", None, None, (1,), frozenset()), ())
    world.projection.note_channels(CHANNELS)
    world.projection.note_everybody()
    world.projection.work(inf)
    for changed in world.changed.values():
        changed.clear()
    world.projection.note_everybody()
    world.directory.put(Person(2_999, "P", "disabled", None, None, (1,), frozenset()), ())
    world.projection.note([2_999])
    world.projection.work(0.0)
    assert all(changed == {2_999} for changed in world.changed.values())
    assert not world.projection.is_settled, "everybody else is still to be looked at"
