"""Leave nothing in the database's files of what has been removed or changed."""

import sqlite3
from contextlib import closing

from doorward.db.connect import sqlite_path
from doorward.db.sqlite import connect as connect_sqlite
from doorward.db.unit_of_work import DatabaseUnavailable


def compact(url: str) -> None:
    """Write the database anew without what is gone; others wait meanwhile. Raises DatabaseUnavailable.

    On PostgreSQL the server frees the room, and overwrites it when it is used again.
    """
    path = sqlite_path(url)
    if path is None:
        _compact_server(url)
        return
    try:
        with closing(connect_sqlite(path)) as file:
            file.execute("VACUUM")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"the database cannot be compacted: {error}") from error


def _compact_server(url: str) -> None:
    import psycopg  # noqa: PLC0415 - needed for PostgreSQL only

    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as server:
            server.execute("VACUUM")
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"the database cannot be compacted: {error}") from error
