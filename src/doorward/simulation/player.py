"""Play a scenario: do what it says when it says so, let everything settle in between, and judge what it expects."""

import asyncio
import heapq
import itertools
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from doorward.simulation import hands, steps
from doorward.simulation.checks import Standing
from doorward.simulation.clocks import SiteClock
from doorward.simulation.judging import Outcome, judge
from doorward.simulation.meddling import meddle
from doorward.simulation.operators import Admit, ByOperator
from doorward.simulation.scenario import Moment, Scenario
from doorward.simulation.server import SiteServer
from doorward.simulation.site import Site
from doorward.simulation.stations import AtDoor
from doorward.simulation.steps import Step
from doorward.simulation.timeline import Entry, Finding, Happened, Report

Tell = Callable[[Entry], None]

_SLICE_S: Final = 0.2
_ANSWERED_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.01
_SETTLED: Final = "every door that can be reached confirms, and every event is told"


async def play(scenario: Scenario, speed: float | None, tell: Tell) -> Report:
    """Play a scenario to its end in a directory of its own; `tell` hears of each entry as it happens.

    `speed`: so many times as fast as time goes, to be watched; without, as fast as can be. Raises BadScenario for a
    site that the product does not take.
    """
    with tempfile.TemporaryDirectory(prefix="doorward-sim-") as directory:
        clock = SiteClock(scenario.begins_at)
        site = Site(scenario, clock, SiteServer(Path(directory), clock))
        try:
            await site.begin(Path(directory))
            return await _Player(scenario, clock, site, speed, tell).play()
        finally:
            await site.end()


