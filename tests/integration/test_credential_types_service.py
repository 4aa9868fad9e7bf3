"""credentials/types.py on both databases: contract, CredentialType."""

import pytest

from doorward.credentials.types import (
    create_type,
    delete_type,
    ensure_default_types,
    get_type,
    list_types,
    update_type,
)
from doorward.kit.errors import Conflict, NotFound
from doorward.people.service import delete_person, update_person
from tests.support.refusals import errors_of
from tests.support.services import other_account, read, write, write_sealed
from tests.support.world import World

IN_USE = ["is already in use on your account"]


def test_a_slug_is_made_from_the_label(world: World) -> None:
    made = write(world, create_type, {"label": "Visitor: Card", "kind": "card", "code": 100})
    assert (made.label, made.slug, made.kind, made.code) == ("Visitor: Card", "visitor_card", "card", 100)
    assert read(world, get_type, made.id) == made


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {"label": "", "slug": "Card Number", "kind": "key", "code": -1}
    assert errors_of(lambda: write(world, create_type, body)) == {
        "label": ["can't be blank"],
        "slug": ["must be of small letters, digits and underscores, such as card_number"],
        "kind": ["must be one of: card, pin, aux, apple, google, duress"],
        "code": ["must be between 0 and 2147483647"],
    }


def test_label_and_slug_are_unique_in_the_account_only(world: World) -> None:
    assert errors_of(lambda: write(world, create_type, {"label": "card number", "kind": "card"})) == {
        "label": IN_USE,
        "slug": IN_USE,
    }
    assert errors_of(lambda: write(world, create_type, {"label": "Other", "slug": "pin", "kind": "pin"})) == {
        "slug": IN_USE
    }
    other, now = other_account(world), world.clock.now()
    world.database.write_now(lambda tx: create_type(tx, other, {"label": "card number", "kind": "card"}, now))


@pytest.mark.parametrize("slug", ["email", "id", "group_ids", "image_base64", "custom_3"])
def test_a_slug_is_no_field_that_every_person_has(world: World, slug: str) -> None:
    assert errors_of(lambda: write(world, create_type, {"label": "New", "slug": slug, "kind": "card"})) == {
        "slug": [f"{slug} is a field that every person has"]
    }


def test_a_label_without_letters_needs_a_slug(world: World) -> None:
    assert errors_of(lambda: write(world, create_type, {"label": "§", "kind": "card"})) == {
        "slug": ["can't be made from this label: give one"]
    }
    assert write(world, create_type, {"label": "§", "slug": "law", "kind": "card"}).slug == "law"


def test_only_what_is_given_changes_and_the_kind_never(world: World) -> None:
    made = write(world, create_type, {"label": "Fob", "kind": "card"})
    changed = write(world, update_type, made.id, {"label": "Key fob", "kind": "card"})
    assert (changed.label, changed.slug) == ("Key fob", "fob")
    assert errors_of(lambda: write(world, update_type, made.id, {"kind": "pin"})) == {"kind": ["can't be changed"]}
    assert errors_of(lambda: write(world, update_type, made.id, {"slug": "pin"})) == {"slug": IN_USE}


def test_a_type_that_somebody_has_cannot_be_deleted(world: World) -> None:
    card = next(found for found in read(world, list_types) if found.kind == "card")
    with pytest.raises(Conflict):
        world.database.write_now(lambda tx: delete_type(tx, world.account_id, card.id, 0))
    write_sealed(world, update_person, world.person_id, {"card_number": None})
    world.database.write_now(lambda tx: delete_type(tx, world.account_id, card.id, 0))
    with pytest.raises(NotFound):
        read(world, get_type, card.id)


def test_a_type_that_only_deleted_people_had_can_be_deleted(world: World) -> None:
    write(world, delete_person, world.person_id)
    for found in read(world, list_types):
        world.database.write_now(lambda tx, found=found: delete_type(tx, world.account_id, found.id, 0))  # type: ignore[misc]
    assert read(world, list_types) == []


def test_an_account_begins_with_cards_and_pins(world: World) -> None:
    other, now = other_account(world), world.clock.now()
    made = world.database.write_now(lambda tx: ensure_default_types(tx, other, now))
    assert [(found.slug, found.kind) for found in made] == [("card_number", "card"), ("pin", "pin")]
    assert world.database.write_now(lambda tx: ensure_default_types(tx, other, now)) == made


def test_another_accounts_type_is_not_found(world: World) -> None:
    other = other_account(world)
    mine = read(world, list_types)[0].id
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: get_type(tx, other, mine))
    with pytest.raises(NotFound):
        world.database.write_now(lambda tx: delete_type(tx, other, mine, 0))
