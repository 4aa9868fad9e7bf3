"""What is published works by itself: the wheel, in an empty environment."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=250, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_installs_into_an_empty_environment_and_makes_the_example_account(tmp_path: Path) -> None:
    build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    run(UV, *build, "--out-dir", tmp_path / "dist", ROOT)
    [wheel] = (tmp_path / "dist").glob("doorward-*.whl")
    python = tmp_path / "venv/bin/python"
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    install = (UV, "pip", "install", "--quiet", "--python", python)
    run(*install, "--require-hashes", "-r", ROOT / "requirements/runtime.lock")
    run(*install, "--no-deps", "--no-index", wheel)
    command = tmp_path / "venv/bin/doorward"
    made = json.loads(run(command, "demo", "--no-serve", "--json", "--data-dir", tmp_path / "data"))
    visitor, door = made["people"][0], made["channels"][0]["id"]
    present = ("door", "present", door, "--card", visitor["card"], "--data-dir", tmp_path / "data", "--json")
    assert json.loads(run(command, *present))["event_code"] == 27
    assert json.loads(run(command, "db", "check", "--json", "--data-dir", tmp_path / "data"))["ok"] is True
