"""One process for one data directory: two would both command its doors."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class AlreadyRunning(OSError):
    """Another process holds the data directory."""


@contextmanager
def only_one(directory: Path, what: str) -> Iterator[None]:
    """Hold the directory until the block ends or the process dies; `what` runs there. Raises AlreadyRunning.

    A disk that cannot be written does not keep a controller from its doors: the file is then only opened.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{what}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            raise AlreadyRunning(
                f"a {what} (process {holder or 'unknown'}) already runs on the data directory {directory}"
            ) from None
        with suppress(OSError):  # who holds it is only for whoever is refused
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
