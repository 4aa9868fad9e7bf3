"""The OSDP driver against libosdp's own peripherals in another process, secure channel on: what is lost comes back."""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from doorward.drivers.base import CommandResult, CredentialRead, Offline, Online
from doorward.drivers.osdp.config import Bus, Device, DeviceKey, OsdpConfig, SerialLine
from doorward.drivers.osdp.library import Panel, load
from tests.support.osdp_peripheral import Peripheral, Peripherals, new_key, running_peripherals
from tests.support.osdp_site import Site, pulses, reader, running, until

pytestmark = pytest.mark.timeout(120)

UNPLUGGED_S = float(os.environ.get("DOORWARD_OSDP_UNPLUGGED_S", "4"))
"""How long the reader is unplugged in the test of its return; issue 4 asks for 30 s."""


@pytest.fixture(params=["pty", "tcp"])
def kind(request: pytest.FixtureRequest) -> Literal["pty", "tcp"]:
    return "tcp" if request.param == "tcp" else "pty"


@pytest.fixture
def on_pty() -> Iterator[Peripherals]:
    with running_peripherals([Peripheral(1, new_key())]) as there:
        yield there


def test_an_unplugged_reader_is_back_in_service_within_two_seconds(kind: Literal["pty", "tcp"]) -> None:
    with (
        running_peripherals([Peripheral(1, new_key())], kind) as there,
        running(there.config([reader()])) as site,
    ):
        there.pause()
        site.on_loop(lambda: site.driver.unlock(5, 60_000, 1))
        noticed = until(lambda: site.of(Offline), within=4)
        site.on_loop(lambda: site.driver.unlock(5, 60_000, 2))
        until(lambda: len(site.of(CommandResult)) == 2)
        assert [result.is_done for result in site.of(CommandResult)] == [False, False]
        time.sleep(max(0.0, UNPLUGGED_S - noticed))
        there.go_on()
        back = until(lambda: len(site.of(Online)) == 2, within=10)
        there.card(1, "H10301", 12, 345)
        read = until(lambda: site.of(CredentialRead))
        time.sleep(0.3)
        assert pulses(there) == [], "what was asked for while it was away must not be done now"
    print(
        f"\nOSDP over {kind}: unplugged for {UNPLUGGED_S:.0f} s, noticed after {noticed:.2f} s, "
        f"in service {back:.2f} s after it was back, first card read after another {read:.3f} s"
    )
    assert noticed < 4
    assert back < 2.0


def test_a_reader_without_power_for_an_instant_is_back_at_once(on_pty: Peripherals) -> None:
    with running(on_pty.config([reader()])) as site:
        site.on_loop(lambda: site.driver.set_mode(5, "unlocked"))
        until(lambda: on_pty.state(1)["released"][0])
        on_pty.restart(1)
        assert not on_pty.state(1)["released"][0]
        until(lambda: on_pty.state(1)["released"][0], within=2)
        until(site.is_online)


def test_a_controller_that_starts_anew_moves_no_lock_before_it_is_told_to(on_pty: Peripherals) -> None:
    config = on_pty.config([reader()])
    with running(config) as site:
        site.on_loop(lambda: site.driver.set_mode(5, "unlocked"))
        until(lambda: on_pty.state(1)["released"][0])
    before = len(on_pty.commands("output"))
    with running(config) as site:
        time.sleep(0.2)
        assert len(on_pty.commands("output")) == before
        assert on_pty.state(1)["released"][0]
        site.on_loop(lambda: site.driver.set_mode(5, "controlled"))
        until(lambda: not on_pty.state(1)["released"][0])


def test_a_line_whose_thread_fails_is_taken_up_again(on_pty: Peripherals, monkeypatch: pytest.MonkeyPatch) -> None:
    library, failures = load(), [1]

    class Failing:
        """libosdp, but for the first control panel."""

        def __getattr__(self, name: str) -> object:
            return getattr(library, name)

        def ControlPanel(self, devices: list[dict[str, object]]) -> Panel:  # noqa: N802 - the library's name
            if failures:
                raise RuntimeError(f"failure {failures.pop()}")
            return library.ControlPanel(devices)

    monkeypatch.setattr("doorward.drivers.osdp.driver.load", Failing)
    with running(on_pty.config([reader()])) as site:
        assert site.is_online()
    assert not failures, "the first panel has failed, and it was another that got the readers online"


