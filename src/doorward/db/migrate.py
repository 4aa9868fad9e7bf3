"""Bring a database to the schema of this version, or say what it lacks."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, pool, text

from doorward.db.connect import sqlite_path
from doorward.db.sqlite import connect as connect_sqlite
from doorward.db.unit_of_work import DatabaseTooOld, DatabaseUnavailable

_UPGRADE_LOCK = 7_204_517


def _config(
    connection: Connection | None = None, metadata: MetaData | None = None
) -> Config:
    config = Config()
    config.set_main_option("script_location", "doorward:db/migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


@lru_cache(maxsize=1)
def newest() -> str:
    """The revision that this version of Doorward needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """One transaction on the database. Raises DatabaseUnavailable if it cannot be reached."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            "sqlite://", creator=lambda: connect_sqlite(path), poolclass=pool.NullPool
        )
    else:
        rest = url.split("://", 1)[1]
        engine = create_engine(f"postgresql+psycopg://{rest}", poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            if path is not None:
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK}
                )
            yield connection
            if path is not None:
                connection.exec_driver_sql("COMMIT")
            connection.commit()
    except Exception as error:
        cause: Any = getattr(error, "orig", error)
        if isinstance(
            cause,
            (psycopg.OperationalError, sqlite3.OperationalError, sqlite3.DatabaseError),
        ):
            raise DatabaseUnavailable(
                f"the database cannot be used: {cause}"
            ) from error
        raise
    finally:
        engine.dispose()


def upgrade(url: str) -> str:
    """Create or upgrade the schema in one transaction, however many processes try at once; gives the revision."""
    with _connection(url) as connection:
        if MigrationContext.configure(connection).get_current_revision() != newest():
            command.upgrade(_config(connection), "head")
    return newest()


def current(url: str) -> str | None:
    """The revision that the database has; None for an empty one."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_newest(url: str) -> None:
    """Raises DatabaseTooOld unless the database has the schema of this version."""
    found = current(url)
    if found != newest():
        raise DatabaseTooOld(
            f"the database has schema {found or 'none'}, this version needs {newest()}: run `doorward db upgrade`"
        )


def differences(url: str, metadata: MetaData) -> list[str]:
    """How the database differs from the declared tables; empty when the migrations have led to the declaration."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - slow to import, seldom needed

    with _connection(url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return [str(difference) for difference in compare_metadata(context, metadata)]
