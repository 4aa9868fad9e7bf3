"""What a controller keeps on its disk: over restarts, damaged, too much of it, and not at all any more."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from doorward.controller.identity import load_channels, save
from doorward.controller.journal import Limits
from doorward.controller.replica import Prepared
from doorward.controller.runtime import Controller
from doorward.decision.codes import EventCode
from doorward.kit.clock import FixedClock, SystemClock
from doorward.link.frames import CONTROL
from doorward.link.messages import Goodbye
from tests.support.controllers import access, running, until
from tests.support.installation import COMMAND
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


@pytest.mark.en60839("6.2.2/exit")
async def test_damaged_content_denies_everybody_by_name_lets_out_and_is_asked_for_anew(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity):
            await until(lambda: server.has_applied(5))
        file = tmp_path / "content.db"
        content = bytearray(file.read_bytes())
        content[4096:] = bytes(len(content) - 4096)
        file.write_bytes(content)
        async with running(tmp_path, identity, linked=False) as here:
            assert here.controller.channels[5].replica.name == "Door 5"
            assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE
            here.controller.doors.act(5, "rex")
            assert here.is_released(5)
        assert (tmp_path / "content.db.damaged").exists()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5) and here.controller.channels[5].replica.is_told)
            assert here.present(5, "1001").admitted
            await until(lambda: access(server)[-1:] == [(10, 1)])
    reasons = [told.reasons for _, told in server.events if told.code == EventCode.SNAPSHOT_REFUSED]
    assert [reason[0][0] for reason in reasons] == ["content_damaged"]


async def test_what_a_shift_began_is_not_said_again_after_a_restart_and_not_left_out(tmp_path: Path) -> None:
    from doorward.link.records import ShiftRecord

    start = SystemClock().now() // 60_000 * 60_000
    clock = FixedClock(start)
    shift = ShiftRecord("UTC", None, (start + 60_000, start + 600_000), ())
    async with link_server(clock) as server:
        server.add(channel(5, shifts=(shift,), auto_unlock=0), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, clock=clock):
            await until(lambda: server.has_applied(5))
        clock.advance(60_000)
        async with running(tmp_path, identity, clock=clock) as here:
            await until(lambda: here.is_released(5))
            controller: Controller = here.controller
            # It is killed right after that is written down: nothing else was kept.
            await controller.journal.sync()
            copy = tmp_path / "copy"
            copy.mkdir()
            for name in ("content.db", "channels.json"):
                (copy / name).write_bytes((tmp_path / name).read_bytes())
            (copy / "events").mkdir()
            for path in (tmp_path / "events").glob("[!.]*"):
                (copy / "events" / path.name).write_bytes(path.read_bytes())
        async with running(copy, identity, clock=clock) as here:
            assert here.is_released(5)
            clock.advance(540_000)
            await until(lambda: not here.is_released(5))
            await until(lambda: EventCode.AUTO_UNLOCK_ENDED in server.codes(5))
    shifts = [code for code in server.codes(5) if code in (40, 41)]
    assert shifts == [EventCode.AUTO_UNLOCK_BEGAN, EventCode.AUTO_UNLOCK_ENDED]


async def test_a_removed_controller_forgets_everything_and_ends(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            await server.send(CONTROL, Goodbye("removed"))
            # The names are the last that is written.
            await until(lambda: not here.controller.channels and not load_channels(tmp_path))
        async with running(tmp_path, identity, linked=False) as here:
            assert here.controller.channels == {}


@pytest.mark.en60839("6.3.4/lost")
async def test_more_than_is_kept_is_lost_and_told_as_lost(tmp_path: Path) -> None:
    limits = Limits(events=40, unsaved=20, file_events=10)
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity):
            await until(lambda: server.has_applied(5))
        async with running(tmp_path, identity, limits=limits, linked=False) as here:
            for number in range(100):
                here.present(5, str(7_000 + number))
                await asyncio.sleep(0.002)
            await until(lambda: here.controller.journal.length < 100 or len(list((tmp_path / "events").iterdir())) < 9)
            await asyncio.sleep(0.1)
        async with running(tmp_path, identity, limits=limits):
            await until(lambda: any(told.credential == "7099" for _, told in server.events))
    lost = [told for _, told in server.events if told.code == EventCode.EVENTS_LOST]
    assert len(lost) == len(server.skipped) == 1
    [(reason, text)] = lost[0].reasons
    number = int(text.split()[0])
    told = [told.credential for _, told in server.events if told.credential is not None]
    assert reason == "events_lost"
    assert told == [str(7_000 + each) for each in range(100 - len(told), 100)]
    assert 30 <= len(told) <= 60
    # What is lost beside presented cards: that the controller stopped and started before.
    assert 100 - len(told) <= number <= 100 - len(told) + 3


async def test_content_that_turns_out_to_be_damaged_is_asked_for_anew_while_doors_go_on(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            opened = here.controller.contents._store
            assert opened is not None
            opened._connection.execute("UPDATE people SET record = zeroblob(60)")
            await server.change(5, member(1, status=1))
            assert here.present(5, "1002").admitted
            await until(lambda: server.has_applied(5))
            assert not here.present(5, "1001").admitted
            assert here.present(5, "1002").admitted
            await until(lambda: EventCode.SNAPSHOT_REFUSED in server.codes(5))
        async with running(tmp_path, server.identity(), linked=False) as here:
            assert here.present(5, "1002").admitted


async def test_a_change_that_is_prepared_while_what_is_kept_is_lost_is_not_said_to_be_kept_without_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1), member(2))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            contents, controller = here.controller.contents, here.controller
            prepare = contents.prepare

            async def lost_meanwhile(*what: Any, **also: Any) -> Prepared:
                prepared = await prepare(*what, **also)
                monkeypatch.undo()
                await controller.begin_anew()
                return prepared

            monkeypatch.setattr(contents, "prepare", lost_meanwhile)
            await server.change(5, member(1, status=1))
            await until(lambda: server.has_applied(5))
        async with running(tmp_path, server.identity(), linked=False) as here:
            assert here.present(5, "1002").admitted, "what is said to be kept is kept"
            assert not here.present(5, "1001").admitted


async def test_one_process_for_a_directory_that_ends_when_told_to_and_when_it_is_removed(tmp_path: Path) -> None:
    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            *("controller", "run", "--data-dir", str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"},
        )

    async with link_server() as server:
        server.add(channel(5), member(1))
        save(tmp_path, server.identity())
        first = await start()
        assert first.stdout is not None
        assert await first.stdout.readline() == b"Doorward controller 1 serves 0 channels\n"
        second = await start()
        _, errors = await second.communicate()
        assert second.returncode == 1
        said = errors.decode().splitlines()[-1]
        assert said == f"doorward: a controller (process {first.pid}) already runs on the data directory {tmp_path}"
        await until(lambda: server.has_applied(5), within=20)
        first.send_signal(signal.SIGTERM)
        await first.communicate()
        assert first.returncode == 0
        third = await start()
        await until(lambda: server.is_up, within=20)
        await until(lambda: EventCode.CHANNEL_STOPPED in server.codes(5), within=20)
        await server.send(CONTROL, Goodbye("removed"))
        _, errors = await third.communicate()
        assert third.returncode == 1
        assert errors.decode().splitlines()[-1] == "doorward: the server has removed this controller: enrol it anew"
