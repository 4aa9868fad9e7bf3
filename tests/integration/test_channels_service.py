"""channels/service.py on both databases: behaviour.md, "Channels"."""

import re
from typing import Any

import pytest

from doorward.channels.service import (
    Channel,
    create_channel,
    delete_channel,
    get_channel,
    list_channels,
    update_channel,
)
from doorward.kit.clock import FixedClock
from doorward.kit.errors import NotFound
from doorward.roles.service import create_role, get_role
from doorward.shifts.service import create_shift
from doorward.sites.areas import create_area
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, reserve, write
from tests.support.world import World

WINDOW = {"days": ["mon"], "start": "07:00", "end": "22:00"}


def create(world: World, **body: object) -> Channel:
    return write(world, create_channel, {"name": "Side door", "site_id": world.site_ids[0], **body})


def update(world: World, channel_id: int, **body: object) -> Channel:
    return write(world, update_channel, channel_id, body)


def area(world: World, site: int = 0, name: str = "Hall") -> int:
    return write(world, create_area, world.site_ids[site], {"name": name}).id


def test_a_channel_needs_a_name_and_a_site_and_has_sensible_settings(world: World) -> None:
    made = create(world)
    assert re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", made.mac_address)
    assert made == Channel(
        made.id, world.account_id, world.site_ids[0], "Side door", "side door", made.mac_address, made.created_at,
        made.created_at,
    )  # fmt: skip
    assert (made.accepts, made.staleness_hours, made.mode, made.rex_lockdown) == (("card", "pin"), 72, "normal", False)
    assert read(world, get_channel, made.id) == made
    assert create(world, name="Another").mac_address != made.mac_address


def test_every_field_comes_back_as_it_was_given(world: World) -> None:
    shift = write(world, create_shift, {"name": "Day", "windows": [WINDOW]}).id
    body = {
        "mac_address": "02:11:22:33:44:55",
        "unit": 2,
        "accepts": ["card", "pin", "apple"],
        "two_factor": True,
        "second_factor_ms": 20_000,
        "pulse_ms": 3_000,
        "held_open_ms": 60_000,
        "staleness_hours": None,
        "card_lockdown": True,
        "rex_lockdown": True,
        "aux_lockdown": True,
        "auto_unlock_shift_id": shift,
        "passback_mode": "timed",
        "passback_minutes": 10,
        "area_from_id": None,
        "area_to_id": area(world),
    }
    found = read(world, get_channel, create(world, **body).id)
    assert {name: getattr(found, name) for name in body} == {**body, "accepts": ("card", "pin", "apple")}


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {
        "site_id": 99,
        "mac_address": "nowhere",
        "accepts": ["key"],
        "two_factor": None,
        "pulse_ms": None,
        "mode": "open",
        "auto_unlock_shift_id": 98,
        "area_to_id": 97,
    }
    assert errors_of(lambda: write(world, create_channel, body)) == {
        "name": ["can't be blank"],
        "site_id": ["Not found for this account"],
        "mac_address": ["must be a MAC address such as 02:11:22:33:44:55"],
        "accepts": ["must be a list of at least one of: card, pin, aux, apple, google"],
        "two_factor": ["must be true or false"],
        "pulse_ms": ["can't be blank"],
        "mode": ["must be one of: normal, unlock"],
        "auto_unlock_shift_id": ["Not found for this account"],
        "area_to_id": ["Not found for this account"],
    }


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("unit", 1, 255),
        ("second_factor_ms", 1_000, 60_000),
        ("pulse_ms", 100, 600_000),
        ("held_open_ms", 1_000, 86_400_000),
        ("staleness_hours", 1, 8_784),
        ("passback_minutes", 0, 10_080),
    ],
)
def test_times_and_numbers_are_within_reason(world: World, field: str, low: int, high: int) -> None:
    channel = world.channel_ids[0]
    for value in (low, high):
        assert getattr(update(world, channel, **{field: value}), field) == value
    for value in (low - 1, high + 1):
        body: dict[str, Any] = {field: value}
        errors = errors_of(lambda body=body: update(world, channel, **body))  # type: ignore[misc]
        assert errors == {field: [f"must be between {low} and {high}"]}


@pytest.mark.parametrize("accepts", [[], ["card", "key"], "card", [["card"]], None])
def test_a_channel_accepts_at_least_one_kind(world: World, accepts: object) -> None:
    assert list(errors_of(lambda: create(world, accepts=accepts))) == ["accepts"]


@pytest.mark.parametrize("accepts", [["card"], ["pin"], ["card", "apple"]])
def test_two_factors_need_a_pin_and_something_else(world: World, accepts: list[str]) -> None:
    needs = {"two_factor": ["needs accepts to have pin and another kind"]}
    assert errors_of(lambda: create(world, accepts=accepts, two_factor=True)) == needs
    made = create(world, two_factor=True)
    assert errors_of(lambda: update(world, made.id, accepts=accepts)) == needs


