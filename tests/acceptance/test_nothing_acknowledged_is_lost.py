"""kill -9 in the middle of a thousand requests: what was acknowledged is there, whole; nothing is half there."""

import asyncio
import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import text

from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from tests.support.installation import Installation, Server

REQUESTS = 1000
CONNECTIONS = 50
KILLS = 10
DAY = (datetime.now(UTC) + timedelta(days=3)).date()


class Stored(NamedTuple):
    """A reservation with what must come with it."""

    id: int
    person_id: int
    channel_ids: str
    role_name: str | None
    starts_at: int | None
    start_time: int
    ends_at: int | None
    end_time: int
    channels: int
    people: int
    changes: int


STORED = Query(
    text(
        "SELECT r.id, r.person_id, r.channel_ids, roles.name, "
        "shifts.starts_at, r.start_time, shifts.ends_at, r.end_time, "
        "(SELECT count(*) FROM role_channels rc WHERE rc.role_id = roles.id), "
        "(SELECT count(*) FROM person_roles pr WHERE pr.role_id = roles.id AND pr.person_id = r.person_id), "
        "(SELECT count(*) FROM changes c WHERE c.role_id = roles.id) "
        "FROM reservations r LEFT JOIN roles ON roles.reservation_id = r.id "
        "LEFT JOIN shifts ON shifts.id = roles.shift_id"
    ),
    Stored,
)
ORPHANS = Query(
    text(
        "SELECT (SELECT count(*) FROM shifts WHERE starts_at IS NOT NULL AND id NOT IN "
        "(SELECT shift_id FROM roles WHERE shift_id IS NOT NULL)) "
        "+ (SELECT count(*) FROM roles WHERE expires_at IS NOT NULL AND reservation_id IS NULL)"
    ),
    int,
)


def request(made: dict[str, Any], host: str, number: int) -> bytes:
    channels = [channel["id"] for channel in made["channels"][: 1 + number % 3]]
    body = json.dumps(
        {
            "person_id": made["people"][number % len(made["people"])]["id"],
            "start_time": f"{DAY}T09:00:00Z",
            "end_time": f"{DAY}T{10 + number % 8}:00:00Z",
            "channel_ids": channels,
        }
    )
    head = (
        f"POST /api/3/reservations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {made['token']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def post_until_killed(server: Server, made: dict[str, Any], kill_after: int) -> list[int]:
    """Post from many connections at once, kill the server after so many answers; gives the ids that were answered."""
    address = urlsplit(server.base_url)
    host, port = address.hostname or "", address.port or 0
    numbers = iter(range(REQUESTS))
    seen: list[int] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        with suppress(OSError, asyncio.IncompleteReadError):
            for number in numbers:
                writer.write(request(made, host, number))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 201 "), head
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                seen.append(json.loads(await reader.readexactly(length))["id"])
                if len(seen) == kill_after:
                    server.process.kill()
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return seen


def test_killed_in_the_middle_of_a_thousand_requests_ten_times(installation: Installation) -> None:
    made = installation.demo()
    points = random.Random(20260302)
    acknowledged: set[int] = set()
    for _ in range(KILLS):
        server = Server(installation)
        try:
            seen = asyncio.run(post_until_killed(server, made, points.randint(20, REQUESTS - 100)))
        finally:
            server.kill()
        assert server.process.returncode == -9
        assert not acknowledged.intersection(seen)
        acknowledged.update(seen)
    with installation.serving() as server:
        assert server.process.poll() is None
    database = open_database(made["database"])

    def read(transaction: Transaction) -> tuple[list[Stored], int | None]:
        return transaction.all(STORED), transaction.one(ORPHANS)

    stored, orphans = database.read_now(read)
    database.close()
    there = {one.id: one for one in stored}
    assert acknowledged <= there.keys()
    assert len(acknowledged) > KILLS * 20
    assert orphans == 0
    for one in stored:
        assert one.role_name == f"Reservation {one.id}"
        assert (one.starts_at, one.ends_at) == (one.start_time, one.end_time)
        assert one.channels == len(json.loads(one.channel_ids))
        assert (one.people, one.changes) == (1, 1)
    print(f"{len(acknowledged)} acknowledged, {len(stored)} stored, none half, {KILLS} kills")
