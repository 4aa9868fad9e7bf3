"""What channels have been told, on the disk: all of an Update or nothing, sealed, and given up whole when damaged."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.controller.content import Contents, begin
from doorward.controller.enrolment import EnrolledChannel
from doorward.controller.replica import Replica, bucket_sums, load, untold
from doorward.controller.store import FILE, About, Change, Damaged, Noted, Store, StoreFailed
from doorward.controller.updates import NotFitting, dismantle, prepare
from doorward.link import records
from doorward.link.content import Content
from doorward.link.messages import Update
from doorward.link.records import PersonRecord
from tests.support.link_server import ToldChannel, channel, member

SECRET = bytes(range(32))
NOW = 1_772_442_000_000
ABOUT = About("Door 5", "simulated", (b"k" * 32,))


def opened(directory: Path) -> Store:
    store = Store(directory / FILE, SECRET)
    store.put_channel(5, ABOUT)
    return store


def told(*people: PersonRecord, **rules: object) -> ToldChannel:
    return ToldChannel(channel(5, **rules), {each.id: each for each in people})


def take(replica: Replica, store: Store, parts: list[Update], *, in_place: bool = True, is_kept: bool = True) -> None:
    """Go by an Update, and keep it if the disk takes it."""
    replica.take(prepare(replica, store, parts, NOW, in_place))
    assert replica.unsaved is not None
    if is_kept:
        store.apply(5, replica.unsaved)
        replica.unsaved = None


def test_what_was_told_is_there_after_a_start(tmp_path: Path) -> None:
    store = opened(tmp_path)
    server = told(member(1), member(2))
    replica = untold(5, ABOUT)
    take(replica, store, server.everything())
    assert replica.digest == server.content.digest()
    store.close()
    store = Store(tmp_path / FILE, SECRET)
    [kept] = store.channels()
    again = load(store, kept)
    assert (again.version, again.digest, again.about) == (1, server.content.digest(), ABOUT)
    assert again.snapshot.directory.people == replica.snapshot.directory.people
    assert again.setting == replica.setting
    assert kept.confirmed_at == NOW


@pytest.mark.en60839("6.8/22")
def test_nothing_on_the_disk_can_be_read_without_the_controllers_key(tmp_path: Path) -> None:
    store = opened(tmp_path)
    replica = untold(5, ABOUT)
    person = member(1, card="7654321", name="Ada Lovelace")
    take(replica, store, told(person).everything())
    store.note({5: Noted(NOW, b"was left ajar", 3)}, {1: b"somewhere"}, 17)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"7654321", b"Ada", b"Door 5", b"kkkkkkkk", b"ajar", b"somewhere"):
        assert secret not in content
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    store.close()
    with pytest.raises(Damaged):
        Store(tmp_path / FILE, bytes(32)).channels()


def test_a_record_in_another_place_is_damage(tmp_path: Path) -> None:
    store = opened(tmp_path)
    replica = untold(5, ABOUT)
    take(replica, store, told(member(1), member(2)).everything())
    store.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE people SET id = 3 WHERE id = 1")
    store = Store(tmp_path / FILE, SECRET)
    with pytest.raises(Damaged):
        list(store.people(5))


@pytest.mark.parametrize("content", [b"no database at all", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_none_of_ours_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(Damaged):
        Store(tmp_path / FILE, SECRET)


def test_what_cannot_be_kept_whole_is_not_kept_at_all(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(5, Change(1, NOW, b"rules", {1: b"one", 2: b"two"}, (), True))

    def broken() -> dict[int, bytes]:
        return {3: b"three", 4: "no bytes"}  # type: ignore[dict-item]

    with pytest.raises(TypeError):
        store.apply(5, Change(2, NOW, b"other rules", broken(), (1,), False))
    assert dict(store.people(5)) == {1: b"one", 2: b"two"}
    [kept] = store.channels()
    assert (kept.record, kept.version) == (b"rules", 1)


def test_a_disk_that_cannot_be_written_is_said_to_fail_and_can_still_be_read(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(5, Change(1, NOW, b"rules", {1: b"one"}, (), True))
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreFailed):
        store.apply(5, Change(2, NOW, None, {}, (1,), False))
    assert dict(store.people(5)) == {1: b"one"}


def test_updates_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    server = told(member(1))
    replica = untold(5, ABOUT)
    take(replica, store, server.everything())
    digest = server.content.digest()
    person = records.encode(member(2))
    shift_that_is_not_there = records.encode(channel(5, auto_unlock=3))
    refused = [
        Update(2, b"x" * 16, digest, people=(person,)),
        Update(2, digest, digest, people=(person,)),
        Update(2, digest, digest, people=(b"no person",)),
        Update(2, digest, digest, channel=b"no channel"),
        Update(2, digest, digest, channel=records.encode(channel(6))),
        Update(2, digest, digest, channel=shift_that_is_not_there),
        Update(2, None, digest, people=(person,)),
        Update(2, digest, digest, buckets=(0, (0,))),
        Update(2, digest, digest, gone=(1 << 63,)),
        Update(2, digest, digest, people=(records.encode(member(1 << 63)),)),
        Update(2, digest, digest, channel=records.encode(channel(5, passback=("hard", 0))).replace(b"hard", b"soon")),
    ]
    for update in refused:
        with pytest.raises(NotFitting):
            prepare(replica, store, [update], NOW)
    assert replica.digest == digest
    assert [kept.version for kept in store.channels()] == [1]
    assert dict(store.people(5)) == {1: records.encode(member(1))}


def test_what_is_told_in_small_steps_is_what_would_be_told_at_once(tmp_path: Path) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(
            st.tuples(
                st.dictionaries(st.integers(1, 12), st.integers(1, 4), max_size=5),
                st.sets(st.integers(1, 12), max_size=3),
                st.booleans(),
            ),
            max_size=8,
        ),
        in_place=st.booleans(),
        failing=st.sets(st.integers(0, 7)),
    )
    def holds(steps: list[tuple[dict[int, int], set[int], bool]], in_place: bool, failing: set[int]) -> None:
        (tmp_path / FILE).unlink(missing_ok=True)
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"{FILE}{suffix}").unlink(missing_ok=True)
        store, server, replica = opened(tmp_path), told(member(1)), untold(5, ABOUT)
        take(replica, store, server.everything())
        for number, (put, gone, by_buckets) in enumerate(steps):
            before = server.content.digest()
            for person_id in gone | put.keys():
                if person_id in server.people:
                    server.content.remove(person_id, records.encode(server.people.pop(person_id)))
            for person_id, card in put.items():
                server.people[person_id] = person = member(person_id, card=f"{person_id}{card}")
                server.content.add(person_id, records.encode(person))
            server.version += 1
            if by_buckets:
                wanted = {person_id % 4 for person_id in gone | put.keys()}
                people = tuple(records.encode(each) for each in server.people.values() if each.id % 4 in wanted)
                parts = server.update(before, people=people, buckets=(4, tuple(wanted)))
            else:
                people = tuple(records.encode(server.people[person_id]) for person_id in put)
                parts = server.update(before, people=people, gone=tuple(gone - put.keys()))
            take(replica, store, parts, in_place=in_place, is_kept=number not in failing)
            assert replica.digest == server.content.digest()
        known = dict(replica.snapshot.directory.people)
        assert known.keys() == server.people.keys()
        assert replica.content.people == len(server.people)
        if replica.unsaved is not None:
            store.apply(5, replica.unsaved)
        again = load(store, store.channels()[0])
        assert again.digest == server.content.digest()
        assert again.snapshot.directory.people == known
        assert again.snapshot.directory.by_kind.get("card", {}) == replica.snapshot.directory.by_kind.get("card", {})
        store.close()

    holds()


def test_the_sums_are_those_of_the_buckets(tmp_path: Path) -> None:
    store, replica = opened(tmp_path), untold(5, ABOUT)
    server = told(*(member(number) for number in range(1, 200)))
    take(replica, store, server.everything())
    sums, own = bucket_sums(replica)
    assert len(sums) == 16 * 8
    assert int.from_bytes(own, "big") == server.content.channel


def test_a_channel_that_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(5, Change(1, NOW, b"rules", {1: b"one"}, (), True))
    store.forget(5)
    assert store.channels() == []
    assert dict(store.people(5)) == {}


def test_a_directory_is_dismantled_to_nothing() -> None:
    replica = untold(5, ABOUT)
    directory = replica.snapshot.directory
    directory.put(*records.person_of(member(1)))
    dismantle(directory)
    assert not directory.people
    assert directory.find("card", "1001") is None


def test_a_channel_that_was_told_nothing_says_so(tmp_path: Path) -> None:
    replica = untold(5, About("", ""))
    assert (replica.digest, replica.name, replica.is_told) == (b"", "Channel 5", False)
    assert Content().digest() != b""
    assert not (tmp_path / FILE).exists()


@pytest.mark.anyio
async def test_what_was_given_at_enrolment_is_there_at_the_first_start(tmp_path: Path) -> None:
    begin(tmp_path, SECRET, [EnrolledChannel(5, "Front door", "osdp", "aa" * 32), EnrolledChannel(6, "Back door")])
    contents = Contents(tmp_path, SECRET)
    loaded = await contents.open()
    assert loaded.damage is None
    found = [(replica.id, replica.name, replica.driver, replica.about.keys) for replica, _ in loaded.channels]
    assert found == [(5, "Front door", "osdp", (b"\xaa" * 32,)), (6, "Back door", "simulated", ())]
    await contents.close()
