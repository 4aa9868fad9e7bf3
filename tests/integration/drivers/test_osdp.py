"""The OSDP driver against libosdp's own peripherals in another process, secure channel on: readers and locks."""

import statistics
import time
from collections.abc import Iterator
from typing import Literal

import pytest

from doorward.controller.door import Door, Fact, Setting
from doorward.decision.codes import CARD, PIN, EventCode
from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Person, Snapshot
from doorward.drivers.base import (
    CommandResult,
    ContactChanged,
    ContactFault,
    CredentialRead,
    KeysPressed,
    Offline,
    PowerChanged,
    RexFault,
    RexPressed,
    TamperChanged,
)
from doorward.drivers.osdp.config import Input, Output
from tests.support.osdp_peripheral import Peripheral, Peripherals, new_key, running_peripherals
from tests.support.osdp_site import AMBER, GREEN, PULSE, RED, Site, colours, pulses, reader, running, until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["pty", "tcp"])
def kind(request: pytest.FixtureRequest) -> Literal["pty", "tcp"]:
    return "tcp" if request.param == "tcp" else "pty"


@pytest.fixture
def there(kind: Literal["pty", "tcp"]) -> Iterator[Peripherals]:
    with running_peripherals([Peripheral(1, new_key())], kind) as there:
        yield there


@pytest.fixture
def on_pty() -> Iterator[Peripherals]:
    with running_peripherals([Peripheral(1, new_key())]) as there:
        yield there


# From the reader to the verdict and back.


def door_of(site: Site, facts: list[Fact]) -> Door:
    """A door where Anna needs card 12:345 and PIN 4711, decided by the controller's own logic."""
    directory = Directory()
    directory.put(
        Person(1, "Anna", "active", None, None, (1,), frozenset({CARD, PIN})),
        [Credential(CARD, "12:345"), Credential(PIN, "4711")],
    )
    channel = Channel(5, "Front", "Europe/Berlin", frozenset({CARD, PIN}), two_factor=True)
    snapshot = Snapshot(channel, directory, {1: Grant(1, "Staff", None, "")})
    door = Door(site.driver, facts.append, snapshot, Setting(pulse_ms=3_000, held_open_ms=30_000))
    site.also = lambda event: door.handle(event, {}, site.clock.now())
    return door


@pytest.mark.en60839("6.2.2", "6.3.1", "6.8/24")
def test_card_and_pin_are_read_and_the_verdict_is_seen_at_the_lock_and_the_lamp(there: Peripherals) -> None:
    facts: list[Fact] = []
    with running(there.config([reader()])) as site:
        door_of(site, facts)
        there.card(1, "H10301", 12, 345)
        until(lambda: AMBER in colours(there))
        assert pulses(there) == []
        there.keys(1, b"4711\x0d")
        until(lambda: GREEN in colours(there))
        assert pulses(there) == [30]
        assert there.state(1)["released"] == [True, False]
        until(lambda: there.commands("buzzer", 1))
    read = site.last(CredentialRead)
    assert read is not None
    assert (read.presented.first, read.bits) == (Credential(CARD, "12:345"), 26)
    assert site.of(KeysPressed)
    assert facts[-1].code is EventCode.ADMIT_TWO_FACTORS


def test_a_card_that_nobody_has_is_shown_red_and_the_lock_stays(there: Peripherals) -> None:
    facts: list[Fact] = []
    with running(there.config([reader()])) as site:
        door_of(site, facts)
        there.card(1, "H10301", 12, 346)
        until(lambda: RED in colours(there))
        assert pulses(there) == []
        assert there.state(1)["released"] == [False, False]
    assert facts[-1].code is EventCode.REJECT_CARD


def test_a_card_of_another_format_is_on_record_with_its_bits_and_admits_nobody(on_pty: Peripherals) -> None:
    facts: list[Fact] = []
    with running(on_pty.config([reader()])) as site:
        door_of(site, facts)
        on_pty.card(1, "H10304", 12, 345)
        on_pty.bits(1, 26, 0x2EC0C87)
        until(lambda: len(site.of(CredentialRead)) == 2)
        until(lambda: RED in colours(on_pty))
    one, two = site.of(CredentialRead)
    assert (one.bits, one.presented.first.value[:14]) == (37, "unreadable-37-")
    assert (two.bits, two.raw, two.presented.first.value) == (26, 0x2EC0C87, "unreadable-26-2ec0c87")
    assert [fact.code for fact in facts] == [EventCode.REJECT_CARD] * 2
    assert pulses(on_pty) == []


