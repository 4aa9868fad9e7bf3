"""One decision at a door, in µs: Doorward's engine beside Cedar, Casbin and SQL, on the same policy and requests.

The policy: each role names some channels and has weekday hours, each person has a card and two roles. Every decider
answers a sample first, and all must answer alike. What is timed is the call that decides, with its arguments made just
before: nobody pays for reading a request. The peers, and only they, are given what favours them: the person instead of
the card (but for SQL), the weekday and the minute instead of an instant in a time zone, policies parsed beforehand.
Cedar and Casbin come twice: with the policies as one writes them, and with those of each channel set aside for it
beforehand, which is half of what compiling a snapshot is. Only Doorward gives reasons, and heeds lockdown, validity,
anti-passback and the like while at it. Requests are of so many people that a decision mostly finds its person in main
memory, not in the processor's caches; that alone is what grows with their number.
"""

import argparse
import gc
import json
import logging
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

import casbin
import cedarpy
from casbin.model import FastModel, Model

from benchmarks.running import BenchmarkError
from doorward.decision.engine import decide
from doorward.decision.shifts import Timetable, Weekly, Window
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    DoorState,
    Grant,
    Person,
    Presented,
    Snapshot,
)

ZONE: Final = "Europe/London"
MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)  # in winter, when London's clock shows UTC
SAMPLE: Final = 400
CHUNK: Final = 100


class Row(TypedDict):
    """A line of the table: medians over chunks of 100 decisions; `ratio` is to the first row of the same part."""

    part: str
    decider: str
    people: int
    channels: int
    roles: int
    median_us: float
    ratio: float


@dataclass(frozen=True)
class Sizes:
    """How large the account is."""

    people: int
    channels: int
    roles: int = 500


@dataclass(frozen=True)
class Request:
    """Who wants to pass where and when; the weekday and minute are London's at that instant."""

    person: int
    channel: int
    at: int
    weekday: int
    minute: int


