"""Drivers at a controller: what happens is written down before a lock moves, boards are looked after, nobody waits."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from doorward.cli.main import run
from doorward.controller import identity
from doorward.controller.clock import DoorClock
from doorward.controller.commanding import ControllerControl
from doorward.controller.control import SOCKET
from doorward.controller.hardware import Hand, Unit, wait_before
from doorward.controller.plan import Plan, PlannedUnit
from doorward.controller.replica import untold
from doorward.controller.served import Served
from doorward.controller.store import About
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Credential, Snapshot
from doorward.drivers.base import (
    Applied,
    Capabilities,
    DeviceDecision,
    DeviceEvent,
    Driver,
    Health,
    Mode,
    Offline,
    RexPressed,
)
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock, FixedClock, SystemClock
from doorward.link.records import SettingRecord
from tests.support.controllers import Running, running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


class BoardOfOurs(SimulatedDriver):
    """A board that decides by itself, and numbers what it recorded."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.applied: list[Snapshot] = []
        self.is_silent = False
        self.is_applying = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.recorded: list[DeviceDecision] = []
        self.asked_after: list[int] = []
        self.modes: list[Mode] = []
        self.lockdowns: list[tuple[bool, bool]] = []
        self.confirmed: list[int] = []
        self.pulses: list[int] = []
        self.clock_at = 0
        self.refused: tuple[str, ...] = ("The role Members cannot be represented.",)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(decides_locally=True, event_cursor=True, clock=True)

    async def apply(self, snapshot: Snapshot, at: int) -> Applied:
        assert at > 0
        self.is_applying = True
        await asyncio.sleep(0)
        await self.may_go_on.wait()
        self.is_applying = False
        if self.is_silent:
            raise OSError("the board does not answer")
        self.applied.append(snapshot)
        return Applied(snapshot.version, len(snapshot.directory.people), self.refused)

    async def events_after(self, channel_id: int, cursor: int) -> Sequence[DeviceEvent]:
        assert channel_id == 5
        self.asked_after.append(cursor)
        return [event for event in self.recorded if (event.cursor or 0) > cursor]

    async def get_clock(self, channel_id: int) -> int:
        assert channel_id == 5
        return self.clock_at

    async def set_clock(self, channel_id: int, at: int) -> None:
        assert channel_id == 5
        self.clock_at = at

    async def lock_down(self, channel_id: int, *, cards: bool, rex: bool) -> tuple[str, ...]:
        assert channel_id == 5
        self.lockdowns.append((cards, rex))
        return ("The button cannot be locked down.",) if rex else ()

    def set_pulse(self, channel_id: int, milliseconds: int) -> None:
        assert channel_id == 5
        self.pulses.append(milliseconds)

    def confirm(self, channel_id: int, at: int) -> None:
        assert channel_id == 5
        self.confirmed.append(at)

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        self.modes.append(mode)
        super().set_mode(channel_id, mode)

    def decide(self, cursor: int) -> DeviceDecision:
        """Somebody is admitted by the board."""
        now = self.clock.now()
        event = DeviceDecision(
            channel_id=5, device_time=now, cursor=cursor, admitted=True, credential=Credential("card", "1001")
        )
        self.recorded.append(event)
        return event


def board_plan(boards: list[BoardOfOurs]) -> Plan:
    def build(clock: Clock) -> Driver:
        boards.append(BoardOfOurs(clock))
        if len(boards) > 1:
            boards[-1].recorded = boards[-2].recorded
        return boards[-1]

    return Plan((PlannedUnit("boards", frozenset({5}), build),), simulates=False)