def test_a_reply_that_comes_byte_by_byte_is_a_reply() -> None:
    with (
        running_peripherals([Peripheral(1, new_key())], chunk=1) as there,
        running(there.config([reader()])) as site,
    ):
        there.card(1, "H10301", 12, 345)
        until(lambda: site.of(CredentialRead))
        assert site.of(Offline) == []


def test_the_door_and_its_button_are_reported(on_pty: Peripherals) -> None:
    with running(on_pty.config([reader()])) as site:
        assert [event.is_open for event in site.of(ContactChanged)] == [False]
        on_pty.inputs(1, 1, 0)
        until(lambda: len(site.of(ContactChanged)) == 2)
        on_pty.inputs(1, 1, 1)
        until(lambda: site.of(RexPressed))
        on_pty.inputs(1, 3, 0)
        until(lambda: site.of(ContactFault))
        on_pty.inputs(1, 0, 0)
        until(lambda: len(site.of(ContactChanged)) == 3)
        on_pty.inputs(1, 0, 3)
        until(lambda: site.of(RexFault))
        on_pty.inputs(1, 0, 1)
        until(lambda: len(site.of(RexPressed)) == 3)
    assert [event.is_faulty for event in site.of(RexFault)] == [True, False]
    assert [event.is_open for event in site.of(ContactChanged)] == [False, True, False]
    assert [event.is_pressed for event in site.of(RexPressed)] == [True, False, True], (
        "what can be read of the line counts"
    )
    assert [event.is_faulty for event in site.of(ContactFault)] == [True, False]


def test_a_wire_may_be_the_other_way_round(on_pty: Peripherals) -> None:
    turned = reader(contact=Input(1, 0, is_active=False))
    with running(on_pty.config([turned])) as site:
        assert [event.is_open for event in site.of(ContactChanged)] == [True]


def test_housing_and_mains_are_reported(on_pty: Peripherals) -> None:
    with running(on_pty.config([reader()])) as site:
        on_pty.housing(1, tamper=True)
        until(lambda: site.of(TamperChanged))
        on_pty.housing(1, tamper=True, power_failure=True)
        until(lambda: site.of(PowerChanged))
        on_pty.housing(1)
        until(lambda: len(site.of(PowerChanged)) == 2)
    assert [event.is_tampered for event in site.of(TamperChanged)] == [True, False]
    assert [event.is_powered for event in site.of(PowerChanged)] == [False, True]


def test_a_module_behind_the_door_has_the_lock_and_the_reader_outside_only_reads() -> None:
    devices = [Peripheral(1, new_key(), outputs=0, inputs=0), Peripheral(9, new_key(), lamps=0, has_buzzer=False)]
    inside = reader(lock=Output(9, 1), contact=Input(9, 0), rex=Input(9, 1))
    with running_peripherals(devices) as there, running(there.config([inside])) as site:
        site.on_loop(lambda: site.driver.unlock(5, 2_000, 1))
        site.on_loop(lambda: site.driver.feedback(5, "granted"))
        until(lambda: pulses(there, 9))
        until(lambda: there.commands("led", 1))
        assert there.state(9)["released"] == [False, True]
        assert there.commands("output", 1) == []
        there.inputs(9, 1, 0)
        until(lambda: len(site.of(ContactChanged)) == 2)
        there.mute(9)
        until(lambda: site.of(Offline))
        assert not site.is_online()
        offline = site.last(Offline)
        assert offline is not None
        assert offline.reason.startswith("address 9: it has ceased to answer")


# The lock.


def test_a_release_is_timed_by_the_device_and_confirmed(there: Peripherals) -> None:
    with running(there.config([reader()])) as site:
        site.on_loop(lambda: site.driver.unlock(5, 700, 42))
        until(lambda: site.of(CommandResult))
        assert there.state(1)["released"][0]
    result = site.last(CommandResult)
    assert result is not None
    assert (result.command_id, result.is_done) == (42, True)
    # The driver is gone: the lock locks all the same.
    until(lambda: not there.state(1)["released"][0], within=2.0)