def test_one_dead_reader_does_not_slow_the_others_down() -> None:
    devices = [Peripheral(address, new_key()) for address in range(4)]
    readers = [reader(10 + address, address) for address in range(4)]
    with (
        running_peripherals(devices) as there,
        running(there.config(readers), await_online=(10, 11, 12, 13)) as site,
    ):
        there.mute(3)
        until(lambda: site.of(Offline, 13), within=4)
        taken = []
        for turn in range(15):
            before = len(site.of(CredentialRead, 10 + turn % 3))
            there.card(turn % 3, "H10301", 12, 100 + turn)
            taken.append(until(lambda turn=turn, before=before: len(site.of(CredentialRead, 10 + turn % 3)) > before))  # type: ignore[misc] # defaults
            time.sleep(0.07)
        assert statistics.median(taken) < 0.3
        assert max(taken) < 1.0
        assert [site.of(Offline, channel_id) for channel_id in (10, 11, 12)] == [[], [], []]
        there.mute(3, is_mute=False)
        assert until(lambda: site.is_online(13), within=4) < 2


def test_an_adapter_that_is_pulled_out_and_put_in_again_is_survived(tmp_path: Path) -> None:
    device, key = tmp_path / "ttyUSB0", new_key()
    with running_peripherals([Peripheral(1, key)], link=device) as there:
        site = Site(there.config([reader()]))
        site.start()
        until(lambda: site.of(Online))
    try:
        until(lambda: site.of(Offline))
        offline = site.last(Offline)
        assert offline is not None
        assert "the line" in offline.reason
        time.sleep(0.5)
        assert any("No such file" in problem for problem in site.driver.health().problems)
        with running_peripherals([Peripheral(1, key)], link=device) as again:
            assert until(lambda: len(site.of(Online)) == 2, within=5) < 2.5
            again.card(1, "H10301", 12, 345)
            until(lambda: site.of(CredentialRead))
    finally:
        site.stop()


def test_a_converter_that_is_restarted_is_survived() -> None:
    key = new_key()
    with running_peripherals([Peripheral(1, key)], "tcp") as there:
        site = Site(there.config([reader()]))
        site.start()
        until(lambda: site.of(Online))
        port = there.line.port  # type: ignore[union-attr] # it is a TcpLine
    try:
        until(lambda: site.of(Offline))
        with running_peripherals([Peripheral(1, key)], "tcp", port=port) as again:
            assert until(lambda: len(site.of(Online)) == 2, within=5) < 2.5
            again.card(1, "H10301", 12, 345)
            until(lambda: site.of(CredentialRead))
    finally:
        site.stop()


def test_asking_to_recover_does_not_wait_for_the_next_try(tmp_path: Path) -> None:
    device, key = tmp_path / "ttyUSB0", new_key()
    config = OsdpConfig(
        (Bus("line", SerialLine(str(device), 115200), (Device(1, DeviceKey.from_hex(key)),), (reader(),)),)
    )
    with running(config, await_online=()) as site:
        until(lambda: site.of(Offline))
        time.sleep(1)
        with running_peripherals([Peripheral(1, key)], link=device):
            site.on_loop(site.driver.recover)
            assert until(lambda: site.of(Online)) < 0.9


def test_stopping_does_not_wait_for_readers_that_do_not_answer(on_pty: Peripherals) -> None:
    site = Site(on_pty.config([reader()]))
    site.start()
    until(lambda: site.of(Online))
    on_pty.pause()
    time.sleep(0.3)
    began = time.monotonic()
    site.stop()
    assert time.monotonic() - began < 1
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("osdp")]


def test_two_controllers_cannot_have_one_serial_line(on_pty: Peripherals) -> None:
    with (
        running(on_pty.config([reader()])),
        running(on_pty.config([reader()]), await_online=()) as second,
    ):
        until(lambda: second.of(Offline))
        assert second.of(Online) == []
