"""People as they are looked for at a desk: by parts of names, an address, a number, a card; on both databases."""

import pytest

from doorward.credentials.finding import card_lookup
from doorward.groups.service import create_group
from doorward.kit.pages import Page
from doorward.people import finding
from doorward.people.finding import Found, Wanted, find_people, first_people
from doorward.people.service import create_person, delete_person, update_person
from doorward.people.tally import number_of_people
from doorward.roles.service import create_role
from tests.support.services import other_account, write, write_sealed
from tests.support.world import World

PEOPLE = (
    {"first_name": "Émile", "last_name": "Zola", "email": "emile@letters.example", "card_number": "00555"},
    {"first_name": "Ada", "last_name": "Byron", "system_id": "EMP-7"},
    {"first_name": "Zoë", "last_name": "Ad'Abo"},
    {"first_name": "Percent", "last_name": "100%_sure"},
)


@pytest.fixture
def crowd(world: World) -> dict[str, int]:
    """Their ids by first name; Ada (Lovelace) with card 1234 is there from the beginning."""
    return {body["first_name"]: write_sealed(world, create_person, body).id for body in PEOPLE}


def find(world: World, wanted: Wanted, page: Page | None = None) -> Found:
    return world.database.read_now(
        lambda transaction: find_people(transaction, world.account_id, wanted, page or Page(1, 50))
    )


def test_parts_of_names_are_found_in_any_order_without_regard_to_case_and_accents(
    world: World, crowd: dict[str, int]
) -> None:
    for text in ("zola", "EMILE", "mil zol", "zola é", "  Émile   Zola "):
        assert find(world, Wanted(text)).ids == [crowd["Émile"]], text
    assert {*find(world, Wanted("ada")).ids} == {crowd["Ada"], world.person_id}
    for text in ("nobody", "zola zoe", "*", '"', "\0"):
        assert find(world, Wanted(text)).ids == [], text
    for text, name in (("%", "Percent"), ("_", "Percent"), ("'", "Zoë")):
        assert find(world, Wanted(text)).ids == [crowd[name]], text


def test_an_address_a_system_id_and_a_card_find_their_person_too(world: World, crowd: dict[str, int]) -> None:
    assert find(world, Wanted("LETTERS.ex")).ids == [crowd["Émile"]]
    assert find(world, Wanted("EMP-7")).ids == [crowd["Ada"]]
    card = card_lookup(world.vault, world.account_id, "555")
    assert find(world, Wanted("555", card)).ids == [crowd["Émile"]]
    assert card_lookup(world.vault, world.account_id, "no card") == ""


def test_filters_narrow_down_and_agree_however_many_there_are(
    world: World, crowd: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [crowd["Émile"], crowd["Zoë"]]
    group = write(world, create_group, {"name": "Members", "person_ids": members})
    body = {"name": "Ours", "channel_ids": world.channel_ids[:1], "group_ids": [group.id], "person_ids": [crowd["Ada"]]}
    role = write(world, create_role, body)
    write_sealed(world, update_person, crowd["Zoë"], {"enabled": False})
    for few in (finding._FEW, -1):
        monkeypatch.setattr(finding, "_FEW", few)
        assert find(world, Wanted(group_id=group.id)).ids == members
        assert find(world, Wanted(role_id=role.id)).ids == [crowd["Ada"], *members]
        assert find(world, Wanted("zo", group_id=group.id, enabled=False)).ids == [crowd["Zoë"]]
        assert find(world, Wanted(role_id=role.id, without_credentials=True)).ids == [crowd["Ada"], crowd["Zoë"]]


def test_pages_are_in_the_order_of_names_from_either_end_and_the_deleted_are_gone(
    world: World, crowd: dict[str, int]
) -> None:
    write(world, delete_person, crowd["Percent"])
    whole = find(world, Wanted())
    assert (whole.total, whole.ids[-1]) == (4, crowd["Zoë"])
    paged = [each for number in (1, 2, 3, 4, 5) for each in find(world, Wanted(), Page(number, 1)).ids]
    assert paged == whole.ids
    assert find(world, Wanted("percent")) == Found([], 0)
    total = world.database.read_now(lambda transaction: number_of_people(transaction, world.account_id))
    assert whole.total == total


def test_of_very_many_the_number_is_not_told(
    world: World, crowd: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crowd
    monkeypatch.setattr(finding, "MOST_COUNTED", 2)
    finding._count.cache_clear()
    try:
        found = find(world, Wanted("a"), Page(1, 1))
        assert (len(found.ids), found.total, found.is_more) == (1, 2, True)
    finally:
        finding._count.cache_clear()
    few = world.database.read_now(lambda transaction: first_people(transaction, world.account_id, Wanted("a"), 2))
    assert len(few) == 2


def test_people_of_other_accounts_are_never_found(world: World) -> None:
    other = other_account(world)
    body = {"first_name": "Foreign", "last_name": "Spy", "email": "spy@letters.example", "system_id": "SPY"}
    world.database.write_now(lambda tx: create_person(tx, world.vault, other, body, world.clock.now()))
    for text in ("foreign", "spy@letters", "SPY"):
        assert find(world, Wanted(text)) == Found([], 0)
