"""An installation driven from outside, as an operator would: the command, and the running process."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any, NamedTuple
from unittest.mock import patch

from doorward.cli.main import run

COMMAND = [sys.executable, "-m", "doorward"]
_START_WITHIN_S = 60


class Done(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Installation:
    """A data directory and a database; nothing runs yet."""

    data_dir: Path
    database: str | None = None
    command: Sequence[str | Path] = tuple(COMMAND)
    """What is run as "doorward" where a process of its own is."""

    @property
    def environment(self) -> dict[str, str]:
        """What the command is told of it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
        kept |= {"DOORWARD_DATA_DIR": str(self.data_dir), "PYTHONWARNINGS": "ignore", "DOORWARD_RATE_LIMIT": "0"}
        if self.database is not None:
            kept["DOORWARD_DATABASE"] = self.database
        return kept

    def run(self, *arguments: object) -> Done:
        """Run a command to its end, in this process: it need not be imported anew each time."""
        output, errors = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environment, clear=True), redirect_stdout(output), redirect_stderr(errors):
            code = run([str(argument) for argument in arguments])
        return Done(code, output.getvalue(), errors.getvalue())

    def run_apart(self, *arguments: object) -> Done:
        """Run a command to its end, in a process of its own."""
        done = subprocess.run(
            [*self.command, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: object) -> Any:
        """Run a command with --json and give what it printed."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def demo(self) -> dict[str, Any]:
        """Make the example account."""
        made: dict[str, Any] = self.json("demo", "--no-serve")
        return made

    @contextmanager
    def serving(self, **environment: str) -> Iterator["Server"]:
        """A running server, stopped in the end."""
        server = Server(self, **environment)
        try:
            yield server
        finally:
            server.stop()


class Server:
    """`doorward serve` on a free port."""

    def __init__(self, installation: Installation, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*installation.command, "serve", "--port", "0"],
            env={**installation.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors: list[str] = []
        lines: Queue[str] = Queue()
        self._readers = [
            threading.Thread(target=self._read_output, args=(lines,), daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.base_url = lines.get(timeout=_START_WITHIN_S).split()[-1]
        except (Empty, IndexError):
            self.kill()
            raise AssertionError(f"the server did not start: {self.errors}") from None

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return "".join(self._errors)

    def kill(self) -> None:
        """End it at once, with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self._finish()

    def stop(self) -> int:
        """End it as an operator would; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._finish()
        return self.process.returncode

    def _finish(self) -> None:
        self.process.wait(20)
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read_output(self, lines: "Queue[str]") -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                lines.put(line)
        lines.put("")

    def _read_errors(self) -> None:
        if self.process.stderr is not None:
            self._errors.extend(self.process.stderr)
