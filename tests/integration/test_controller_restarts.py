"""What a restart without the server goes by: the newer of what was kept with events and what was kept apart."""

from pathlib import Path

import pytest

from doorward.controller.store import StoreFailed
from doorward.decision.codes import EventCode
from doorward.kit.clock import FixedClock, SystemClock
from doorward.link.messages import Whereabouts
from doorward.link.records import SettingRecord
from tests.support.controllers import Running, running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


async def codes(here: Running) -> list[int]:
    """Of all that is in the journal."""
    await here.controller.journal.sync()
    found = await here.controller.journal.read(0, 200)
    assert isinstance(found, list)
    return [entry.happening.told.code for entry in found]


async def test_whoever_was_forgiven_stays_forgiven(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5, passback=("hard", 0), area_from=None, area_to=3), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            assert here.present(5, "1001").admitted
            assert here.present(5, "1001").event_code is EventCode.REJECT_PASSED_BACK
            await server.send(5, Whereabouts(((1, None, 0),)))
            await until(lambda: 1 not in here.controller.doors.whereabouts.presences)
        async with running(tmp_path, identity, linked=False) as here:
            assert here.present(5, "1001").admitted


async def test_a_door_remembers_what_it_was_told_after_its_last_event(tmp_path: Path) -> None:
    clock = FixedClock(SystemClock().now())
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, clock=clock) as here:
            await until(lambda: server.has_applied(5))
            here.present(5, "1001")
            setting = SettingRecord(5_000, 30_000, unlocked=True, unlocked_until=clock.now() + 60_000)
            await server.change_rules(5, channel(5, setting=setting))
            await until(lambda: server.has_applied(5))
        clock.advance(120_000)
        async with running(tmp_path, identity, clock=clock, linked=False) as here:
            assert EventCode.RELOCKED_ON_TIME in await codes(here), "that unlock mode has ended is news"


async def test_a_door_remembers_its_last_event_if_nothing_else_was_kept_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreFailed("disk full")

    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
        async with running(tmp_path, identity, linked=False) as here:
            # Of this only the event is kept.
            monkeypatch.setattr(here.controller.contents, "note", full)
            here.controller.doors.act(5, "open")
        async with running(tmp_path, identity, linked=False) as here:
            assert here.controller.channels[5].door.is_open
