"""roles/service.py on both databases: behaviour.md, "Roles"."""

from functools import partial

import pytest

from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.kit.errors import Conflict, NotFound
from doorward.people.service import delete_person, get_person
from doorward.roles.service import Role, create_role, delete_role, get_role, list_roles, update_role
from doorward.shifts.service import create_shift
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, reserve, write
from tests.support.world import World

IN_USE = {"name": ["is already in use on your account"]}
WINDOW = {"days": ["mon"], "start": "07:00", "end": "22:00"}


def create(world: World, **body: object) -> Role:
    return write(world, create_role, {"name": "Staff", **body})


def update(world: World, role_id: int, **body: object) -> Role:
    return write(world, update_role, role_id, body)


def test_a_role_links_channels_groups_people_and_a_shift(world: World) -> None:
    shift = write(world, create_shift, {"name": "Day", "windows": [WINDOW]}).id
    group = write(world, create_group, {"name": "Staff"}).id
    made = create(
        world,
        notes="n",
        shift_id=shift,
        channel_ids=world.channel_ids[:2],
        group_ids=[group],
        person_ids=[world.person_id],
    )
    assert made.channel_ids == tuple(world.channel_ids[:2])
    assert (made.shift_id, made.notes, made.group_ids, made.person_ids) == (shift, "n", (group,), (world.person_id,))
    assert read(world, get_role, made.id) == made
    assert update(world, made.id, name="Crew") == made._replace(name="Crew", name_key="crew")
    changed = update(world, made.id, shift_id=None, channel_ids=world.channel_ids[2:], group_ids=[], person_ids=[])
    assert (changed.shift_id, changed.channel_ids, changed.group_ids) == (None, tuple(world.channel_ids[2:]), ())


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {"notes": [], "shift_id": 98, "channel_ids": [99, 97], "group_ids": [True], "person_ids": [96]}
    assert errors_of(lambda: write(world, create_role, body)) == {
        "name": ["can't be blank"],
        "notes": ["must be text"],
        "shift_id": ["Not found for this account"],
        "channel_ids": ["Not found for this account: 99, 97"],
        "group_ids": ["must be a list of integers"],
        "person_ids": ["Not found for this account: 96"],
    }


def test_a_name_is_unique_in_the_account_only(world: World) -> None:
    first = create(world)
    second = create(world, name="Other")
    assert errors_of(lambda: create(world, name=" Staff ")) == IN_USE
    assert errors_of(lambda: update(world, second.id, name="Staff")) == IN_USE
    assert update(world, first.id, name="Staff").name == "Staff"
    other = other_account(world)
    world.database.write_now(lambda tx: create_role(tx, other, {"name": "Staff"}, world.clock.now()))


@pytest.mark.parametrize("name", ["Reservation 1", "reservation 77", "RESERVATION  5", "Reservation\u00a09"])
def test_the_names_of_reservations_roles_are_reserved(world: World, name: str) -> None:
    assert errors_of(lambda: create(world, name=name)) == {"name": ["is reserved for reservations"]}
    made = create(world)
    assert errors_of(lambda: update(world, made.id, name=name)) == {"name": ["is reserved for reservations"]}


@pytest.mark.parametrize("name", ["Reservation", "Reservations 1", "Reservation desk 1", "My Reservation 1"])
def test_other_names_with_the_word_are_free(world: World, name: str) -> None:
    assert create(world, name=name).name == name


def test_a_reservations_role_is_listed_but_only_its_reservation_can_end_it(world: World) -> None:
    reserved = reserve(world, world.person_id)
    assert [role.id for role in read(world, list_roles)] == [reserved]
    with pytest.raises(Conflict):
        update(world, reserved, name="Mine", channel_ids=world.channel_ids)
    with pytest.raises(Conflict):
        write(world, delete_role, reserved)


def test_a_reservations_shift_is_for_no_other_role(world: World) -> None:
    shift = read(world, get_role, reserve(world, world.person_id)).shift_id
    assert errors_of(lambda: create(world, shift_id=shift)) == {"shift_id": ["Not found for this account"]}


def test_the_role_of_a_reservation_that_has_ended_is_gone_before_it_is_swept(world: World, clock: FixedClock) -> None:
    reserved = reserve(world, world.person_id)
    clock.advance(86_400_000)
    assert read(world, list_roles, clock.now()) == []
    with pytest.raises(NotFound):
        read(world, get_role, reserved, clock.now())
    with pytest.raises(NotFound):
        write(world, delete_role, reserved)


def test_roles_are_listed_by_name_without_regard_to_case_and_accents(world: World) -> None:
    for name in ("beta", "Émile", "alpha", "Gamma", "emil"):
        create(world, name=name)
    assert [role.name for role in read(world, list_roles)] == ["alpha", "beta", "emil", "Émile", "Gamma"]


def test_a_deleted_role_is_held_by_nobody(world: World, clock: FixedClock) -> None:
    made = create(world, person_ids=[world.person_id])
    clock.advance(1000)
    assert notes_of(world.database, lambda: write(world, delete_role, made.id)) == {Note(role_id=made.id)}
    found = read(world, get_person, world.person_id)
    assert (found.role_ids, found.updated_at) == ((), clock.now())


def test_what_belongs_to_another_account_is_not_found(world: World) -> None:
    made, other, now = create(world), other_account(world), world.clock.now()
    for action in (
        lambda: world.database.read_now(lambda tx: get_role(tx, other, made.id)),
        lambda: world.database.write_now(lambda tx: update_role(tx, other, made.id, {"name": "x"}, now)),
        lambda: world.database.write_now(lambda tx: delete_role(tx, other, made.id, now)),
    ):
        with pytest.raises(NotFound):
            action()
    body = {"name": "x", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    assert errors_of(lambda: world.database.write_now(lambda tx: create_role(tx, other, body, now))) == {
        "channel_ids": [f"Not found for this account: {world.channel_ids[0]}"],
        "person_ids": [f"Not found for this account: {world.person_id}"],
    }


def test_a_deleted_person_cannot_hold_a_role(world: World) -> None:
    write(world, delete_person, world.person_id)
    assert errors_of(lambda: create(world, person_ids=[world.person_id])) == {
        "person_ids": [f"Not found for this account: {world.person_id}"]
    }


def test_the_doors_are_told_of_the_role_of_its_people_and_of_its_groups_members(world: World) -> None:
    member = world.person("Grace", "Hopper")
    group = write(world, create_group, {"name": "Staff", "person_ids": [member]}).id
    made = create(world)
    assert notes_of(world.database, lambda: update(world, made.id, channel_ids=world.channel_ids)) == {
        Note(role_id=made.id)
    }
    assert notes_of(world.database, lambda: update(world, made.id, person_ids=[world.person_id])) == {
        Note(role_id=made.id),
        Note(person_id=world.person_id),
    }
    for group_ids in ([group], []):
        assert notes_of(world.database, partial(update, world, made.id, group_ids=group_ids)) == {
            Note(role_id=made.id),
            Note(person_id=member),
        }
