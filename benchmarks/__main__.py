"""`make bench`: everything is measured beside its peers in this one run, and written to benchmarks/RESULTS.md.

python -m benchmarks [--quick] [NAME…]

With names only those parts are measured anew; the page says of each part when that was, and on what.
"""

import argparse
import platform
import re
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import (
    console,
    decide,
    door,
    event_list,
    growth,
    ingest,
    link,
    osdp,
    people,
    reports,
    revocation,
    stream,
    webhooks,
)
from benchmarks.http import FASTAPI, FLOOR, Settings, fsync_ms, measure, table
from doorward.link.messages import MOST_EVENTS

BOUNDS = (
    "What bounds it: with 100,000 people at the doors in random order a decision waits for memory (the card's place in "
    "the dictionary, the person, the roles are not in the processor's cache); with 1,000 of the same 100,000 it costs "
    "what it costs in an account of 1,000. Cedar and Casbin as one would write them are hundreds of times slower; with "
    "the policies of each channel cut out and everybody parsed beforehand, work that Doorward's compiler does too, "
    "Cedar is some 20 times slower and Casbin some 40 times: short of the 50 that were aimed for."
)
RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD: Final = (
    "# Results\n\n"
    "Made by `make bench`, which measures every row beside its peers in the same run; only the ratios travel to other "
    "machines. `python -m benchmarks NAME` measures one part anew: each says when it was measured.\n"
)


