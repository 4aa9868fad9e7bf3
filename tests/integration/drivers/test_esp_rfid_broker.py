"""The esp-rfid driver and its broker: lost and back, frozen, refusing, encrypted; and what hostile neighbours send."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client

from doorward.drivers.base import CommandResult, DeviceDecision, DeviceEvent, EventGap, Offline, Online
from doorward.drivers.esp_rfid.driver import EspRfidDriver
from doorward.kit.clock import FixedClock
from tests.support.esp_rfid_device import EspRfidDevice
from tests.support.esp_rfid_rig import (
    FAST,
    HOUR,
    MONDAY,
    PULSE_MS,
    USERS,
    EspRfidRig,
    card,
    config_for,
    eventually,
    person,
    running_rig,
    snapshot,
)
from tests.support.mosquitto import Mosquitto

pytestmark = pytest.mark.anyio
NOON = MONDAY + 12 * HOUR


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), USERS) as running:
        yield running


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """One that the test may kill."""
    with Mosquitto(tmp_path, USERS) as running:
        yield running


async def publish(broker: Mosquitto, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Be somebody else who may publish there."""
    async with Client("127.0.0.1", broker.port, username="eve", password=USERS["eve"]) as client:
        await client.publish(topic, payload, qos=1, retain=retain)


def results(rig: EspRfidRig) -> list[tuple[int, bool]]:
    return [(result.command_id, result.is_done) for result in rig.of(CommandResult)]


