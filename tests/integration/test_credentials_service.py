"""credentials/ on both databases: behaviour.md, "Credentials"; EN 60839-11-1, grade 1."""

from functools import partial

import pytest
from sqlalchemy import bindparam, select

from doorward.credentials.service import (
    AlreadyEnrolled,
    Credential,
    create_credential,
    delete_credential,
    get_credential,
    list_credentials,
    update_credential,
)
from doorward.credentials.tables import credentials
from doorward.credentials.types import create_type
from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.decision.snapshot import Credential as Presented
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import SecretKeyError, Vault
from doorward.kit.errors import NotFound
from doorward.people.service import create_person, delete_person, get_person
from doorward.sync.compiler import compile_for
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, write, write_sealed
from tests.support.world import World

IN_USE = {"value": ["value is already in use on your account"]}
STORED = Query(select(credentials.c.value).where(credentials.c.id == bindparam("the_id")), word)
WITH_LOOKUP = Query(select(credentials.c.value).where(credentials.c.lookup == bindparam("the_lookup")), word)
LOOKUP = Query(select(credentials.c.lookup).where(credentials.c.id == bindparam("the_id")), word)


@pytest.fixture
def card(world: World) -> int:
    """A second type of card: everybody can have one beside the first."""
    return write(world, create_type, {"label": "Visitor card", "kind": "card"}).id


@pytest.fixture
def pin(world: World) -> int:
    """A second type of PIN."""
    return write(world, create_type, {"label": "Second PIN", "kind": "pin"}).id


def someone(world: World, name: str = "Grace") -> int:
    return write_sealed(world, create_person, {"first_name": name, "last_name": "Hopper"}).id


def give(world: World, person_id: int, type_id: int, value: object) -> Credential:
    return write_sealed(world, create_credential, person_id, {"credential_type_id": type_id, "value": value})


def held(world: World, person_id: int) -> dict[str, Credential]:
    found = world.database.read_now(lambda tx: list_credentials(tx, world.vault, world.account_id, [person_id]))
    return {credential.slug: credential for credential in found}


def holder_at_the_door(world: World, kind: str, value: str) -> tuple[str, str] | None:
    """Whom the first door knows by what is presented: name and status."""

    def look(tx: Transaction) -> tuple[str, str] | None:
        compiled = compile_for(tx, world.vault, world.channel_ids[0], [Presented(kind, value)], [])
        assert compiled is not None
        found = compiled.snapshot.directory.find(kind, value)
        return None if found is None else (found.name, found.status)

    return world.database.read_now(look)


def test_a_credential_comes_back_as_it_was_given(world: World, card: int) -> None:
    given = give(world, world.person_id, card, "000778")
    assert (given.label, given.slug, given.kind, given.value) == ("Visitor card", "visitor_card", "card", "000778")
    assert held(world, world.person_id)["visitor_card"] == given
    assert holder_at_the_door(world, "card", "778") == ("Ada Lovelace", "active")


def test_a_number_is_as_good_as_its_digits(world: World, card: int) -> None:
    assert give(world, world.person_id, card, 778).value == "778"


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    assert errors_of(lambda: write_sealed(world, create_credential, world.person_id, {})) == {
        "credential_type_id": ["can't be blank"],
        "value": ["can't be blank"],
    }
    assert errors_of(lambda: give(world, world.person_id, 99, 12.5)) == {
        "credential_type_id": ["Not found for this account"],
        "value": ["must be text"],
    }


def test_another_accounts_types_people_and_credentials_are_not_found(world: World) -> None:
    other, now = other_account(world), world.clock.now()
    theirs = world.database.write_now(lambda tx: create_type(tx, other, {"label": "Card", "kind": "card"}, now)).id
    mine = held(world, world.person_id)["card_number"].id
    assert errors_of(lambda: give(world, world.person_id, theirs, "9")) == {
        "credential_type_id": ["Not found for this account"]
    }
    for account_id, person_id in ((other, world.person_id), (world.account_id, 99), (world.account_id, someone(world))):
        with pytest.raises(NotFound):
            world.database.write_now(
                lambda tx, a=account_id, p=person_id: update_credential(  # type: ignore[misc]
                    tx, world.vault, a, p, mine, {"value": "9"}, now
                )
            )
        with pytest.raises(NotFound):
            world.database.write_now(
                lambda tx, a=account_id, p=person_id: delete_credential(tx, a, p, mine, now)  # type: ignore[misc]
            )
        with pytest.raises(NotFound):
            world.database.read_now(
                lambda tx, a=account_id, p=person_id: get_credential(tx, world.vault, a, p, mine)  # type: ignore[misc]
            )


