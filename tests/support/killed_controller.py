"""Controllers that are there to be killed: each is the real process, forked from one that has everything imported.

`python -m tests.support.killed_controller DIRECTORY` starts one for each line that it reads, and prints its process id
and then, when it has taken over its doors, "ready". What its relays do is in DIRECTORY/relays.log, written at once.
"""

import os
import signal
import sys
from pathlib import Path

from doorward.controller import identity, process
from doorward.controller.plan import Plan, PlannedUnit
from doorward.drivers.base import Mode
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock

CHANNELS = frozenset({5, 6})


class Logged(SimulatedDriver):
    """Says in a file what its relays do."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._file = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        os.write(self._file, f"{channel_id} released\n".encode())
        super().unlock(channel_id, milliseconds, command_id)

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        os.write(self._file, f"{channel_id} {mode}\n".encode())
        super().set_mode(channel_id, mode)

    def forget(self, channel_id: int) -> None:
        os.write(self._file, f"{channel_id} forgotten\n".encode())
        super().forget(channel_id)


DIRECTORY = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
LOG = DIRECTORY / "relays.log"
PLAN = Plan((PlannedUnit("relays", CHANNELS, Logged),), simulates=False)


def main() -> None:
    """Fork until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    own = identity.load(DIRECTORY)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            process.run(DIRECTORY, own, PLAN, lambda _: os.write(1, b"ready\n"))  # type: ignore[arg-type]
            os._exit(0)
        os.write(1, f"{pid}\n".encode())


if __name__ == "__main__":
    main()
