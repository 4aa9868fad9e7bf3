"""Migrations lead to the declared tables, on each database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import column, table, update

from doorward.db import migrate
from doorward.db.connect import InvalidDatabaseUrl, open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import DatabaseUnavailable, WrongSchema
from doorward.schema import metadata
from tests.support.postgres import PostgresServer


def test_the_migrations_lead_to_the_declared_tables(database_url: str) -> None:
    assert migrate.differences(database_url, metadata) == []
    assert migrate.current(database_url) == migrate.newest()


def test_the_numbers_of_the_revisions_lead_to_the_newest() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(migrate._config()).get_current_head() == migrate.newest()


def test_several_processes_may_upgrade_at_once(tmp_path: Path, postgresql: PostgresServer) -> None:
    for url in (f"sqlite:///{tmp_path}/new.db", postgresql.create_database("upgraded_at_once")):
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(migrate.upgrade, [url] * 4)) == {migrate.newest()}
        assert migrate.differences(url, metadata) == []


def test_a_database_of_another_version_is_refused_until_it_is_upgraded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    assert migrate.current(url) is None
    with pytest.raises(WrongSchema):
        migrate.require_newest(url)
    migrate.ready(url)
    migrate.require_newest(url)


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    newer = Query[None](update(table("alembic_version", column("version_num"))).values(version_num="9999"))
    database = open_database(database_url)
    try:
        database.write_now(lambda transaction: transaction.run(newer))
    finally:
        database.close()
    for attempt in (migrate.upgrade, migrate.require_newest, migrate.ready):
        with pytest.raises(WrongSchema, match="made by a newer version of Doorward"):
            attempt(database_url)
    assert migrate.current(database_url) == "9999"


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be mistaken for one " * 100)
    with pytest.raises(DatabaseUnavailable):
        migrate.current(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(DatabaseUnavailable):
        migrate.current("postgresql://nobody@127.0.0.1:1/none")
    for url in ("mysql://x/y", "sqlite://", "sqlite:///", "sqlite:///:memory:", "", "nonsense"):
        with pytest.raises(InvalidDatabaseUrl):
            open_database(url)
