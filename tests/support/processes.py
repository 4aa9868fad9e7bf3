"""The command in processes of its own, to be killed at any moment."""

import subprocess
import sys
import threading
from collections.abc import Mapping

_START_WITHIN_S = 90


class Process:
    """`doorward …` that runs until it is killed; begun anew, it is the same command."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        self._command = [sys.executable, "-m", "doorward", *arguments]
        self._environment = dict(environment)
        self.kills = 0
        self.start()

    def start(self) -> None:
        """Begin, and wait until it says that it does what it is for."""
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        timer = threading.Timer(_START_WITHIN_S, self._process.kill)
        timer.start()
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        assert line, f"{self._command} did not start"

    def kill(self) -> None:
        """End it at once, with SIGKILL."""
        self._process.kill()
        self._process.wait(20)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def kill_and_start(self) -> None:
        """End it, and begin anew."""
        self.kill()
        self.kills += 1
        self.start()