def test_holding_the_lock_open_and_shut(on_pty: Peripherals) -> None:
    with running(on_pty.config([reader()])) as site:
        site.on_loop(lambda: site.driver.set_mode(5, "unlocked"))
        until(lambda: on_pty.state(1)["released"][0])
        site.on_loop(lambda: site.driver.set_mode(5, "controlled"))
        until(lambda: not on_pty.state(1)["released"][0])
        site.on_loop(lambda: site.driver.unlock(5, 20_000))
        until(lambda: on_pty.state(1)["released"][0])
        site.on_loop(lambda: site.driver.set_mode(5, "locked"))
        until(lambda: not on_pty.state(1)["released"][0])
        site.on_loop(lambda: site.driver.unlock(5, 1_000, 7))
        until(lambda: site.of(CommandResult))
        result = site.last(CommandResult)
        assert result is not None
        assert (result.is_done, result.reason) == (False, "the door is held locked")


def test_a_channel_that_is_forgotten_is_locked_and_says_nothing_more(on_pty: Peripherals) -> None:
    with running(on_pty.config([reader()])) as site:
        site.on_loop(lambda: site.driver.set_mode(5, "unlocked"))
        until(lambda: on_pty.state(1)["released"][0])
        site.on_loop(lambda: site.driver.forget(5))
        until(lambda: not on_pty.state(1)["released"][0])
        before = len(site.events)
        on_pty.card(1, "H10301", 12, 345)
        time.sleep(0.3)
        assert len(site.events) == before


def test_a_reader_that_refuses_a_lamp_is_told_so_once_and_goes_on_reading() -> None:
    with (
        running_peripherals([Peripheral(1, new_key(), refuses=(2, 3))]) as there,
        running(there.config([reader()])) as site,
    ):
        for number in (1, 2, 3):
            site.on_loop(lambda: site.driver.feedback(5, "denied"))
            site.on_loop(lambda: site.driver.unlock(5, 500))
            until(lambda number=number: len(pulses(there)) >= number, within=3)  # type: ignore[misc] # a default
            time.sleep(0.6)
        assert len(there.commands("led")) == 1
        assert len(there.commands("buzzer")) == 1
        there.card(1, "H10301", 12, 345)
        until(lambda: site.of(CredentialRead))
        until(lambda: "refuses: lamp 0" in " ".join(site.driver.health().problems))


def test_a_lock_that_is_not_there_is_a_failure_and_a_problem() -> None:
    with (
        running_peripherals([Peripheral(1, new_key(), outputs=0, inputs=0)]) as there,
        running(there.config([reader()])) as site,
    ):
        site.on_loop(lambda: site.driver.unlock(5, 500, 3))
        until(lambda: site.of(CommandResult))
        result = site.last(CommandResult)
        assert result is not None
        assert not result.is_done
        assert site.driver.health().problems == (
            "line, address 1: has no output 0",
            "line, address 1: has no input 0",
            "line, address 1: has no input 1",
        )
        assert site.is_online()


# Many.


def test_sixteen_readers_on_one_line_are_quick() -> None:
    """Median and p95 from card to output; benchmarks/osdp.py measures the same for longer, beside a peer."""
    devices = [Peripheral(address, new_key(), inputs=0) for address in range(16)]
    readers = [reader(100 + address, address, contact=None, rex=None) for address in range(16)]
    channels = [one.channel_id for one in readers]
    with running_peripherals(devices) as there, running(there.config(readers), await_online=channels) as site:
        site.also = lambda event: (
            site.driver.unlock(event.channel_id, 500) if isinstance(event, CredentialRead) else None
        )
        taken = []
        for turn in range(40):
            address = turn * 7 % 16
            before = len(pulses(there, address))
            held_at = there.card(address, "H10301", 12, 100 + turn)
            until(lambda address=address, before=before: len(pulses(there, address)) > before)  # type: ignore[misc] # defaults
            told = [one for one in there.commands("output", address) if one.command["control_code"] == PULSE][-1]
            taken.append(1000 * (told.at - held_at))
            time.sleep(0.05 + turn % 7 / 100)
    print(
        f"\nOSDP, 16 readers on one line, card to output: median {statistics.median(taken):.1f} ms, "
        f"p95 {statistics.quantiles(taken, n=20)[-1]:.1f} ms, worst {max(taken):.1f} ms"
    )
    assert statistics.median(taken) < 150, "it is 33 ms on an idle machine"