def test_a_second_of_the_same_type_is_a_conflict_that_shows_the_first(world: World) -> None:
    first = held(world, world.person_id)["card_number"]
    with pytest.raises(AlreadyEnrolled) as caught:
        give(world, world.person_id, first.credential_type_id, "5678")
    assert caught.value.existing == first


@pytest.mark.parametrize("value", ["1234", "0001234"])
def test_a_card_is_one_persons_whatever_its_type_and_its_zeros(world: World, card: int, value: str) -> None:
    assert errors_of(lambda: give(world, someone(world), card, value)) == IN_USE
    assert errors_of(lambda: give(world, world.person_id, card, value)) == IN_USE


def test_a_card_and_a_pin_of_the_same_digits_are_two_things(world: World, pin: int) -> None:
    assert give(world, world.person_id, pin, "1234").value == "1234"


def test_the_same_card_may_be_in_use_in_another_account(world: World) -> None:
    other, now = other_account(world), world.clock.now()

    def make(tx: Transaction) -> Credential:
        type_id = create_type(tx, other, {"label": "Card", "kind": "card"}, now).id
        person = create_person(tx, world.vault, other, {"first_name": "A", "last_name": "B"}, now)
        body = {"credential_type_id": type_id, "value": "1234"}
        return create_credential(tx, world.vault, other, person.id, body, now)

    assert world.database.write_now(make).value == "1234"


def test_a_value_changes_at_once_and_frees_the_old_one(world: World, card: int) -> None:
    first = held(world, world.person_id)["card_number"]
    changed = write_sealed(world, update_credential, world.person_id, first.id, {"value": "4321"})
    assert changed.value == "4321"
    assert holder_at_the_door(world, "card", "1234") is None
    assert holder_at_the_door(world, "card", "4321") == ("Ada Lovelace", "active")
    give(world, someone(world), card, "1234")
    again = errors_of(lambda: write_sealed(world, update_credential, world.person_id, first.id, {"value": "01234"}))
    assert again == IN_USE


def test_the_same_value_again_is_no_change(world: World, clock: FixedClock) -> None:
    before = held(world, world.person_id)["pin"]
    clock.advance(1000)
    body = {"value": before.value}
    noted = notes_of(world.database, lambda: write_sealed(world, update_credential, world.person_id, before.id, body))
    assert noted == set()
    assert held(world, world.person_id)["pin"] == before


def test_a_value_cannot_be_changed_to_nothing(world: World) -> None:
    pin = held(world, world.person_id)["pin"]
    for value in (None, ""):
        body = {"value": value}
        assert errors_of(partial(write_sealed, world, update_credential, world.person_id, pin.id, body)) == {
            "value": ["can't be blank"]
        }


def test_a_credential_that_is_taken_away_is_gone(world: World) -> None:
    card = held(world, world.person_id)["card_number"]
    write(world, delete_credential, world.person_id, card.id)
    assert held(world, world.person_id).keys() == {"pin"}
    assert holder_at_the_door(world, "card", "1234") is None
    with pytest.raises(NotFound):
        write(world, delete_credential, world.person_id, card.id)


def test_whoever_follows_people_sees_those_whose_credentials_changed(
    world: World, clock: FixedClock, card: int
) -> None:
    actions = [
        lambda: give(world, world.person_id, card, "55"),
        lambda: write_sealed(
            world, update_credential, world.person_id, held(world, world.person_id)["visitor_card"].id, {"value": "56"}
        ),
        lambda: write(world, delete_credential, world.person_id, held(world, world.person_id)["visitor_card"].id),
    ]
    for action in actions:
        clock.advance(1000)
        assert notes_of(world.database, action) == {Note(person_id=world.person_id)}
        assert read(world, get_person, world.person_id).updated_at == clock.now()


