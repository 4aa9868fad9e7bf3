"""What tests share: databases of both kinds, a clock that stands, a vault."""

import shutil
import sys
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path

import pytest
import structlog

from doorward import followers
from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.kit.log import PROCESSORS
from tests.support import en60839
from tests.support.chromium import lend_thread
from tests.support.postgres import PostgresServer, directory_for_speed

NOW = 1_772_442_000_000  # 2026-03-02T09:00:00Z, a Monday
LONGEST = ("test_schemathesis.py", "test_webhooks_killed.py", "test_nothing_acknowledged_is_lost.py")
"""Begun last, they would be what everybody waits for."""
_serial = count()
_shown: list[tuple[str, tuple[str, ...], str]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--en60839 FILE` writes which clauses of EN 60839-11-1 the run has shown."""
    parser.addoption("--en60839", type=Path, default=None, help="write the page of EN 60839-11-1 to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known; log as a server does, but never into what a test has put in the place of its output.

    Let those act on events who do so in an installation.
    """
    structlog.configure(list(PROCESSORS), logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
    followers.install()
    config.addinivalue_line("markers", "en60839(*clauses): shows these clauses of EN 60839-11-1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; refuse clauses that are none; let reports carry the clauses between processes."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        for mark in item.iter_markers("en60839"):
            unknown = set(mark.args) - en60839.CLAUSES.keys()
            assert not unknown, f"{item.nodeid}: no such clause: {unknown}"
            item.user_properties.append(("en60839", mark.args))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Whoever has no browser has the thread's event loop for itself."""
    lend_thread(to_browser=_has_browser(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """The same."""
    lend_thread(to_browser=_has_browser(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """The same."""
    lend_thread(to_browser=_has_browser(item))


def _has_browser(item: pytest.Item) -> bool:
    return "console" in item.path.parts and "browser" in getattr(item, "fixturenames", ())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what became of each test that shows a clause."""
    for name, clauses in report.user_properties:
        if name == "en60839" and isinstance(clauses, list | tuple) and (report.when == "call" or report.failed):
            _shown.append((report.nodeid, tuple(map(str, clauses)), report.outcome))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Write the page, in the one process that has all reports; not of a run that failed."""
    path: Path | None = session.config.getoption("--en60839")
    if path is not None and not hasattr(session.config, "workerinput") and session.testsfailed == 0:
        path.write_text(en60839.page(en60839.by_clause(_shown)))
    return (yield)


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
    with (
        directory_for_speed(tmp_path_factory.mktemp("postgresql")) as directory,
        PostgresServer(directory, fsync=False) as server,
    ):
        upgrade(server.create_database("template_migrated"))
        yield server


@pytest.fixture
def migrated_copy(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database with the schema."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'doorward.db')}"


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
