"""The esp-rfid driver through a real mosquitto: rights on the board, what the board says, what it is told to do."""

import asyncio
from collections.abc import Iterator

import pytest

from doorward.decision.engine import decide
from doorward.decision.snapshot import Credential, DoorState, Presented
from doorward.drivers.base import (
    CommandResult,
    ContactChanged,
    DeviceDecision,
    EventGap,
    Offline,
    Online,
    RexPressed,
)
from tests.support.esp_rfid_device import EspRfidDevice
from tests.support.esp_rfid_rig import HOUR, MONDAY, PULSE_MS, USERS, card, eventually, person, running_rig, snapshot
from tests.support.mosquitto import Mosquitto

pytestmark = pytest.mark.anyio
NOON = MONDAY + 12 * HOUR


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), USERS) as running:
        yield running


async def test_a_card_is_decided_about_by_the_board_and_reported(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        applied = await rig.driver.apply(snapshot(person(7, 1), version=5), NOON)
        assert (applied.version, applied.cards, applied.refused) == (5, 1, ())
        rig.clock.advance(1_500)
        assert await rig.device.present(card(7))
        assert not await rig.device.present(card(8))
        await rig.eventually(lambda: len(rig.of(DeviceDecision)) == 2)
        admitted, denied = rig.of(DeviceDecision)
        assert (admitted.channel_id, admitted.admitted, admitted.reason) == (1, True, "Always")
        assert admitted.credential == Credential("card", card(7))
        assert (admitted.device_time, admitted.received_at) == (NOON + 1_000, NOON + 1_500)
        assert (denied.admitted, denied.credential, denied.reason) == (False, Credential("card", card(8)), "Denied")


async def test_a_board_knows_people_by_number_and_never_by_name(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)._replace(name="Ada Lovelace")), NOON)
        assert "Ada" not in rig.device.users[card(7)]
        assert '"user":"p7"' in rig.device.users[card(7)]


async def test_who_loses_the_right_is_off_the_board_when_that_is_confirmed(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 1)), NOON)
        applied = await rig.driver.apply(snapshot(person(7, 1, status="disabled"), person(8, 1), version=2), NOON)
        assert applied.cards == 1
        assert sorted(rig.device.users) == [card(8)]
        assert not await rig.device.present(card(7))


