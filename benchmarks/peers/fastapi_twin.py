"""The two endpoints as a well-kept service on FastAPI, Pydantic and SQLAlchemy's ORM (aiosqlite) writes them.

A session per request and the caller come from `Depends`; an answer goes through its response model.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from sqlalchemy import JSON, Column, Connection, ForeignKey, Table, event, select
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

from benchmarks.peers.dataset import PRAGMAS, create
from benchmarks.peers.rules import Errors, allows, stretch_errors, to_utc, wanted_channels
from benchmarks.peers.serving import options, serve


class Base(DeclarativeBase):
    """The tables of `dataset.SCHEMA`; instants are in UTC without an offset, SQLAlchemy's way on SQLite."""

    type_annotation_map: ClassVar = {datetime: DATETIME}


role_channels = Table(
    "role_channels",
    Base.metadata,
    Column("role_id", ForeignKey("roles.id"), primary_key=True),
    Column("channel_id", ForeignKey("channels.id"), primary_key=True),
)
person_roles = Table(
    "person_roles",
    Base.metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True),
)


class Account(Base):
    """The tenant; its zone says what a local day is."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    time_zone: Mapped[str]


class User(Base):
    """An operator, for whom a token speaks."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    email: Mapped[str]
    disabled_at: Mapped[datetime | None]


class Application(Base):
    """An OAuth client."""

    __tablename__ = "applications"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    removed_at: Mapped[datetime | None]


class Token(Base):
    """An access token, by its SHA-256."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[bytes]
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    application_id: Mapped[int] = mapped_column(ForeignKey(Application.id))
    scopes: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship()
    user: Mapped[User] = relationship()
    application: Mapped[Application] = relationship()


class Person(Base):
    """Somebody who may open doors."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    first_name: Mapped[str]
    last_name: Mapped[str]
    deleted_at: Mapped[datetime | None]


class Channel(Base):
    """One controlled door."""

    __tablename__ = "channels"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]


class Shift(Base):
    """When a role grants access; a reservation's is one absolute stretch."""

    __tablename__ = "shifts"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Reservation(Base):
    """One person, some channels, one stretch of time."""

    __tablename__ = "reservations"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    channel_ids: Mapped[list[int]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Role(Base):
    """Which channels its people may open; a reservation owns one."""

    __tablename__ = "roles"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]
    shift_id: Mapped[int | None] = mapped_column(ForeignKey(Shift.id))
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey(Reservation.id))
    notes: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    shift: Mapped[Shift | None] = relationship()
    channels: Mapped[list[Channel]] = relationship(secondary=role_channels)
    people: Mapped[list[Person]] = relationship(secondary=person_roles)


class Change(Base):
    """What was changed, for those who follow changes."""

    __tablename__ = "changes"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    resource: Mapped[str]
    resource_id: Mapped[int]
    action: Mapped[str]
    at: Mapped[datetime]


def wire_timestamp(instant: datetime) -> str:
    """2024-01-15T09:00:00.000Z, for an instant in UTC without an offset."""
    return instant.isoformat(timespec="milliseconds") + "Z"


Timestamp = Annotated[datetime, PlainSerializer(wire_timestamp, return_type=str)]
Id = Annotated[int, Field(ge=1, lt=2**63)]


class RoleOut(BaseModel):
    """One item of GET /api/3/roles."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    shift_id: int | None
    notes: str | None
    created_at: Timestamp
    updated_at: Timestamp


class ReservationIn(BaseModel):
    """The body of POST /api/3/reservations."""

    person_id: Id
    start_time: datetime
    end_time: datetime
    channel_ids: list[Id] | None = None
    door_controller_ids: list[Id] | None = None


class ReservationOut(BaseModel):
    """The answer to POST /api/3/reservations."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    person_id: int
    start_time: Timestamp
    end_time: Timestamp
    channel_ids: list[int]
    created_at: Timestamp
    updated_at: Timestamp


class ApiError(Exception):
    """An answer other than success, in the API's shape."""

    def __init__(self, status: int, error: str, description: str, errors: Errors | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description} | ({"errors": errors} if errors else {})


@dataclass(frozen=True)
class Caller:
    """Whom a token speaks for."""

    account_id: int
    zone: ZoneInfo


def utc_now() -> datetime:
    """The present instant as it is stored: UTC, without an offset."""
    return datetime.now(UTC).replace(tzinfo=None)


def engine_for(database: Path, begin: str, pool_size: int) -> AsyncEngine:
    """A pool of connections, durable as every peer's, that open each transaction with this statement."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}",
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


async def read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session of the shared readers."""
    async with request.app.state.readers() as session:
        yield session


