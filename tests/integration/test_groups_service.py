"""groups/service.py on both databases: contract, Group."""

import pytest

from doorward.groups.service import Group, create_group, delete_group, get_group, list_groups, update_group
from doorward.kit.clock import FixedClock
from doorward.kit.errors import NotFound
from doorward.people.service import create_person, delete_person, get_person
from doorward.roles.service import create_role
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, reserve, write, write_sealed
from tests.support.world import World


def create(world: World, **body: object) -> Group:
    return write(world, create_group, {"name": "Staff", **body})


def update(world: World, group_id: int, **body: object) -> Group:
    return write(world, update_group, group_id, body)


def role(world: World, name: str) -> int:
    return write(world, create_role, {"name": name}).id


def someone(world: World) -> int:
    return write_sealed(world, create_person, {"first_name": "Grace", "last_name": "Hopper"}).id


def test_a_group_needs_a_name_and_nothing_else(world: World) -> None:
    made = create(world)
    assert (made.name, made.notes, made.global_across_sites, made.role_ids, made.people_count) == (
        "Staff",
        None,
        False,
        (),
        0,
    )
    assert read(world, get_group, made.id) == made


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    reserved = reserve(world, world.person_id)
    body = {"name": " ", "notes": 5, "global_across_sites": 1, "role_ids": [reserved, 99], "person_ids": "all"}
    assert errors_of(lambda: write(world, create_group, body)) == {
        "name": ["can't be blank"],
        "notes": ["must be text"],
        "global_across_sites": ["must be true or false"],
        "role_ids": [f"Not found for this account: {reserved}, 99"],
        "person_ids": ["must be a list of integers"],
    }


def test_only_what_is_given_changes(world: World) -> None:
    first, second = role(world, "A"), role(world, "B")
    made = create(world, notes="n", global_across_sites=True, role_ids=[first], person_ids=[world.person_id])
    assert update(world, made.id, name="Crew") == made._replace(name="Crew", name_key="crew")
    changed = update(world, made.id, notes=None, role_ids=[second], person_ids=[])
    assert (changed.name, changed.notes, changed.role_ids, changed.people_count) == ("Crew", None, (second,), 0)
    assert read(world, get_group, made.id) == changed


def test_groups_are_listed_by_name_without_regard_to_case_and_accents(world: World) -> None:
    for name in ("beta", "Émile", "alpha", "Gamma", "emil", "Alpha"):
        create(world, name=name)
    assert [group.name for group in read(world, list_groups)] == ["alpha", "Alpha", "beta", "emil", "Émile", "Gamma"]


def test_names_need_not_be_unique(world: World) -> None:
    assert create(world).id != create(world).id


def test_a_deleted_group_takes_its_people_out_and_leaves_them_be(world: World) -> None:
    made = create(world, person_ids=[world.person_id])
    write(world, delete_group, made.id)
    with pytest.raises(NotFound):
        read(world, get_group, made.id)
    assert read(world, get_person, world.person_id).group_ids == ()


def test_another_accounts_group_is_not_found(world: World) -> None:
    made, other, now = create(world), other_account(world), world.clock.now()
    for action in (
        lambda: world.database.read_now(lambda tx: get_group(tx, other, made.id)),
        lambda: world.database.write_now(lambda tx: update_group(tx, other, made.id, {"name": "x"}, now)),
        lambda: world.database.write_now(lambda tx: delete_group(tx, other, made.id, now)),
    ):
        with pytest.raises(NotFound):
            action()
    theirs = world.database.write_now(lambda tx: create_role(tx, other, {"name": "Theirs"}, now)).id
    assert errors_of(lambda: create(world, role_ids=[theirs], person_ids=[world.person_id])) == {
        "role_ids": [f"Not found for this account: {theirs}"]
    }


def test_a_deleted_person_cannot_be_put_into_a_group(world: World) -> None:
    write(world, delete_person, world.person_id)
    assert errors_of(lambda: create(world, person_ids=[world.person_id])) == {
        "person_ids": [f"Not found for this account: {world.person_id}"]
    }


def test_the_doors_are_told_who_came_and_went_and_of_all_members_when_roles_change(world: World) -> None:
    stays, comes, a_role = someone(world), someone(world), role(world, "A")
    made = create(world, person_ids=[world.person_id, stays])
    came_and_went = {Note(person_id=world.person_id), Note(person_id=comes)}
    assert notes_of(world.database, lambda: update(world, made.id, person_ids=[stays, comes])) == came_and_went
    assert notes_of(world.database, lambda: update(world, made.id, name="Crew", notes="n")) == set()
    members = {Note(person_id=stays), Note(person_id=comes)}
    assert notes_of(world.database, lambda: update(world, made.id, role_ids=[a_role])) == members
    assert notes_of(world.database, lambda: write(world, delete_group, made.id)) == members


def test_very_many_people_are_one_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.changes.people.MOST_NOTED", 5)
    people = [someone(world) for _ in range(6)]
    made = create(world)
    assert notes_of(world.database, lambda: update(world, made.id, person_ids=people)) == {Note()}


def test_whoever_follows_people_sees_those_whose_groups_changed(world: World, clock: FixedClock) -> None:
    made = create(world)
    for person_ids in ([world.person_id], []):
        clock.advance(1000)
        update(world, made.id, person_ids=person_ids)
        assert read(world, get_person, world.person_id).updated_at == clock.now()
