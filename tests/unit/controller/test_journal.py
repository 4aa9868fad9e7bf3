"""The journal: what is written stays, in order, each once, whatever happens to the process and to the disk."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.controller import event_files, segments
from doorward.controller.gaps import Gap
from doorward.controller.happening import Happening, kept
from doorward.controller.journal import Journal, Limits
from doorward.controller.sealing import Seal
from doorward.decision.codes import EventCode
from doorward.link.messages import Told

pytestmark = pytest.mark.anyio

SEAL = Seal(bytes(32), "events")
SMALL = Limits(events=40, bytes=1 << 20, unsaved=20, file_bytes=1 << 20, file_events=10)


def happening(at: int, channel_id: int = 1, **said: object) -> Happening:
    return Happening(channel_id, Told(0, int(EventCode.ADMIT_CARD), at, person_name="Ada", **said))  # type: ignore[arg-type]


@contextmanager
def opened(directory: Path, limits: Limits | None = None) -> Iterator[Journal]:
    journal = Journal(directory / "events", SEAL, limits)
    try:
        yield journal
    finally:
        journal.abandon()


async def instants(journal: Journal, after: int = 0) -> list[int]:
    """The instants of all that can be told, a gap as the negative of how many it loses."""
    found: list[int] = []
    while (some := await journal.read(after, 7)) is not None:
        if isinstance(some, Gap):
            found.append(-sum(lost.count for lost in some.channels))
            after = some.last
            continue
        if not some:
            break
        assert [entry.number for entry in some] == list(range(some[0].number, some[-1].number + 1))
        found += [entry.happening.told.at for entry in some]
        after = some[-1].number
    return found


@pytest.mark.en60839("6.8/17")
async def test_what_was_written_is_there_in_order_after_the_process_was_killed(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        for at in range(25):
            journal.append([happening(at)])
    # Nothing was synced or closed; the next process finds it all, and goes on counting.
    with opened(tmp_path, SMALL) as journal:
        assert (journal.last, journal.length) == (25, 25)
        assert await instants(journal) == list(range(25))
        assert journal.append([happening(25)]) == 26


async def test_an_event_is_told_only_once_it_is_durable(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1)])
        assert await journal.read(0, 10) is None
        await journal.sync()
        assert await instants(journal) == [1]


async def test_what_happened_together_is_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(0)])
        written: list[bytes] = []
        monkeypatch.setattr(event_files, "write_all", lambda _, content: written.append(content))
        journal.append([happening(1), happening(2)])
    assert len(written) == 1


@pytest.mark.en60839("6.8/22")
async def test_names_are_not_readable_on_the_disk_and_the_files_are_their_owners(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1)])
        await journal.sync()
    files = list((tmp_path / "events").iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert not [path for path in files if b"Ada" in path.read_bytes()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 30), kept=st.floats(0, 1), data=st.data())
async def test_any_beginning_of_what_was_written_is_a_journal(
    tmp_path: Path, number: int, kept: float, data: st.DataObject
) -> None:
    directory = tmp_path / "any"
    shutil.rmtree(directory, ignore_errors=True)
    with opened(directory) as journal:
        for at in range(number):
            journal.append([happening(at)])
    [file] = (directory / "events").glob("*.events")
    content = file.read_bytes()
    cut = round(len(content) * kept)
    file.write_bytes(content[:cut] + data.draw(st.binary(max_size=60)))
    whole = list(segments.records(content[:cut]))
    # What is there in all its length was written, if by chance: that it cannot be read is said.
    damaged = [-1] * segments.damaged_at_end(file.read_bytes(), 0)
    expected = [*range(len(whole)), *damaged]
    with opened(directory) as journal:
        assert await instants(journal) == expected
        assert journal.append([happening(99)]) == len(expected) + 1
    with opened(directory) as journal:
        assert await instants(journal) == [*expected, 99]


async def test_what_was_not_written_to_its_end_is_no_loss(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(0)])
        journal.append([happening(1)])
    [file] = (tmp_path / "events").glob("*.events")
    file.write_bytes(file.read_bytes()[:-1])
    with opened(tmp_path) as journal:
        assert (journal.last, await instants(journal)) == (1, [0])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 12), data=st.data())
async def test_a_flipped_bit_costs_the_event_that_it_hits_and_says_so(
    tmp_path: Path, number: int, data: st.DataObject
) -> None:
    """In the newest file too; only where it makes the last event look unfinished it cannot be told from that."""
    directory = tmp_path / "any"
    shutil.rmtree(directory, ignore_errors=True)
    with opened(directory) as journal:
        for at in range(number):
            journal.append([happening(at)])
            if at % 3 == 2:
                journal.acknowledge(0 if at == 2 else 1)
    [file] = (directory / "events").glob("*.events")
    content = bytearray(file.read_bytes())
    lengths = [record.start + byte for record in segments.records(bytes(content)) for byte in range(4)]
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    hit = [record.number for record in segments.records(bytes(content)) if record.kind != segments.ACKNOWLEDGED]
    lost = sorted({*range(1, number + 1)} - {*hit})
    assert len(lost) <= 1
    with opened(directory) as journal:
        told = await instants(journal)
        expected = [-1 if index in lost else index - 1 for index in range(1, number + 1)]
        if lost == [number] and bit // 8 in lengths:
            assert told in (expected, expected[:-1])
        else:
            assert told == expected
        assert journal.append([happening(99)]) == len(told) + 1
    with opened(directory) as journal:
        assert await instants(journal) == [*told, 99]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(3, 25), start=st.floats(0, 1), junk=st.binary(min_size=1, max_size=400))
async def test_after_a_damaged_stretch_reading_goes_on_with_the_next_whole_event(
    tmp_path: Path, number: int, start: float, junk: bytes
) -> None:
    directory = tmp_path / "any"
    shutil.rmtree(directory, ignore_errors=True)
    with opened(directory, SMALL) as journal:
        for at in range(number):
            journal.append([happening(at)])
    file = data_file(directory)
    content = file.read_bytes()
    ends = [record.end for record in segments.records(content)]
    first = round(start * (len(content) - 1))
    file.write_bytes((content[:first] + junk + content[first + len(junk) :])[: len(content)])
    after_it = [index for index, end in enumerate(ends[:-1]) if end >= first + len(junk)]
    with opened(directory, SMALL) as journal:
        told = await instants(journal)
    for index in after_it:
        assert index + 1 in told, "what is whole after the damage is there"
    if after_it or number > len(ends):
        assert sum(1 if each >= 0 else -each for each in told) == number, "and what is not is counted"


async def test_what_is_damaged_while_the_controller_runs_is_said_to_be_lost(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        for at in range(8):
            journal.append([happening(at)])
    with opened(tmp_path, SMALL) as journal:  # nothing of it is in memory
        file = data_file(tmp_path)
        content = bytearray(file.read_bytes())
        ends = [record.end for record in segments.records(bytes(content))]
        content[ends[2] + 30] ^= 1
        file.write_bytes(content)
        assert await instants(journal) == [0, 1, 2, -1, 4, 5, 6, 7]
        file.write_bytes(content[: ends[5]])
        assert await instants(journal) == [0, 1, 2, -1, 4, 5, -2]


def data_file(directory: Path) -> Path:
    return min((directory / "events").glob("*.events"))


async def test_what_is_acknowledged_is_not_told_again_and_its_files_go(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        for at in range(35):
            journal.append([happening(at)])
        await journal.sync()
        journal.release(35)
        journal.acknowledge(32)
        running = asyncio.create_task(journal.run())
        await asyncio.sleep(0.05)
        running.cancel()
        assert len(list((tmp_path / "events").glob("*.events"))) == 1
        assert journal.length == 3
    with opened(tmp_path, SMALL) as journal:
        assert journal.acknowledged == 32
        assert await instants(journal, journal.acknowledged) == [32, 33, 34]


async def test_the_count_goes_on_when_nothing_is_left_to_tell(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1), happening(2)])
        journal.release(2)
        journal.acknowledge(2)
    with opened(tmp_path) as journal:
        assert (journal.last, journal.length) == (2, 0)
        assert journal.append([happening(3)]) == 3


@pytest.mark.en60839("6.3.4/lost")
async def test_what_is_more_than_is_kept_goes_and_a_gap_says_so(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        running = asyncio.create_task(journal.run())
        for at in range(95):
            journal.append([happening(at, channel_id=1 + at % 2)])
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        running.cancel()
        told = await instants(journal)
        assert told[1:] == list(range(-told[0], 95))
        assert 35 <= len(told) - 1 <= 55
        gap = await journal.read(0, 10)
    assert isinstance(gap, Gap)
    # Each channel's loss is told in the place of one of the last that are lost.
    said = gap.happenings(0)
    assert [index for index, _ in said] == [gap.last - 1, gap.last]
    assert [each.channel_id for _, each in said] == [1, 2]
    assert {each.told.code for _, each in said} == {int(EventCode.EVENTS_LOST)}
    [(_, text)] = said[0][1].told.reasons
    assert text.startswith(f"{gap.channels[0].count} events are lost, from Thu 1970-01-01 00:00")
    # It is the same after a start.
    with opened(tmp_path, SMALL) as journal:
        assert await instants(journal) == told


async def test_what_is_acknowledged_is_not_lost(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        running = asyncio.create_task(journal.run())
        for at in range(95):
            journal.append([happening(at)])
            journal.acknowledge(at)
        await asyncio.sleep(0.1)
        running.cancel()
        assert await instants(journal, journal.acknowledged) == [94]


async def test_a_file_that_is_damaged_in_the_middle_is_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        for at in range(35):
            journal.append([happening(at)])
    first = min((tmp_path / "events").glob("*.events"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    with opened(tmp_path, SMALL) as journal:
        told = await instants(journal)
    [lost] = [each for each in told if each < 0]
    before = told.index(lost)
    assert told == [*range(before), lost, *range(before - lost, 35)]


async def test_a_full_disk_leaves_events_in_memory_until_it_is_not_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, SMALL) as journal:
        journal.append([happening(0)])
        await journal.sync()
        real = os.write

        def full(descriptor: int, content: bytes) -> int:
            real(descriptor, content[: len(content) // 2])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        for at in range(1, 4):
            journal.append([happening(at)])
        assert journal.failure == "No space left on device"
        assert await instants(journal) == [0, 1, 2, 3]
        await journal.try_again()
        assert journal.failure == "No space left on device"
        monkeypatch.undo()
        await journal.try_again()
        assert not has_failed(journal)
        journal.append([happening(4)])
        await journal.sync()
        assert await instants(journal) == [0, 1, 2, 3, 4]
    with opened(tmp_path, SMALL) as journal:
        assert await instants(journal) == [0, 1, 2, 3, 4]


async def test_a_disk_that_does_not_sync_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, SMALL) as journal:
        journal.append([happening(0)])
        await journal.sync()
        journal.append([happening(1)])

        def broken(_: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", broken)
        await journal.sync()
        assert journal.failure == "Input/output error"
        journal.append([happening(2)])
        monkeypatch.undo()
        await journal.try_again()
        assert await instants(journal) == [0, 1, 2]
    with opened(tmp_path, SMALL) as journal:
        assert await instants(journal) == [0, 1, 2]


async def test_memory_is_bounded_while_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, SMALL) as journal:
        journal.append([happening(0)])
        await journal.sync()
        with monkeypatch.context() as broken:
            broken.setattr(event_files, "write_all", _full)
            for at in range(1, 60):
                journal.append([happening(at)])
        told = await instants(journal)
        lost = next(each for each in told if each < 0)
        assert told == [0, lost, *range(1 - lost, 60)]
        assert len(told) <= SMALL.unsaved + 2
        await journal.try_again()
        assert await instants(journal) == told
    with opened(tmp_path, SMALL) as journal:
        assert await instants(journal) == told


def has_failed(journal: Journal) -> bool:
    return journal.failure is not None


def _full(_: int, __: bytes) -> None:
    raise OSError(28, "No space left on device")


async def test_a_disk_that_cannot_be_written_at_the_start_does_not_keep_the_controller_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(0)])
    with monkeypatch.context() as broken:
        broken.setattr("doorward.controller.journal.replace_file", lambda *_: _full(0, b""))
        broken.setattr(event_files, "write_all", _full)
        with opened(tmp_path) as journal:
            assert journal.failure is not None
            journal.append([happening(1)])
            assert await instants(journal) == [0, 1]


async def test_events_numbered_without_the_servers_word_never_take_numbers_that_it_knows(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1), happening(2)])
        assert await journal.agree(0) == 0
        assert journal.sequence_of(2) == 2
        await journal.sync()
    shutil.rmtree(tmp_path / "events")  # the disk is replaced; the server has 40 events by then
    with opened(tmp_path) as journal:
        journal.append([happening(3), happening(4)])
        assert await journal.agree(40) == 0
        assert [journal.sequence_of(index) for index in (1, 2)] == [41, 42]
        await journal.sync()
    with opened(tmp_path) as journal:
        # One of them was recorded and the answer was lost: it is not told again, and nothing is renumbered.
        journal.append([happening(5)])
        assert await journal.agree(41) == 1
        assert [journal.sequence_of(index) for index in (2, 3)] == [42, 43]
        assert journal.length == 2


async def test_a_server_that_was_restored_from_a_backup_is_told_again_what_is_still_there(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for at in range(9):
            journal.append([happening(at)])
        await journal.sync()
        await journal.agree(0)
        journal.acknowledge(9)
        assert journal.length == 0
        has = await journal.agree(4)
        assert await instants(journal, has) == [4, 5, 6, 7, 8]
        assert journal.length == 5


async def test_what_a_restored_server_has_lost_and_the_controller_no_longer_keeps_is_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as journal:
        for at in range(35):
            journal.append([happening(at)])
        await journal.sync()
        await journal.agree(0)
        journal.release(35)
        journal.acknowledge(35)
        running = asyncio.create_task(journal.run())
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    with opened(tmp_path, SMALL) as journal:  # of the four files the newest is left
        assert journal.length == 0
        journal.append([happening(35)])
        await journal.sync()
        assert await journal.agree(4) == 4
        gap = await journal.read(4, 10)
        assert isinstance(gap, Gap)
        [(index, said)] = gap.happenings(4)
        assert (index, said.told.code, said.told.reasons[0][0]) == (30, 39, "events_lost")
        assert said.told.reasons[0][1].startswith("26 events are lost, up to those that follow: the server had them")
        assert await instants(journal, 4) == [-26, *range(30, 36)]
        assert journal.length == 32
        # It takes them all, loses its database once more, and a restart here changes nothing of that.
        journal.acknowledge(36)
        assert await journal.agree(10) == 10
        assert await instants(journal, 10) == [-20, *range(30, 36)]
    with opened(tmp_path, SMALL) as journal:
        assert await journal.agree(33) == 33
        assert await instants(journal, 33) == [33, 34, 35]


async def test_what_says_more_than_that_it_happened_is_found_again(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1), Happening(2, Told(0, 40, 2), b"memory"), happening(3, moved_to=(7, 3))])
        journal.append([kept(happening(9), 10)])
    with opened(tmp_path) as journal:
        memory, moved = (entry.happening for entry in journal.found.carried)
        assert (memory.channel_id, memory.memory) == (2, b"memory")
        assert moved.told.moved_to == (7, 3)
        assert journal.found.latest_at == 10


async def test_another_controllers_events_are_not_taken_for_ones_own(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([happening(1)])
    other = Journal(tmp_path / "events", Seal(bytes(31) + b"\1", "events"))
    try:
        found = await other.read(0, 10)
        assert isinstance(found, Gap)
    finally:
        other.abandon()


async def test_each_start_knows_those_since_a_server_agreed_with_one(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        [first] = journal.starts
        await journal.agree(0)
    for _ in range(20):
        with opened(tmp_path) as journal:
            known = journal.starts
    assert known[0] == first, "the one that the server has seen last is not forgotten"
    assert len(known) <= 8
    with opened(tmp_path) as journal:
        assert journal.starts[-2] == known[-1]
        await journal.agree(0)
        assert len(journal.starts) == 1


async def test_what_a_copy_has_told_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for at in range(10):
            journal.append([happening(at)])
        await journal.sync()
        await journal.agree(0)
        journal.acknowledge(7)
        # A copy has told 8 to 9 of its own; three of ours are still to be told.
        assert await journal.agree(9, is_forked=True) == 7
        assert [journal.sequence_of(index) for index in (8, 9, 10)] == [10, 11, 12]
        assert await instants(journal, 7) == [7, 8, 9]
        assert await journal.agree(12) == 10
