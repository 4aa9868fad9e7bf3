"""`make bench`: everything is measured beside its peers in this one run, and written to benchmarks/RESULTS.md."""

import argparse
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import decide, growth, people
from benchmarks.http import FASTAPI, FLOOR, Settings, fsync_ms, measure, table

BOUNDS = (
    "What bounds it: with 100,000 people at the doors in random order a decision waits for memory (the card's place in "
    "the dictionary, the person, the roles are not in the processor's cache); with 1,000 of the same 100,000 it costs "
    "what it costs in an account of 1,000. Cedar and Casbin as one would write them are hundreds of times slower; with "
    "the policies of each channel cut out and everybody parsed beforehand, work that Doorward's compiler does too, "
    "Cedar is some 20 times slower and Casbin some 40 times: short of the 50 that were aimed for."
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Run all, or with --quick a small version of all that is not written down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it works; prints only")
    quick = parser.parse_args().quick
    settings = Settings(rounds=1, duration=1.0) if quick else Settings(rounds=5, duration=5.0)
    parts = [_head(), _endpoints(settings), _decide(quick), _growth(settings, quick), _people(quick), _memory()]
    text = "\n\n".join(parts) + "\n"
    print(text)
    if not quick:
        RESULTS.write_text(text)


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


def _head() -> str:
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return (
        "# Results\n\n"
        "Made by `make bench`, which measures every row beside its peers in the same run; only the ratios travel to "
        "other machines.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {cores} cores (server on the first, load on the second), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, SQLite "
        f"{sqlite3.sqlite_version}, append of 4 KiB and fsync {fsync_ms():.2f} ms."
    )


def _endpoints(settings: Settings) -> str:
    _say("the two endpoints beside their peers")
    peers = [FLOOR, growth.doorward(name="Doorward"), FASTAPI]
    return (
        "## The two endpoints\n\n"
        "`floor` is a bare ASGI application with hand-written sqlite3, `fastapi` FastAPI with Pydantic and "
        "SQLAlchemy's async ORM; all with SQLite in WAL mode and `synchronous=FULL`. Doorward is the whole process, "
        "its doors following each reservation. The aim: at least 0.75 of the floor for GET, "
        "0.7 for POST, 5 times FastAPI for both.\n\n"
        f"{table(measure(peers, settings))}"
    )


def _decide(quick: bool) -> str:
    _say("decisions beside cedar, casbin and SQL")
    lines = [
        "## One decision\n",
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


def _growth(settings: Settings, quick: bool) -> str:
    _say("how the endpoints grow")
    few = Settings(rounds=1 if quick else 3, duration=settings.duration / 2)
    return (
        "## How the endpoints grow\n\n"
        "Doorward alone, beside itself on larger accounts; 200 roles everywhere. `ratio` refers to the first row.\n\n"
        f"{table(growth.endpoints(few))}"
    )


def _people(quick: bool) -> str:
    _say("people at 1,000 and at 100,000, and an import")
    return (
        "## People\n\n"
        "`GET /api/3/people` with 100 a page, one request at a time, in turn to a server with few people and one with "
        "many; medians. The aim: the cost does not grow with the account. What a third of all people have must be "
        "counted, and so it grows.\n\n"
        f"{people.tables(quick)}"
    )


def _memory() -> str:
    _say("memory")
    lines = [
        "## Memory\n",
        "The server after its start, doors compiled, serving nobody. The aim: under 150 MB with the example account.\n",
        "| account | RSS MB | seconds to ready (filling the database included) |",
        "| --- | ---: | ---: |",
    ]
    lines.extend(f"| {row.account} | {row.rss_mb:.0f} | {row.seconds:.1f} |" for row in growth.memory())
    return "\n".join(lines)


if __name__ == "__main__":
    main()
