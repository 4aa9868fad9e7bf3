"""people/service.py on both databases: behaviour.md, "People"; contract, PersonInput."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorward.credentials.service import list_credentials
from doorward.groups.service import create_group, get_group
from doorward.kit.clock import FixedClock
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.pages import Page
from doorward.kit.timestamps import parse_instant
from doorward.people.listing import page_of_people
from doorward.people.person import Person
from doorward.people.service import create_person, delete_person, get_person, update_person
from doorward.roles.service import create_role, get_role, list_roles
from doorward.shifts.service import list_shifts
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, reserve, write, write_sealed
from tests.support.world import World

UTC = ZoneInfo("UTC")
NAME = {"first_name": "Grace", "last_name": "Hopper"}


def create(world: World, **body: object) -> Person:
    return write_sealed(world, create_person, {**NAME, **body})


def update(world: World, person_id: int, **body: object) -> Person:
    return write_sealed(world, update_person, person_id, body)


def delete(world: World, person_id: int) -> None:
    write(world, delete_person, person_id)


def get(world: World, person_id: int) -> Person:
    return read(world, get_person, person_id)


def listed(world: World, page: Page | None = None, **filters: Any) -> tuple[list[Person], int]:
    return read(world, page_of_people, page or Page(), **filters)


def credentials_of(world: World, person_id: int) -> dict[str, str]:
    found = world.database.read_now(lambda tx: list_credentials(tx, world.vault, world.account_id, [person_id]))
    return {credential.slug: credential.value for credential in found}


def role(world: World, name: str = "Staff") -> int:
    return write(world, create_role, {"name": name}).id


def group(world: World, name: str = "Staff") -> int:
    return write(world, create_group, {"name": name}).id


def test_a_person_needs_a_first_and_a_last_name_and_nothing_else(world: World) -> None:
    created = create(world)
    assert (created.first_name, created.last_name, created.name_key) == ("Grace", "Hopper", "grace hopper")
    assert created.enabled
    assert created.email is None
    assert get(world, created.id) == created
    assert errors_of(lambda: create(world, first_name=" ", last_name=None)) == {
        "first_name": ["can't be blank"],
        "last_name": ["can't be blank"],
    }


def test_every_field_comes_back_as_it_was_given(world: World) -> None:
    body = {
        "salutation": "Dr.",
        "job_title": "Rear admiral",
        "department": "Navy",
        "email": "Grace@Example.com",
        "telephone": "+1 555 0100",
        "mobile": "+15550101",
        "notes": "First line\nsecond line",
        "barcode": "A-1",
        "system_id": "EMP-1",
        "organisation_id": 12,
        "enabled": False,
        **{f"custom_{number}": f"value {number}" for number in range(1, 6)},
    }
    found = get(world, create(world, **body).id)
    assert {name: getattr(found, name) for name in body} == body
    assert found.email_key == "grace@example.com"


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    errors = errors_of(
        lambda: create(
            world,
            last_name="",
            email="nowhere",
            enabled="yes",
            valid_from="soon",
            group_ids=[1, 2**62],
            role_ids=[77],
            telephone="one\ntwo",
            notes="x" * 10_001,
            organisation_id="twelve",
            card_number="no number",
            pin="12",
        )
    )
    assert errors == {
        "last_name": ["can't be blank"],
        "email": ["is not an e-mail address"],
        "enabled": ["must be true or false"],
        "valid_from": ["must be a date and time such as 2024-01-15T09:00:00Z"],
        "group_ids": [f"Not found for this account: 1, {2**62}"],
        "role_ids": ["Not found for this account: 77"],
        "telephone": ["must be one line"],
        "notes": ["is too long (at most 10000 characters)"],
        "organisation_id": ["must be an integer"],
        "card_number": ["must be a card number of up to 20 digits, not 0, or facility and number such as 12:345"],
        "pin": ["must be between 4 and 7 digits in length"],
    }


def test_nothing_is_left_of_a_person_who_was_refused(world: World) -> None:
    before = listed(world)[1]
    errors_of(lambda: create(world, email="new@example.com", pin="12"))
    assert listed(world)[1] == before
    create(world, email="new@example.com")


def test_a_body_that_is_no_object_is_a_bad_request(world: World) -> None:
    with pytest.raises(BadRequest):
        world.database.write_now(lambda tx: create_person(tx, world.vault, world.account_id, [], world.clock.now()))


@pytest.mark.parametrize("again", ["grace@example.com", "GRACE@EXAMPLE.COM", " grace@Example.com "])
def test_an_email_address_is_one_persons_in_whatever_case(world: World, again: str) -> None:
    first = create(world, email="Grace@example.com")
    assert errors_of(lambda: create(world, email=again)) == {"email": ["is already in use on your account"]}
    assert errors_of(lambda: update(world, world.person_id, email=again)) == {
        "email": ["is already in use on your account"]
    }
    assert update(world, first.id, email=again.upper()).email == again.strip().upper()


def test_an_email_address_may_be_in_use_in_another_account(world: World) -> None:
    other = other_account(world)
    create(world, email="grace@example.com")
    body = {**NAME, "email": "grace@example.com"}
    world.database.write_now(lambda tx: create_person(tx, world.vault, other, body, world.clock.now()))


def test_only_what_is_given_changes_and_null_or_blank_clears(world: World, clock: FixedClock) -> None:
    created = create(world, email="grace@example.com", notes="n", job_title="t", valid_to="2027-01-01T00:00:00Z")
    clock.advance(1000)
    changed = update(world, created.id, last_name="Murray", email="", notes=None)
    assert changed == created._replace(
        last_name="Murray",
        name_key="grace murray",
        email=None,
        email_key=None,
        notes=None,
        updated_at=created.updated_at + 1000,
    )
    assert get(world, created.id) == changed
    assert errors_of(lambda: update(world, created.id, first_name=None)) == {"first_name": ["can't be blank"]}


def test_validity_is_read_in_the_accounts_zone_and_must_end_after_it_begins(world: World) -> None:
    created = create(world, valid_from="2026-07-01T09:00", valid_to="2026-07-02T09:00+02:00")
    assert created.valid_from == parse_instant("2026-07-01T08:00:00Z", UTC)
    assert created.valid_to == parse_instant("2026-07-02T07:00:00Z", UTC)
    assert errors_of(lambda: update(world, created.id, valid_to="2026-07-01T08:00:00Z")) == {
        "valid_to": ["must be after valid_from"]
    }
    assert errors_of(lambda: update(world, created.id, valid_from="2026-03-29T01:30")) == {
        "valid_from": ["does not exist in Europe/London: the clock skips it"]
    }
    assert update(world, created.id, valid_from=None, valid_to=None).valid_to is None


def test_groups_and_roles_are_replaced_by_what_is_given(world: World) -> None:
    groups = [group(world, name) for name in ("A", "B", "C")]
    roles = [role(world, name) for name in ("A", "B")]
    created = create(world, group_ids=[groups[1], groups[0], groups[1]], role_ids=roles[:1])
    assert (created.group_ids, created.role_ids) == ((groups[0], groups[1]), (roles[0],))
    changed = update(world, created.id, group_ids=[groups[2]], role_ids=[roles[1]])
    assert (changed.group_ids, changed.role_ids) == ((groups[2],), (roles[1],))
    assert get(world, created.id) == changed
    assert update(world, created.id, job_title="t").group_ids == (groups[2],)
    assert update(world, created.id, group_ids=[], role_ids=[]).role_ids == ()


def test_ids_of_another_account_are_not_found(world: World) -> None:
    now = world.clock.now()
    other = other_account(world)
    theirs = world.database.write_now(lambda tx: create_group(tx, other, {"name": "Theirs"}, now).id)
    their_role = world.database.write_now(lambda tx: create_role(tx, other, {"name": "Theirs"}, now).id)
    assert errors_of(lambda: create(world, group_ids=[theirs], role_ids=[their_role])) == {
        "group_ids": [f"Not found for this account: {theirs}"],
        "role_ids": [f"Not found for this account: {their_role}"],
    }
    for action in (
        lambda: world.database.read_now(lambda tx: get_person(tx, other, world.person_id)),
        lambda: world.database.write_now(lambda tx: delete_person(tx, other, world.person_id, now)),
        lambda: world.database.write_now(lambda tx: update_person(tx, world.vault, other, world.person_id, {}, now)),
    ):
        with pytest.raises(NotFound):
            action()


def test_a_reservations_role_cannot_be_handed_out_and_is_kept_when_roles_are_replaced(world: World) -> None:
    lasting = role(world)
    reserved = reserve(world, world.person_id)
    assert errors_of(lambda: create(world, role_ids=[lasting, reserved])) == {
        "role_ids": [f"Belongs to a reservation: {reserved}"]
    }
    assert update(world, world.person_id, role_ids=[lasting]).role_ids == tuple(sorted((lasting, reserved)))
    # What was read can be written back as it is.
    assert update(world, world.person_id, role_ids=[reserved]).role_ids == (reserved,)
    assert update(world, world.person_id, role_ids=[]).role_ids == (reserved,)


def test_credentials_are_fields_of_their_person(world: World) -> None:
    created = create(world, card_number="0077", pin="8765")
    assert credentials_of(world, created.id) == {"card_number": "0077", "pin": "8765"}
    update(world, created.id, card_number="78", job_title="t")
    assert credentials_of(world, created.id) == {"card_number": "78", "pin": "8765"}
    update(world, created.id, card_number=None, pin="")
    assert credentials_of(world, created.id) == {}
    update(world, created.id, pin="******", card_number="")
    assert credentials_of(world, created.id).keys() == {"pin"}


def test_a_credential_that_cannot_be_given_is_said_under_its_own_name(world: World) -> None:
    assert errors_of(lambda: create(world, card_number="01234", pin="4711")) == {
        "card_number": ["value is already in use on your account"],
        "pin": ["value is already in use on your account"],
    }
    assert errors_of(lambda: create(world, card_number="******", pin=[4711])) == {
        "card_number": ["can be made at random only for a PIN"],
        "pin": ["must be text"],
    }


def test_a_person_can_be_written_back_with_the_credentials_that_were_read(world: World) -> None:
    update(world, world.person_id, card_number="1234", pin="4711", job_title="Countess")
    assert credentials_of(world, world.person_id) == {"card_number": "1234", "pin": "4711"}


def test_deleting_ends_all_access_and_keeps_the_record(world: World) -> None:
    in_group, holds = group(world), role(world)
    person = create(world, email="g@example.com", card_number="5", group_ids=[in_group], role_ids=[holds])
    reserve(world, person.id)
    before = len(read(world, list_shifts))
    delete(world, person.id)
    with pytest.raises(NotFound):
        get(world, person.id)
    with pytest.raises(NotFound):
        delete(world, person.id)
    with pytest.raises(NotFound):
        update(world, person.id, first_name="Back")
    assert credentials_of(world, person.id) == {}
    assert read(world, get_group, in_group).people_count == 0
    assert read(world, get_role, holds).person_ids == ()
    roles = read(world, list_roles)
    assert [found.id for found in roles] == [holds]
    assert len(read(world, list_shifts)) == before - 1
    deleted = next(found for found in listed(world, since=world.clock.now())[0] if found.id == person.id)
    assert deleted.deleted_at == world.clock.now()
    assert (deleted.first_name, deleted.email, deleted.email_key) == (
        "Grace",
        "g@example.com",
        "g@example.com",
    )


def test_the_address_and_the_card_of_a_deleted_person_are_free_again(world: World) -> None:
    first = create(world, email="g@example.com", card_number="5", pin="9876")
    delete(world, first.id)
    second = create(world, email="G@example.com", card_number="005", pin="9876")
    assert credentials_of(world, second.id) == {"card_number": "005", "pin": "9876"}


def test_the_doors_are_told_of_the_person_and_of_the_roles_that_ended_with_them(world: World) -> None:
    created: list[Person] = []
    noted = notes_of(world.database, lambda: created.append(create(world)))
    person_id = created[0].id
    assert noted == {Note(person_id=person_id)}
    assert notes_of(world.database, lambda: update(world, person_id, enabled=False)) == {Note(person_id=person_id)}
    reserved = reserve(world, person_id)
    assert notes_of(world.database, lambda: delete(world, person_id)) == {
        Note(person_id=person_id),
        Note(role_id=reserved),
    }


def test_lists_page_by_id_and_count_everybody(world: World) -> None:
    ids = [world.person_id, *(create(world, last_name=f"No. {number}").id for number in range(4))]
    found, total = listed(world, Page(2, 2))
    assert ([person.id for person in found], total) == (ids[2:4], 5)
    assert listed(world, Page(9, 2)) == ([], 5)
    assert len(listed(world, Page(1, 2, paged=False))[0]) == 5


def test_people_are_found_by_a_part_of_their_address_or_their_system_id(world: World) -> None:
    one = create(world, email="Under_Score@example.com", system_id="EMP-1")
    two = create(world, email="underXscore@example.com", system_id="emp-1")
    assert [person.id for person in listed(world, email="UNDER")[0]] == [one.id, two.id]
    assert [person.id for person in listed(world, email="r_s")[0]] == [one.id]
    assert listed(world, email="%") == ([], 0)
    assert [person.id for person in listed(world, system_id="EMP-1")[0]] == [one.id]


def test_what_changed_since_an_instant_is_listed_deleted_people_too(world: World, clock: FixedClock) -> None:
    gone, stays, other = create(world), create(world), create(world)
    in_group = group(world)
    clock.advance(5000)
    delete(world, gone.id)
    update(world, stays.id, group_ids=[in_group])
    found, total = listed(world, since=world.clock.now())
    assert [(person.id, person.deleted_at is not None) for person in found] == [(gone.id, True), (stays.id, False)]
    assert total == 2
    everybody = {person.id for person in listed(world)[0]}
    assert gone.id not in everybody
    assert other.id in everybody
