"""Twenty threads that want the same thing: exactly one gets it, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from doorward.credentials.service import AlreadyEnrolled, create_credential, list_credentials
from doorward.credentials.types import create_type, list_types
from doorward.groups.service import create_group, get_group, update_group
from doorward.kit.errors import Conflict, DoorwardError, Invalid, NotFound
from doorward.kit.pages import Page
from doorward.people.listing import page_of_people
from doorward.people.service import create_person, delete_person, update_person
from doorward.roles.service import create_role
from doorward.shifts.service import create_shift, delete_shift
from doorward.users.service import create_user
from tests.support.services import read, write, write_sealed
from tests.support.world import World

MANY = 20


def at_once(action: Callable[[int], Any], many: int = MANY) -> list[Any]:
    """What the action gives each of many threads that begin together: its result, or the refusal."""
    ready = threading.Barrier(many)

    def attempt(number: int) -> Any:
        ready.wait(30)
        try:
            return action(number)
        except DoorwardError as error:
            return error

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(attempt, range(many)))


def only_winner(results: list[Any], refusal: dict[str, list[str]]) -> Any:
    refused = [result.errors for result in results if isinstance(result, Invalid)]
    won = [result for result in results if not isinstance(result, Exception)]
    assert refused == [refusal] * (len(results) - 1)
    assert len(won) == 1
    return won[0]


def person(world: World, number: int, **more: object) -> Any:
    body = {"first_name": "Person", "last_name": f"No. {number}", **more}
    return write_sealed(world, create_person, body)


def test_one_of_many_gets_the_email_address(world: World) -> None:
    addresses = ["same@example.com", "SAME@example.com"]
    results = at_once(lambda number: person(world, number, email=addresses[number % 2]))
    won = only_winner(results, {"email": ["is already in use on your account"]})
    found, total = read(world, page_of_people, Page(), email="same@")
    assert ([each.id for each in found], total) == ([won.id], 1)
    assert read(world, page_of_people, Page())[1] == 2, "those who were refused left nothing"


def test_one_of_many_changes_to_the_email_address(world: World) -> None:
    people = [person(world, number).id for number in range(MANY)]
    results = at_once(lambda number: write_sealed(world, update_person, people[number], {"email": "same@example.com"}))
    only_winner(results, {"email": ["is already in use on your account"]})


def test_one_of_many_gets_the_card_whatever_its_type(world: World) -> None:
    write(world, create_type, {"label": "Visitor card", "kind": "card"})
    slugs = ["card_number", "visitor_card"]
    results = at_once(lambda number: person(world, number, **{slugs[number % 2]: "0099"[number % 3 :]}))
    refused = [result.errors for result in results if isinstance(result, Invalid)]
    assert len(refused) == MANY - 1
    assert {message for errors in refused for messages in errors.values() for message in messages} == {
        "value is already in use on your account"
    }


def test_one_persons_credential_of_a_type_is_given_once(world: World) -> None:
    card = next(found.id for found in read(world, list_types) if found.kind == "card")
    holder = person(world, 1).id
    results = at_once(
        lambda number: write_sealed(
            world, create_credential, holder, {"credential_type_id": card, "value": str(5000 + number)}
        )
    )
    kinds = Counter(type(result).__name__ for result in results)
    assert kinds == {"Credential": 1, "AlreadyEnrolled": MANY - 1}
    existing = {result.existing.value for result in results if isinstance(result, AlreadyEnrolled)}
    assert existing == {result.value for result in results if not isinstance(result, AlreadyEnrolled)}


def test_random_pins_that_are_made_at_once_all_differ_and_are_long_enough(world: World) -> None:
    people = [result.id for result in at_once(lambda number: person(world, number, pin="******"))]
    found = world.database.read_now(
        lambda tx: list_credentials(tx, world.vault, world.account_id, [world.person_id, *people])
    )
    pins = [credential.value for credential in found if credential.kind == "pin"]
    assert len(pins) == len(set(pins)) == MANY + 1
    # Ada has one of four digits; so may nine others, whatever the order, and no more.
    assert Counter(len(pin) for pin in pins) == {4: 10, 5: MANY - 9}


def test_one_of_many_gets_the_name_of_a_role(world: World) -> None:
    results = at_once(lambda _: write(world, create_role, {"name": "Staff"}))
    only_winner(results, {"name": ["is already in use on your account"]})


def test_one_of_many_gets_the_address_of_a_user(world: World) -> None:
    body = {"email": "same@example.com", "role": "viewer", "password": "correct horse battery"}
    only_winner(at_once(lambda _: write(world, create_user, body, None), 4), {"email": ["is already in use"]})


def test_one_of_many_deletes_a_person(world: World) -> None:
    results = at_once(lambda _: write(world, delete_person, world.person_id))
    assert Counter(type(result).__name__ for result in results) == {"NoneType": 1, "NotFound": MANY - 1}


def test_nobody_is_put_into_a_group_after_they_were_deleted(world: World) -> None:
    people = [person(world, number).id for number in range(MANY // 2)]
    group = write(world, create_group, {"name": "Staff"}).id

    def act(number: int) -> Any:
        if number % 2:
            return write(world, delete_person, people[number // 2])
        return write_sealed(
            world, update_person, people[number // 2], {"group_ids": [group], "card_number": str(7 + number)}
        )

    results = at_once(act)
    assert {type(result) for result in results if isinstance(result, Exception)} <= {NotFound}
    assert read(world, page_of_people, Page())[1] == 1
    assert read(world, get_group, group).people_count == 0
    assert world.database.read_now(lambda tx: list_credentials(tx, world.vault, world.account_id, people)) == []


def test_people_and_groups_that_take_each_other_in_agree(world: World) -> None:
    group = write(world, create_group, {"name": "Staff"}).id

    def act(number: int) -> Any:
        if number % 2:
            return write(world, update_group, group, {"person_ids": [world.person_id]})
        return write_sealed(world, update_person, world.person_id, {"group_ids": [group]})

    assert not [result for result in at_once(act) if isinstance(result, Exception)]
    assert read(world, get_group, group).people_count == 1


def test_a_shift_is_deleted_or_used_but_never_both(world: World) -> None:
    window = {"days": ["mon"], "start": "07:00", "end": "22:00"}
    shifts = [write(world, create_shift, {"name": "Day", "windows": [window]}).id for _ in range(MANY // 2)]

    def act(number: int) -> Any:
        shift = shifts[number // 2]
        if number % 2:
            return world.database.write_now(lambda tx: delete_shift(tx, world.account_id, shift, world.clock.now()))
        return write(world, create_role, {"name": f"Role {number}", "shift_id": shift})

    results = at_once(act)
    for used, deleted in zip(results[::2], results[1::2], strict=True):
        if isinstance(deleted, Exception):
            assert isinstance(deleted, Conflict)
            assert not isinstance(used, Exception)
        else:
            assert isinstance(used, Invalid)
            assert used.errors == {"shift_id": ["Not found for this account"]}
