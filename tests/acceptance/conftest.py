"""Installations of both kinds, driven by the command line and over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation, Server
from tests.support.postgres import PostgresServer


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    """An empty installation, on each database."""
    return Installation(tmp_path / "data", database_url)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The example account, on each database; for tests that do not mind each other."""
    directory = tmp_path_factory.mktemp("house")
    if request.param == "sqlite":
        yield Installation(directory / "data")
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    name = f"house_{request.node.name}_{directory.name}".lower().replace(".", "_").replace("/", "_").replace("-", "_")
    url = server.create_database(name[-60:], template="template_migrated")
    yield Installation(directory / "data", url)
    server.drop_database(name[-60:])


@pytest.fixture(scope="module")
def made(house: Installation) -> dict[str, object]:
    """What `demo --no-serve --json` printed."""
    return house.demo()


@pytest.fixture(scope="module")
def server(house: Installation, made: dict[str, object]) -> Iterator[Server]:
    """The example account, served."""
    assert made
    with house.serving() as running:
        yield running
