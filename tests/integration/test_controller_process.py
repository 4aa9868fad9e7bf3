"""A controller and a server: what is told is decided by, what happens is told, and neither depends on the other."""

import asyncio
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from doorward.controller.clock import DoorClock
from doorward.controller.plan import Plan, PlannedUnit
from doorward.controller.store import Change
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence
from doorward.drivers.base import Driver, Mode
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock, FixedClock, SystemClock
from doorward.link.frames import CONTROL
from doorward.link.messages import Admit, Goodbye, Pulse, Recorded, Whereabouts
from doorward.link.records import SettingRecord
from tests.support.controllers import ACCESS, access, running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


async def test_a_channel_is_told_everything_and_decides_by_it(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            assert here.present(5, "1001").event_code is EventCode.ADMIT_CARD
            assert here.is_released(5)
            assert here.present(5, "9").event_code is EventCode.REJECT_CARD
            await until(lambda: server.codes(5) == [1, 10, 20])
        assert not any(told.is_replayed for _, told in server.events if told.code != 1)
        assert server.hellos[0].channels == ()


async def test_a_change_to_a_person_reaches_the_door_within_a_second(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            await server.change(5, member(1, status=1), member(3), gone=(2,))
            await until(lambda: server.has_applied(5), within=1)
            codes = [here.present(5, card).event_code for card in ("1001", "1002", "1003")]
            assert codes == [EventCode.REJECT_UNAUTHORIZED, EventCode.REJECT_CARD, EventCode.ADMIT_CARD]


@pytest.mark.en60839("6.8/21", "6.8/17")
@pytest.mark.en60839("6.8/21", "6.8/power")
async def test_without_the_server_it_decides_as_before_also_after_a_restart(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            await server.stop()
            await until(lambda: not here.link.is_up)
            assert here.present(5, "1001").admitted
            assert not here.present(5, "9").admitted
        async with running(tmp_path, identity) as here:
            assert here.present(5, "1001").admitted
            assert not here.present(5, "9").admitted
            await server.start()
            await until(lambda: len(access(server)) == 4)
    assert access(server) == [(10, 1), (20, None), (10, 1), (20, None)]
    told = [told for _, told in server.events]
    assert [each.sequence for each in told] == list(range(1, len(told) + 1))
    assert all(each.is_replayed for each in told if each.code in ACCESS)


@pytest.mark.en60839("6.8/20")
@pytest.mark.en60839("6.8/20")
async def test_no_lock_moves_because_the_server_is_lost_or_is_back(tmp_path: Path) -> None:
    class Watched(SimulatedDriver):
        def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
            moves.append((channel_id, "released"))
            super().unlock(channel_id, milliseconds, command_id)

        def set_mode(self, channel_id: int, mode: Mode) -> None:
            moves.append((channel_id, mode))
            super().set_mode(channel_id, mode)

    moves: list[tuple[int, str]] = []
    plan = Plan((PlannedUnit("doors", frozenset({5, 6}), Watched),), simulates=False)
    async with link_server() as server:
        server.add(channel(5), member(1))
        server.add(channel(6, setting=SettingRecord(5_000, 30_000, unlocked=True)), member(1))
        async with running(tmp_path, server.identity(), plan=plan) as here:
            await until(lambda: server.has_applied(5) and server.has_applied(6))
            assert not here.is_released(5)
            assert here.is_released(6)
            moves.clear()
            for _ in range(3):
                await server.stop()
                await until(lambda: not here.link.is_up)
                await asyncio.sleep(0.05)
                count = len(server.applied)
                await server.start()
                await until(lambda: here.link.is_up and server.is_up)
                await until(lambda count=count: len(server.applied) > count)  # type: ignore[misc]
            assert moves == []
            assert here.is_released(6)


async def test_what_the_controller_has_already_is_not_told_again_and_what_differs_is_found(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), *(member(number) for number in range(1, 400)))
        identity = server.identity()
        async with running(tmp_path, identity):
            await until(lambda: server.has_applied(5))
        server.applied.clear()
        async with running(tmp_path, identity):
            await until(lambda: server.has_applied(5))
            assert not server.refused
        # It changes while the controller is away.
        await server.change(5, member(7, card="777777"), gone=(8,))
        server.applied.clear()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            assert [each.reason for _, each in server.refused] == ["it changes something else than what is here"]
            assert here.present(5, "777777").admitted
            assert not here.present(5, "1007").admitted
            assert not here.present(5, "1008").admitted
            assert here.present(5, "1009").admitted
        # To find that out is nothing that is refused.
        assert EventCode.SNAPSHOT_REFUSED not in server.codes()


async def test_an_update_that_does_not_fit_changes_nothing_and_is_recorded(tmp_path: Path) -> None:
    async with link_server() as server:
        told = server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            [update] = told.update(told.content.digest(), gone=(1,))
            await server.send(5, update)
            await until(lambda: server.refused)
            assert here.present(5, "1001").admitted
            await until(lambda: EventCode.SNAPSHOT_REFUSED in server.codes(5))
            await until(lambda: len(server.applied) == 2)
            assert here.present(5, "1001").admitted


async def test_many_people_come_in_parts_and_are_applied_together(tmp_path: Path) -> None:
    async with link_server() as server:
        told = server.add(channel(5), *(member(number) for number in range(1, 4_501)))
        parts = told.everything()
        assert len(parts) == 3
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            people = here.controller.channels[5].replica.snapshot.directory.people
            assert len(people) == 4_500
            # Half an update is no update.
            more = [member(number, card=str(50_000 + number)) for number in range(1, 4_501)]
            before = told.content.digest()
            wanted = replace(told, people={each.id: each for each in more}, version=2)
            wanted.content = type(wanted.content)()
            wanted.__post_init__()
            halves = [msgspec.structs.replace(part, before=before) for part in wanted.everything()]
            await server.send(5, *halves[:2])
            await asyncio.sleep(0.1)
            assert here.present(5, "1001").admitted
            assert not here.present(5, "50001").admitted
            server.channels[5] = wanted
            await server.send(5, halves[2])
            await until(lambda: server.has_applied(5))
            assert not here.present(5, "1001").admitted
            assert here.present(5, "50001").admitted


async def test_a_channel_that_is_taken_away_is_left_locked_and_forgotten(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        server.add(channel(6, setting=SettingRecord(5_000, 30_000, unlocked=True)), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5) and server.has_applied(6))
            driver = here.controller.doors.simulated(6)
            assert driver.is_released(6)
            del server.channels[6]
            await server.send(CONTROL, Goodbye("again"))
            await until(lambda: list(here.controller.channels) == [5])
            assert not driver.is_released(6)
            await until(lambda: b"Door 6" not in (tmp_path / "channels.json").read_bytes())
        async with running(tmp_path, identity, linked=False) as here:
            assert list(here.controller.channels) == [5]


@pytest.mark.en60839("6.6")
async def test_a_door_is_released_from_afar_once_and_in_time_only(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1), member(2, status=1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            now = server.clock.now()
            await server.send(5, Admit(31, 1, now + 5_000), Admit(31, 1, now + 5_000), Admit(32, 2, now + 5_000))
            await server.send(5, Admit(33, None, now - 1_000))
            await until(lambda: len([each for _, each in server.events if each.answers]) == 3)
            answers = {each.answers: each.code for _, each in server.events if each.answers}
            assert answers == {31: 50, 32: 51, 33: 51}
            assert server.codes().count(15) == 1
            assert here.is_released(5)


async def test_where_people_went_elsewhere_counts_here(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5, passback=("hard", 0), area_from=None, area_to=3), member(1), member(2), member(4))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            await server.send(5, Whereabouts(((1, 3, 1_000), (2, 3, 1_000)), everyone=True))
            presences = here.controller.doors.whereabouts.presences
            await until(lambda: presences.get(1) == Presence(3, 1_000))
            assert here.present(5, "1001").event_code is EventCode.REJECT_PASSED_BACK
            assert here.present(5, "1004").admitted
            await server.send(5, Whereabouts(((1, None, 0),)))
            await until(lambda: 1 not in presences)
            assert here.present(5, "1001").admitted
        # It is known after a restart, too, without the server.
        async with running(tmp_path, identity, linked=False) as here:
            codes = [here.present(5, card).event_code for card in ("1001", "1002", "1004")]
            assert codes == [EventCode.REJECT_PASSED_BACK] * 3


async def test_moves_that_the_server_does_not_know_of_yet_are_not_forgotten_for_it(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5, passback=("hard", 0), area_from=None, area_to=3), member(1), member(2))
        server.records_events = False
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            assert here.present(5, "1001").admitted
            await server.send(5, Whereabouts(((2, 3, 1_000),), everyone=True))
            await until(lambda: 2 in here.controller.doors.whereabouts.presences)
            assert here.present(5, "1001").event_code is EventCode.REJECT_PASSED_BACK


async def test_a_disk_that_takes_nothing_does_not_keep_a_revocation_from_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.controller import store as stores

    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            opened = here.controller.contents._store
            assert opened is not None
            with monkeypatch.context() as failing:

                def full(*_: object) -> None:
                    raise stores.StoreFailed("database or disk is full")

                failing.setattr(opened, "apply", full)
                await server.change(5, member(1, status=1))
                await until(lambda: not here.present(5, "1001").admitted)
                await server.change(5, gone=(2,))
                await until(lambda: not here.present(5, "1002").admitted)
                assert server.has_taken(5), "the next may come"
                assert not server.has_applied(5)
            here.controller._save_content(here.controller.channels[5])
            await until(lambda: server.has_applied(5))
        async with running(tmp_path, server.identity(), linked=False) as here:
            assert not here.present(5, "1001").admitted
            assert not here.present(5, "1002").admitted


async def test_a_disk_that_cannot_be_read_does_not_keep_a_revocation_from_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.controller import store as stores

    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            opened = here.controller.contents._store
            assert opened is not None

            def broken(*_: object) -> None:
                raise stores.StoreFailed("disk I/O error")

            for name in ("some_people", "ids_in_buckets", "apply"):
                monkeypatch.setattr(opened, name, broken)
            await server.change(5, member(1, status=1))
            await until(lambda: not here.present(5, "1001").admitted)
            await server.change(5, gone=(2,))
            await until(lambda: not here.present(5, "1002").admitted)
            assert len(server.hellos) == 1, "one session"


async def test_a_server_that_cannot_say_what_was_changed_keeps_no_door_open(tmp_path: Path) -> None:
    """It is there all the time, and cut off from its database."""
    clock = FixedClock(SystemClock().now())
    async with link_server() as server:
        server.add(channel(5, staleness_ms=3_600_000), member(1))
        async with running(tmp_path, server.identity(), clock=clock) as here:
            await until(lambda: server.has_applied(5) and server.beats)
            server.is_told_all = False
            clock.advance(3_605_000)
            beat = Pulse(server.clock.now())
            await server.send(CONTROL, beat, Recorded(0), beat)
            await server.send(5, Whereabouts((), everyone=False))
            await asyncio.sleep(0.2)
            assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE
            await server.send(CONTROL, Pulse(server.clock.now(), as_of=server.clock.now(), behind=(5,)))
            await asyncio.sleep(0.2)
            assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE, "it has still to be sent something"
            await server.send(CONTROL, Pulse(server.clock.now(), as_of=server.clock.now()))
            await until(lambda: here.present(5, "1001").admitted)


async def test_a_clock_that_is_put_back_before_a_restart_gains_nothing(tmp_path: Path) -> None:
    hour, machine, elapsed = 3_600_000, FixedClock(SystemClock().now()), 0
    began = machine.now()
    async with link_server(machine) as server:
        server.add(channel(5, staleness_ms=3 * hour), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, clock=DoorClock(machine)):
            await until(lambda: server.has_applied(5))
    machine.advance(2 * hour)
    async with running(tmp_path, identity, clock=DoorClock(machine), linked=False):
        pass
    shutil.rmtree(tmp_path / "events")  # no event says what time it was
    machine.at = began
    async with running(tmp_path, identity, clock=DoorClock(machine, lambda: elapsed), linked=False) as here:
        assert here.controller.clock.now() >= began + 2 * hour
        assert here.present(5, "1001").admitted
        machine.advance(hour + 10_000)
        elapsed += hour + 10_000
        here.controller.tick()
        assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE
        machine.at = began
        here.controller.tick()
        assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE, "nor while it runs"


async def test_a_disk_that_is_slow_holds_up_no_lockdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decided by at once, and said to be applied only when it is on the disk."""
    may_go_on, is_writing = threading.Event(), threading.Event()
    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            confirmed = len(server.applied)
            opened = here.controller.contents._store
            assert opened is not None
            apply = opened.apply

            def slow(channel_id: int, change: Change) -> None:
                is_writing.set()
                may_go_on.wait(30)
                apply(channel_id, change)

            monkeypatch.setattr(opened, "apply", slow)
            await server.change(5, gone=(2,))
            await until(is_writing.is_set)
            locked = channel(5, setting=SettingRecord(5_000, 30_000, card_lockdown=True))
            await server.change_rules(5, locked)
            await until(lambda: server.has_taken(5))
            assert here.present(5, "1001").event_code is EventCode.REJECT_LOCKDOWN
            assert len(server.applied) == confirmed
            may_go_on.set()
            await until(lambda: server.has_applied(5))
            assert [applied.version for _, applied in server.applied[confirmed:]] == [2, 3]
        async with running(tmp_path, server.identity(), linked=False) as here:
            assert here.present(5, "1001").event_code is EventCode.REJECT_LOCKDOWN


async def test_a_driver_that_fails_is_begun_anew_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[SimulatedDriver] = []

    class Failing(SimulatedDriver):
        def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
            if len(built) == 1:
                raise RuntimeError("the relay's board is gone")
            super().unlock(channel_id, milliseconds, command_id)

    def build(clock: Clock) -> Driver:
        built.append(Failing(clock))
        return built[-1]

    units = (PlannedUnit("bad", frozenset({5}), build), PlannedUnit("good", frozenset({6}), SimulatedDriver))
    monkeypatch.setattr("doorward.controller.hardware.wait_before", lambda _: 0.02)
    async with link_server() as server:
        server.add(channel(5), member(1))
        server.add(channel(6, setting=SettingRecord(5_000, 30_000, unlocked=True)), member(1))
        async with running(tmp_path, server.identity(), plan=Plan(units, simulates=False)) as here:
            await until(lambda: server.has_applied(5) and server.has_applied(6))
            here.present(5, "1001")
            assert here.controller.doors.units[0].driver is None
            assert here.present(6, "1001").admitted
            await until(lambda: len(built) == 2)
            await until(lambda: server.codes(5)[-3:] == [10, EventCode.CONTACT_LOST, EventCode.CHANNEL_STARTED])
            assert here.present(5, "1001").admitted
            assert here.is_released(5)


async def test_a_channel_without_hardware_says_so_and_nothing_happens_there(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5, driver="osdp", setting=SettingRecord(5_000, 30_000, unlocked=True)), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            assert server.applied[0][1].refused == ("The controller has no hardware for this channel.",)
            assert here.controller.channels[5].unit is None
            now = server.clock.now()
            await server.send(5, Admit(31, 1, now + 5_000))
            await until(lambda: server.events)
        [(_, told)] = server.events
        assert (told.code, told.answers) == (51, 31)