class Policy:
    """People, roles and channels, numbered from 0; the same for the same sizes."""

    def __init__(self, sizes: Sizes) -> None:
        chance = random.Random(1)  # noqa: S311 - the same policy each time
        self.sizes = sizes
        named = max(1, sizes.channels // 50)
        self.channels_of = [chance.sample(range(sizes.channels), named) for _ in range(sizes.roles)]
        self.roles_of = [chance.sample(range(sizes.roles), 2) for _ in range(sizes.people)]
        self.hours_of = [(60 * chance.randint(6, 9), 60 * chance.randint(17, 20)) for _ in range(sizes.roles)]
        self.naming: list[list[int]] = [[] for _ in range(sizes.channels)]
        for role, channels in enumerate(self.channels_of):
            for channel in channels:
                self.naming[channel].append(role)

    def requests(self, count: int, among: int | None = None) -> list[Request]:
        """Two of three at a channel that some role of the person names; at any minute of a week.

        `among` lets only so many of the people come, as on a real day.
        """
        chance = random.Random(2)  # noqa: S311 - the same requests each time
        found = []
        for number in range(count):
            person = chance.randrange(among or self.sizes.people)
            channel = chance.randrange(self.sizes.channels)
            if number % 3:
                channel = chance.choice(self.channels_of[chance.choice(self.roles_of[person])])
            moment = MONDAY + timedelta(minutes=chance.randrange(7 * 24 * 60))
            minute = moment.hour * 60 + moment.minute
            at = int(moment.timestamp()) * 1000
            found.append(Request(person, channel, at, moment.weekday(), minute))
        return found

    def card(self, person: int) -> str:
        """The number of a person's card."""
        return str(10_000_000 + 7 * person)


@dataclass(frozen=True)
class Decider:
    """Something that decides: `ask(*arguments(request))`, of which only the asking is timed."""

    name: str
    arguments: Callable[[Request], tuple[Any, ...]]
    ask: Callable[..., Any]
    allows: Callable[[Any], bool] = bool
    one_in: int = 1
    """How many of the requests it is asked: the slower it is the fewer, so that it comes to an end."""


def doorward(policy: Policy) -> Decider:
    """The engine, with the snapshot of every channel in memory as on a server."""
    directory, state = Directory(), DoorState()
    for number, roles in enumerate(policy.roles_of):
        person = Person(number, f"Person {number}", "active", None, None, frozenset(roles), frozenset())
        directory.put(person, [Credential("card", policy.card(number))])
    timetables = {
        (start, end): Timetable(Weekly((Window(frozenset(range(5)), start, end),)), ZONE)
        for start, end in set(policy.hours_of)
    }
    snapshots = []
    for number, roles in enumerate(policy.naming):
        grants = {role: Grant(role, f"Role {role}", timetables[policy.hours_of[role]], "Hours") for role in roles}
        channel = Channel(number, f"Channel {number}", ZONE, frozenset({"card", "pin"}))
        snapshots.append(Snapshot(channel, directory, grants))

    def arguments(request: Request) -> tuple[Any, ...]:
        # The card's number is made anew, as a reader reports it: not the very string that the directory holds.
        card = Credential("card", policy.card(request.person))
        return snapshots[request.channel], state, Presented(card), request.at

    return Decider("Doorward", arguments, decide, lambda verdict: bool(verdict.admitted))


def cedar(policy: Policy) -> Decider:
    """A policy for each role, parsed once; the entities are the person with their roles and the channel with its."""
    policies = cedarpy.PolicySet.from_str(
        "\n".join(_permit(policy, role, f'in RoleDoors::"{role}"') for role in range(policy.sizes.roles))
    )

    def arguments(request: Request) -> tuple[Any, ...]:
        doors = _entity("Channel", request.channel, "RoleDoors", policy.naming[request.channel])
        return (
            _asked(request),
            policies,
            [_entity("Person", request.person, "Role", policy.roles_of[request.person]), doors],
        )

    return Decider("cedarpy", arguments, cedarpy.is_authorized, lambda answer: bool(answer.allowed), one_in=25)


def cedar_by_channel(policy: Policy) -> Decider:
    """The policies of each channel parsed for it, and everybody as entities parsed once: 400 MB for 100,000 people."""
    policies = [
        cedarpy.PolicySet.from_str("\n".join(_permit(policy, role, f'== Channel::"{channel}"') for role in roles))
        for channel, roles in enumerate(policy.naming)
    ]
    people = [_entity("Person", person, "Role", roles) for person, roles in enumerate(policy.roles_of)]
    everybody = cedarpy.Entities.from_json_str(json.dumps(people))

    def arguments(request: Request) -> tuple[Any, ...]:
        return _asked(request), policies[request.channel], everybody

    name = "cedarpy, policies of the channel, entities parsed"
    return Decider(name, arguments, cedarpy.is_authorized, lambda answer: bool(answer.allowed), one_in=25)


def _permit(policy: Policy, role: int, resource: str) -> str:
    start, end = policy.hours_of[role]
    hours = f"context.weekday < 5 && context.minute >= {start} && context.minute < {end}"
    return f'permit(principal in Role::"{role}", action == Action::"open", resource {resource}) when {{ {hours} }};'


def _entity(kind: str, number: int, parent: str, parents: Sequence[int]) -> dict[str, object]:
    above = [{"type": parent, "id": str(number)} for number in parents]
    return {"uid": {"type": kind, "id": str(number)}, "attrs": {}, "parents": above}


def _asked(request: Request) -> dict[str, object]:
    # Entities named by dictionaries take Cedar a quarter less time than 'Person::"1"', which it has to parse.
    return {
        "principal": {"type": "Person", "id": str(request.person)},
        "action": {"type": "Action", "id": "open"},
        "resource": {"type": "Channel", "id": str(request.channel)},
        "context": {"weekday": request.weekday, "minute": request.minute},
    }


CASBIN_MODEL: Final = """
[request_definition]
r = sub, obj, act, weekday, minute
[policy_definition]
p = sub, obj, act, start, end
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act && in_hours(r.weekday, r.minute, p.start, p.end)
"""


def casbin_plain(policy: Policy) -> Decider:
    """The Enforcer, which goes through all policies."""
    model = Model()
    model.load_model_from_text(CASBIN_MODEL)
    return _casbin("casbin, Enforcer", casbin.Enforcer(model), policy, one_in=2_500)


def casbin_by_channel(policy: Policy) -> Decider:
    """The FastEnforcer, which goes through the policies of the channel."""
    model = FastModel([1, 2])
    model.load_model_from_text(CASBIN_MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=[1, 2])
    return _casbin("casbin, FastEnforcer by channel", enforcer, policy, one_in=25)


def _casbin(name: str, enforcer: Any, policy: Policy, *, one_in: int) -> Decider:
    """Role links are in memory, nothing is logged.

    Roles without domains: one account needs none, and with them casbin takes quadratic time to build its links.
    """

    def in_hours(weekday: int, minute: int, start: int, end: int) -> bool:
        return weekday < 5 and start <= minute < end

    logging.getLogger("casbin").setLevel(logging.CRITICAL)
    enforcer.add_function("in_hours", in_hours)
    for channel, roles in enumerate(policy.naming):
        enforcer.add_policies([[f"role{role}", f"channel{channel}", "open", *policy.hours_of[role]] for role in roles])
    enforcer.add_grouping_policies(
        [[f"person{person}", f"role{role}"] for person, roles in enumerate(policy.roles_of) for role in roles]
    )

    def arguments(request: Request) -> tuple[Any, ...]:
        return f"person{request.person}", f"channel{request.channel}", "open", request.weekday, request.minute

    return Decider(name, arguments, enforcer.enforce, one_in=one_in)


SQL_TABLES: Final = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, status TEXT NOT NULL, valid_from INTEGER, valid_to INTEGER);
    CREATE TABLE credentials (kind TEXT, value TEXT, person_id INTEGER, PRIMARY KEY (kind, value)) WITHOUT ROWID;
    CREATE TABLE roles (id INTEGER PRIMARY KEY, shift_id INTEGER NOT NULL);
    CREATE TABLE person_roles (person_id INTEGER, role_id INTEGER, PRIMARY KEY (person_id, role_id)) WITHOUT ROWID;
    CREATE TABLE role_channels (role_id INTEGER, channel_id INTEGER, PRIMARY KEY (role_id, channel_id)) WITHOUT ROWID;
    CREATE TABLE windows (shift_id INTEGER, weekday INTEGER, start INTEGER, "end" INTEGER,
        PRIMARY KEY (shift_id, weekday, start)) WITHOUT ROWID;
