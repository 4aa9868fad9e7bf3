"""Is everybody locked out? Which doors have confirmed a lockdown, and which have not: by API and command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from doorward.changes import reports
from doorward.changes import service as changes
from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock, SystemClock
from doorward.kit.crypto import Vault
from doorward.people.service import update_person
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.doors import eventually, running_doors
from tests.support.services import write_sealed
from tests.support.world import World

ACCOUNT = "/api/3/account/lockdown"
WEEK = 7 * 86_400_000


@pytest.fixture
def api(served: Served, world: World) -> Iterator[httpx.Client]:
    """A client whose token lasts longer than these tests' clock goes."""
    with served.client(world.new_token(world.owner_id, seconds=100 * 86_400)) as opened:
        yield opened


def report(world: World, *channel_ids: int) -> None:
    """These doors confirm all that there is."""

    def confirm(tx: Any) -> None:
        reports.report(tx, channel_ids, changes.last(tx), world.clock.now())

    world.database.write_now(confirm)


def not_confirmed(answer: httpx.Response) -> list[tuple[str, str]]:
    """The doors that are named, and why."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["confirmed"] + len(body["unconfirmed"]) == body["total"]
    return [(door["name"], door["status"]) for door in body["unconfirmed"]]


def test_doors_confirm_a_lockdown_one_by_one(api: httpx.Client, world: World, clock: FixedClock) -> None:
    front, back, far = world.channel_ids
    report(world, front, back)
    assert not_confirmed(api.get(ACCOUNT)) == [("Far door", "offline")], "it has never been heard"
    report(world, far)
    assert api.get(ACCOUNT).json() == {"total": 3, "locked_down": 0, "confirmed": 3, "unconfirmed": []}
    locked = api.post(ACCOUNT)
    assert not_confirmed(locked) == [("Front door", "waiting"), ("Back door", "waiting"), ("Far door", "waiting")]
    assert (locked.json()["locked_down"], locked.json()["changed"]) == (3, 3)
    report(world, front, far)
    assert not_confirmed(api.get(ACCOUNT)) == [("Back door", "waiting")]
    clock.advance(46_000)
    assert not_confirmed(api.get(ACCOUNT)) == [("Back door", "offline")]
    assert not_confirmed(api.get(f"/api/3/sites/{world.site_ids[1]}/lockdown")) == []
    write_sealed(world, update_person, world.person_id, {"notes": "what is changed of people makes no difference"})
    again = api.post(ACCOUNT)
    assert (again.json()["changed"], not_confirmed(again)) == (0, [("Back door", "offline")])
    api.post(f"/api/3/channels/{front}/unlock")
    assert not_confirmed(api.get(ACCOUNT)) == [("Front door", "offline"), ("Back door", "offline")], "that, too"


def test_a_door_that_was_away_for_longer_than_notes_are_kept_has_confirmed_nothing(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    report(world, front, back, far)
    api.post(ACCOUNT)
    report(world, front, far)
    clock.advance(WEEK + 1_000)
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    report(world, front, far)
    assert world.database.write_now(lambda tx: changes.forget_old(tx, world.clock.now())) > 0
    assert not_confirmed(api.get(ACCOUNT)) == [("Back door", "offline")]


def test_a_change_of_everything_concerns_each_door(api: httpx.Client, world: World) -> None:
    report(world, *world.channel_ids)
    world.database.write_now(lambda tx: changes.note(tx, world.account_id, world.clock.now()))
    assert len(not_confirmed(api.get(ACCOUNT))) == 3


def test_who_is_limited_to_sites_asks_about_these_alone(world: World, served: Served) -> None:
    north, south = world.site_ids
    _, limited = world.user("viewer", site_ids=[south])
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(limited) as one:
        assert one.get(f"/api/3/sites/{south}/lockdown").json()["total"] == 1
        assert one.get(f"/api/3/sites/{north}/lockdown").status_code == 404
        assert one.get(ACCOUNT).status_code == 403
    with served.client(elsewhere.token) as one:
        assert one.get(f"/api/3/sites/{south}/lockdown").status_code == 404
        assert not_confirmed(one.get(ACCOUNT)) == [
            (name, "offline") for name in ("Front door", "Back door", "Far door")
        ]


def test_the_command_waits_until_the_doors_have_confirmed(
    database: Database, database_url: str, vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(database, vault, SystemClock()).build()
    doorward = Commands(database_url, tmp_path, capsys)
    _, printed, _ = doorward("account", "lockdown", "--no-wait")
    assert printed.splitlines()[:2] == [
        "3 of 3 channels changed",
        "0 of 3 doors have confirmed; not: Front door (offline), Back door (offline), Far door (offline)",
    ]
    with running_doors(world) as doors:
        eventually(lambda: len(doors._doors) == 3)
        _, printed, _ = doorward("site", "unlockdown", "North")
        assert printed.splitlines()[:2] == ["2 of 2 channels changed", "All 2 doors have confirmed"]
        assert doorward.json("site", "lockdown", "South") | {"channels": []} == {
            "total": 1, "changed": 0, "confirmed": 1, "unconfirmed": [], "channels": [],
        }  # fmt: skip


def test_the_command_does_not_wait_for_doors_that_cannot_be_reached(doorward: Commands) -> None:
    doorward.json("channel", "create", "Front door", "--site", 1)
    answer = doorward.json("account", "lockdown")
    assert answer["unconfirmed"] == [{"id": 1, "name": "Front door", "status": "offline"}]
    assert doorward("account", "unlockdown")[1].splitlines()[1] == (
        "0 of 1 doors have confirmed; not: Front door (offline)"
    )