async def test_what_is_on_the_board_is_not_written_again(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        rules = snapshot(person(7, 1), person(8, 2), staleness_ms=72 * HOUR)
        await rig.driver.apply(rules, NOON)
        rig.device.commands.clear()
        await rig.driver.apply(rules, NOON)
        await rig.at(NOON + HOUR)
        await rig.driver.apply(rules, NOON + HOUR)
        assert rig.device.written() == []
        await rig.at(NOON + 25 * HOUR)
        await rig.driver.apply(rules, NOON + 25 * HOUR)
        assert "adduser" in rig.device.written(), "the limit of staleness is moved once a day"


async def test_whoever_was_put_on_the_board_by_other_means_is_taken_off(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        rig.device.users["666"] = '{"command":"userfile","uid":"666","user":"Eve","acctype":99}'
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        assert sorted(rig.device.users) == [card(7)]
        rig.device.users["667"] = '{"command":"userfile","uid":"667","user":"Eve","acctype":1,"validuntil":4102444800}'
        await rig.device.reboot()
        await rig.eventually(lambda: sorted(rig.device.users) == [card(7)])


async def test_a_controller_that_begins_anew_finds_its_list_on_the_board_and_leaves_it_there(
    broker: Mosquitto,
) -> None:
    async with running_rig(broker) as rig:
        rules = snapshot(person(7, 1), person(8, 2))
        await rig.driver.apply(rules, NOON)
        left = dict(rig.device.users)
    async with running_rig(broker) as again:
        again.device.users = left | {"666": '{"uid":"666","acctype":1}'}
        await again.driver.apply(rules, NOON)
        assert again.device.written() == ["deletuid"]
        assert sorted(again.device.users) == sorted([card(7), card(8)])


async def test_a_list_that_comes_with_gaps_is_not_believed_by_who_knows_nothing_of_the_board(
    broker: Mosquitto,
) -> None:
    async with running_rig(broker) as rig:
        rig.device.users["666"] = '{"uid":"666","acctype":1,"validuntil":4102444800}'
        rig.device.lists_at_most = 0
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        assert rig.device.written() == ["deletusers", "adduser"]
        assert sorted(rig.device.users) == [card(7)]


async def test_the_shift_of_the_day_is_on_the_board_and_the_next_one_follows(broker: Mosquitto) -> None:
    async with running_rig(broker, at=MONDAY + 8 * HOUR) as rig:
        rules = snapshot(person(7, 2))
        await rig.driver.apply(rules, rig.clock.now())
        assert not await rig.device.present(card(7))
        for hours in (9, 16.999):
            await rig.at(MONDAY + int(hours * HOUR))
            assert await rig.device.present(card(7))
        before = rig.device.users[card(7)]
        await rig.at(MONDAY + 17 * HOUR)
        assert not await rig.device.present(card(7)), "the board shuts out by itself"
        await rig.eventually(lambda: rig.device.users[card(7)] != before)
        await rig.at(MONDAY + 33 * HOUR - 1)
        assert not await rig.device.present(card(7))
        await rig.at(MONDAY + 33 * HOUR)
        assert await rig.device.present(card(7))


async def test_the_board_admits_no_more_than_the_rules_while_the_broker_is_away(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        rules = snapshot(person(7, 1), person(8, 2), staleness_ms=8 * HOUR)
        await rig.driver.apply(rules, NOON)
        rig.driver.stop()
        for half_hour in range(48):
            rig.clock.at = NOON + half_hour * HOUR // 2
            for person_id in (7, 8):
                released = rig.device.verdict(card(person_id))[0] == ["Always"]
                presented = Presented(Credential("card", card(person_id)))
                allowed = decide(rules, DoorState(confirmed_at=NOON), presented, rig.clock.now()).admitted
                assert allowed or not released, f"person {person_id} after {half_hour} half hours"
                if half_hour < 10:
                    assert released == allowed


async def test_a_board_that_has_lost_the_time_admits_only_whose_right_does_not_end(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 2)), NOON)
        rig.device.has_time = False
        await rig.device.reboot()
        await rig.is_online()
        assert await rig.device.present(card(7))
        assert not await rig.device.present(card(8))
        await rig.eventually(lambda: any("what time it is" in each for each in rig.driver.health().problems))
        rig.device.has_time = True
        await rig.device.heartbeat()
        await rig.eventually(lambda: rig.driver.health().problems == ())
        assert await rig.device.present(card(8))


async def test_a_board_whose_clock_is_wrong_is_not_trusted_with_rights_that_end(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 2)), NOON)
        rig.device.clock_error_s = -7_200
        await rig.device.heartbeat()
        await rig.eventually(lambda: sorted(rig.device.users) == [card(7)])
        assert await rig.driver.get_clock(1) == NOON - 7_200_000
        applied = await rig.driver.apply(snapshot(person(7, 1), person(8, 2), version=2), NOON)
        assert applied.refused == (
            "1 card (Person 8) is left out, because the right ends: the board's clock is 7200 s slow",
        )
        assert any("7200 s slow" in problem for problem in rig.driver.health().problems)
        rig.device.clock_error_s = 2
        await rig.device.heartbeat()
        await rig.eventually(lambda: len(rig.device.users) == 2)


