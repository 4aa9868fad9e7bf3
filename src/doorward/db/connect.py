"""From a database URL to a database."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from doorward.db.unit_of_work import Database


class InvalidDatabaseUrl(ValueError):
    """The URL names no database that Doorward can use."""


def sqlite_path(url: str) -> Path | None:
    """The file of a sqlite URL ("sqlite:///relative/path" or "sqlite:////absolute/path"), None for PostgreSQL's.

    Raises InvalidDatabaseUrl for any other URL.
    """
    if not url.startswith("sqlite:"):
        scheme = urlsplit(url).scheme
        if scheme not in ("postgresql", "postgres"):
            raise InvalidDatabaseUrl(
                f"a database URL begins with sqlite:/// or postgresql://, not {scheme or 'nothing'!r}"
            )
        return None
    path = unquote(url.removeprefix("sqlite:///"))
    if path == url or not path or path == ":memory:":
        raise InvalidDatabaseUrl("a SQLite database is given as sqlite:///PATH")
    return Path(path)


def open_database(url: str) -> Database:
    """Open the database; nothing is created but the SQLite file. Raises InvalidDatabaseUrl."""
    path = sqlite_path(url)
    if path is not None:
        from doorward.db.sqlite import SqliteDatabase  # noqa: PLC0415 - only the backend in use is loaded

        return SqliteDatabase(path)
    from doorward.db.postgresql import PostgresqlDatabase  # noqa: PLC0415

    return PostgresqlDatabase(url)
