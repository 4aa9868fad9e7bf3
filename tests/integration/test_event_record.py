"""The record of events: positions, the chain, and what is found when somebody meddles with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from sqlalchemy import text

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events import following
from doorward.events.following import Recorded
from doorward.events.service import TOPIC, Event, record, record_all
from doorward.events.tables import events
from doorward.events.verification import Verdict, verify
from tests.support.commands import Commands
from tests.support.services import other_account
from tests.support.world import World


class Row(NamedTuple):
    id: int
    account_id: int
    position: int
    person_name: str | None


ROWS = Query(text("SELECT id, account_id, position, person_name FROM events ORDER BY id"), Row)


def happen(world: World, count: int, account_id: int | None = None) -> list[int]:
    """So many events in one transaction; gives their ids."""
    now = world.clock.now()
    happened = [
        Event(
            account_id or world.account_id,
            10,
            now - number,
            channel_id=world.channel_ids[0],
            channel_name="Front door",
            person_id=world.person_id,
            person_name=f"Ada {number}",
            credential="1234",
            reasons=(("role_grants", f"Röle {number} admits."),),
        )
        for number in range(count)
    ]
    return world.database.write_now(lambda tx: record_all(tx, happened, now))


def rows(world: World) -> list[Row]:
    return world.database.read_now(lambda tx: tx.all(ROWS))


def meddle(world: World, *statements: str) -> None:
    """Change the database behind the program's back."""
    world.database.write_now(lambda tx: [tx.run(Query[None](text(each))) for each in statements])


def verdict(world: World, expected: dict[int, str] | None = None) -> Verdict:
    return world.database.read_now(lambda tx: verify(tx, world.account_id, expected))


def found(world: World, expected: dict[int, str] | None = None) -> list[tuple[int, int | None, str]]:
    return [(each.position, each.event_id, each.kind) for each in verdict(world, expected).findings]


def test_events_have_positions_in_their_account_without_gaps(world: World) -> None:
    other = other_account(world)
    first, second = happen(world, 2), happen(world, 1, other)
    both = [Event(other, 30, 1), Event(world.account_id, 30, 2), Event(other, 30, 3)]
    third = world.database.write_now(lambda tx: record_all(tx, both, 4))
    with pytest.raises(ZeroDivisionError):
        world.database.write_now(lambda tx: (record(tx, both[0], 5), 1 / 0))
    fourth = world.database.write_now(lambda tx: record(tx, both[0], 6))
    assert [(row.account_id, row.position) for row in rows(world) if row.id in first] == [
        (world.account_id, 1),
        (world.account_id, 2),
    ]
    places = {row.id: (row.account_id, row.position) for row in rows(world)}
    assert [places[each] for each in second] == [(other, 1)]
    assert [places[each] for each in third] == [(other, 2), (world.account_id, 3), (other, 3)]
    assert places[fourth] == (other, 4)
    assert verdict(world).is_sound
    assert world.database.read_now(lambda tx: verify(tx, other)).events == 4


def test_recording_in_parallel_leaves_no_gap_and_a_sound_chain(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        ids = [each for made in pool.map(lambda count: happen(world, count % 3 + 1), range(30)) for each in made]
    assert [row.position for row in rows(world)] == list(range(1, len(ids) + 1))
    assert found(world) == []


def test_an_empty_record_is_sound(world: World) -> None:
    assert verdict(world) == Verdict(1, 0, "0" * 64, 0, 0, [], 0)
    assert world.database.write_now(lambda tx: record_all(tx, [], 1)) == []


def test_those_who_follow_are_told_in_the_same_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Recorded] = []
    heard: list[None] = []

    def follow(_: Transaction, recorded: list[Recorded], now: int) -> None:
        told.extend(recorded)
        if now == 13:
            raise ArithmeticError

    monkeypatch.setattr(following, "_followers", (follow,))
    world.database.listen(TOPIC, lambda: heard.append(None))
    ids = happen(world, 2)
    assert [(each.id, each.position) for each in told] == [(ids[0], 1), (ids[1], 2)]
    assert told[0].event.person_name == "Ada 0"
    with pytest.raises(ArithmeticError):
        world.database.write_now(lambda tx: record(tx, Event(world.account_id, 30, 13), 13))
    assert len(heard) == 1
    assert len(rows(world)) == 2


@pytest.mark.parametrize(
    "change",
    [
        "person_name = 'Eve'",
        "credential = NULL",
        "reasons = '[]'",
        "reasons = 'nothing'",
        "occurred_at = occurred_at + 1",
        "person_id = NULL",
        "event_code = 27",
        "channel_name = 'Back door'",
        "salt = NULL",
        "is_replayed = 1",
        "received_at = 0",
        "chain = 'abc'",
    ],
)
def test_an_event_that_was_changed_is_named(world: World, change: str) -> None:
    ids = happen(world, 5)
    meddle(world, f"UPDATE events SET {change} WHERE id = {ids[2]}")  # noqa: S608 - the test's own
    assert found(world) == [(3, ids[2], "altered")]