async def test_the_clock_of_a_board_cannot_be_set(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        assert not rig.driver.capabilities.clock
        with pytest.raises(OSError, match="time server"):
            await rig.driver.set_clock(1, NOON)


async def test_a_command_releases_the_lock_and_the_board_says_that_it_did(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        rig.driver.unlock(1, PULSE_MS, command_id=77)
        await rig.eventually(lambda: rig.of(CommandResult))
        assert rig.of(CommandResult)[0].command_id == 77
        assert rig.of(CommandResult)[0].is_done
        assert rig.device.is_released()
        await rig.eventually(lambda: not rig.device.is_released())
        await asyncio.sleep(0.1)
        assert rig.device.releases == 1
        assert rig.of(DeviceDecision) == [], "what the board says of our command is no decision of its own"


async def test_a_longer_release_is_many_pulses_and_not_cut_short_by_a_shorter_one(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        loop = asyncio.get_running_loop()
        began = loop.time()
        rig.driver.unlock(1, 3 * PULSE_MS)
        rig.driver.unlock(1, PULSE_MS)
        await rig.eventually(rig.device.is_released)
        await rig.eventually(lambda: not rig.device.is_released())
        lasted = loop.time() - began
        assert 3 * PULSE_MS / 1_000 <= lasted < 3 * PULSE_MS / 1_000 + 0.6
        assert rig.device.releases >= 3


async def test_a_door_in_unlocked_mode_is_released_pulse_by_pulse_until_it_is_not(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        rig.driver.set_mode(1, "unlocked")
        await rig.eventually(rig.device.is_released)
        for _ in range(60):
            await asyncio.sleep(0.01)
            assert rig.device.is_released()
        rig.driver.set_mode(1, "controlled")
        await rig.eventually(lambda: not rig.device.is_released(), 1.0)
        count = rig.device.releases
        await asyncio.sleep(0.3)
        assert rig.device.releases == count


async def test_lockdown_takes_everybody_off_the_board_and_ends_a_release(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        rig.driver.unlock(1, 60_000, command_id=1)
        await rig.eventually(rig.device.is_released)
        rig.driver.set_mode(1, "locked")
        await rig.eventually(lambda: rig.device.users == {})
        await rig.eventually(lambda: not rig.device.is_released(), 2.0)
        assert not await rig.device.present(card(7))
        rig.driver.unlock(1, PULSE_MS, command_id=2)
        await rig.eventually(lambda: len(rig.of(CommandResult)) == 2)
        assert [(result.command_id, result.is_done) for result in rig.of(CommandResult)] == [(1, True), (2, False)]
        rig.driver.set_mode(1, "controlled")
        await rig.eventually(lambda: sorted(rig.device.users) == [card(7)])


async def test_a_lockdown_of_cards_leaves_the_mode_of_the_lock_alone(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        assert await rig.driver.lock_down(1, cards=True, rex=False) == ()
        assert rig.device.users == {}
        await rig.driver.apply(snapshot(person(7, 1), person(8, 1), version=2), NOON)
        assert rig.device.users == {}, "also what comes later"
        said = await rig.driver.lock_down(1, cards=False, rex=True)
        assert "button" in said[0]
        assert sorted(rig.device.users) == sorted([card(7), card(8)])


async def test_a_limit_of_staleness_moves_with_each_confirmation(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), staleness_ms=6 * HOUR), NOON)
        await rig.at(NOON + 5 * HOUR)
        rig.driver.confirm(1, NOON + 5 * HOUR)
        await rig.eventually(lambda: str((NOON + 11 * HOUR) // 1_000 - 1) in rig.device.users[card(7)])
        await rig.at(NOON + 11 * HOUR)
        assert not await rig.device.present(card(7))


async def test_locking_for_a_moment_ends_a_release_and_leaves_the_list_alone(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        rig.device.commands.clear()
        rig.driver.unlock(1, 60_000)
        await rig.eventually(rig.device.is_released)
        rig.driver.set_mode(1, "locked")
        rig.driver.set_mode(1, "controlled")
        await rig.eventually(lambda: not rig.device.is_released(), 2.0)
        assert rig.device.written() == []


async def test_the_button_and_the_contact_are_reported(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.device.press_button()
        for is_open in (True, True, False):
            await rig.device.move_door(is_open)
        await rig.eventually(lambda: len(rig.of(ContactChanged)) == 2)
        assert [event.is_open for event in rig.of(ContactChanged)] == [True, False]
        assert [(event.channel_id, event.device_time) for event in rig.of(RexPressed)] == [(1, NOON)]


async def test_a_message_that_comes_twice_is_reported_once(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        who = {"username": "Unknown", "uid": "55", "isKnown": "false", "hostname": "front-door"}
        said = {"type": "access", "access": "Denied", "time": NOON // 1_000, **who}
        for _ in range(3):
            await rig.device.say(said)
        await rig.device.say(said | {"time": NOON // 1_000 + 2})
        await rig.eventually(lambda: len(rig.of(DeviceDecision)) == 2)
        assert [event.device_time for event in rig.of(DeviceDecision)] == [NOON, NOON + 2_000]


async def test_a_card_of_another_format_is_reported_as_the_board_read_it(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.device.present("04A1 odd")
        await rig.eventually(lambda: rig.of(DeviceDecision))
        assert rig.of(DeviceDecision)[0].credential == Credential("card", "04A1 odd")


async def test_somebody_elses_command_to_open_is_reported(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        eve = EspRfidDevice(broker.port, rig.clock, hostname="eve", topic="/elsewhere", login=("eve", USERS["eve"]))
        async with eve.powered():
            await eve.say({"cmd": "opendoor", "doorip": rig.device.ip}, topic=f"{rig.device.topic}/cmd")
            await rig.eventually(lambda: rig.of(DeviceDecision))
        decision = rig.of(DeviceDecision)[0]
        assert (decision.admitted, decision.credential) == (True, None)
        assert "MQTT without a card" in decision.reason


async def test_a_board_that_was_away_is_told_what_it_missed_and_its_events_are_said_to_be_lost(
    broker: Mosquitto,
) -> None:
    async with running_rig(broker, silent_s=1.0) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        await rig.device.power(False)
        await rig.eventually(lambda: rig.of(Offline))
        assert any("front-door" in problem for problem in rig.driver.health().problems)
        with pytest.raises(OSError, match="front-door"):
            await rig.driver.apply(snapshot(person(8, 1), version=2), NOON)
        assert await rig.driver.events_after(1, 0) == ()
        await rig.device.power(True)
        await rig.eventually(lambda: sorted(rig.device.users) == [card(8)])
        await rig.eventually(lambda: rig.driver.health().problems == ())
        assert len(rig.of(Online)) == 2
        assert [event.lost for event in rig.of(EventGap)] == [None]


async def test_a_board_that_has_lost_its_list_gets_it_again(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 2)), NOON)
        await rig.device.reboot(loses_users=True)
        await rig.eventually(lambda: sorted(rig.device.users) == sorted([card(7), card(8)]))


async def test_several_boards_on_one_topic_are_told_apart(broker: Mosquitto) -> None:
    async with running_rig(broker, relays=(1, 1)) as rig:
        front, gate = rig.devices
        await asyncio.gather(
            rig.driver.apply(snapshot(person(7, 1), channel_id=1), NOON),
            rig.driver.apply(snapshot(person(8, 1), channel_id=2), NOON),
        )
        assert (sorted(front.users), sorted(gate.users)) == ([card(7)], [card(8)])
        rig.driver.unlock(2, PULSE_MS)
        await rig.eventually(gate.is_released)
        assert not front.is_released()
        await gate.present(card(8))
        await rig.eventually(lambda: rig.of(DeviceDecision))
        assert rig.of(DeviceDecision)[0].channel_id == 2


async def test_each_relay_of_a_board_is_a_door(broker: Mosquitto) -> None:
    async with running_rig(broker, relays=(2,)) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 1), channel_id=1), NOON)
        applied = await rig.driver.apply(snapshot(person(7, 1), person(9, 1), channel_id=2), NOON)
        assert applied.cards == 1
        assert "Person 9" in applied.refused[0]
        await rig.device.present(card(7))
        await rig.device.present(card(8))
        await rig.eventually(lambda: len(rig.of(DeviceDecision)) == 3)
        assert [(event.channel_id, event.admitted) for event in rig.of(DeviceDecision)] == [
            (1, True),
            (2, True),
            (1, True),
        ]
        await rig.eventually(lambda: not rig.device.is_released(0) and not rig.device.is_released(1))
        rig.driver.unlock(2, PULSE_MS)
        await rig.eventually(lambda: rig.device.is_released(1))
        assert not rig.device.is_released(0), "only its own relay, not all that the board has"


async def test_a_channel_that_is_forgotten_has_no_cards_on_the_board_any_more(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        rig.driver.forget(1)
        rig.driver.forget(999)
        await eventually(lambda: rig.device.users == {})
        await rig.device.present(card(7))
        rig.driver.unlock(1, PULSE_MS, command_id=3)
        await rig.eventually(lambda: rig.of(CommandResult))
        assert not rig.of(CommandResult)[0].is_done
        assert rig.of(DeviceDecision) == []
        assert rig.driver.health().online == {}


async def test_a_lockdown_does_not_wait_for_the_cards_that_are_being_written(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        people = [person(number, 1) for number in range(1, 121)]
        apply = asyncio.create_task(rig.driver.apply(snapshot(*people), NOON))
        await rig.eventually(lambda: len(rig.device.users) > 2)
        board = rig.driver._units[0].board
        locking = asyncio.create_task(rig.driver.lock_down(1, cards=True, rex=False))
        written = 0

        def count() -> bool:
            nonlocal written
            written = max(written, len(rig.device.users))
            return not rig.device.users

        await rig.eventually(count)
        assert written < len(people), "the rest was not written first"
        assert await locking == ()
        await apply
        assert (rig.device.users, board.problem) == ({}, None)
