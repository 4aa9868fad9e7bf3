"""What tests share: databases of both kinds, a clock that stands, a vault."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.support.postgres import PostgresServer

NOW = 1_772_442_000_000  # 2026-03-02T09:00:00Z, a Monday
_serial = count()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the schema, to copy from."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this worker, with a database "template_migrated" that has the schema."""
    # What is killed in the tests is our server, not this one: it need not flush what it has been given.
    with PostgresServer(tmp_path_factory.mktemp("postgresql"), fsync=False) as server:
        upgrade(server.create_database("template_migrated"))
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with the schema, of each kind."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_file")
        path = tmp_path / "doorward.db"
        shutil.copy(migrated, path)
        yield f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgresql")
        name = f"test_{next(_serial)}"
        yield server.create_database(name, template="template_migrated")
        server.drop_database(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with the schema, of each kind."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-03-02T09:00:00Z."""
    return FixedClock(NOW)


@pytest.fixture
def vault() -> Vault:
    """A vault with a key of its own."""
    return Vault(bytes(range(32)))


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"
