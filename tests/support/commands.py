"""`doorward …` as a test runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.main import run


class Commands:
    """`doorward …` on one installation, in this process."""

    def __init__(self, url: str, directory: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.where = ["--database", url, "--data-dir", str(directory)]
        self.url = url
        self._capture = capture

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capture.readouterr()
        code = run([*map(str, arguments), *self.where])
        printed = self._capture.readouterr()
        return code, printed.out, printed.err

    def json(self, *arguments: object) -> Any:
        """What the command prints with --json."""
        code, printed, errors = self(*arguments, "--json")
        assert (code, errors) == (0, "")
        return json.loads(printed)

    def refusal(self, *arguments: object) -> str:
        """The one line with which the command refuses bad input."""
        code, printed, errors = self(*arguments)
        assert (code, printed) == (2, "")
        assert errors.count("\n") == 1
        return errors.removeprefix("doorward: ").rstrip()