async def test_what_happens_is_written_down_before_the_lock_moves(tmp_path: Path) -> None:
    class Looking(SimulatedDriver):
        def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
            journal = running_here[0].controller.journal
            content = b"".join(path.read_bytes() for path in sorted((tmp_path / "events").glob("*.events")))
            written.append((journal.last, len(content)))
            super().unlock(channel_id, milliseconds, command_id)

    running_here: list[Running] = []
    written: list[tuple[int, int]] = []
    plan = Plan((PlannedUnit("doors", frozenset({5}), Looking),), simulates=False)
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity(), plan=plan) as here:
            running_here.append(here)
            await until(lambda: server.has_applied(5))
            before = here.controller.journal.last
            size = sum(path.stat().st_size for path in (tmp_path / "events").glob("*.events"))
            here.present(5, "1001")
            [(last, length)] = written
            assert last == before + 1
            assert length > size


async def test_a_board_is_told_what_its_channel_is_told_and_only_then_is_that_confirmed(tmp_path: Path) -> None:
    boards: list[BoardOfOurs] = []
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity(), plan=board_plan(boards)):
            await until(lambda: server.has_applied(5))
            [board] = boards
            assert server.applied[-1][1].refused == board.refused
            assert board.lockdowns == [(False, False)]
            assert board.pulses == [5_000]
            await until(lambda: abs(board.clock_at - SystemClock().now()) < 5_000)
            await until(lambda: board.confirmed)
            # It does not answer for a while.
            board.is_silent = True
            await server.change(5, member(2))
            await asyncio.sleep(0.6)
            assert not server.has_applied(5)
            board.is_silent = False
            await until(lambda: server.has_applied(5))
            assert board.applied[-1].directory.people.keys() == {1, 2}
            # What it was told is not changed under its hands.
            assert board.applied[0].directory.people.keys() == {1}


async def test_a_boards_lockdown_is_its_own(tmp_path: Path) -> None:
    boards: list[BoardOfOurs] = []
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity(), plan=board_plan(boards)):
            await until(lambda: server.has_applied(5))
            locked = SettingRecord(5_000, 30_000, card_lockdown=True, rex_lockdown=True)
            await server.change_rules(5, channel(5, setting=locked))
            await until(lambda: server.has_applied(5))
            assert boards[0].lockdowns == [(False, False), (True, True)]
            assert "The button cannot be locked down." in server.applied[-1][1].refused
            assert "locked" not in boards[0].modes[1:]


async def test_a_board_that_is_still_being_told_gets_a_lockdown_at_once(tmp_path: Path) -> None:
    boards: list[BoardOfOurs] = []
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity(), plan=board_plan(boards)):
            await until(lambda: server.has_applied(5))
            [board] = boards
            confirmed = [applied.version for _, applied in server.applied]
            board.may_go_on.clear()
            await server.change(5, member(2))
            await until(lambda: board.is_applying)
            assert server.has_taken(5), "the server may tell the next thing"
            locked = SettingRecord(5_000, 30_000, card_lockdown=True)
            await server.change_rules(5, channel(5, setting=locked))
            await until(lambda: board.lockdowns[-1] == (True, False))
            assert server.has_taken(5)
            assert board.is_applying
            assert [applied.version for _, applied in server.applied] == confirmed, "nothing is on the board yet"
            board.may_go_on.set()
            await until(lambda: server.has_applied(5))
            assert [applied.version for _, applied in server.applied][len(confirmed) :] == [2, 3]


async def test_a_board_that_knows_no_lockdown_is_held_locked(tmp_path: Path) -> None:
    class Simple(BoardOfOurs):
        lock_down = None  # type: ignore[assignment]

    boards: list[Simple] = []

    def build(clock: Clock) -> Driver:
        boards.append(Simple(clock))
        return boards[-1]

    plan = Plan((PlannedUnit("boards", frozenset({5}), build),), simulates=False)
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity(), plan=plan):
            await until(lambda: server.has_applied(5))
            held = [boards[0].modes[-1]]
            for locked in (True, False):
                setting = SettingRecord(5_000, 30_000, card_lockdown=locked)
                await server.change_rules(5, channel(5, setting=setting))
                await until(lambda: server.has_applied(5))
                held.append(boards[0].modes[-1])
            assert held == ["controlled", "locked", "controlled"]


