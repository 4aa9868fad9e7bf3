"""What is set at a door beyond the contract: shown, checked, carried to the door; whose door it is."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import null, select, update

from doorward.admissions import service as admissions
from doorward.channels.service import update_channel
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.kit.clock import FixedClock
from doorward.kit.errors import NotFound
from doorward.process.doors import LocalDoors, setting_of
from doorward.sync.live import LiveSnapshots
from doorward.sync.tables import channel_reports
from tests.support.commands import Commands
from tests.support.refusals import errors_of
from tests.support.services import write
from tests.support.world import World

SETTINGS = {
    "held_open_warning_ms": 5_000,
    "rex_held_ms": 60_000,
    "relock_on_open": True,
    "first_person_in": True,
    "two_person": True,
    "two_person_ms": 15_000,
    "driver": "osdp",
}
HARDWARE = {
    "model": "Signo 20",
    "serial_number": "SN-1",
    "card_format": "H10301",
    "pin_format": "8 bits",
    "reader_device_class_name": "Lobby reader",
}


def enrol(world: World, channel_id: int, controller_id: int = 7) -> None:
    """As a controller's enrolment does."""
    enrolled = Query[None](update(channels).where(channels.c.id == channel_id).values(controller_id=controller_id))
    world.database.write_now(lambda tx: tx.run(enrolled))
    write(world, update_channel, channel_id, {})


def test_new_settings_are_shown_as_they_were_set(api: httpx.Client, world: World) -> None:
    body = {"name": "Vault", "site_id": world.site_ids[0], **SETTINGS, **HARDWARE}
    made = api.post("/api/3/channels", json=body)
    assert made.status_code == 201
    settings = api.get(f"/api/3/channels/{made.json()['id']}/settings").json()
    assert settings == made.json()["settings"]
    assert settings | SETTINGS == settings
    assert settings["controller_id"] is None
    assert made.json() | HARDWARE == made.json(), "of the contract's own fields"
    assert made.json()["model_long"] == "Signo 20"
    door = f"/api/3/channels/{made.json()['id']}"
    changed = api.put(door, json={"two_person": False, "model": None, "serial_number": "", "driver": "uhppote"}).json()
    assert (changed["model"], changed["model_long"], changed["serial_number"]) == ("UHPPOTE", "UHPPOTE board", None)
    assert changed["settings"] == {**settings, "two_person": False, "driver": "uhppote"}


def test_a_door_begins_without_any_of_them(api: httpx.Client, world: World) -> None:
    settings = api.get(f"/api/3/channels/{world.channel_ids[0]}/settings").json()
    assert settings | dict.fromkeys(("held_open_warning_ms", "rex_held_ms"), 0) == settings
    assert settings | dict.fromkeys(("relock_on_open", "first_person_in", "two_person"), False) == settings
    assert (settings["two_person_ms"], settings["driver"], settings["controller_id"]) == (10_000, "simulated", None)


NONSENSE: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({"two_person_ms": 999}, {"two_person_ms": ["must be between 1000 and 60000"]}),
    ({"two_person_ms": 60_001}, {"two_person_ms": ["must be between 1000 and 60000"]}),
    ({"held_open_warning_ms": -1}, {"held_open_warning_ms": ["must be between 0 and 86400000"]}),
    ({"held_open_warning_ms": 30_000}, {"held_open_warning_ms": ["must be less than held_open_ms"]}),
    ({"rex_held_ms": 999}, {"rex_held_ms": ["must be 0, for never, or between 1000 and 3600000"]}),
    ({"rex_held_ms": 3_600_001}, {"rex_held_ms": ["must be between 0 and 3600000"]}),
    ({"relock_on_open": "yes"}, {"relock_on_open": ["must be true or false"]}),
    ({"two_person": None}, {"two_person": ["must be true or false"]}),
    ({"driver": "wiegand"}, {"driver": ["must be one of: simulated, osdp, uhppote, esp_rfid"]}),
    ({"driver": None}, {"driver": ["can't be blank"]}),
    ({"serial_number": "a\nb"}, {"serial_number": ["must be one line"]}),
    ({"model": "x" * 256}, {"model": ["is too long (at most 255 characters)"]}),
    ({"accepts": ["duress"]}, {"accepts": ["must be a list of at least one of: card, pin, aux, apple, google"]}),
]


def refusal(world: World, body: dict[str, Any]) -> dict[str, list[str]]:
    return errors_of(lambda: write(world, update_channel, world.channel_ids[0], body))


def test_what_makes_no_sense_is_refused(world: World) -> None:
    for body, errors in NONSENSE:
        assert refusal(world, body) == errors


def test_a_warning_must_come_before_the_alarm_whichever_of_them_is_changed(world: World) -> None:
    front = world.channel_ids[0]
    write(world, update_channel, front, {"held_open_ms": 10_000, "held_open_warning_ms": 9_999})
    refused = errors_of(lambda: write(world, update_channel, front, {"held_open_ms": 9_000}))
    assert refused == {"held_open_ms": ["must be more than held_open_warning_ms"]}
    assert write(world, update_channel, front, {"held_open_warning_ms": 0, "held_open_ms": 9_000}).held_open_ms == 9_000