def main() -> None:
    """Run all, or what is named; with --quick a small version that is not written down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it works; prints only")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(PARTS)}")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    for name in given.names or PARTS:
        title, run = PARTS[name]
        print(f"measuring: {title}", file=sys.stderr, flush=True)
        text = f"## {title}\n\n{run(given.quick)}\n\n{_where()}\n"
        print(text, flush=True)
        if not given.quick:
            _keep(title, text)


def _keep(title: str, text: str) -> None:
    """Put a part in its place on the page, which has them in the order of PARTS."""
    found = re.split(r"(?m)^(?=## )", RESULTS.read_text() if RESULTS.exists() else "")[1:]
    kept = {part.partition("\n")[0].removeprefix("## "): part.rstrip() + "\n" for part in found}
    kept[title] = text
    parts = [kept[known] for known, _ in PARTS.values() if known in kept]
    RESULTS.write_text("\n".join([_HEAD, *parts]))


def _where() -> str:
    told = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in told if line.startswith("model name")), platform.processor())
    cores = sum(line.startswith("processor") for line in told)
    return (
        f"*{datetime.now(UTC):%Y-%m-%d}, {cpu}, {cores} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, append of 4 KiB and fsync {fsync_ms():.2f} ms.*"
    )


def _settings(quick: bool) -> Settings:
    return Settings(rounds=1, duration=1.0) if quick else Settings(rounds=5, duration=5.0)


def _endpoints(quick: bool) -> str:
    peers = [FLOOR, growth.doorward(name="Doorward"), FASTAPI]
    return (
        "`floor` is a bare ASGI application with hand-written sqlite3, `fastapi` FastAPI with Pydantic and "
        "SQLAlchemy's async ORM; all with SQLite in WAL mode and `synchronous=FULL`; server on the first core, load on "
        "the second. Doorward is the whole process, its doors following each reservation. The aim: at least 0.75 of "
        "the floor for GET, 0.7 for POST, 5 times FastAPI for both.\n\n"
        f"{table(measure(peers, _settings(quick)))}"
    )


def _decide(quick: bool) -> str:
    lines = [
        (
            "Median of one call in µs on the same policy and requests; what each peer is given is said in `decide.py`. "
            "The aim: under 3 µs, flat from 1,000 to 100,000 people, "
            "at least 50 times faster than cedarpy and casbin.\n"
        ),
        "| part | decider | people | channels | roles | median µs | ratio |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in decide.run(quick):
        cells = (row["part"], row["decider"], f"{row['people']:,}", f"{row['channels']:,}", str(row["roles"]))
        lines.append(f"| {' | '.join(cells)} | {row['median_us']:.2f} | {row['ratio']:.2f} |")
    lines.append(f"\n{BOUNDS}")
    return "\n".join(lines)


def _growth(quick: bool) -> str:
    few = Settings(rounds=1 if quick else 3, duration=_settings(quick).duration / 2)
    return (
        "Doorward alone, beside itself on larger accounts; 200 roles everywhere. `ratio` refers to the first row.\n\n"
        f"{table(growth.endpoints(few))}"
    )


def _people(quick: bool) -> str:
    return (
        "`GET /api/3/people` with 100 a page, one request at a time, in turn to a server with few people and one with "
        "many; medians. The aim: the cost does not grow with the account. What a third of all people have must be "
        "counted, and so it grows.\n\n"
        f"{people.tables(quick)}"
    )


def _memory(_quick: bool) -> str:
    lines = [
        "The server after its start, doors compiled, serving nobody. The aim: under 150 MB with the example account.\n",
        "| account | RSS MB | seconds to ready (filling the database included) |",
        "| --- | ---: | ---: |",
    ]
    lines.extend(f"| {row.account} | {row.rss_mb:.0f} | {row.seconds:.1f} |" for row in growth.memory())
    return "\n".join(lines)


def _door(quick: bool) -> str:
    return (
        "A controller in a process of its own; a card is held to a simulated reader, and the time ends when the lock "
        "is told to open, the event written down. The aim: p99 under 5 ms while 100,000 people are being told.\n\n"
        f"{door.table(door.measure(quick))}"
    )


def _link(quick: bool) -> str:
    return (
        "What the server does for one door, beside itself with fewer people. The aim: a change of one person costs the "
        "same whatever their number.\n\n"
        f"{link.table((1_000, 5_000) if quick else link.SIZES)}"
    )


def _revocation(quick: bool) -> str:
    sizes = [(20, 1_000, 5)] if quick else [(revocation.CONTROLLERS, 1_000), (revocation.CONTROLLERS, 100_000)]
    return (
        "From the answer to the request that disables somebody until a controller has been told. The aim: p99 under "
        "one second with 200 controllers.\n\n"
        f"{revocation.table([revocation.measure(*size) for size in sizes])}"
    )


def _osdp(quick: bool) -> str:
    rows = osdp.measure(4 if quick else 16, 20 if quick else 60, 1 if quick else 2)
    lines = [
        (
            "From a card at one of many readers on one line (pseudo-terminal, secure channel) to the command for its "
            "output, in ms, beside libosdp's own loop, which decides nothing. The aim: a median under 45 ms.\n"
        ),
        "| peer | cards | median | p95 | worst | of a core |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.peer} | {row.cards} | {row.median:.1f} | {row.p95:.1f} | {row.worst:.1f} | {row.cpu:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


def _event_list(quick: bool) -> str:
    return (
        "`GET /api/3/events` from the whole server over one connection, `Total` included; each request asks for "
        "something else where it can. The aim: p95 under 50 ms. `CPU ms` is what one request costs server and database "
        "together: on a machine that does other things, too, that is what to go by.\n\n"
        f"{event_list.tables(100_000, 5) if quick else event_list.tables()}"
    )


def _stream(quick: bool) -> str:
    return (
        "`GET /api/3/events/stream`: cards are presented at doors of the server, 20 a second; a delay is from when the "
        "event is recorded, before its commit, to when a listener has it. Every message that is due has come.\n\n"
        f"{stream.table(*((8.0, (10,)) if quick else ()))}"
    )


def _ingest(quick: bool) -> str:
    return (
        f"{ingest.CONTROLLERS} controllers of one account tell of events at the same time, each waiting until its are "
        "on record before it tells of more; in the record's chain, verified afterwards. Beside it plain inserts of the "
        "same rows into the same table, a transaction for each batch. What doors tell in a day comes one by one; "
        f"{MOST_EVENTS} at once only after an outage. The aim: at least 0.7.\n\n"
        f"{ingest.table(ingest.measure(quick))}\n\n"
        "What bounds it: with one event at a time the wait for the disk, which many share; with a backlog the "
        "processor: an event costs some 20 µs of it (to look at its texts, to chain it, to add it with its indexes), a "
        "plain insert 9."
    )


def _webhooks(quick: bool) -> str:
    return (
        f"From before a remote admission is asked for to when {webhooks.HEALTHY} healthy endpoints have the event of "
        "it, 20 a second; alone, and beside one endpoint that is dead and one that answers after ten seconds. The aim: "
        "no difference.\n\n"
        f"{webhooks.table(quick)}"
    )


def _reports(quick: bool) -> str:
    return (
        "Each report is read as the server reads it, in its own transaction.\n\n"
        f"{reports.table(None, 50_000 if quick else 5_000_000, 1 if quick else 3)}"
    )


def _console(quick: bool) -> str:
    return (
        "Each page in the example account, after some weeks of events, and in the same with 100,000 people more; from "
        "before it is asked for, over one connection, to when it is there.\n\n"
        f"{console.table(quick)}"
    )


PARTS: Final[dict[str, tuple[str, Callable[[bool], str]]]] = {
    "endpoints": ("The two endpoints", _endpoints),
    "decide": ("One decision", _decide),
    "growth": ("How the endpoints grow", _growth),
    "people": ("People", _people),
    "memory": ("Memory", _memory),
    "door": ("Card to lock", _door),
    "link": ("What a door is told", _link),
    "revocation": ("Revocation", _revocation),
    "osdp": ("OSDP readers", _osdp),
    "ingest": ("Events put on record", _ingest),
    "event_list": ("Events among millions", _event_list),
    "stream": ("Live events", _stream),
    "webhooks": ("Webhooks", _webhooks),
    "reports": ("Reports", _reports),
    "console": ("Pages of the console", _console),
}
"""By name: the title of a part, and what measures it and gives its text."""


if __name__ == "__main__":
    main()
