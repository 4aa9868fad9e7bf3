"""Numbers of events: what becomes of them when a server, or a controller's directory, is put back or copied."""

from pathlib import Path

import pytest

from doorward.decision.codes import EventCode
from tests.support.controllers import running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio


async def test_a_server_that_is_put_back_is_told_again_what_the_controller_still_has(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            for _ in range(4):
                here.present(5, "1001")
            await until(lambda: here.controller.journal.length == 0)
            told = [(each.sequence, each.code) for _, each in server.events]
        # Its backup has the first two.
        server.last_sequence = 2
        del server.events[2:]
        async with running(tmp_path, identity) as here:
            await until(lambda: len(server.events) >= len(told) + 1 and here.controller.journal.length == 0)
            again = [(each.sequence, each.code) for _, each in server.events]
            assert again[: len(told)] == told, "each under its own number"
            assert EventCode.EVENTS_LOST not in server.codes(5)
            assert all(each.is_replayed for _, each in server.events[2 : len(told)])
