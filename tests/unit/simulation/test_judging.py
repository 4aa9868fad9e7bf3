"""What a scenario expects is found to hold, or not, and either way it is said what was found."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorward.decision.codes import EventCode
from doorward.simulation.api import Answer
from doorward.simulation.checks import Checks, OnRecord
from doorward.simulation.judging import DoorNow, Outcome, judge
from doorward.simulation.record import Recorded, tally
from doorward.simulation.timeline import Entry, Finding, Happened, Report
from doorward.simulation.times import Calendar

pytestmark = pytest.mark.anyio
CALENDAR = Calendar(date(2026, 3, 2), ZoneInfo("Europe/London"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Found:
    """A site as it is found."""

    door: DoorNow = field(default_factory=lambda: DoorNow("locked", "closed", None, "granted", online=True, sync="ok"))
    record: list[Recorded] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    async def door_now(self, door: str) -> DoorNow:
        assert door == "Front door"
        return self.door

    def is_controller_online(self, controller: str) -> bool:
        return controller == "Rack"

    def waiting(self, controller: str) -> int:
        return len(controller)

    def place_of(self, person: str) -> str | None:
        return self.places.get(person)

    def on_record(self) -> list[Recorded]:
        return self.record


def recorded(
    code: EventCode, at: str, person: str | None = None, *, sequence: int = 1, replayed: bool = False
) -> Recorded:
    instant = CALENDAR.instant(at)
    return Recorded(sequence, code, 1, "Front door", person, (), instant, 7, sequence, replayed)


ADMITTED = Outcome(
    "Front door", (Happened(EventCode.ADMIT_CARD, "Ada admitted using card", (("role_grants", "A role."),)),)
)
REFUSED = Outcome("Front door", (Happened(EventCode.REJECT_CARD, "Unknown card rejected"),))


async def met(outcome: Outcome = ADMITTED, site: Found | None = None, **wanted: Any) -> list[bool]:
    findings = await judge(Checks(**wanted), outcome, site or Found(), CALENDAR)
    assert all(finding.what and finding.found for finding in findings)
    return [finding.is_met for finding in findings]


async def test_what_a_step_has_caused_is_judged() -> None:
    assert await met(admitted=True) == [True]
    assert await met(REFUSED, admitted=True) == [False]
    assert await met(REFUSED, admitted=False, event="reject_card") == [True, True]
    assert await met(event=11) == [False]
    assert await met(events=("admit_card",), reasons=("role_grants",)) == [True, True]
    assert await met(events=("admit_card", "door_opened"), reasons=("out_of_hours",)) == [False, False]
    assert await met(Outcome("Front door"), events=()) == [True]
    assert await met(events=()) == [False]


async def test_what_an_operator_was_answered_is_judged() -> None:
    refusal = Outcome(answer=Answer(403, {"error": "Access denied", "reason": "The door is locked down."}))
    assert await met(refusal, answer=403, says="locked down") == [True, True]
    assert await met(refusal, answer=202, says="granted", admission="admitted") == [False, False, False]
    assert await met(Outcome(admission="denied", confirmed_after_ms=80), admission="denied", within="1s") == [
        True,
        True,
    ]
    assert await met(Outcome(confirmed_after_ms=1_001), within="1s") == [False]
    assert await met(Outcome(), within="1s") == [False]


async def test_how_a_door_is_is_judged() -> None:
    alarmed = Found(DoorNow("released", "open", EventCode.DOOR_FORCED, "denied", online=False, sync="pending"))
    wanted: dict[str, Any] = {
        "lock": "released",
        "contact": "open",
        "alarm": "door_forced",
        "reader": "denied",
        "online": False,
    }
    assert await met(site=alarmed, sync="pending", **wanted) == [True] * 6
    assert await met(sync="pending", **wanted) == [False] * 6
    assert await met(alarm="none") == [True]
    assert await met(Outcome(), lock="locked") == [False]  # no door is named
    assert await met(Outcome(), lock="locked", door="Front door") == [True]


async def test_how_a_controller_is_is_judged() -> None:
    assert await met(controller="Rack", online=True, waiting=4) == [True, True]
    assert await met(controller="Other", online=True, waiting=4) == [False, False]


async def test_who_is_where_is_judged() -> None:
    site = Found(places={"Ada": "Hall", "Bob": "outside"})
    assert await met(site=site, where={"Ada": "Hall", "Bob": "outside"}) == [True, True]
    assert await met(site=site, where={"Ada": "outside", "Eve": "Hall"}) == [False, False]


async def test_what_is_on_record_is_judged_in_order_and_each_once() -> None:
    site = Found(
        record=[
            recorded(EventCode.ADMIT_CARD, "08:00", "Ada", sequence=1),
            recorded(EventCode.DOOR_OPENED, "08:01", sequence=2, replayed=True),
            recorded(EventCode.ADMIT_CARD, "09:00", "Bob", sequence=3, replayed=True),
        ]
    )

    async def holds(**wanted: Any) -> bool:
        return all(await met(site=site, on_record=OnRecord(**wanted)))

    assert await holds(events=("10 Ada", "door_opened", 10))
    assert not await holds(events=("door_opened", "10 Ada", 10))
    assert not await holds(events=("10 Ada", "10 Ada", "door_opened", 10))
    assert await holds(events=("10 Ada", "10 Bob"), only=("admit_card",))
    assert await holds(events=("10 Bob",), since="08:02", replayed=True)
    assert await holds(events=("10 Ada",), until="08:01", replayed=False)
    assert not await holds(events=("10 Ada", 31, 10), replayed=True)
    assert not await holds(events=("10 Ada", 31, 10), replayed=False)
    assert await holds(events=(), door="Back door")


def test_missing_and_doubled_events_of_a_controller_are_counted() -> None:
    found = [recorded(EventCode.ADMIT_CARD, "08:00", sequence=number) for number in (1, 2, 2, 4)]
    assert tally(found, found, {7: 5}) == (4, 2, 1, 0)
    assert tally(found[:2], found[1:2], {7: 2}) == (1, 0, 0, 0)
    assert tally([], [], {7: 1}) == (0, 1, 0, 0)


def test_a_run_fails_by_one_expectation_and_by_one_lost_event() -> None:
    zone = ZoneInfo("Europe/London")
    good, bad = Finding("lock locked", True, "locked"), Finding("lock locked", False, "released")
    report = Report(
        "morning", "A morning", [Entry(CALENDAR.instant("08:02"), zone, "done", "Front door", "x", "", (), (good,))]
    )
    assert report.body()["ok"] is True
    assert report.body()["timeline"][0]["local"] == "Mon 2026-03-02 08:02:00 GMT"
    report.tally = tally([], [], {7: 1})
    assert not report.is_met
    report.tally = tally([], [], {})
    report.entries.append(Entry(0, zone, "look", "", "", "", (), (bad,)))
    assert not report.is_met
    assert report.summary()["expectations_failed"] == 1
