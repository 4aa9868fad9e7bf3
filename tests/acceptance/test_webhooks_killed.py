"""Worker and server are killed at random while events go to three endpoints: nothing is lost, the order is kept.

DOORWARD_DELIVERIES says how many things happen (10000 for the whole of it); a few hundred without.
"""

import json
import os
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from doorward.audit.tables import audit_log
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.events.tables import events
from doorward.kit import public_ids
from doorward.webhooks import queue
from doorward.webhooks.tables import deliveries
from tests.support.installation import Installation
from tests.support.processes import Process

HAPPENINGS = int(os.environ.get("DOORWARD_DELIVERIES", "200"))
WRITERS = 4
ANSWERED = int(HAPPENINGS * 0.6) // WRITERS + 1
"""Requests of each writer; of those for admission more than one thing comes."""
WAITS = ",".join(["0.2" if HAPPENINGS < 1000 else "2"] * 60)
SLOW_S = 0.2
Key = tuple[str, str, str]
"""Resource type, id and action."""

_EVENTS = Query(select(events.c.id, events.c.event_code).where(events.c.event_code < 100), lambda *row: row)
_CHANGES = Query(
    select(audit_log.c.resource_id, audit_log.c.action)
    .where(audit_log.c.resource_type == "credential")
    .order_by(audit_log.c.id),
    lambda *row: row,
)
_STATES = Query(select(deliveries.c.state, func.count()).group_by(deliveries.c.state), lambda *row: row)


@dataclass
class Receiver:
    """An endpoint that keeps what it took, and asks for what it is told of, as integrations do."""

    name: str
    delay_s: float = 0.0
    failing: float = 0.0
    token: str = ""
    url: str = ""
    taken: list[tuple[int, Key]] = field(default_factory=list)
    """Each delivery (by its number) and what it was about, in the order in which they were taken."""
    unordered: int = 0
    requests: int = 0
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _chance: random.Random = field(default_factory=lambda: random.Random(7))

    def takes(self, body: bytes) -> bool:
        """Take a request, or fail."""
        told: list[dict[str, Any]] = json.loads(body)
        time.sleep(self.delay_s)
        numbered = [
            (int(each["ack_token"].partition("-")[0]), (each["resource_type"], each["resource_id"], each["action"]))
            for each in told
        ]
        with self._lock:
            self.requests += 1
            if self._chance.random() < self.failing:
                self.refused += 1
                return False
            self.taken += numbered
            self.unordered += numbered != sorted(numbered)
        with httpx.Client(headers={"Authorization": f"Bearer {self.token}"}, trust_env=False, timeout=3) as client:
            try:
                for each in told:
                    client.get(each["resource"])
            except httpx.HTTPError:
                pass  # the server is dead just now: it will tell again
        return True


@contextmanager
def _listening(receiver: Receiver) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                self.send_response(200 if receiver.takes(body) else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(10)


class Writer(threading.Thread):
    """Lets things happen through the API: requests of remote admission, and credentials that come, change and go."""

    def __init__(self, base_url: str, made: dict[str, Any], serial: int, wanted: int) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {made['token']}"}, trust_env=False, timeout=10
        )
        self._made = made
        self._serial = serial
        self._wanted = wanted
        self.answered = 0

    def run(self) -> None:
        """Until so many requests were answered well."""
        person = self._request("POST", "/api/3/people", {"first_name": "Zoe", "last_name": str(self._serial)})
        assert person is not None
        card = next(each for each in self._request("GET", "/api/3/credential_types") if "card" in each["slug"])
        path, channel = f"/api/3/people/{person['id']}/credentials", self._made["channels"][self._serial % 2]["id"]
        held: dict[str, Any] | None = None
        turn = 0
        while self.answered < self._wanted:
            turn += 1
            value = str(100_000 * (self._serial + 1) + turn)
            if turn % 2:
                self._request("POST", f"/api/3/channels/{channel}/admit", {})
            elif held is None:
                body = {"person_credential": {"credential_type_id": card["id"], "value": value}}
                held = self._request("POST", path, body)
            elif turn % 10:
                self._request("PUT", f"{path}/{held['id']}", {"person_credential": {"value": value}})
            else:
                self._request("DELETE", f"{path}/{held['id']}")
                held = None
        self._client.close()

    def _request(self, method: str, path: str, body: object = None) -> Any:
        """Ask until there is an answer: the server may be dead just now."""
        until = time.monotonic() + 120
        while True:
            try:
                answer = self._client.request(method, path, json=body)
            except httpx.HTTPError:
                assert time.monotonic() < until, "the server did not come back"
                time.sleep(0.05)
                continue
            self.answered += answer.is_success
            kind = answer.headers.get("content-type", "")
            return answer.json() if kind.startswith("application/json") else None


