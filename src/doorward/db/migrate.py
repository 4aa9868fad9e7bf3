"""Bring a database to the schema of this version, or say what it lacks."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from doorward.db.connect import sqlite_path
from doorward.db.sqlite import connect as connect_sqlite
from doorward.db.unit_of_work import DatabaseUnavailable, WrongSchema

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic takes a third of a second to import, and is needed once in a version: it is imported where it is used.

_UPGRADE_LOCK = 7_204_517
_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def _config(connection: Connection | None = None, metadata: MetaData | None = None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "doorward:db/migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


@lru_cache(maxsize=1)
def newest() -> str:
    """The revision that this version of Doorward needs. Revisions are numbered, so that no script has to be loaded."""
    return max(file.name[:4] for file in _VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """One transaction on the database. Raises DatabaseUnavailable if it cannot be reached."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine("sqlite://", creator=lambda: connect_sqlite(path), poolclass=pool.NullPool)
    else:
        rest = url.split("://", 1)[1]
        engine = create_engine(f"postgresql+psycopg://{rest}", poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            if path is not None:
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            yield connection
            if path is not None:
                connection.exec_driver_sql("COMMIT")
            connection.commit()
    except DBAPIError as error:
        raise DatabaseUnavailable(f"the database cannot be used: {error.orig}") from error
    finally:
        engine.dispose()


def upgrade(url: str) -> str:
    """Create or upgrade the schema in one transaction, however many processes try at once; gives the revision.

    Raises WrongSchema for a database that a newer version made.
    """
    from alembic import command  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with _connection(url) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        _refuse_newer(found)
        if found != newest():
            command.upgrade(_config(connection), "head")
    return newest()


def current(url: str) -> str | None:
    """The revision that the database has; None for an empty one. Raises DatabaseUnavailable."""
    path = sqlite_path(url)
    return _current_of_server(url) if path is None else _current_of_file(path)


_QUESTION = "SELECT version_num FROM alembic_version"


def _current_of_file(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with closing(connect_sqlite(path)) as file:
            found = file.execute(_QUESTION).fetchone()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            return None
        raise DatabaseUnavailable(f"the database cannot be used: {error}") from error
    return None if found is None else str(found[0])


def _current_of_server(url: str) -> str | None:
    import psycopg  # noqa: PLC0415 - needed for PostgreSQL only

    try:
        with psycopg.connect(url, connect_timeout=10) as server:
            found = server.execute(_QUESTION).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"the database cannot be used: {error}") from error
    return None if found is None else str(found[0])


def require_newest(url: str) -> None:
    """Raises WrongSchema unless the database has the schema of this version."""
    found = current(url)
    _refuse_newer(found)
    if found != newest():
        raise WrongSchema(
            f"the database has schema {found or 'none'}, this version needs {newest()}: run `doorward db upgrade`"
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > newest():
        raise WrongSchema(
            f"the database was made by a newer version of Doorward (schema {found}; this version needs {newest()})"
        )


def ready(url: str) -> None:
    """Create the schema in an empty database. Raises WrongSchema for one that has another version's."""
    if current(url) is None:
        upgrade(url)
    require_newest(url)


def differences(url: str, metadata: MetaData) -> list[str]:
    """How the database differs from the declared tables; empty when the migrations have led to the declaration."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with _connection(url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "include_object": _is_declared},
        )
        return [str(difference) for difference in compare_metadata(context, metadata)]


def _is_declared(_: object, name: str | None, *__: object) -> bool:
    """Whether the declaration has to know of it: a search index of one database's own it need not (0012)."""
    return not (name or "").startswith("search_")