@pytest.mark.parametrize("value", ["123", "12345678", "12a4", "١٢٣٤", " 1234"])
def test_a_pin_has_four_to_seven_digits(world: World, pin: int, value: str) -> None:
    assert errors_of(lambda: give(world, world.person_id, pin, value)) == {
        "value": ["must be between 4 and 7 digits in length"]
    }


def test_six_asterisks_make_a_random_pin_and_no_random_card(world: World, card: int, pin: int) -> None:
    made = give(world, world.person_id, pin, "******")
    assert len(made.value) == 4
    assert made.value.isdigit()
    assert held(world, world.person_id)["second_pin"].value == made.value
    assert errors_of(lambda: give(world, world.person_id, card, "******")) == {
        "value": ["can be made at random only for a PIN"]
    }


def test_pins_grow_longer_with_the_number_of_those_who_have_one(world: World, pin: int) -> None:
    # Ada is the first holder; a second PIN of hers makes no second holder.
    give(world, world.person_id, pin, "0000")
    for number in range(2, 11):
        assert len(give(world, someone(world), pin, "******").value) == 4, f"holder {number}"
    eleventh = someone(world)
    assert errors_of(lambda: give(world, eleventh, pin, "9999")) == {
        "value": ["is too short: where 11 people have a PIN, it needs at least 5 digits"]
    }
    assert len(give(world, eleventh, pin, "******").value) == 5
    assert give(world, someone(world), pin, "99999").value == "99999"
    # A PIN that became too short stays in force, and can be written back; it cannot be changed to another such.
    first = held(world, world.person_id)["pin"]
    assert write_sealed(world, update_credential, world.person_id, first.id, {"value": "4711"}) == first
    assert "is too short" in str(
        errors_of(lambda: write_sealed(world, update_credential, world.person_id, first.id, {"value": "4712"}))
    )


def test_a_pin_is_encrypted_in_the_database_and_found_without_being_read(world: World) -> None:
    pin = held(world, world.person_id)["pin"]
    stored = world.database.read_now(lambda tx: tx.one(STORED, the_id=pin.id))
    lookup = world.database.read_now(lambda tx: tx.one(LOOKUP, the_id=pin.id))
    assert stored is not None
    assert "4711" not in stored
    assert world.vault.decrypt(stored, f"credential:{world.account_id}") == "4711"
    assert lookup == world.vault.blind_index(f"{world.account_id}:pin", "4711")
    assert holder_at_the_door(world, "pin", "4711") == ("Ada Lovelace", "active")
    wrong = Vault(bytes(32))
    with pytest.raises(SecretKeyError):
        world.database.read_now(lambda tx: list_credentials(tx, wrong, world.account_id, [world.person_id]))


def test_no_repr_shows_a_value(world: World) -> None:
    assert "4711" not in repr(held(world, world.person_id)["pin"])


def test_the_door_knows_a_deleted_persons_card_until_somebody_else_has_it(world: World, card: int) -> None:
    write(world, delete_person, world.person_id)
    assert holder_at_the_door(world, "card", "1234") == ("Ada Lovelace", "deleted")
    assert holder_at_the_door(world, "pin", "4711") == ("Ada Lovelace", "deleted")
    give(world, someone(world), card, "01234")
    assert holder_at_the_door(world, "card", "1234") == ("Grace Hopper", "active")
    lookup = world.vault.blind_index(f"{world.account_id}:card", "1234")
    assert world.database.read_now(lambda tx: tx.all(WITH_LOOKUP, the_lookup=lookup)) == ["01234"]


def test_a_deleted_person_can_be_given_nothing(world: World, card: int) -> None:
    write(world, delete_person, world.person_id)
    with pytest.raises(NotFound):
        give(world, world.person_id, card, "9")