"""
SQL_QUESTION: Final = """
    SELECT EXISTS (
        SELECT 1 FROM credentials c
        CROSS JOIN people p ON p.id = c.person_id
        CROSS JOIN person_roles pr ON pr.person_id = p.id
        CROSS JOIN role_channels rc ON rc.role_id = pr.role_id AND rc.channel_id = ?2
        CROSS JOIN roles r ON r.id = pr.role_id
        CROSS JOIN windows w ON w.shift_id = r.shift_id AND w.weekday = ?4 AND w.start <= ?5 AND w."end" > ?5
        WHERE c.kind = 'card' AND c.value = ?1 AND p.status = 'active'
        AND (p.valid_from IS NULL OR p.valid_from <= ?3) AND (p.valid_to IS NULL OR p.valid_to > ?3)
    )
"""


def sql(policy: Policy) -> Decider:
    """One statement by hand, prepared, on sqlite3 in memory; each step of it is a look-up in an index."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SQL_TABLES)
    many, people, roles = connection.executemany, range(policy.sizes.people), range(policy.sizes.roles)
    many("INSERT INTO people VALUES (?, 'active', NULL, NULL)", ((person,) for person in people))
    many("INSERT INTO credentials VALUES ('card', ?, ?)", ((policy.card(person), person) for person in people))
    many("INSERT INTO roles VALUES (?, ?)", ((role, role) for role in roles))
    many(
        "INSERT INTO person_roles VALUES (?, ?)",
        ((person, role) for person in people for role in policy.roles_of[person]),
    )
    many("INSERT INTO role_channels VALUES (?, ?)", ((role, at) for role in roles for at in policy.channels_of[role]))
    many(
        "INSERT INTO windows VALUES (?, ?, ?, ?)",
        ((role, weekday, *policy.hours_of[role]) for role in roles for weekday in range(5)),
    )
    connection.commit()
    connection.execute("ANALYZE")

    def arguments(request: Request) -> tuple[Any, ...]:
        return policy.card(request.person), request.channel, request.at, request.weekday, request.minute

    def ask(*parameters: object) -> Any:
        return connection.execute(SQL_QUESTION, parameters).fetchone()[0]

    return Decider("SQL, sqlite3 in memory", arguments, ask, one_in=5)


def run(quick: bool = False) -> list[Row]:
    """Every measurement; `quick` on a small account, to see that it works. Raises BenchmarkError."""
    sizes = Sizes(1_000, 100) if quick else Sizes(100_000, 1_000)
    return [*beside_peers(sizes, quick=quick), *growth(sizes, quick=quick)]


