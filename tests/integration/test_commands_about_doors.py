"""The commands that lock down, forgive, and show how doors stand, on both databases."""

from typing import Any

import pytest

from tests.support.commands import Commands


@pytest.fixture
def house(doorward: Commands) -> dict[str, int]:
    """Two sites with a door each, and somebody who may pass the first."""
    south = doorward.json("site", "create", "Süd 2")["id"]
    area = doorward.json("site", "area", "create", "Hall", "--site", 1)["id"]
    front = doorward.json(
        "channel", "create", "Front door", "--site", 1, "--passback-mode", "hard", "--area-to", area
    )["id"]  # fmt: skip
    far = doorward.json("channel", "create", "Far door", "--site", south)["id"]
    role = doorward.json("role", "create", "Staff", "--channel", front)["id"]
    person = doorward.json(
        "person", "create", "--first-name", "Ada", "--last-name", "Lovelace", "--card", "7", "--pin", "4711",
        "--duress-pin", "4712", "--role", role,
    )  # fmt: skip
    return {"south": south, "front": front, "far": far, "person": person["id"]}


def lockdowns(answer: Any) -> dict[str, tuple[bool, bool, bool]]:
    """By name: cards, auxiliary inputs, REX."""
    names = ("card_lockdown", "aux_lockdown", "rex_lockdown")
    return {each["name"]: tuple(each[name] for name in names) for each in answer["channels"]}


def test_a_site_is_locked_down_by_its_id_or_its_name(doorward: Commands, house: dict[str, int]) -> None:
    locked = doorward.json("site", "lockdown", "north")
    assert (locked["total"], locked["changed"]) == (1, 1)
    assert lockdowns(locked) == {"Front door": (True, True, False)}
    assert lockdowns(doorward.json("site", "lockdown", house["south"], "--rex", "--no-aux")) == {
        "Far door": (True, False, True)
    }
    assert doorward.json("site", "unlockdown", "SÜD 2")["changed"] == 1
    assert doorward.refusal("site", "lockdown", "East") == "there is no site East"
    doorward.json("site", "create", "North")
    assert doorward.refusal("site", "lockdown", "North").startswith(
        "several sites are called North: name one by its id"
    )
    assert "every flag is false" in doorward.refusal("site", "lockdown", 1, "--no-card", "--no-aux")
    code, printed, _ = doorward("site", "unlockdown", 1)
    assert (code, printed.splitlines()[0]) == (0, "1 of 1 channels changed")


def test_the_account_is_locked_down_and_the_lockdown_lifted(doorward: Commands, house: dict[str, int]) -> None:
    locked = doorward.json("account", "lockdown")
    assert lockdowns(locked) == dict.fromkeys(("Front door", "Far door"), (True, True, False))
    assert [each["id"] for each in locked["channels"]] == [house["front"], house["far"]]
    assert doorward.json("account", "unlockdown")["changed"] == 2
    assert doorward.json("account", "unlockdown")["changed"] == 0


def test_who_is_inside_is_shown_and_forgiven(doorward: Commands, house: dict[str, int]) -> None:
    assert doorward.json("site", "occupancy", "North") == [
        {"area_id": 1, "area_name": "Hall", "total": 0, "people": []}
    ]
    present = ["door", "present", house["front"], "--card", "7"]
    assert doorward.json(*present)["event_code"] == 10
    assert doorward.json(*present)["event_code"] == 28
    [hall] = doorward.json("site", "occupancy", "North")
    assert (hall["total"], hall["people"][0]["name"]) == (1, "Ada Lovelace")
    _, printed, _ = doorward("site", "occupancy", "North")
    assert printed.startswith(f"Hall: 1\n  Ada Lovelace ({house['person']}) since ")
    assert doorward.json("person", "forgive", house["person"]) == {"forgiven": house["person"]}
    assert doorward.json(*present)["event_code"] == 10
    assert doorward.json("site", "forgive", 1) == {"forgiven": 1}
    assert doorward.json(*present)["event_code"] == 10
    assert doorward.refusal("person", "forgive", 99) == "there is no person 99"


def test_how_the_doors_stand_to_a_person_is_shown(doorward: Commands, house: dict[str, int]) -> None:
    found = doorward.json("person", "standing", house["person"])
    assert found["summary"] == {"confirmed": 0, "pending": 1, "may_still_open": 0}
    assert [each["channel_id"] for each in found["channels"]] == [house["front"]]
    assert found["channels"][0]["rights"] == "admitted_now"
    doorward.json("person", "delete", house["person"])
    code, printed, _ = doorward("person", "standing", house["person"])
    assert code == 0
    assert printed.startswith("Ada Lovelace (deleted)\n")
    assert "none    pending" in printed
    assert doorward.refusal("person", "standing", 99) == "there is no person 99"


def test_a_duress_pin_is_given_like_a_pin(doorward: Commands, house: dict[str, int]) -> None:
    changed = doorward.json("person", "update", house["person"], "--duress-pin", "******")
    assert len(changed["duress_pin"]) == 4
    assert "is already in use" in doorward.refusal("person", "update", house["person"], "--duress-pin", "4711")
    assert doorward.json("person", "update", house["person"], "--duress-pin", "").get("duress_pin") is None