def test_an_osdp_reader_has_a_card_format_that_there_is(world: World) -> None:
    front = world.channel_ids[0]
    write(world, update_channel, front, {"driver": "esp_rfid", "card_format": "reversed"})
    refused = errors_of(lambda: write(world, update_channel, front, {"driver": "osdp"}))
    assert refused["card_format"][0].startswith("there is no card format 'reversed'; there are H10301")
    assert write(world, update_channel, front, {"driver": "osdp", "card_format": "h10302"}).card_format == "h10302"


def test_two_people_may_each_need_two_factors(world: World) -> None:
    made = write(world, update_channel, world.channel_ids[0], {"two_person": True, "two_factor": True})
    assert (made.two_person, made.two_factor) == (True, True)


def test_which_controller_serves_a_door_is_not_to_be_written(api: httpx.Client, world: World) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"
    assert api.put(door, json={"controller_id": 5}).json()["settings"]["controller_id"] is None
    enrol(world, world.channel_ids[0])
    assert api.put(door, json={"controller_id": None, "name": "X"}).json()["settings"]["controller_id"] == 7
    assert api.get(f"{door}/settings").json()["controller_id"] == 7


def test_doors_decide_by_what_is_set(world: World, clock: FixedClock) -> None:
    front = world.channel_ids[0]

    async def run() -> None:
        live = LiveSnapshots(world.database, world.vault, clock)
        await live.refresh()
        await world.database.write(
            lambda tx: update_channel(tx, world.account_id, front, {**SETTINGS, **HARDWARE, "unit": 2}, clock.now())
        )
        await live.refresh()
        found = live.channel(front)
        assert found is not None
        channel, controls, setting = found.snapshot.channel, found.controls, setting_of(found.controls)
        assert (channel.first_person_in, channel.two_person, channel.two_person_ms) == (True, True, 15_000)
        assert (setting.held_open_warning_ms, setting.rex_held_ms, setting.relock_on_open) == (5_000, 60_000, True)
        assert (controls.driver, controls.unit) == ("osdp", 2)
        assert (controls.card_format, controls.serial_number) == ("H10301", "SN-1")
        await live.close()

    asyncio.run(run())


@pytest.mark.parametrize("how", ["enrolled", "osdp"])
def test_what_is_not_the_servers_own_door_it_neither_drives_nor_reports(
    world: World, clock: FixedClock, how: str
) -> None:
    front, back, far = world.channel_ids
    reported = Query(select(channel_reports.c.channel_id).order_by(channel_reports.c.channel_id), number)

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, clock)
        if how == "enrolled":
            enrol(world, front)
        else:
            write(world, update_channel, front, {"driver": "osdp"})
        await doors.start()
        assert set(doors._doors) == {back, far}
        with pytest.raises(NotFound):
            await doors.act(front, "rex")
        await world.database.write(lambda tx: tx.run(Query[None](update(channels).values(controller_id=null()))))
        write(world, update_channel, front, {"driver": "simulated"})
        await doors.door(front)
        enrol(world, back)
        await doors.door(front)
        assert set(doors._doors) == {front, far}, "a door comes and goes with its controller"
        await doors.stop()

    asyncio.run(run())
    assert world.database.read_now(lambda tx: tx.all(reported)) == [back, far]


def test_only_who_reaches_a_door_takes_up_requests_for_it(api: httpx.Client, world: World, clock: FixedClock) -> None:
    front, back, far = world.channel_ids
    asked: list[int] = []

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, clock)
        await doors.start()
        enrol(world, front)
        await doors.door(back)
        for channel_id in (front, back):
            answer = await asyncio.to_thread(api.post, f"/api/3/channels/{channel_id}/admit")
            asked.append(answer.json()["admission_request_id"])
        await doors.answer()
        await doors.stop()

    asyncio.run(run())
    assert [api.get(f"/api/3/admission_requests/{each}").json()["status"] for each in asked] == ["pending", "admitted"]

    def waiting(*channel_ids: int) -> list[int]:
        return world.database.read_now(lambda tx: admissions.waiting(tx, channel_ids, 0, clock.now()))

    assert (waiting(front, back, far), waiting(back, far), waiting()) == (asked[:1], [], [])


def test_settings_are_set_from_the_command_line(doorward: Commands) -> None:
    made = doorward.json(
        "channel", "create", "Vault", "--site", 1, "--two-person", "--two-person-ms", 15_000, "--first-person-in",
        "--driver", "osdp", "--card-format", "H10301", "--serial-number", "SN-1", "--held-open-warning-ms", 5_000,
    )  # fmt: skip
    assert (made["two_person"], made["two_person_ms"], made["first_person_in"]) == (True, 15_000, True)
    assert (made["driver"], made["card_format"], made["serial_number"]) == ("osdp", "H10301", "SN-1")
    changed = doorward.json(
        "channel", "update", made["id"], "--no-two-person", "--relock-on-open", "--rex-held-ms", 2_000, "--model", "M",
        "--reader", "R", "--serial-number", "", "--pin-format", "4 bits",
    )  # fmt: skip
    assert (changed["two_person"], changed["relock_on_open"], changed["rex_held_ms"]) == (False, True, 2_000)
    assert (changed["model"], changed["reader_device_class_name"]) == ("M", "R")
    assert (changed["serial_number"], changed["pin_format"], changed["held_open_warning_ms"]) == (None, "4 bits", 5_000)
    assert "two_person_ms must be between" in doorward.refusal("channel", "update", made["id"], "--two-person-ms", 1)
