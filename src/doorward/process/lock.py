"""One server for one data directory: two would both command its doors."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(OSError):
    """Another server holds the data directory."""


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the directory until the block ends or the process dies. Raises AlreadyRunning."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            raise AlreadyRunning(
                f"a server (process {holder or 'unknown'}) already runs on the data directory {directory}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