async def write_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session of the one writer: others wait for it in turn."""
    async with request.app.state.writers() as session:
        yield session


ReadSession = Annotated[AsyncSession, Depends(read_session)]
WriteSession = Annotated[AsyncSession, Depends(write_session)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def caller_with(scope: str, bearer: HTTPAuthorizationCredentials | None, session: AsyncSession) -> Caller:
    """Whom the token speaks for, when it holds the scope. Raises ApiError."""
    digest = hashlib.sha256((bearer.credentials if bearer else "").encode()).digest()
    joined = joinedload(Token.user, innerjoin=True), joinedload(Token.application, innerjoin=True)
    query = select(Token).where(Token.sha256 == digest).options(*joined, joinedload(Token.account, innerjoin=True))
    token = await session.scalar(query)
    if token is None:
        raise ApiError(401, "unauthorized", "The access token is invalid")
    if token.revoked_at or token.user.disabled_at or token.application.removed_at:
        raise ApiError(401, "unauthorized", "The access token was revoked")
    if token.expires_at <= utc_now():
        raise ApiError(401, "unauthorized", "The access token expired")
    if not allows(token.scopes, scope):
        raise ApiError(403, "forbidden", "You are not authorized to access this resource")
    return Caller(token.account_id, ZoneInfo(token.account.time_zone))


async def roles_reader(bearer: Bearer, session: ReadSession) -> Caller:
    """The caller, who may list roles."""
    return await caller_with("account.role.readonly", bearer, session)


async def reservations_writer(bearer: Bearer, session: WriteSession) -> Caller:
    """The caller, who may create reservations."""
    return await caller_with("account.reservation", bearer, session)


router = APIRouter(prefix="/api/3")


@router.get("/roles", response_model=list[RoleOut])
async def list_roles(caller: Annotated[Caller, Depends(roles_reader)], session: ReadSession) -> Sequence[Role]:
    """All roles of the account by name."""
    query = select(Role).where(Role.account_id == caller.account_id).order_by(Role.name.collate("NOCASE"), Role.id)
    return (await session.scalars(query)).all()


@router.post("/reservations", response_model=ReservationOut, status_code=201)
async def create_reservation(
    body: ReservationIn, caller: Annotated[Caller, Depends(reservations_writer)], session: WriteSession
) -> Reservation:
    """The reservation with its role and shift, in one transaction."""
    account_id = caller.account_id
    start, end = to_utc(body.start_time, caller.zone), to_utc(body.end_time, caller.zone)
    errors = stretch_errors(start, end, caller.zone)
    person = await session.get(Person, body.person_id)
    if person is None or person.account_id != account_id or person.deleted_at:
        errors["person_id"] = ["was not found in this account"]
    wanted = wanted_channels(body.channel_ids, body.door_controller_ids)
    query = select(Channel).where(Channel.account_id == account_id, Channel.id.in_(wanted))
    channels = list(await session.scalars(query)) if wanted else []
    if not channels or len(channels) != len(wanted):
        errors["channel_ids"] = ["must name channels of this account"]
    if errors or start is None or end is None or person is None:
        raise ApiError(422, "unprocessable_entity", "The reservation is not valid", errors)

    starts_at, ends_at, now = start.replace(tzinfo=None), end.replace(tzinfo=None), utc_now()
    owned = {"account_id": account_id, "created_at": now, "updated_at": now}
    reservation = Reservation(person_id=person.id, start_time=starts_at, end_time=ends_at, channel_ids=wanted, **owned)
    session.add(reservation)
    await session.flush()
    name = f"Reservation {reservation.id}"
    shift = Shift(name=name, starts_at=starts_at, ends_at=ends_at, **owned)
    role = Role(name=name, shift=shift, reservation_id=reservation.id, channels=channels, people=[person], **owned)
    change = Change(account_id=account_id, resource="Reservation", resource_id=reservation.id, action="CREATE", at=now)
    session.add_all([role, change])
    await session.commit()
    return reservation


async def answer_api_error(_request: Request, error: Exception) -> JSONResponse:
    """The answer that an ApiError holds."""
    if not isinstance(error, ApiError):
        raise error
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(error.body, error.status, headers)


async def answer_invalid_body(_request: Request, error: Exception) -> JSONResponse:
    """A 422 that names each bad field."""
    if not isinstance(error, RequestValidationError):
        raise error
    errors: Errors = {}
    for item in error.errors():
        errors.setdefault(str(item["loc"][-1]), []).append(item["msg"])
    body = {"error": "unprocessable_entity", "error_description": "The body is not valid", "errors": errors}
    return JSONResponse(body, 422)


def create_app(database: Path) -> FastAPI:
    """The service over a database that exists."""
    app = FastAPI(
        title="Twin",
        exception_handlers={ApiError: answer_api_error, RequestValidationError: answer_invalid_body},
    )
    app.state.readers = async_sessionmaker(engine_for(database, "BEGIN", pool_size=5), expire_on_commit=False)
    app.state.writers = async_sessionmaker(engine_for(database, "BEGIN IMMEDIATE", pool_size=1), expire_on_commit=False)
    app.include_router(router)
    return app


def main() -> None:
    """Makes the database that the command line names, and serves it."""
    given = options(__doc__)
    stored = "{:%Y-%m-%d %H:%M:%S.%f}".format
    seeded = create(given.database, given.sizes, stored, datetime.now(UTC))
    serve(create_app(given.database), given.port, seeded)


if __name__ == "__main__":
    main()
