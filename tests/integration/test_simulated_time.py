"""The clock of a simulated day, which jumps, against the product, which goes on in real time."""

import pytest

from doorward.controllers import reporting
from doorward.controllers.reporting import Reporting
from doorward.simulation.player import play
from doorward.simulation.reading import read_scenario

pytestmark = pytest.mark.anyio

MORNING = """
title = "The server is killed and comes back"
date = 2026-03-02
time_zone = "Europe/London"

[site]
name = "Club"

[[door]]
name = "Front door"

[[step]]
at = "08:00"
do = "kill_server"

[[step]]
at = "08:01"
do = "start_server"

[[step]]
at = "08:10"
do = "cut_link"
controller = "Controller"

[[expect]]
at = "08:10:40"
controller = "Controller"
online = true

[[expect]]
at = "08:11"
controller = "Controller"
online = false

[[step]]
at = "08:20"
do = "drift"
controller = "Controller"
by = "15s"
expect = { event = "clock_wrong" }
"""


async def test_time_stands_until_all_that_doors_confirm_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[int] = []
    write = Reporting.write_confirmed

    async def noted(self: Reporting) -> bool:
        late.extend(self._clock.now() - said.at for said in self._confirmed.values())
        return await write(self)

    monkeypatch.setattr(Reporting, "write_confirmed", noted)
    monkeypatch.setattr(reporting, "_GATHER_S", 0.2)  # as on a machine that is slow
    report = await play(read_scenario("morning", MORNING), None, lambda _: None)
    assert [each for each in report.findings if not each.is_met] == []
    assert len(late) > 1
    assert set(late) == {0}