async def test_what_a_board_recorded_while_nobody_listened_is_caught_up_once(tmp_path: Path) -> None:
    boards: list[BoardOfOurs] = []
    plan = board_plan(boards)
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, plan=plan) as here:
            await until(lambda: server.has_applied(5))
            here.controller.doors.handle(boards[0].decide(cursor=11))
        boards[0].decide(cursor=12)
        boards[0].decide(cursor=13)
        async with running(tmp_path, identity, plan=plan) as here:
            await until(lambda: server.codes(5).count(10) == 3)
            assert boards[1].asked_after == [11]
            assert here.controller.channels[5].cursor == 13
        async with running(tmp_path, identity, plan=plan):
            await until(lambda: boards[2:] and boards[2].asked_after)
            await asyncio.sleep(0.2)
    assert boards[2].asked_after == [13]
    assert server.codes(5).count(10) == 3


async def test_a_board_whose_clock_is_ahead_moves_neither_the_controllers_clock_nor_anybody_into_the_future(
    tmp_path: Path,
) -> None:
    boards: list[BoardOfOurs] = []
    day = 86_400_000
    async with link_server() as server:
        server.add(channel(5, area_from=None, area_to=3), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, plan=board_plan(boards)) as here:
            await until(lambda: server.has_applied(5))
            said = replace(boards[0].decide(cursor=11), device_time=SystemClock().now() + day)
            here.controller.doors.handle(said)
            assert here.controller.doors.whereabouts.presences[1].since <= SystemClock().now()
            await until(lambda: 10 in server.codes(5))
        clock = DoorClock(SystemClock())
        async with running(tmp_path, identity, clock=clock, linked=False) as here:
            assert abs(clock.now() - SystemClock().now()) < day / 2
            assert here.controller.doors.whereabouts.presences[1].since <= SystemClock().now()
    [told] = [told for _, told in server.events if told.code == 10]
    assert told.at == said.device_time, "the event keeps the board's time: the server says what it thinks of that"
    assert told.moved_to is not None
    assert told.moved_to[1] <= SystemClock().now()


async def test_channels_that_the_configuration_leaves_out_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan((PlannedUnit("doors", frozenset({5}), SimulatedDriver),), simulates=False)
    async with link_server() as server:
        for channel_id in (5, 6):
            server.add(channel(channel_id), member(1))
        identity.save(tmp_path, server.identity())
        with capture_logs() as first:
            async with running(tmp_path, server.identity(), plan=plan):
                await until(lambda: server.has_applied(5) and server.has_applied(6))
        with capture_logs() as second:
            async with running(tmp_path, server.identity(), plan=plan, linked=False) as here:
                control = ControllerControl(here.controller, here.link)
                await control.start(tmp_path / SOCKET)
                capsys.readouterr()
                assert await asyncio.to_thread(run, ["controller", "status", "--data-dir", str(tmp_path)]) == 0
                control.close()
    for logged in (first, second):
        [warning] = [each for each in logged if "no hardware" in each["event"]]
        assert warning["channels"] == ["Door 6 (6)"]
    assert capsys.readouterr().err == "doorward: no hardware is configured for Door 6 (6): --config leaves it out\n"


async def test_a_driver_that_cannot_be_built_is_tried_again_and_orders_meanwhile_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("doorward.controller.hardware.wait_before", lambda _: 0.02)
    failures = 2
    told: list[str] = []

    def build() -> Driver:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError("no such line")
        return driver

    driver = SimulatedDriver(FixedClock(0))
    unit = Unit("line", build, lambda _: None, lambda _, why: told.append(why), lambda _: told.append("back"))
    unit.channel_ids.add(5)
    hand = Hand(5, unit)
    unit.start()
    assert unit.problem == "OSError: no such line"
    assert unit.health() == Health({5: False}, ("OSError: no such line",))
    hand.unlock(5, 5_000)
    hand.flush()
    await until(lambda: told == ["back"])
    assert not driver.is_released(5)
    unit.stop()


