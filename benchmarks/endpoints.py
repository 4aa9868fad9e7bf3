"""The two measured endpoints: what is sent to them, and what their answers must be."""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from benchmarks.load import HOST
from benchmarks.running import BenchmarkError, Ready

ROLES = 200
BODIES = 5000
LIST_ROLES = "/api/3/roles"
CREATE_RESERVATION = "/api/3/reservations"
ROLE_FIELDS = ["id", "name", "shift_id", "notes", "created_at", "updated_at"]
RESERVATION_FIELDS = ["id", "person_id", "start_time", "end_time", "channel_ids", "created_at", "updated_at"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def listing_requests(ready: Ready) -> list[bytes]:
    """The one request that lists the roles."""
    return [_request("GET", LIST_ROLES, ready)]


def creating_requests(ready: Ready) -> list[bytes]:
    """Requests for reservations of one channel, all valid and all with other times."""
    bodies = (msgspec.json.encode(_reservation(ready, number)) for number in range(BODIES))
    return [_request("POST", CREATE_RESERVATION, ready, body) for body in bodies]


def port_of(ready: Ready) -> int:
    """The port to load. Raises BenchmarkError for any other host than this one."""
    url = urlsplit(ready.base_url)
    if url.hostname != HOST or url.port is None:
        raise BenchmarkError(f"{ready.base_url} is not a port of {HOST}")
    return url.port


async def check_token(ready: Ready) -> None:
    """Raises BenchmarkError unless a made-up token is refused."""
    async with _client(ready, "x" * len(ready.token)) as client:
        status = (await client.get(LIST_ROLES)).status_code
    if status != HTTPStatus.UNAUTHORIZED:
        raise BenchmarkError(f"a made-up token was answered with {status}")


async def check_roles(ready: Ready, count: int) -> list[dict[str, Any]]:
    """The roles. Raises BenchmarkError unless there are this many, in the contract's shape and order."""
    async with _client(ready, ready.token) as client:
        response = await client.get(LIST_ROLES)
    if response.status_code != HTTPStatus.OK:
        raise BenchmarkError(f"the roles were answered with {response.status_code}: {response.text[:1000]}")
    roles: list[dict[str, Any]] = response.json()
    if len(roles) != count:
        raise BenchmarkError(f"{len(roles)} roles are listed instead of {count}")
    names = [role["name"].casefold() for role in roles]
    if count == ROLES and names != sorted(names):
        raise BenchmarkError("the roles are not listed by name")
    if list(roles[0]) != ROLE_FIELDS or not TIMESTAMP.fullmatch(roles[0]["created_at"]):
        raise BenchmarkError(f"a role is listed as {roles[0]}")
    return roles


async def check_reservation(ready: Ready) -> None:
    """Makes one reservation. Raises BenchmarkError unless it comes back, and with it a role and a shift."""
    wanted = _reservation(ready, 0)
    async with _client(ready, ready.token) as client:
        response = await client.post(CREATE_RESERVATION, json=wanted)
        unknown = await client.post(CREATE_RESERVATION, json=wanted | {"channel_ids": [2**40]})
    made = response.json()
    if response.status_code != HTTPStatus.CREATED or made != made | wanted or list(made) != RESERVATION_FIELDS:
        raise BenchmarkError(f"a reservation was answered with {response.status_code}: {response.text[:1000]}")
    if unknown.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:
        raise BenchmarkError(f"an unknown channel was answered with {unknown.status_code}")
    roles = await check_roles(ready, ROLES + 1)
    if not any(role["name"] == f"Reservation {made['id']}" and role["shift_id"] for role in roles):
        raise BenchmarkError("the reservation has no role with a shift")


def _client(ready: Ready, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=ready.base_url, headers=headers, timeout=60, trust_env=False)


def _reservation(ready: Ready, number: int) -> dict[str, Any]:
    """A stretch between 09:00 and 16:30 UTC on one of the coming 365 days."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    start = today + timedelta(days=1 + number % 365, minutes=number % 240)
    end = start + timedelta(minutes=30 + number % 180)
    times = {"start_time": f"{start:%Y-%m-%dT%H:%M}:00.000Z", "end_time": f"{end:%Y-%m-%dT%H:%M}:00.000Z"}
    return {"person_id": ready.person_id, **times, "channel_ids": [ready.channel_id]}


def _request(method: str, path: str, ready: Ready, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {HOST}:{port_of(ready)}",
        f"Authorization: Bearer {ready.token}",
        "Accept: application/json",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
