"""What a first start leaves on the disk, and what a command says where nothing was started."""

import json
import secrets
from pathlib import Path

from doorward.db.migrate import current
from tests.support.installation import Installation
from tests.support.postgres import PostgresServer


def modes(directory: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o777 for entry in directory.iterdir()}


def test_what_is_made_is_for_its_owner_only(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    assert installation.run_apart("demo", "--no-serve").returncode == 0
    assert installation.data_dir.stat().st_mode & 0o777 == 0o700
    with installation.serving():
        found = modes(installation.data_dir)
    assert {"doorward.db", "doorward.db-wal", "demo.json", "secret.key", "control.sock"} <= found.keys()
    assert set(found.values()) == {0o600}


def test_a_command_that_reads_or_changes_makes_no_installation(tmp_path: Path, postgresql: PostgresServer) -> None:
    typo = tmp_path / "typo"
    advice = "doorward account create NAME --time-zone TZ, or doorward demo"
    commands: list[list[object]] = [["door", "state", 1], ["account", "list"], ["site", "create", "North"]]
    for arguments in commands:
        done = Installation(typo).run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"doorward: there is no installation in {typo} yet: {advice}\n"
    url = postgresql.create_database(f"empty_{secrets.token_hex(4)}")
    done = Installation(typo, url).run("account", "list")
    assert done.returncode == 2
    assert done.stderr == f"doorward: there is no installation in the database yet: {advice}\n"
    assert current(url) is None
    assert not typo.exists()


def test_nothing_starts_without_the_key_of_the_database(installation: Installation) -> None:
    installation.demo()
    key = installation.data_dir / "secret.key"
    key.unlink()
    commands: list[list[object]] = [["serve", "--port", 0], ["demo", "--no-serve"], ["door", "state", 1]]
    for arguments in commands:
        done = installation.run_apart(*arguments)
        assert done.returncode == 1
        assert f"restore {key} from the backup" in done.stderr
        assert "Traceback" not in done.stderr
    assert not key.exists()


def test_the_example_that_is_not_served_says_how_to_serve_it(installation: Installation) -> None:
    done = installation.run("demo", "--no-serve")
    assert "is running" not in done.stdout
    assert f"doorward serve --data-dir {installation.data_dir}" in done.stdout
    password = json.loads((installation.data_dir / "demo.json").read_text())["owner"]["password"]
    assert password in done.stdout


def test_an_account_that_was_there_before_is_shown_without_what_is_not_known(installation: Installation) -> None:
    installation.json("account", "create", "Acme", "--time-zone", "Europe/London")
    assert "None" not in installation.run("demo", "--no-serve").stdout
    (installation.data_dir / "demo.json").unlink()
    installation.json("user", "create", "owner@example.com", "--role", "owner")
    assert "owner@example.com has the password that was set" in installation.run("demo", "--no-serve").stdout
