"""The real server and the real controller, each a process: either is killed, and doors decide the same."""

import json
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from doorward.controller.control import SOCKET, NobodyThere, ask
from tests.support.installation import COMMAND, Installation

REJECT_CARD, REJECT_UNAUTHORIZED = 20, 27

pytestmark = pytest.mark.timeout(180)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def process(*arguments: object, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on, from when it says that it is ready; killed in the end if it is still there."""
    command = [*COMMAND, *map(str, arguments)]
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd()
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline(), command
        yield running
    finally:
        running.kill()
        running.wait(20)
        if running.stdout is not None:
            running.stdout.close()


def until(holds: Callable[[], object], within: float = 30.0) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it did not come to hold in time"
        time.sleep(0.05)


def events(installation: Installation) -> list[tuple[int, int, str | None, int, int]]:
    """(sequence, code, credential, is_replayed, occurred_at) of what the controller told, by its number."""
    with sqlite3.connect(installation.data_dir / "doorward.db") as connection:
        return connection.execute(
            "SELECT sequence, event_code, credential, is_replayed, occurred_at FROM events "
            "WHERE controller_id IS NOT NULL ORDER BY sequence"
        ).fetchall()


class Door:
    """A door of the controller."""

    def __init__(self, home: Path, channel_id: int) -> None:
        self._socket = home / SOCKET
        self._channel_id = channel_id

    def present(self, card: str) -> int:
        request = {"op": "present", "channel_id": self._channel_id, "credentials": [["card", card]]}
        return int(self._ask(request)["event_code"])

    def lock(self) -> str:
        return str(self._ask({"op": "state", "channel_id": self._channel_id})["lock"])

    def is_linked(self) -> bool:
        try:
            return bool(self._ask({"op": "status"})["link"] == "up")
        except NobodyThere:
            return False

    def _ask(self, request: dict[str, object]) -> dict[str, Any]:
        answer = ask(self._socket, request)
        assert isinstance(answer, dict)
        return answer


@pytest.mark.en60839("6.8/power", "6.8/17", "6.8/21")
@pytest.mark.en60839("6.8/17", "6.8/20", "6.8/21")
def test_server_killed_controller_killed_both_killed_and_every_event_is_on_record_once(tmp_path: Path) -> None:
    installation, home, port = Installation(tmp_path / "server"), tmp_path / "controller", free_port()
    environment = {**installation.environment, "NO_PROXY": "*", "no_proxy": "*"}
    made = installation.demo()
    door_id = made["channels"][0]["id"]
    cards = [str(person["card"]) for person in made["people"] if person.get("card")][:20]
    door = Door(home, door_id)
    said: list[tuple[str, int]] = []
    home_environment = {**environment, "DOORWARD_DATA_DIR": str(home)}
    serve: tuple[object, ...] = ("serve", "--port", port)
    control: tuple[object, ...] = ("controller", "run", "--data-dir", home)

    def present_all() -> list[int]:
        verdicts = [door.present(card) for card in cards]
        said.extend(zip(cards, verdicts, strict=True))
        return verdicts

    def is_told() -> bool:
        told = [(card, code) for _, code, card, _, _ in events(installation) if card is not None]
        # The door does not know the cards of those who have no role there; the server does.
        as_known = [(card, REJECT_UNAUTHORIZED if code == REJECT_CARD else code) for card, code in said]
        return [(card, REJECT_UNAUTHORIZED if code == REJECT_CARD else code) for card, code in told] == as_known

    with process(*serve, environment=environment) as server:
        code = installation.json("controller", "code", "--channel", door_id)["code"]
        enrolled = subprocess.run(
            [
                *COMMAND,
                *("controller", "enrol", "--server", f"http://127.0.0.1:{port}", "--code", "-"),
                *("--data-dir", str(home), "--json"),
            ],
            env=environment,
            input=f"{code}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert enrolled.returncode == 0, enrolled.stderr
        assert json.loads(enrolled.stdout)["channels"][0]["id"] == door_id
        with process(*control, environment=home_environment) as controller:
            until(door.is_linked)
            until(lambda: installation.json("controller", "status")[0]["status"] == "ok")
            with_server = present_all()
            until(is_told)
            server.kill()
            server.wait(20)
            until(lambda: not door.is_linked())
            assert present_all() == with_server
            controller.kill()
            controller.wait(20)
    # Neither runs; the controller comes first.
    with process(*control, environment=home_environment):
        assert present_all() == with_server
        with process(*serve, environment=environment):
            until(is_told)
            until(door.is_linked)
            assert present_all() == with_server
            until(is_told)
            assert door.lock() in ("locked", "released")
    told = events(installation)
    assert [sequence for sequence, *_ in told] == list(range(1, len(told) + 1))
    assert [at for *_, at in told] == sorted(at for *_, at in told)
    replayed = [bool(is_replayed) for _, _, card, is_replayed, _ in told if card is not None]
    number = len(cards)
    assert replayed == [False] * number + [True] * (2 * number) + [False] * number
