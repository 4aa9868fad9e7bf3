"""A played scenario as text: a line for each thing that happened, ticks and crosses for what was expected."""

import textwrap
from collections.abc import Iterator

from doorward.simulation.scenario import Scenario
from doorward.simulation.timeline import Entry, Happened, Report

_WIDTH = 110
_INDENT = "  "
_MET = "✓"
_FAILED = "✗"


def headline(scenario: Scenario) -> str:
    """What is going to be played, and where and when."""
    day, zone = scenario.calendar.day, scenario.calendar.zone.key
    about = textwrap.fill(" ".join(scenario.about.split()), _WIDTH)
    return "\n".join(
        [f"{scenario.title} ({scenario.site}, {day:%A %Y-%m-%d}, {zone})", *([about] if about else []), ""]
    )


def told(entry: Entry, place_width: int) -> str:
    """One entry of the timeline, on as many lines as it takes."""
    head = f"{entry.local[:4]}{entry.local[15:]:<14}{entry.place:<{place_width}}  "
    lines = [entry.what] if entry.what else []
    for each in entry.happened:
        lines.extend(_happened(each))
    lines.extend(_findings(entry))
    indent = " " * len(head)
    return "\n".join(f"{head if not number else indent}{line}".rstrip() for number, line in enumerate(lines))


def _happened(each: Happened) -> list[str]:
    why = " ".join(text for _, text in each.reasons)
    sentence = f"{int(each.code)} {each.label}" + (f". {why}" if why else "")
    return textwrap.wrap(sentence, _WIDTH, initial_indent="→ ", subsequent_indent=_INDENT)


def _findings(entry: Entry) -> Iterator[str]:
    for finding in entry.findings:
        yield f"{_MET} {finding.what}" if finding.is_met else f"{_FAILED} {finding.what}: found {finding.found}"


def summary(report: Report) -> str:
    """How it went, and again what did not hold."""
    numbers = report.summary()
    lines = [
        "",
        "{steps} steps; {expectations_met} expectations met, {expectations_failed} failed.",
        "{events_recorded} events on record: {events_lost} lost, {events_doubled} doubled, {events_replayed} replayed.",
    ]
    if report.slowest_change_ms:
        lines.append("What operators changed was at all doors that could be reached within {slowest_change_ms} ms.")
    lines = [line.format_map(numbers) for line in lines]
    for entry in report.entries:
        lines.extend(
            f"{_FAILED} {entry.where}: expected {finding.what}, found {finding.found}"
            for finding in entry.findings
            if not finding.is_met
        )
    return "\n".join(lines)
