"""What a controller makes of clocks, and of too long a time without its server."""

from pathlib import Path

import pytest

from doorward.controller.clock import DoorClock
from doorward.decision.codes import EventCode
from doorward.kit.clock import FixedClock, SystemClock
from doorward.link.frames import CONTROL
from doorward.link.messages import Goodbye
from tests.support.controllers import running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


@pytest.mark.en60839("6.4/clock")
@pytest.mark.en60839("6.4/clock")
async def test_a_clock_that_is_not_the_servers_is_told_once(tmp_path: Path) -> None:
    server_clock = FixedClock(SystemClock().now() + 60_000)
    async with link_server(server_clock) as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5) and len(server.beats) >= 1)
            await server.send(CONTROL, Goodbye("again"))
            await until(lambda: len(server.hellos) == 2 and len(server.beats) >= 2)
            await until(lambda: EventCode.CLOCK_WRONG in server.codes(5))
            assert server.codes(5).count(EventCode.CLOCK_WRONG) == 1
            assert here.present(5, "1001").admitted
    [told] = [told for _, told in server.events if told.code == EventCode.CLOCK_WRONG]
    assert told.reasons[0][1].endswith("behind the server's.")


async def test_a_start_with_a_clock_of_long_ago_goes_on_from_what_has_happened_here(tmp_path: Path) -> None:
    now = SystemClock().now()
    async with link_server() as server:
        server.add(channel(5), member(1, valid_from=now - 1_000))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            assert here.present(5, "1001").admitted
        machine = FixedClock(3_600_000)  # 1970
        async with running(tmp_path, identity, clock=DoorClock(machine), linked=False) as here:
            assert here.controller.clock.now() >= now
            assert here.present(5, "1001").admitted
            # The time service sets it.
            machine.at = now + 7_200_000
            here.controller.tick()
            assert here.controller.clock.now() == now + 7_200_000
        async with running(tmp_path, identity):
            await until(lambda: server.codes(5).count(EventCode.CLOCK_WRONG) == 2)
    texts = [told.reasons[0][1] for _, told in server.events if told.code == EventCode.CLOCK_WRONG]
    assert "behind what has happened here" in texts[0]
    assert "was put forward by" in texts[1]


@pytest.mark.en60839("6.2.2/exit")
async def test_too_long_without_the_server_nobody_is_admitted_by_name(tmp_path: Path) -> None:
    clock = FixedClock(SystemClock().now())
    async with link_server() as server:
        server.add(channel(5, staleness_ms=3_600_000), member(1))
        identity = server.identity()
        async with running(tmp_path, identity, clock=clock):
            await until(lambda: server.has_applied(5))
        clock.advance(3_599_000)
        async with running(tmp_path, identity, clock=clock, linked=False) as here:
            assert here.present(5, "1001").admitted
            clock.advance(3_000)
            assert here.present(5, "1001").event_code is EventCode.REJECT_OFFLINE
            here.controller.doors.act(5, "rex")
            assert here.is_released(5)
        async with running(tmp_path, identity, clock=clock) as here:
            await until(lambda: not here.controller.channels[5].is_outstanding)
            assert here.present(5, "1001").admitted