def beside_peers(sizes: Sizes, *, quick: bool) -> Iterator[Row]:
    """Doorward and its peers on the same account. Raises BenchmarkError unless all of them decide alike."""
    policy = Policy(sizes)
    deciders = [
        doorward(policy),
        cedar(policy),
        cedar_by_channel(policy),
        casbin_plain(policy),
        casbin_by_channel(policy),
        sql(policy),
    ]
    check(deciders, policy.requests(SAMPLE))
    requests = policy.requests(5_000 if quick else 50_000)
    medians = measure([(decider, requests) for decider in deciders], repeats=1 if quick else 3)
    for decider, median in zip(deciders, medians, strict=True):
        yield _row("beside its peers", decider.name, sizes, median, medians[0])


def growth(largest: Sizes, *, quick: bool) -> Iterator[Row]:
    """Doorward alone on accounts of several sizes; each role names a fiftieth of the channels."""
    people = [Sizes(largest.people // part, largest.channels) for part in (100, 10, 1)]
    channels = [Sizes(largest.people, largest.channels // part) for part in (100, 10, 1)]
    for part, accounts in (("more people", people), ("more channels", channels)):
        policies = [Policy(sizes) for sizes in accounts]
        asked = [(doorward(policy), policy.requests(5_000 if quick else 50_000)) for policy in policies]
        medians = measure(asked, repeats=2 if quick else 5)
        for sizes, median in zip(accounts, medians, strict=True):
            yield _row(part, "Doorward", sizes, median, medians[0])
        if part == "more people":
            # What grows is not the work but the way to memory: with as many people at the doors as in the smallest
            # account, the largest decides about as fast.
            few = accounts[0].people
            hot = [(asked[-1][0], policies[-1].requests(5_000 if quick else 50_000, among=few))]
            median = measure(hot, repeats=2 if quick else 5)[0]
            yield _row(part, f"Doorward, {few:,} of them at the doors", accounts[-1], median, medians[0])


def check(deciders: Sequence[Decider], requests: Sequence[Request]) -> None:
    """Raises BenchmarkError unless all decide alike, and open for some requests and not for others."""
    answers = {
        decider.name: [decider.allows(decider.ask(*decider.arguments(request))) for request in requests]
        for decider in deciders
    }
    first, *others = answers.values()
    if any(other != first for other in others):
        raise BenchmarkError(f"not all decide alike: { {name: sum(given) for name, given in answers.items()} }")
    if not len(first) // 5 < sum(first) < len(first) * 4 // 5:
        raise BenchmarkError(f"{sum(first)} of {len(first)} requests are allowed: hardly a sample of both")


def measure(deciders: Sequence[tuple[Decider, Sequence[Request]]], repeats: int) -> list[float]:
    """The median time of one decision of each, in µs. They take turns, so that a busy moment is everybody's."""
    times: list[list[float]] = [[] for _ in deciders]
    gc.collect()
    gc.freeze()  # as the server does once it has started
    try:
        for _ in range(repeats):
            for (decider, requests), found in zip(deciders, times, strict=True):
                some = requests[:: decider.one_in]
                for start in range(0, len(some), CHUNK):
                    asked = [decider.arguments(request) for request in some[start : start + CHUNK]]
                    found.append(_time(decider.ask, asked) / len(asked))
    finally:
        gc.unfreeze()
    return [statistics.median(found) for found in times]


def _time(ask: Callable[..., Any], asked: Sequence[tuple[Any, ...]]) -> float:
    began = time.perf_counter_ns()
    for arguments in asked:
        ask(*arguments)
    return (time.perf_counter_ns() - began) / 1000


def _row(part: str, decider: str, sizes: Sizes, median: float, reference: float) -> Row:
    return {
        "part": part,
        "decider": decider,
        "people": sizes.people,
        "channels": sizes.channels,
        "roles": sizes.roles,
        "median_us": round(median, 2),
        "ratio": round(median / reference, 2),
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="on a small account, to see that it works")
    print("| part | decider | people | channels | roles | median µs | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for row in run(parser.parse_args().quick):
        cells = (row["part"], row["decider"], f"{row['people']:,}", f"{row['channels']:,}", str(row["roles"]))
        print("|", " | ".join((*cells, f"{row['median_us']:.2f}", f"{row['ratio']:.2f}")), "|")


if __name__ == "__main__":
    main()