@pytest.mark.timeout(300 + HAPPENINGS)
def test_nothing_is_lost_and_the_order_is_kept_whoever_is_killed(installation: Installation) -> None:
    receivers = [Receiver("fast"), Receiver("slow", delay_s=SLOW_S), Receiver("failing half the time", failing=0.5)]
    made, port = installation.demo(), _free_port()
    public = f"http://127.0.0.1:{port}"
    environment = {
        **installation.environment,
        "DOORWARD_OUTBOUND_ALLOW": "127.0.0.0/8",
        "DOORWARD_PUBLIC_URL": public,
        "DOORWARD_DELIVERY_RETRIES": WAITS,
        "DOORWARD_ACCESS_LOG": "false",
    }
    with _listening(receivers[0]), _listening(receivers[1]), _listening(receivers[2]):
        for receiver in receivers:
            _connect(installation, made, receiver)
        database = open_database(installation.database or "")
        before = Counter(database.read_now(lambda tx: tx.all(_EVENTS)))
        changed_before = len(database.read_now(lambda tx: tx.all(_CHANGES)))
        server = Process(environment, "serve", "--port", str(port), "--no-worker")
        worker = Process(environment, "worker", "run")
        try:
            _let_things_happen(public, made, server, worker)
            _wait_until_told(database)
        finally:
            server.kill()
            worker.kill()
    happened = Counter(database.read_now(lambda tx: tx.all(_EVENTS)))
    happened.subtract(before)
    changes = database.read_now(lambda tx: tx.all(_CHANGES))[changed_before:]
    states = dict(database.read_now(lambda tx: tx.all(_STATES)))
    database.close()
    wanted = _as_told([event for event, times in happened.items() if times > 0], changes)
    _report(installation, receivers, wanted, states, server, worker)
    assert wanted.total() >= HAPPENINGS
    assert server.kills >= 1
    assert worker.kills >= 1
    assert set(states) == {"acknowledged"}
    for receiver in receivers:
        arrived = Counter(key for _, key in dict(receiver.taken).items())
        assert not wanted - arrived, f"lost at {receiver.name}: {list(wanted - arrived)[:5]}"
        assert not arrived - wanted, f"never happened: {list(arrived - wanted)[:5]}"
        assert receiver.unordered == 0
        _check_order(receiver)


def _let_things_happen(public: str, made: dict[str, Any], server: Process, worker: Process) -> None:
    """Until enough has happened, killing one of the two now and then, and each at least once."""
    writers = [Writer(public, made, serial, ANSWERED) for serial in range(WRITERS)]
    for writer in writers:
        writer.start()
    chance = random.Random(11)
    victims = [worker, server]
    while any(writer.is_alive() for writer in writers) or victims:
        time.sleep(chance.uniform(0.2, 2.0) if victims else chance.uniform(2.0, 15.0))
        victim = victims.pop() if victims else chance.choice([worker, server])
        victim.kill_and_start()
    for writer in writers:
        writer.join(60)
        assert writer.answered >= ANSWERED


def _wait_until_told(database: Database) -> None:
    until = time.monotonic() + 180 + HAPPENINGS / 5
    while (left := _length(database)) and time.monotonic() < until:
        time.sleep(0.25)
    assert left == 0, f"{left} deliveries are still to be made"


def _length(database: Database) -> int:
    try:
        return database.read_now(queue.length)[0]
    except DatabaseUnavailable:
        return -1


def _as_told(happened: list[tuple[int, int]], changes: list[tuple[int, str]]) -> Counter[Key]:
    """What has happened, as endpoints are told of it."""
    words = {"create": "CREATE", "update": "UPDATE", "delete": "DESTROY"}
    told: Counter[Key] = Counter()
    for event_id, code in happened:
        perimeter = 30 <= code < 40 or 90 <= code < 94
        told["PerimeterEvent" if perimeter else "Event", str(event_id), "CREATE"] += 1
    for credential_id, action in changes:
        told["PersonCredential", public_ids.encode("credential", credential_id), words[action]] += 1
    return told


def _check_order(receiver: Receiver) -> None:
    """Of each thing what was told first came first, and what was told last came last, however often."""
    of_resource: dict[tuple[str, str], list[int]] = defaultdict(list)
    for delivery, (resource_type, resource_id, _) in receiver.taken:
        of_resource[resource_type, resource_id].append(delivery)
    for resource, told in of_resource.items():
        first, last = list(dict.fromkeys(told)), list(dict.fromkeys(reversed(told)))
        assert first == sorted(first), (receiver.name, resource, told)
        assert last == sorted(last, reverse=True), (receiver.name, resource, told)


def _report(
    installation: Installation,
    receivers: list[Receiver],
    wanted: Counter[Key],
    states: dict[str, int],
    server: Process,
    worker: Process,
) -> None:
    kind = (installation.database or "").partition(":")[0]
    print(f"\n{kind}: {wanted.total()} things to tell, {len({key[:2] for key in wanted})} of them different")
    print(f"  killed: the server {server.kills} times, the worker {worker.kills} times; deliveries: {states}")
    for each in receivers:
        kept = len(dict(each.taken))
        print(
            f"  {each.name}: {kept} told, {len(each.taken) - kept} of them again, in {each.requests} requests, "
            f"{each.refused} of which it refused"
        )


def _connect(installation: Installation, made: dict[str, Any], receiver: Receiver) -> None:
    """An application that listens, with a token of its own."""
    back = ("--redirect-uri", "https://app.example/back")
    application = installation.json("app", "create", receiver.name, *back, "--webhook-url", receiver.url)
    scopes = "account.event.access.readonly account.person.readonly"
    given = ("--user", made["owner"]["email"], "--scope", scopes, "--expires-in", 864_000)
    done = installation.run("token", "create", *given, "--app", application["client_id"])
    receiver.token = done.stdout.strip()
    assert receiver.token, done.stderr


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
