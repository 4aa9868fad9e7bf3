"""What has happened in a scenario, in order, and what became of what it expected."""

from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from doorward.decision.codes import EventCode
from doorward.kit.timestamps import format_instant, local_datetime
from doorward.simulation.record import Tally


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was expected, and what was found."""

    what: str
    is_met: bool
    found: str

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"what": self.what, "met": self.is_met, "found": self.found}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a door: its code, what it says, and why."""

    code: EventCode
    label: str
    reasons: tuple[tuple[str, str], ...] = ()

    def body(self) -> dict[str, Any]:
        """As JSON."""
        reasons = [{"code": code, "text": text} for code, text in self.reasons]
        return {"event_code": int(self.code), "event_label": self.label, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline.

    `done` is a step, `itself` what a door did because it was time, `look` an expectation at a time of its own.
    """

    at: int
    zone: ZoneInfo
    kind: Literal["done", "itself", "look"]
    place: str
    what: str
    where: str = ""
    """Which part of the scenario's file it comes from."""
    happened: tuple[Happened, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def local(self) -> str:
        """When, by the wall clock of the site: "Mon 2026-03-02 08:02:00 GMT"."""
        return f"{local_datetime(self.at, self.zone):%a %Y-%m-%d %H:%M:%S %Z}"

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": format_instant(self.at),
            "local": self.local,
            "kind": self.kind,
            "place": self.place,
            "what": self.what,
            "step": self.where,
            "events": [each.body() for each in self.happened],
            "expectations": [each.body() for each in self.findings],
        }


@dataclass(slots=True)
class Report:
    """A scenario that has been played."""

    name: str
    title: str
    entries: list[Entry] = field(default_factory=list)
    tally: Tally = field(default_factory=lambda: Tally(0, 0, 0, 0))
    slowest_change_ms: int = 0
    """How long, in real time, the doors that could be reached took at most to confirm what an operator had changed."""

    @property
    def findings(self) -> list[Finding]:
        """All that was expected."""
        return [finding for entry in self.entries for finding in entry.findings]

    @property
    def is_met(self) -> bool:
        """Whether all that was expected holds, and no event was lost or doubled."""
        return all(finding.is_met for finding in self.findings) and not (self.tally.lost or self.tally.doubled)

    def summary(self) -> dict[str, Any]:
        """How it went, in numbers."""
        findings = self.findings
        met = sum(finding.is_met for finding in findings)
        return {
            "steps": sum(entry.kind == "done" for entry in self.entries),
            "expectations_met": met,
            "expectations_failed": len(findings) - met,
            "events_recorded": self.tally.recorded,
            "events_lost": self.tally.lost,
            "events_doubled": self.tally.doubled,
            "events_replayed": self.tally.replayed,
            "slowest_change_ms": self.slowest_change_ms,
        }

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "scenario": self.name,
            "title": self.title,
            "ok": self.is_met,
            "timeline": [entry.body() for entry in self.entries],
            "summary": self.summary(),
        }