class _Player:
    def __init__(self, scenario: Scenario, clock: SiteClock, site: Site, speed: float | None, tell: Tell) -> None:
        self._scenario = scenario
        self._clock = clock
        self._site = site
        self._speed = speed
        self._tell = tell
        self._report = Report(scenario.name, scenario.title)
        self._later: list[tuple[int, int, steps.AtDoor]] = []
        """What comes of steps by itself: when, in which order, what."""
        self._order = itertools.count()

    async def play(self) -> Report:
        """All moments, and what happens between them."""
        for moment in self._scenario.moments:
            await self._until(moment.at)
            if moment.step is None:
                await self._look(moment)
            else:
                await self._do(moment, moment.step)
        await self._until(self._scenario.ends_at)
        self._report.tally = self._site.tally()
        return self._report

    # Time.

    async def _until(self, at: int) -> None:
        """Let it be `at`, and whatever is due until then happen at its time."""
        while (due := self._due(at)) is not None:
            await self._go_on(due)
            await self._do_later()
        await self._go_on(at)

    def _due(self, at: int) -> int | None:
        due = [self._site.next_due(), self._later[0][0] if self._later else None]
        return min((instant for instant in due if instant is not None and instant <= at), default=None)

    async def _go_on(self, at: int) -> None:
        """Let it be `at`; say what doors have done by themselves."""
        if self._speed is not None:
            await self._run_towards(at, self._speed)
        if self._clock.now() < at:
            self._clock.jump(at)
            await self._site.tick()
            await self._settle()
        self._say(self._site.drain())

    async def _run_towards(self, at: int, speed: float) -> None:
        """Wait as long as it is to last, in steps so small that time seems to run; the last of them is left."""
        while (left := at - self._clock.now()) > 0:
            step = min(left, max(1, int(_SLICE_S * 1000 * speed)))
            await asyncio.sleep(step / 1000 / speed)
            if step == left:
                return
            self._clock.jump(self._clock.now() + step)
            await self._site.tick()

    async def _do_later(self) -> None:
        while self._later and self._later[0][0] <= self._clock.now():
            step = heapq.heappop(self._later)[2]
            outcome, place, what = await self._at_door(step)
            self._add(Entry(self._clock.now(), self._zone, "itself", place, what, happened=outcome.happened))

    def _put_off(self, step: steps.AtDoor) -> None:
        coming = hands.follow_up(step)
        if coming is not None:
            after, then = coming
            heapq.heappush(self._later, (self._clock.now() + after, next(self._order), then))

    # Moments.

    async def _look(self, moment: Moment) -> None:
        checks = moment.checks or Standing()
        findings = await judge(checks, Outcome(), self._site, self._scenario.calendar)
        place = checks.door or checks.controller or ""
        self._add(Entry(moment.at, self._zone, "look", place, "", moment.where, findings=findings))

    async def _do(self, moment: Moment, step: Step) -> None:
        match step:
            case ByOperator():
                outcome, place, what = await self._by_operator(step)
            case steps.AtDoor():
                outcome, place, what = await self._at_door(step)
            case _:
                outcome, place, what = await self._to_technology(step)
        findings: tuple[Finding, ...] = ()
        if moment.checks is not None:
            findings = await judge(moment.checks, outcome, self._site, self._scenario.calendar)
        self._add(Entry(moment.at, self._zone, "done", place, what, moment.where, outcome.happened, findings))

    async def _at_door(self, step: steps.AtDoor) -> tuple[Outcome, str, str]:
        driver = self._site.station(step.door).driver
        channel_id = self._site.ids.doors[step.door]
        if isinstance(step, steps.Present):
            what = await hands.present(step, driver, channel_id, self._scenario, self._let_pass)
        else:
            what = hands.act(step, driver, channel_id)
        self._put_off(step)
        await self._settle()
        return Outcome(step.door, self._of(step.door)), step.door, what

    async def _by_operator(self, step: ByOperator) -> tuple[Outcome, str, str]:
        request = step.request(self._site.ids)
        began = asyncio.get_running_loop().time()
        answer = await self._site.ask(request.method, request.path, request.body)
        admission = None
        if isinstance(step, Admit) and not answer.is_refusal:
            admission = await self._admission(answer.body["admission_request_id"])
        settled = await self._settle()
        took = int((asyncio.get_running_loop().time() - began) * 1000)
        if not answer.is_refusal and settled:
            self._report.slowest_change_ms = max(self._report.slowest_change_ms, took)
        told = tuple(each.happened for each in self._site.drain())
        door = getattr(step, "door", None)
        refused = f" (refused: {answer.status} {answer.text})" if answer.is_refusal else ""
        outcome = Outcome(door, told, answer, admission, took if settled else None)
        return outcome, "operator", f"{request.words}{refused}"

    async def _to_technology(self, step: Step) -> tuple[Outcome, str, str]:
        place, what = await meddle(step, self._site)
        await self._settle()
        await self._site.server.tick()  # whom it hears by now is not heard of at the next tick only
        told = self._site.drain()
        mine = self._site.controller(place).channel_ids if isinstance(step, steps.ToController) else ()
        self._say(each for each in told if each.channel_id not in mine)
        return Outcome(happened=tuple(each.happened for each in told if each.channel_id in mine)), place, what

    async def _admission(self, request_id: int) -> str:
        """What becomes of a request for a remote admission, as far as that is known within some seconds."""
        status = "pending"
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                while status == "pending":
                    await asyncio.sleep(_POLL_S)
                    answer = await self._site.ask("GET", f"/admission_requests/{request_id}")
                    status = answer.body["status"] if not answer.is_refusal else status
        return status

    async def _let_pass(self, milliseconds: int) -> None:
        """Time passes in the middle of a step: what happens meanwhile at its door is told with it."""
        at = self._clock.now() + milliseconds
        while (due := self._site.next_due()) is not None and due < at:
            self._clock.jump(due)
            await self._site.tick()
        self._clock.jump(at)
        await self._site.tick()
        await self._settle()

    async def _settle(self) -> bool:
        if await self._site.settle():
            return True
        now = self._clock.now()
        finding = Finding(_SETTLED, False, "not within the time that is waited for")
        self._add(Entry(now, self._zone, "look", "", "", "between the steps", findings=(finding,)))
        return False

    # Telling.

    @property
    def _zone(self) -> ZoneInfo:
        return self._scenario.calendar.zone

    def _of(self, door: str) -> tuple[Happened, ...]:
        """What has happened at a door just now; what has happened at others is told by itself."""
        channel_id = self._site.ids.doors[door]
        told = self._site.drain()
        self._say(each for each in told if each.channel_id != channel_id)
        return tuple(each.happened for each in told if each.channel_id == channel_id)

    def _say(self, told: Iterable[AtDoor]) -> None:
        for each in told:
            door = self._site.ids.door_named(each.channel_id)
            self._add(Entry(each.at, self._zone, "itself", door, "", happened=(each.happened,)))

    def _add(self, entry: Entry) -> None:
        self._report.entries.append(entry)
        self._tell(entry)
