"""The OSDP driver against libosdp's own peripherals in another process, secure channel on: keys."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from doorward.drivers.base import CommandResult, CredentialRead, Offline, Online
from doorward.drivers.osdp.__main__ import main
from doorward.drivers.osdp.config import Bus, Device, DeviceKey, OsdpConfig, SerialLine
from doorward.drivers.osdp.keying import KeyingFailed, give_key
from tests.support.osdp_peripheral import Peripheral, Peripherals, new_key, running_peripherals
from tests.support.osdp_site import reader, running, until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["pty", "tcp"])
def kind(request: pytest.FixtureRequest) -> Literal["pty", "tcp"]:
    return "tcp" if request.param == "tcp" else "pty"


@pytest.fixture
def on_pty() -> Iterator[Peripherals]:
    with running_peripherals([Peripheral(1, new_key())]) as there:
        yield there


@pytest.mark.en60839("6.8/24")
def test_a_wrong_key_is_refused_and_the_other_readers_go_on(kind: Literal["pty", "tcp"]) -> None:
    devices = [Peripheral(1, new_key()), Peripheral(2, new_key())]
    with running_peripherals(devices, kind) as there:
        right = there.config([reader(5, 1), reader(6, 2)])
        (bus,) = right.buses
        wrong = Bus(bus.name, bus.line, (Device(1, DeviceKey.random()), bus.devices[1]), bus.readers)
        with running(OsdpConfig((wrong,)), await_online=(6,)) as site:
            until(lambda: site.of(Offline))
            there.card(1, "H10301", 12, 345)
            site.on_loop(lambda: site.driver.unlock(5, 1_000, 8))
            for number in range(5):
                there.card(2, "H10301", 12, 400 + number)
                time.sleep(0.3)
            until(lambda: len(site.of(CredentialRead, 6)) == 5)
            assert site.of(CredentialRead, 5) == []
            assert not site.is_online(5)
            assert site.of(Online, 5) == []
            assert "it answers, but not with this key: it has another, or none" in site.of(Offline)[-1].reason
            assert [result.is_done for result in site.of(CommandResult)] == [False]
            assert site.of(Offline, 6) == []
            assert there.commands("output", 1) == []


def test_a_reader_that_was_reset_to_the_default_key_is_not_taken_into_service() -> None:
    with running_peripherals([Peripheral(1, None)]) as there:
        config = OsdpConfig((Bus("line", there.line, (Device(1, DeviceKey.random()),), (reader(),)),))
        with running(config, await_online=()) as site:
            until(lambda: site.of(Offline))
            there.card(1, "H10301", 12, 345)
            time.sleep(1.5)
            assert site.of(Online) == []
            assert site.of(CredentialRead) == []
            assert there.state(1)["key"] is None


@pytest.mark.en60839("6.8/24")
def test_a_reader_in_install_mode_gets_its_key_and_then_only_that_one_will_do(kind: Literal["pty", "tcp"]) -> None:
    with running_peripherals([Peripheral(1, None)], kind) as there:
        key = DeviceKey.random()
        assert give_key(there.line, 1, key) == "keyed"
        assert there.state(1)["key"] == key.reveal().hex()
        assert give_key(there.line, 1, key) == "had it already"
        with pytest.raises(KeyingFailed, match="not in install mode"):
            give_key(there.line, 1, DeviceKey.random())
        config = OsdpConfig((Bus("line", there.line, (Device(1, key),), (reader(),)),))
        with running(config) as site:
            there.card(1, "H10301", 12, 345)
            until(lambda: site.of(CredentialRead))
            assert there.state(1)["secure"]
        assert key.reveal().hex() not in repr(config) + repr(site.events)


def test_keying_says_what_is_wrong(on_pty: Peripherals, tmp_path: Path) -> None:
    with pytest.raises(KeyingFailed, match="does not answer: is the address right"):
        give_key(on_pty.line, 2, DeviceKey.random())
    with pytest.raises(KeyingFailed, match=r"the line cannot be opened: .*No such file"):
        give_key(SerialLine(str(tmp_path / "ttyUSB0")), 1, DeviceKey.random())


def test_a_reader_without_a_key_is_not_spoken_to(on_pty: Peripherals) -> None:
    config = OsdpConfig((Bus("line", on_pty.line, (Device(1, None),), (reader(),)),))
    with running(config, await_online=()) as site:
        until(lambda: site.of(Offline))
        site.on_loop(lambda: site.driver.unlock(5, 1_000, 2))
        until(lambda: site.of(CommandResult))
    assert site.driver.health().problems == ("line, address 1: it has no key yet: it must be keyed before it is used",)


def configured(device: str, key_file: str) -> str:
    return f"""
    [[bus]]
    transport = "serial"
    device = "{device}"
    baud = 115200
    [[bus.reader]]
    channel = 5
    address = 1
    key_file = "{key_file}"
    format = "H10301"
    """


def test_an_installer_keys_a_reader_with_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_peripherals([Peripheral(1, None)]) as there:
        assert isinstance(there.line, SerialLine)
        file = tmp_path / "controller.toml"
        file.write_text(configured(there.line.device, "front.key"))
        assert main(["key", str(file), "5"]) == 0
        kept = (tmp_path / "front.key").read_text().strip()
        assert there.state(1)["key"] == kept
        assert main(["key", str(file), "5"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"Channel 5: the device at address 1 has its key now ({tmp_path}/front.key)",
        f"Channel 5: the device at address 1 had it already ({tmp_path}/front.key)",
    ]
    assert kept not in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["5"], "Not keyed: the line cannot be opened: "),
        (["6"], "has no reader for channel 6"),
        (["5", "--address", "3"], "Not keyed: key_file is not set for address 3"),
    ],
)
def test_why_a_reader_was_not_keyed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    file = tmp_path / "controller.toml"
    file.write_text(configured(str(tmp_path / "ttyUSB0"), "front.key"))
    assert main(["key", str(file), *arguments]) == 1
    assert problem in capsys.readouterr().err