def test_an_event_that_was_removed_is_named(world: World) -> None:
    ids = happen(world, 5)
    meddle(world, f"DELETE FROM events WHERE id IN ({ids[1]}, {ids[2]})")  # noqa: S608 - the test's own
    [only] = verdict(world).findings
    assert (only.position, only.event_id, only.kind) == (2, None, "missing")
    assert "positions 2 to 3 are missing" in only.text


def test_events_that_were_swapped_are_named_with_where_they_belong(world: World) -> None:
    ids = happen(world, 6)

    def swap(one: int, another: int) -> None:
        for before, after in ((one, -1), (another, one), (-1, another)):
            meddle(world, f"UPDATE events SET position = {after} WHERE position = {before}")  # noqa: S608 - the test's own

    swap(2, 5)
    assert found(world) == [(2, ids[4], "moved"), (5, ids[1], "moved")]
    assert "was recorded at position 5" in verdict(world).findings[0].text
    swap(2, 5)
    swap(3, 4)
    assert found(world) == [(3, ids[3], "moved"), (4, ids[2], "moved")]


def test_the_end_of_the_record_is_not_cut_off_unseen(world: World) -> None:
    ids = happen(world, 4)
    kept = verdict(world)
    meddle(world, f"DELETE FROM events WHERE id = {ids[3]}")  # noqa: S608 - the test's own
    assert found(world) == [(4, None, "missing")]
    meddle(world, "UPDATE event_chains SET position = 3, digest = (SELECT chain FROM events WHERE position = 3)")
    assert found(world) == [], "whoever can write everything can cut it off"
    assert found(world, {kept.last: kept.digest}) == [(4, None, "expected")], "but not what is kept elsewhere"


def test_a_record_that_was_rewritten_is_not_the_one_that_was_kept(world: World) -> None:
    happen(world, 3)
    kept = verdict(world)
    meddle(world, "DELETE FROM events", "DELETE FROM event_chains")
    ids = happen(world, 3)
    assert found(world) == []
    assert found(world, {kept.last: kept.digest}) == [(3, ids[2], "expected")]


def test_that_old_events_are_gone_must_be_on_record(world: World) -> None:
    ids = happen(world, 4)
    meddle(
        world,
        "UPDATE event_chains SET removed_to = 2, removed_digest = (SELECT chain FROM events WHERE position = 2)",
        f"DELETE FROM events WHERE id < {ids[2]}",  # noqa: S608 - the test's own
    )
    assert found(world) == [(2, None, "removal")]


@pytest.mark.parametrize("position", [0, -3])
def test_an_event_at_a_position_that_there_is_not_is_named(world: World, position: int) -> None:
    ids = happen(world, 3)
    add_a_copy(world, ids[1], position)
    assert found(world) == [(position, ids[2] + 1, "removal")]


def add_a_copy(world: World, event_id: int, position: int) -> None:
    """Another event that says the same, somewhere else."""
    names = [column.name for column in events.c if column.name not in ("id", "position", "sequence", "controller_id")]
    columns = ", ".join(names)
    meddle(
        world,
        f"INSERT INTO events (position, {columns}) SELECT {position}, {columns} FROM events WHERE id = {event_id}",  # noqa: S608 - the test's own
    )


def test_an_event_without_name_must_have_been_erased(world: World) -> None:
    ids = happen(world, 3)
    row = "SELECT salt, person_name, credential, reasons FROM events WHERE position = 2"
    salt, name, card, reasons = world.database.read_now(lambda tx: tx.one(Query(text(row), lambda *each: each))) or ()
    from doorward.events.chain import commitment

    assert reasons.startswith("[{")
    committed = commitment(salt, name, card, [("role_grants", "Röle 1 admits.")])
    meddle(
        world,
        f"UPDATE events SET commitment = '{committed}', salt = NULL, person_name = NULL, credential = NULL, "  # noqa: S608 - the test's own
        "reasons = '[]' WHERE position = 2",
    )
    assert found(world) == [(2, ids[1], "erasure")]
    # Nor by a list where no event can say so: before the first.
    lists = "INSERT INTO event_erasures (account_id, position, positions) VALUES"
    meddle(world, f"{lists} ({world.account_id}, 0, '[[2,2]]'), ({world.account_id}, -5, '[[1,3]]')")
    assert found(world) == [(2, ids[1], "erasure")]


def test_the_command_says_what_is_wrong_and_fails(doorward: Commands, world: World) -> None:
    ids = happen(world, 3)
    account = ("--account", world.account_id)
    code, printed, _ = doorward("events", "verify", *account)
    assert code == 0
    first, head = printed.splitlines()
    assert first == "sound: 3 events, 0 erased"
    assert doorward("events", "verify", *account, "--expect", head)[0] == 0
    assert doorward("events", "verify", *account, "--expect", f"2:{'0' * 64}")[0] == 1
    assert "--expect" in doorward.refusal("events", "verify", *account, "--expect", "2:xyz")
    meddle(world, f"UPDATE events SET credential = '99' WHERE id = {ids[1]}")  # noqa: S608 - the test's own
    code, printed, errors = doorward("events", "verify", *account)
    assert (code, errors) == (1, "")
    assert printed.startswith(f"position 2: altered: event {ids[1]} is not what was recorded")
    code, printed, _ = doorward("events", "verify", *account, "--json")
    assert code == 1
    assert '"sound": false' in printed
