"""`doorward events tail` against a running server."""

import json
import threading

import pytest

from doorward.cli.event_tail import followed
from doorward.cli.main import run
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.oauth.tokens import revoke_token
from tests.integration.conftest import Served
from tests.support.server import serving
from tests.support.services import happen
from tests.support.world import World


@pytest.fixture
def database_url(migrated_copy: str) -> str:
    """SQLite alone: SQL makes no difference here."""
    return migrated_copy


def tail(capsys: pytest.CaptureFixture[str], url: str, token: str, *more: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    capsys.readouterr()
    code = run(["events", "tail", "--url", url, "--token", token, *map(str, more)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_events_are_printed_as_lines_for_people_and_for_programs(
    served: Served, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    front = world.channel_ids[0]
    made = happen(world, 10, 31, 20, 10, channel_id=front, channel_name="Front door", person_name="Ada Lovelace")
    code, printed, errors = tail(capsys, served.base_url, world.token, "--after", 0, "--count", 3, "--json")
    assert (code, errors) == (0, "")
    events = [json.loads(line) for line in printed.splitlines()]
    assert [(event["position"], event["id"]) for event in events] == [(1, made[0]), (3, made[2]), (4, made[3])]
    asked = ("--after", 0, "--count", 1, "--code", 31, "--channel", front)
    assert tail(capsys, served.base_url, world.token, *asked) == (
        0,
        "        2  2026-03-02T09:00:00.000Z  Front door: Front door opened\n",
        "",
    )


def test_it_comes_back_to_where_it_was_when_the_server_was_away(world: World, vault: Vault, clock: FixedClock) -> None:
    happen(world, 10)
    with serving(world.database, clock, vault) as (base_url, _):
        events = followed(base_url, world.token, {}, None)
        happening = threading.Timer(1, lambda: happen(world, 10))
        happening.start()
        assert next(events)[0] == 2
        happening.join()
    happen(world, 10, 10)
    with serving(world.database, clock, vault, port=int(base_url.rpartition(":")[2])):
        assert [next(events)[0], next(events)[0]] == [3, 4]
        events.close()


def test_what_will_not_be_better_next_time_is_said_in_one_line(
    served: Served, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    refusals = [("--after", 7), ("--code", 999)]
    for more in refusals:
        code, printed, errors = tail(capsys, served.base_url, world.token, *more)
        assert (code, printed, errors.count("\n")) == (2, "", 1)
    code, printed, errors = tail(capsys, served.base_url, "no-token", "--after", 0)
    assert (code, printed) == (2, "")
    assert errors.endswith("The access token is invalid\n")
    for url, token in (("http://[::1", "x"), ("ftp://x", "x"), ("", "x"), (served.base_url, "tökén")):
        code, printed, errors = tail(capsys, url, token)
        assert (code, printed, errors.count("\n")) == (2, "", 1)
    code, printed, errors = tail(capsys, "http://127.0.0.1:9", world.token)
    assert (code, printed, errors.count("\n")) == (1, "", 1)
    revoking = threading.Timer(0.5, lambda: world.database.write_now(lambda tx: revoke_token(tx, world.token, 1)))
    revoking.start()
    code, _, errors = tail(capsys, served.base_url, world.token)
    assert code == 2
    assert errors.endswith("The access token was revoked\n")
    revoking.join()