def test_a_controllers_units_are_told_apart(world: World) -> None:
    first = create(world, mac_address="02-AA-22-33-44-55")
    assert first.mac_address == "02:aa:22:33:44:55"
    in_use = ["is already in use on your account"]
    assert errors_of(lambda: create(world, mac_address="02:aa:22:33:44:55")) == {"mac_address": in_use}
    second = create(world, mac_address="02:aa:22:33:44:55", unit=2)
    assert errors_of(lambda: update(world, second.id, unit=1)) == {"unit": in_use}


def test_unlock_mode_lasts_until_told_otherwise_or_until_an_instant(world: World, clock: FixedClock) -> None:
    channel = world.channel_ids[0]
    unlocked = update(world, channel, mode="unlock", relock_at="2026-03-02T17:00:00Z")
    assert (unlocked.mode, unlocked.relock_at) == ("unlock", 1_772_470_800_000)
    assert unlocked.mode_changed_at == clock.now()
    clock.advance(1000)
    renamed = update(world, channel, name="Main door")
    assert (renamed.relock_at, renamed.mode_changed_at) == (unlocked.relock_at, unlocked.mode_changed_at)
    # Local time of the account is UTC in winter.
    assert update(world, channel, relock_at="2026-03-02T18:00").relock_at == 1_772_474_400_000
    assert update(world, channel, mode="unlock").relock_at is None
    locked = update(world, channel, mode="normal")
    assert (locked.mode, locked.relock_at, locked.mode_changed_at) == ("normal", None, clock.now())


def test_a_door_cannot_relock_in_the_past_or_while_it_is_locked(world: World) -> None:
    channel = world.channel_ids[0]
    for past in ("2026-03-02T08:59:59Z", "2026-03-02T09:00:00Z"):
        errors = errors_of(lambda past=past: update(world, channel, mode="unlock", relock_at=past))  # type: ignore[misc]
        assert errors == {"relock_at": ["must be in the future"]}
    assert errors_of(lambda: update(world, channel, relock_at="2026-03-02T17:00:00Z")) == {
        "relock_at": ["is only for the mode unlock"]
    }
    assert read(world, get_channel, channel).mode == "normal"


def test_a_passback_rule_that_could_refuse_nobody_is_refused(world: World) -> None:
    hall = area(world)
    differ = {"passback_mode": ["needs area_from_id and area_to_id to differ (none is outside)"]}
    assert errors_of(lambda: create(world, passback_mode="hard")) == differ
    assert errors_of(lambda: create(world, passback_mode="soft", area_from_id=hall, area_to_id=hall)) == differ
    assert errors_of(lambda: create(world, passback_mode="timed", area_to_id=hall)) == {
        "passback_minutes": ["can't be blank where passback_mode is timed"]
    }
    made = create(world, passback_mode="hard", area_to_id=hall)
    assert errors_of(lambda: update(world, made.id, area_to_id=None)) == differ
    assert update(world, made.id, passback_mode=None, area_to_id=None).passback_mode is None


def test_a_door_leads_between_areas_of_its_own_site(world: World) -> None:
    far = area(world, site=1)
    of_site = {"area_to_id": ["must be an area of the channel's site"]}
    assert errors_of(lambda: create(world, area_to_id=far)) == of_site
    made = create(world, area_to_id=area(world))
    assert errors_of(lambda: update(world, made.id, site_id=world.site_ids[1])) == of_site
    assert update(world, made.id, site_id=world.site_ids[1], area_to_id=far).area_to_id == far


def test_a_reservations_shift_unlocks_no_door(world: World) -> None:
    shift = read(world, get_role, reserve(world, world.person_id)).shift_id
    assert errors_of(lambda: update(world, world.channel_ids[0], auto_unlock_shift_id=shift)) == {
        "auto_unlock_shift_id": ["Not found for this account"]
    }


def test_a_deleted_channel_is_named_by_no_role(world: World) -> None:
    role = write(world, create_role, {"name": "Staff", "channel_ids": world.channel_ids}).id
    gone = world.channel_ids[0]
    assert notes_of(world.database, lambda: write(world, delete_channel, gone)) == {Note(channel_id=gone)}
    assert read(world, get_role, role).channel_ids == tuple(world.channel_ids[1:])
    assert [channel.id for channel in read(world, list_channels)] == world.channel_ids[1:]


def test_the_door_is_told_of_every_change(world: World) -> None:
    made: list[Channel] = []
    noted = notes_of(world.database, lambda: made.append(create(world)))
    assert noted == {Note(channel_id=made[0].id)}
    assert notes_of(world.database, lambda: update(world, made[0].id, card_lockdown=True)) == noted


def test_what_belongs_to_another_account_is_not_found(world: World) -> None:
    other, now, channel = other_account(world), world.clock.now(), world.channel_ids[0]
    for action in (
        lambda: world.database.read_now(lambda tx: get_channel(tx, other, channel)),
        lambda: world.database.write_now(lambda tx: update_channel(tx, other, channel, {}, now)),
        lambda: world.database.write_now(lambda tx: delete_channel(tx, other, channel, now)),
    ):
        with pytest.raises(NotFound):
            action()
    body = {"name": "x", "site_id": world.site_ids[0]}
    assert errors_of(lambda: world.database.write_now(lambda tx: create_channel(tx, other, body, now))) == {
        "site_id": ["Not found for this account"]
    }
