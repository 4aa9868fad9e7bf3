"""The floor: the two endpoints as a bare ASGI app over the standard library's sqlite3, a COMMIT per request.

No framework, no ORM, no concurrency: each request's work is written out by hand and runs to its end on the
event loop. Who does the same work can hardly need less, except by doing it for many requests at once.
"""

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import starmap
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from benchmarks.peers.dataset import PRAGMAS, create
from benchmarks.peers.rules import Errors, allows, stretch_errors, to_utc, wanted_channels
from benchmarks.peers.serving import options, serve

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]

CALLER = """
SELECT t.account_id, a.time_zone, t.scopes, t.expires_at, t.revoked_at, u.disabled_at, p.removed_at
FROM tokens t JOIN users u ON u.id = t.user_id JOIN applications p ON p.id = t.application_id
JOIN accounts a ON a.id = t.account_id WHERE t.sha256 = ?
"""
ROLES = """
SELECT id, name, shift_id, notes, created_at, updated_at FROM roles
WHERE account_id = ? ORDER BY name COLLATE NOCASE, id
"""
PERSON = "SELECT 1 FROM people WHERE id = ? AND account_id = ? AND deleted_at IS NULL"
CHANNEL = "SELECT 1 FROM channels WHERE id = ? AND account_id = ?"
ADD_RESERVATION = """
INSERT INTO reservations (account_id, person_id, start_time, end_time, channel_ids, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
ADD_SHIFT = """
INSERT INTO shifts (account_id, name, starts_at, ends_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
"""
ADD_ROLE = """
INSERT INTO roles (account_id, name, shift_id, reservation_id, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?)
"""
ADD_ROLE_CHANNEL = "INSERT INTO role_channels (role_id, channel_id) VALUES (?, ?)"
ADD_PERSON_ROLE = "INSERT INTO person_roles (person_id, role_id) VALUES (?, ?)"
ADD_CHANGE = """
INSERT INTO changes (account_id, resource, resource_id, action, at) VALUES (?, 'Reservation', ?, 'CREATE', ?)
"""


Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class NewReservation(msgspec.Struct):
    """The body of POST /api/3/reservations."""

    person_id: Id
    start_time: datetime
    end_time: datetime
    channel_ids: list[Id] | None = None
    door_controller_ids: list[Id] | None = None


class Reservation(msgspec.Struct):
    """The answer to POST /api/3/reservations; instants are as stored, which is as sent."""

    id: int
    person_id: int
    start_time: str
    end_time: str
    channel_ids: list[int]
    created_at: str
    updated_at: str


class Role(msgspec.Struct):
    """One item of GET /api/3/roles."""

    id: int
    name: str
    shift_id: int | None
    notes: str | None
    created_at: str
    updated_at: str


class Caller(msgspec.Struct):
    """Whom a token speaks for."""

    account_id: int
    zone: ZoneInfo


class RefusedError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, error: str, description: str, errors: Errors | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description} | ({"errors": errors} if errors else {})


def timestamp(instant: datetime) -> str:
    """2024-01-15T09:00:00.000Z, for an instant in UTC."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


class Floor:
    """The ASGI app over one SQLite connection."""

    def __init__(self, database: Path) -> None:
        self._db = sqlite3.connect(database, isolation_level=None)
        for pragma in PRAGMAS:
            self._db.execute(pragma)
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(NewReservation).decode

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            status, answer = await self._answer(scope, receive)
        except RefusedError as refused:
            status, answer = refused.status, refused.body
        body = self._encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if status == HTTPStatus.UNAUTHORIZED:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Mapping[str, Any], receive: Receive) -> tuple[int, object]:
        match scope["method"], scope["path"]:
            case "GET", "/api/3/roles":
                caller = self._caller(scope, "account.role.readonly")
                return 200, list(starmap(Role, self._db.execute(ROLES, (caller.account_id,))))
            case "POST", "/api/3/reservations":
                caller = self._caller(scope, "account.reservation")
                return 201, self._reserve(caller, await _body(receive))
        raise RefusedError(404, "not_found", "The requested resource was not found")

    def _caller(self, scope: Mapping[str, Any], needed: str) -> Caller:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        kind, _, token = given.partition(b" ")
        found = self._db.execute(CALLER, (hashlib.sha256(token).digest(),)).fetchone()
        if kind.lower() != b"bearer" or found is None:
            raise RefusedError(401, "unauthorized", "The access token is invalid")
        account_id, time_zone, scopes, expires_at, revoked_at, disabled_at, removed_at = found
        if revoked_at or disabled_at or removed_at:
            raise RefusedError(401, "unauthorized", "The access token was revoked")
        if expires_at <= timestamp(datetime.now(UTC)):
            raise RefusedError(401, "unauthorized", "The access token expired")
        if not allows(scopes, needed):
            raise RefusedError(403, "forbidden", "You are not authorized to access this resource")
        return Caller(account_id, ZoneInfo(time_zone))

    def _reserve(self, caller: Caller, raw: bytes) -> Reservation:
        try:
            body = self._decode(raw)
        except msgspec.ValidationError as error:
            raise RefusedError(422, "unprocessable_entity", str(error)) from error
        except msgspec.DecodeError as error:
            raise RefusedError(400, "bad_request", "The body is not JSON") from error
        start, end = to_utc(body.start_time, caller.zone), to_utc(body.end_time, caller.zone)
        errors = stretch_errors(start, end, caller.zone)
        channel_ids = wanted_channels(body.channel_ids, body.door_controller_ids)
        db, account_id, now = self._db, caller.account_id, timestamp(datetime.now(UTC))
        db.execute("BEGIN IMMEDIATE")
        try:
            if db.execute(PERSON, (body.person_id, account_id)).fetchone() is None:
                errors["person_id"] = ["was not found in this account"]
            if not channel_ids or not all(db.execute(CHANNEL, (id_, account_id)).fetchone() for id_ in channel_ids):
                errors["channel_ids"] = ["must name channels of this account"]
            if errors or start is None or end is None:
                raise RefusedError(422, "unprocessable_entity", "The reservation is not valid", errors)
            times = timestamp(start), timestamp(end)
            kept_ids = self._encode(channel_ids).decode()
            id_ = db.execute(ADD_RESERVATION, (account_id, body.person_id, *times, kept_ids, now, now)).lastrowid
            name = f"Reservation {id_}"
            shift_id = db.execute(ADD_SHIFT, (account_id, name, *times, now, now)).lastrowid
            role_id = db.execute(ADD_ROLE, (account_id, name, shift_id, id_, now, now)).lastrowid
            db.executemany(ADD_ROLE_CHANNEL, [(role_id, channel_id) for channel_id in channel_ids])
            db.execute(ADD_PERSON_ROLE, (body.person_id, role_id))
            db.execute(ADD_CHANGE, (account_id, id_, now))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return Reservation(id_ or 0, body.person_id, *times, channel_ids, now, now)


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def main() -> None:
    """Makes the database that the command line names, and serves it."""
    given = options(__doc__)
    seeded = create(given.database, given.sizes, timestamp, datetime.now(UTC))
    serve(Floor(given.database), given.port, seeded)


if __name__ == "__main__":
    main()
