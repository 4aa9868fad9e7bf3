"""What channels are to be told, kept up while things change, is what would come of counting everything anew."""

from collections import defaultdict
from itertools import islice
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.snapshot import Grant, Person
from doorward.link.content import Content
from doorward.link.records import encode, person_record
from doorward.sync.known import record_of
from tests.unit.link.account import CHANNELS, PEOPLE, World

PROFILE = settings.get_profile("link")


def check(world: World, told: dict[int, dict[int, bytes]]) -> None:
    """Everything is as if it were counted anew, and whoever is told of changes only has it all."""
    assert world.projection.is_settled
    assert not world.projection.has_work
    assert world.projection.channel_ids == world.served
    for channel_id in world.served:
        compiled = world.compiled(channel_id)
        assert compiled is not None
        here = compiled.snapshot.grants
        records = {
            person_id: encode(record)
            for person_id, person in world.directory.people.items()
            if (record := person_record(person, world.directory.credentials_of(person_id), here)) is not None
        }
        anew = Content()
        anew.set_channel(encode(record_of(compiled)))
        for person_id, each in records.items():
            anew.add(person_id, each)
        kept = world.projection.content(channel_id)
        assert kept is not None
        assert kept.digest() == anew.digest()
        assert kept.sums(8) == anew.sums(8)
        assert kept.people == len(records)
        captured = world.projection.capture(channel_id)
        assert {known.person.id: known.record(captured.here) for known in captured.people()} == records
        here_told = told[channel_id]
        some = world.projection.some(channel_id, world.changed[channel_id])
        for person_id, known in some.people:
            raw = None if known is None else known.record(some.here)
            if raw is None:
                here_told.pop(person_id, None)
            else:
                here_told[person_id] = raw
        world.changed[channel_id].clear()
        assert here_told == records
        for person_id in PEOPLE:
            assert world.projection.concerns(channel_id, person_id) == (person_id in records)


@settings(PROFILE, max_examples=150)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 5), max_size=30))
def test_what_was_kept_up_through_changes_is_what_would_be_counted_anew(seed: int, pauses: list[int]) -> None:
    world = World(seed)
    told: dict[int, dict[int, bytes]] = defaultdict(dict)
    for slices in pauses:
        world.change()
        for _ in range(slices):
            world.projection.work(0.0)  # as little as there can be done at once
        if slices == 5:
            world.projection.work(inf)
            check(world, told)
    world.projection.work(inf)
    check(world, told)


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