async def test_a_broker_that_is_killed_and_comes_back_moves_no_lock_and_loses_no_right(own_broker: Mosquitto) -> None:
    async with running_rig(own_broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        own_broker.kill()
        await rig.eventually(lambda: rig.of(Offline))
        assert "broker" in rig.of(Offline)[0].reason
        assert any("cannot be reached" in problem for problem in rig.driver.health().problems)
        assert rig.device.verdict(card(7))[0] == ["Always"], "the board goes on deciding"
        with pytest.raises(OSError, match="broker"):
            await rig.driver.apply(snapshot(person(8, 1), version=2), NOON)
        await asyncio.to_thread(own_broker.start)
        await rig.eventually(lambda: sorted(rig.device.users) == [card(8)])
        await rig.eventually(lambda: rig.driver.health().problems == ())
        assert (len(rig.of(Online)), len(rig.of(EventGap))) == (2, 1)
        assert rig.device.releases == 0


async def test_a_command_to_open_that_could_not_be_sent_is_not_sent_later(own_broker: Mosquitto) -> None:
    async with running_rig(own_broker) as rig:
        own_broker.kill()
        await rig.eventually(lambda: rig.of(Offline))
        rig.driver.unlock(1, PULSE_MS, command_id=1)
        await rig.eventually(lambda: results(rig) == [(1, False)])
        await asyncio.to_thread(own_broker.start)
        await rig.is_online()
        await asyncio.sleep(0.3)
        assert rig.device.releases == 0
        rig.driver.unlock(1, PULSE_MS, command_id=2)
        await rig.eventually(lambda: results(rig) == [(1, False), (2, True)])


async def test_a_broker_that_hangs_does_not_open_the_door_when_it_goes_on(own_broker: Mosquitto) -> None:
    async with running_rig(own_broker) as rig:
        await asyncio.sleep(FAST.fresh_s + 0.05)
        own_broker.freeze()
        try:
            rig.driver.unlock(1, PULSE_MS, command_id=1)
            await rig.eventually(lambda: results(rig) == [(1, False)])
        finally:
            own_broker.thaw()
        await rig.device.heartbeat()
        await rig.is_online()
        await asyncio.sleep(0.2)
        assert rig.device.releases == 0, "it had only been asked whether it listens"
        assert "opendoor" not in [command["cmd"] for command in rig.device.commands]


async def test_a_board_that_hangs_is_not_told_to_open(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await asyncio.sleep(FAST.fresh_s + 0.05)
        rig.device.is_deaf = True
        rig.driver.unlock(1, PULSE_MS, command_id=1)
        await rig.eventually(lambda: results(rig) == [(1, False)])
        assert "does not answer" in rig.of(CommandResult)[0].reason
        assert rig.of(Offline)[0].reason == "front-door does not answer"
        assert not rig.driver.health().online[1]
        rig.device.is_deaf = False
        await rig.is_online()


async def test_no_command_is_kept_for_a_board_that_is_away(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.device.power(False)
        for command_id in range(3):
            rig.driver.unlock(1, PULSE_MS, command_id=command_id)
        await rig.eventually(lambda: len(results(rig)) == 3)
        assert not any(is_done for _, is_done in results(rig))
        await rig.device.power(True)
        await rig.is_online()
        await asyncio.sleep(0.2)
        assert rig.device.releases == 0


async def test_a_command_that_somebody_left_at_the_broker_is_taken_away(broker: Mosquitto) -> None:
    async with running_rig(broker, is_powered=False) as rig:
        command = json.dumps({"cmd": "opendoor", "doorip": rig.device.ip}).encode()
        await publish(broker, f"{rig.device.topic}/cmd", command, retain=True)
        rig.driver.stop()
        await rig.driver.wait_closed()
        rig.driver.start(rig.events.append)
        await rig.eventually(lambda: not any("broker" in problem for problem in rig.driver.health().problems))
        await rig.device.power(True)
        await rig.is_online()
        await asyncio.sleep(0.2)
        assert rig.device.releases == 0


async def test_a_message_that_the_broker_had_kept_is_not_believed(broker: Mosquitto) -> None:
    async with running_rig(broker, is_powered=False) as rig:
        alive = {"type": "heartbeat", "time": NOON // 1_000, "uptime": 1, "ip": "10.9.9.9", "hostname": "front-door"}
        await publish(broker, f"{rig.device.topic}/send", json.dumps(alive).encode(), retain=True)
        rig.driver.stop()
        await rig.driver.wait_closed()
        rig.events.clear()
        rig.driver.start(rig.events.append)
        await rig.eventually(lambda: not any("broker" in problem for problem in rig.driver.health().problems))
        await asyncio.sleep(0.2)
        assert rig.events == []


async def test_a_wrong_password_is_said_to_be_wrong_and_never_shown(broker: Mosquitto) -> None:
    clock = FixedClock(NOON)
    device = EspRfidDevice(broker.port, clock)
    wrong = {"password": "not-the-password"}
    driver = EspRfidDriver(config_for(broker, [device], **wrong), clock, FAST)
    driver.start(lambda _: None)
    await eventually(lambda: "refuses" in str(driver.health().problems))
    assert driver.health().problems == (f"The broker 127.0.0.1:{broker.port} refuses the user name or password",)
    assert "not-the-password" not in f"{driver.health()} {vars(driver)}"
    driver.stop()
    await driver.wait_closed()


async def test_the_connection_to_the_broker_is_encrypted_and_its_certificate_checked(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, USERS, tls=True) as broker:
        tls: dict[str, Any] = {"tls": True, "port": broker.tls_port}
        async with running_rig(broker, ca_file=str(broker.ca_file), **tls) as rig:
            applied = await rig.driver.apply(snapshot(person(7, 1)), NOON)
            assert applied.cards == 1
        clock = FixedClock(NOON)
        suspicious = EspRfidDriver(config_for(broker, [EspRfidDevice(broker.port, clock)], **tls), clock, FAST)
        suspicious.start(lambda _: None)
        await eventually(lambda: "certificate" in str(suspicious.health().problems))
        assert suspicious.health().problems == (
            f"The broker 127.0.0.1:{broker.tls_port} shows a certificate that is not trusted",
        )
        suspicious.stop()
        await suspicious.wait_closed()


async def test_a_broker_that_lets_nobody_read_is_noticed_by_the_boards_silence(tmp_path: Path) -> None:
    acl = "user board\ntopic readwrite #\n"
    with Mosquitto(tmp_path, USERS, acl=acl) as broker:
        async with running_rig(broker, is_powered=False) as rig:
            await rig.device.power(True)
            await asyncio.sleep(0.3)
            assert not rig.driver.health().online[1]


HOSTILE: tuple[Any, ...] = (
    b"\x00\xff" * 50,
    b"[" * 5_000,
    b'{"type":' * 900,
    b"x" * 200_000,
    {"type": "access"},
    {"type": "access", "hostname": "front-door"},
    {"type": "access", "hostname": "front-door", "access": {"a": 1}, "uid": ["x"], "username": 5, "time": "soon"},
    {"type": "access", "hostname": "front-door", "access": ["Always"] * 9, "uid": "1", "username": "x"},
    {"type": "access", "hostname": "front-door", "access": "Always", "uid": "\u202e\x00", "username": "x"},
    {"type": "access", "hostname": "front-door", "access": "Denied", "uid": "7" * 150, "username": "x"},
    {"type": "boot", "hostname": "front-door", "ip": "x" * 5_000, "time": 10**40},
    {"type": "heartbeat", "hostname": "front-door", "ip": None, "time": -5},
    {"type": "heartbeat", "hostname": "somebody-else", "ip": "1.2.3.4", "time": 5},
    {"type": "adduser", "hostname": "front-door", "ip": "1.2.3.4"},
    {"type": "deletuid", "hostname": "front-door"},
    {"uid": "9" * 100, "acctype": 1, "validuntil": 5},
    {"uid": "../../config.json", "acctype": {"deep": [1]}},
    {"type": "WARN", "src": "door", "desc": "Door Open", "hostname": "front-door", "time": []},
    [],
    None,
    7,
)


async def test_whatever_is_published_the_driver_goes_on(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1)), NOON)
        for payload in HOSTILE:
            await rig.device.say(payload)
        await rig.device.heartbeat()
        await rig.eventually(lambda: rig.of(Offline))  # one of them said that the board had just connected
        await rig.is_online()
        assert await rig.device.present(card(7))
        await rig.eventually(lambda: any(event.admitted and event.credential for event in rig.of(DeviceDecision)))
        assert (await rig.driver.apply(snapshot(person(8, 1), version=2), NOON)).cards == 1
        assert sorted(rig.device.users) == [card(8)]


async def test_answers_that_nobody_waits_for_confirm_nothing(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        await rig.driver.apply(snapshot(person(7, 1), person(8, 1)), NOON)
        for _ in range(5):
            await rig.device.say({"type": "deletuid", "ip": rig.device.ip, "hostname": "front-door"})
        await rig.device.present(card(7))
        await rig.eventually(lambda: rig.of(DeviceDecision))
        rig.device.is_deaf = True
        with pytest.raises(OSError, match="does not answer"):
            await rig.driver.apply(snapshot(person(7, 1), version=2), NOON)
        rig.device.is_deaf = False
        await rig.device.heartbeat()
        await rig.eventually(lambda: sorted(rig.device.users) == [card(7)])


async def test_a_sink_that_raises_does_not_end_the_driver(broker: Mosquitto) -> None:
    async with running_rig(broker) as rig:
        heard: list[DeviceEvent] = []

        def raising(event: DeviceEvent) -> None:
            heard.append(event)
            raise RuntimeError("not our fault")

        rig.driver.start(raising)
        await rig.device.present("1")
        await rig.device.present("2")
        await rig.eventually(lambda: len(heard) == 2)
        assert rig.driver.health().online[1]


async def test_a_board_that_falls_silent_is_asked_before_it_is_given_up(broker: Mosquitto) -> None:
    async with running_rig(broker, silent_s=1.0) as rig:
        await asyncio.sleep(1.3)
        assert rig.driver.health().online[1], "it beats its heart seldom, but it answers"
        rig.device.is_deaf = True
        await rig.eventually(lambda: rig.of(Offline))


async def test_a_board_that_says_nothing_when_the_broker_is_back_is_asked_until_it_answers(broker: Mosquitto) -> None:
    async with running_rig(broker, timing=replace(FAST, ack_s=0.2)) as rig:
        rig.driver.stop()
        await rig.driver.wait_closed()
        rig.device.is_deaf = True
        rig.driver.start(rig.events.append)
        await rig.eventually(lambda: "does not answer" in str(rig.driver.health().problems))
        rig.device.is_deaf = False
        await rig.is_online()


async def test_an_acknowledgement_lost_in_the_middle_leaves_no_doubt_in_the_end(broker: Mosquitto) -> None:
    async with running_rig(broker, timing=replace(FAST, ack_s=0.3)) as rig:
        await rig.driver.apply(snapshot(*(person(number, 1) for number in range(1, 6))), NOON)

        def fall_deaf(command: dict[str, Any]) -> None:
            rig.device.is_deaf = command["cmd"] == "deletuid" and command["uid"] == card(2)

        rig.device.on_command = fall_deaf
        with pytest.raises(OSError, match="does not answer"):
            await rig.driver.apply(snapshot(person(4, 1), person(5, 1), version=2), NOON)
        rig.device.on_command = lambda _: None
        rig.device.is_deaf = False
        await rig.device.heartbeat()
        await rig.eventually(lambda: sorted(rig.device.users) == sorted([card(4), card(5)]))
        await rig.eventually(lambda: rig.driver.health().problems == ())
