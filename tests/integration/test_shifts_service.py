"""shifts/service.py on both databases: what is written down is what the engine reads."""

import pytest

from doorward.channels.service import update_channel
from doorward.db.unit_of_work import Transaction
from doorward.decision.shifts import DAY_MINUTES, Rule, Stretch, Weekly, Window
from doorward.kit.clock import FixedClock
from doorward.kit.errors import Conflict, NotFound
from doorward.roles.service import create_role, delete_role, get_role
from doorward.shifts.rules import rule_of
from doorward.shifts.service import Shift, create_shift, delete_shift, get_shift, list_shifts, update_shift
from doorward.shifts.windows import DayWindow
from doorward.sync import rows
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, reserve, write
from tests.support.world import World

DAY = {"days": ["tue", "mon"], "start": "07:00", "end": "22:00"}
NIGHT = {"days": ["fri", "holiday"], "start": "22:00", "end": "06:00"}


def create(world: World, **body: object) -> Shift:
    return write(world, create_shift, {"name": "Hours", "windows": [DAY], **body})


def update(world: World, shift_id: int, **body: object) -> Shift:
    return write(world, update_shift, shift_id, body)


def delete(world: World, shift_id: int) -> None:
    world.database.write_now(lambda tx: delete_shift(tx, world.account_id, shift_id, world.clock.now()))


def rule(world: World, shift_id: int) -> Rule:
    """The shift as the doors get it."""

    def compile_it(tx: Transaction) -> Rule:
        found = tx.one(rows.SOME_SHIFTS, account_id=world.account_id, ids=str([shift_id]))
        assert found is not None
        return rule_of(found)

    return world.database.read_now(compile_it)


def test_windows_come_back_as_written_and_reach_the_engine_as_meant(world: World) -> None:
    made = create(world, windows=[DAY, NIGHT], first_day="2026-03-01", last_day="2026-03-31", holidays="replace")
    assert made.windows == (
        DayWindow(("mon", "tue"), "07:00", "22:00"),
        DayWindow(("fri", "holiday"), "22:00", "06:00"),
    )
    assert read(world, get_shift, made.id) == made
    assert rule(world, made.id) == Weekly(
        (Window(frozenset({0, 1}), 420, 1320), Window(frozenset({4, 7}), 1320, DAY_MINUTES + 360)),
        20_513,
        20_543,
        "replace",
    )


def test_a_whole_day_lasts_from_midnight_to_midnight(world: World) -> None:
    made = create(world, windows=[{"days": ["sun"], "start": "00:00", "end": "24:00"}])
    assert rule(world, made.id) == Weekly((Window(frozenset({6}), 0, DAY_MINUTES),))


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {
        "windows": [DAY, {**DAY, "end": "07:00"}],
        "first_day": "2026-03-05",
        "last_day": "tomorrow",
        "holidays": "skip",
    }
    assert errors_of(lambda: write(world, create_shift, body)) == {
        "name": ["can't be blank"],
        "windows": ["window 2: end must not be the same as start: a whole day is 00:00 to 24:00"],
        "last_day": ["must be a date such as 2024-01-15"],
        "holidays": ["must be one of: ignore, replace"],
    }
    assert errors_of(lambda: write(world, create_shift, {"name": "None"})) == {"windows": ["can't be blank"]}


def test_the_last_day_is_not_before_the_first(world: World) -> None:
    made = create(world, first_day="2026-03-05", last_day="2026-03-05")
    assert errors_of(lambda: update(world, made.id, last_day="2026-03-04")) == {
        "last_day": ["must not be before first_day"]
    }
    assert update(world, made.id, last_day=None).last_day is None


def test_only_what_is_given_changes_and_the_doors_are_told_of_what_uses_it(world: World, clock: FixedClock) -> None:
    made = create(world, holidays="replace")
    role = write(world, create_role, {"name": "Staff", "shift_id": made.id}).id
    write(world, update_channel, world.channel_ids[0], {"auto_unlock_shift_id": made.id})
    clock.advance(1000)
    changed: list[Shift] = []
    assert notes_of(world.database, lambda: changed.append(update(world, made.id, windows=[NIGHT]))) == {
        Note(role_id=role),
        Note(channel_id=world.channel_ids[0]),
    }
    assert changed == [
        made._replace(windows=(DayWindow(("fri", "holiday"), "22:00", "06:00"),), updated_at=clock.now())
    ]


def test_a_new_shift_is_nothing_that_doors_have_to_learn_of(world: World) -> None:
    assert notes_of(world.database, lambda: create(world)) == set()


def test_a_shift_in_use_cannot_be_deleted(world: World) -> None:
    made = create(world)
    role = write(world, create_role, {"name": "Staff", "shift_id": made.id}).id
    with pytest.raises(Conflict, match=f"used by the role {role}"):
        delete(world, made.id)
    write(world, delete_role, role)
    channel = world.channel_ids[0]
    write(world, update_channel, channel, {"auto_unlock_shift_id": made.id})
    with pytest.raises(Conflict, match=f"used by the auto-unlock of channel {channel}"):
        delete(world, made.id)
    write(world, update_channel, channel, {"auto_unlock_shift_id": None})
    delete(world, made.id)
    with pytest.raises(NotFound):
        read(world, get_shift, made.id)


def test_a_reservations_shift_is_listed_while_it_lasts_and_left_alone(world: World, clock: FixedClock) -> None:
    role = read(world, get_role, reserve(world, world.person_id))
    assert role.shift_id is not None
    found = read(world, get_shift, role.shift_id)
    assert found.starts_at is not None
    assert found.ends_at is not None
    assert rule(world, role.shift_id) == Stretch(found.starts_at, found.ends_at)
    with pytest.raises(Conflict):
        update(world, role.shift_id, name="Mine")
    with pytest.raises(Conflict):
        delete(world, role.shift_id)
    assert read(world, list_shifts, clock.now()) == [found]
    clock.advance(86_400_000)
    assert read(world, list_shifts, clock.now()) == []


def test_shifts_are_listed_by_name(world: World) -> None:
    for name in ("beta", "Alpha", "gamma"):
        create(world, name=name)
    assert [shift.name for shift in read(world, list_shifts)] == ["Alpha", "beta", "gamma"]


def test_another_accounts_shift_is_not_found(world: World) -> None:
    made, other, now = create(world), other_account(world), world.clock.now()
    for action in (
        lambda: world.database.read_now(lambda tx: get_shift(tx, other, made.id)),
        lambda: world.database.write_now(lambda tx: update_shift(tx, other, made.id, {}, now)),
        lambda: world.database.write_now(lambda tx: delete_shift(tx, other, made.id, world.clock.now())),
    ):
        with pytest.raises(NotFound):
            action()