async def test_a_board_is_told_of_another_end_of_unlock_mode_while_it_holds_the_door_open() -> None:
    class Relocking(SimulatedDriver):
        def relock_at(self, channel_id: int, at: int | None) -> None:
            ends.append((channel_id, at))

    ends: list[tuple[int, int | None]] = []
    driver = Relocking(FixedClock(0))
    unit = Unit("board", lambda: driver, lambda _: None, lambda *_: None, lambda _: None)
    unit.channel_ids.add(5)
    unit.start()
    replica = untold(5, About("Door", "uhppote"))
    served = Served(replica, lambda _: None, b"", None, 0, lambda: 0)
    served.hand.unit = unit
    for until_instant in (2_000, 1_000, 1_000, None):
        replica.setting = replace(replica.setting, unlocked=True, unlocked_until=until_instant)
        served.update(10)
        assert driver.is_released(5)
        assert ends[-1] == (5, until_instant)
    replica.setting = replace(replica.setting, unlocked=False)
    served.update(10)
    assert not driver.is_released(5)
    unit.stop()


async def test_devices_that_do_not_answer_for_long_are_tried_anew_then_the_driver_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dark(SimulatedDriver):
        def health(self) -> Health:
            return Health({5: False})

        def recover(self) -> None:
            recovered.append(len(built))

    recovered: list[int] = []
    built: list[Dark] = []

    def build() -> Driver:
        built.append(Dark(FixedClock(0)))
        return built[-1]

    unit = Unit("line", build, lambda _: None, lambda *_: None, lambda _: None)
    with monkeypatch.context() as timed:
        # Nothing is awaited meanwhile: the loop itself does not go by this clock.
        for second in range(0, 640, 5):
            timed.setattr(asyncio.get_running_loop(), "time", lambda second=second: 1_000.0 + second)
            if second == 0:
                unit.start()
            unit.watch()
            if second <= 60:
                assert recovered == []
            if second <= 600:
                assert len(built) == 1
    assert len(built) == 2, "after ten minutes"
    assert 1 in recovered, "after one"
    unit.stop()


def test_patience_grows_and_no_two_come_back_at_the_same_moment() -> None:
    waits = [[wait_before(attempt) for _ in range(200)] for attempt in (0, 3, 30)]
    assert [max(each) <= limit for each, limit in zip(waits, (1, 8, 60), strict=True)] == [True] * 3
    assert max(waits[2]) > 40
    assert all(len(set(each)) == len(each) for each in waits)


@pytest.mark.en60839("6.2.2/exit")
async def test_a_door_whose_logic_fails_still_lets_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            served = here.controller.channels[5]

            def broken(*_: object) -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr(served.door, "handle", broken)
            monkeypatch.setattr(served.door, "tick", broken)
            here.controller.doors.handle(RexPressed(channel_id=5, device_time=0))
            assert here.is_released(5)
            await until(lambda: EventCode.ADMIT_REX in server.codes(5))
            locked = replace(served.replica.setting, rex_lockdown=True)
            served.replica.setting = locked
            driver = here.controller.doors.simulated(5)
            driver.set_mode(5, "locked")
            here.controller.doors.handle(RexPressed(channel_id=5, device_time=0))
            assert not here.is_released(5)


async def test_a_device_that_is_lost_and_back_is_told_of(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            now = here.controller.clock.now()
            here.controller.doors.handle(Offline(channel_id=5, device_time=now, reason="its line is cut"))
            await until(lambda: EventCode.CONTACT_LOST in server.codes(5))
            # Of a channel that is not this controller's nothing is heard.
            here.controller.doors.handle(Offline(channel_id=99, device_time=now))
            assert here.controller.journal.length <= 1
