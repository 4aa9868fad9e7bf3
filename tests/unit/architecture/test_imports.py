"""The directions of imports are held: each contract fails on a planted violation."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

VIOLATIONS = {
    "rooms": ("kit/clock.py", "import doorward.db.query"),
    "pure": ("decision/engine.py", "import sqlite3"),
    "kit": ("kit/text.py", "import litestar"),
    "edge": ("controller/door.py", "import doorward.events.service"),
    "drivers": ("drivers/osdp/lock.py", "import doorward.drivers.simulated.driver"),
    "framework": ("reservations/service.py", "import litestar"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_the_contracts_hold(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


def test_every_contract_has_a_planted_violation() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    contracts = {name.split(":")[2] for name in parser.sections() if name.count(":") == 2}
    assert contracts == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_is_found(copy: Path, contract: str) -> None:
    name, line = VIOLATIONS[contract]
    file = copy / "src/doorward" / name
    before = file.read_text()
    file.write_text(f"{before}\n{line}\n")
    try:
        done = lint(copy)
    finally:
        file.write_text(before)
    assert done.returncode == 1
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    assert f"{parser[f'importlinter:contract:{contract}']['name']} BROKEN" in " ".join(done.stdout.split())
