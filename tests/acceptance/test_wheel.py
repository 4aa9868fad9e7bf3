"""What is published works by itself: the wheel, in an empty environment, with a server's packages or a controller's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.support.installation import Installation

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
OF_THE_SERVER = ("litestar", "sqlalchemy", "psycopg", "uvicorn", "argon2", "alembic", "jinja2", "httpx", "authlib")


STATIC = "doorward/console/static/"


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=250, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that would be published."""
    directory = tmp_path_factory.mktemp("dist")
    build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    run(UV, *build, "--out-dir", directory, ROOT)
    [made] = directory.glob("doorward-*.whl")
    return made


def installed(wheel: Path, lock: str, directory: Path) -> Path:
    """An environment with what a lock file names, and the wheel; gives its folder of commands."""
    python = directory / "venv/bin/python"
    run(UV, "venv", "--quiet", "--python", sys.executable, directory / "venv")
    install = (UV, "pip", "install", "--quiet", "--python", python)
    run(*install, "--require-hashes", "-r", ROOT / "requirements" / lock)
    run(*install, "--no-deps", "--no-index", wheel)
    return python.parent


def test_the_wheel_installs_into_an_empty_environment_and_makes_the_example_account(
    wheel: Path, tmp_path: Path
) -> None:
    command = installed(wheel, "runtime.lock", tmp_path) / "doorward"
    made = json.loads(run(command, "demo", "--no-serve", "--json", "--data-dir", tmp_path / "data"))
    visitor, door = made["people"][0], made["channels"][0]["id"]
    present = ("door", "present", door, "--card", visitor["card"], "--data-dir", tmp_path / "data", "--json")
    assert json.loads(run(command, *present))["event_code"] == 27
    assert json.loads(run(command, "db", "check", "--json", "--data-dir", tmp_path / "data"))["ok"] is True


def test_a_controller_is_installed_without_the_servers_packages_enrols_and_serves_doors(
    wheel: Path, tmp_path: Path
) -> None:
    commands = installed(wheel, "controller.lock", tmp_path)
    listed = json.loads(run(UV, "pip", "list", "--format", "json", "--python", commands / "python"))
    assert not {package["name"] for package in listed} & set(OF_THE_SERVER)
    command, home = commands / "doorward", tmp_path / "controller"
    for arguments in (["serve"], ["door", "state", "1"], ["controller", "list"]):
        refused = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert refused.returncode == 1
        needs = "this command needs the server's packages: pip install 'doorward[server]'"
        assert refused.stderr == f"doorward: {needs}\n"
    assert "controller" in run(command, "--help")

    server = Installation(tmp_path / "server")
    made = server.demo()
    door = made["channels"][0]["id"]
    with server.serving() as serving:
        code = server.json("controller", "code", "--channel", door)["code"]
        enrolled = run(
            *(command, "controller", "enrol", "--server", serving.base_url, "--code", code),
            *("--data-dir", home, "--name", "North gate", "--json"),
        )
        assert [channel["id"] for channel in json.loads(enrolled)["channels"]] == [door]
        running = subprocess.Popen(
            [command, "controller", "run", "--data-dir", home],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "Doorward controller 1 serves one channel\n"
            state = json.loads(run(command, "controller", "status", "--data-dir", home, "--json"))
            assert [channel["driver"] for channel in state["channels"]] == ["simulated"]
            present = ("controller", "door", "present", door, "--card", "4711", "--data-dir", home, "--json")
            assert json.loads(run(command, *present))["admitted"] is False
        finally:
            running.send_signal(signal.SIGTERM)
            _, errors = running.communicate(timeout=30)
        assert running.returncode == 0, errors
        assert code not in errors


def test_a_machine_without_node_makes_of_the_sources_what_the_consoles_pages_load_and_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    build = ("build", "--quiet", "--no-build-isolation", "--python", sys.executable)
    run(UV, *build, "--out-dir", tmp_path / "dist", ROOT)
    [sources], [made] = (tmp_path / "dist").glob("*.tar.gz"), (tmp_path / "dist").glob("*.whl")
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"hatch_build.py", "frontend/package-lock.json", "frontend/.npmrc", "frontend/src/console.js"} <= names
    assert not [name for name in names if "node_modules" in name or "console/static" in name]

    with ZipFile(made) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in files if name.startswith(("frontend/", "hatch_build"))]
    manifest = json.loads(files[f"{STATIC}manifest.json"])
    assert manifest == json.loads((ROOT / "src" / STATIC / "manifest.json").read_bytes()), "made anew, it is the same"
    installation = Installation(
        tmp_path / "data", command=[installed(made, "runtime.lock", tmp_path / "empty") / "doorward"]
    )
    assert installation.run_apart("demo", "--no-serve").returncode == 0
    with installation.serving() as server, httpx.Client(base_url=server.base_url, trust_env=False) as client:
        for name in manifest["names"].values():
            for encoding, suffix in (("identity", ""), ("gzip", ".gz"), ("br", ".br")):
                with client.stream("GET", f"/assets/console/{name}", headers={"Accept-Encoding": encoding}) as answer:
                    assert answer.status_code == 200
                    assert b"".join(answer.iter_raw()) == files[f"{STATIC}{name}{suffix}"]


def test_where_node_modules_cannot_be_fetched_the_build_says_so_in_one_line(tmp_path: Path) -> None:
    copied = tmp_path / "sources"
    shutil.copytree(ROOT / "frontend", copied / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "hatch_build.py", copied)
    nowhere = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_cache": str(tmp_path / "cache")}
    refused = subprocess.run(
        [sys.executable, copied / "hatch_build.py"],
        env={**os.environ, **nowhere, "npm_config_fetch_retries": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("the console's assets cannot be made: its Node modules cannot be fetched: npm error ")
    assert not (copied / "src").exists()
