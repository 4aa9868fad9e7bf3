"""A whole site or account locked down at once: all its doors, within a second, and leaving stays possible."""

import json
import threading
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select

from doorward.audit.tables import audit_log
from doorward.changes import service as changes
from doorward.channels.service import create_channel
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.oauth.rates import RateLimiter
from doorward.process.doors import LocalDoors
from doorward.roles.tables import role_channels, roles
from doorward.shifts.service import create_shift
from doorward.webhooks.tables import deliveries
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.server import client, serving
from tests.support.services import other_account, write
from tests.support.webhooks import listening
from tests.support.world import World

DOORS = 200
LOCKED = [(True, True, False)]


def flags(answer: Any) -> list[tuple[bool, bool, bool]]:
    """Of each channel: cards, auxiliary inputs, REX."""
    found = []
    for channel in answer["channels"]:
        lockdown = channel["lockdown"]
        names = ("card_lockdown", "aux_lockdown", "rex_lockdown")
        found.append(tuple(bool(lockdown and lockdown[name]["state"]) for name in names))
    return found  # type: ignore[return-value]


def happened(world: World) -> list[tuple[int, str | None, str]]:
    """The events so far: code, door, and by whom."""
    query = Query(
        select(events.c.event_code, events.c.channel_name, events.c.reasons).order_by(events.c.id),
        lambda code, name, reasons: (code, name, "".join(each["text"] for each in json.loads(reasons))),
    )
    return world.database.read_now(lambda tx: tx.all(query))


@pytest.mark.en60839("6.6")
def test_a_site_is_locked_down_and_the_lockdown_lifted(api: httpx.Client, world: World) -> None:
    north = f"/api/3/sites/{world.site_ids[0]}"
    answer = api.post(f"{north}/lockdown")
    assert answer.status_code == 200
    assert (answer.json()["total"], answer.json()["changed"]) == (2, 2)
    assert [each["id"] for each in answer.json()["channels"]] == world.channel_ids[:2]
    assert flags(answer.json()) == LOCKED * 2
    assert answer.json()["channels"] == api.get("/api/3/channels", params={"site_id": world.site_ids[0]}).json()
    assert api.get(f"/api/3/channels/{world.channel_ids[2]}").json()["lockdown"] is None
    by_whom = f"By owner1.{world.account_id}@acme.example."
    assert happened(world) == [(55, "Front door", by_whom), (55, "Back door", by_whom)]
    lifted = api.post(f"{north}/unlockdown").json()
    assert (lifted["changed"], flags(lifted)) == (2, [(False, False, False)] * 2)
    assert [code for code, _, _ in happened(world)[2:]] == [56, 56]
    assert api.post(f"{north}/unlockdown").json()["changed"] == 0
    assert len(happened(world)) == 4, "nothing done, nothing said"


def test_the_account_is_locked_down_with_what_is_asked_for(api: httpx.Client, world: World) -> None:
    answer = api.post("/api/3/account/lockdown", json={"rex_lockdown": True, "aux_lockdown": False})
    assert flags(answer.json()) == [(True, False, True)] * 3
    widened = api.post("/api/3/account/lockdown", json={})
    assert (widened.json()["changed"], flags(widened.json())) == (3, LOCKED * 3)
    assert api.post(f"/api/3/channels/{world.channel_ids[0]}/unlockdown").status_code == 200
    again = api.post("/api/3/account/lockdown").json()
    assert (again["total"], again["changed"]) == (3, 1)
    assert api.post("/api/3/account/unlockdown").json()["changed"] == 3


@pytest.mark.parametrize("path", ["/api/3/account/lockdown", "/api/3/sites/{site}/lockdown"])
def test_to_lock_nothing_down_is_a_mistake(api: httpx.Client, world: World, path: str) -> None:
    url = path.format(site=world.site_ids[0])
    refused = api.post(url, json={"card_lockdown": False, "aux_lockdown": False})
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_request")
    assert api.post(url, json={"card_lockdown": "yes"}).status_code == 422
    assert api.post(url, json=[]).status_code == 400
    assert happened(world) == []


def test_who_is_limited_to_sites_locks_down_these_alone(served: Served, world: World) -> None:
    north, south = world.site_ids
    _, limited = world.user("operator", site_ids=[south])
    _, viewer = world.user("viewer")
    stranger = World(world.database, world.vault, world.clock, account_id=other_account(world))
    _, foreign = stranger.user("owner")
    with served.client(limited) as one:
        assert one.post(f"/api/3/sites/{north}/lockdown").status_code == 404
        assert one.post("/api/3/account/lockdown").status_code == 403
        assert one.post("/api/3/account/unlockdown").status_code == 403
        assert one.post(f"/api/3/sites/{south}/lockdown").json()["changed"] == 1
    with served.client(viewer) as one:
        assert one.post(f"/api/3/sites/{south}/unlockdown").status_code == 403
    with served.client(foreign) as one:
        assert one.post(f"/api/3/sites/{south}/unlockdown").status_code == 404
        assert one.post("/api/3/account/unlockdown").json() == {"total": 0, "changed": 0, "channels": []}
    assert [name for _, name, _ in happened(world)] == ["Far door"]


def test_each_door_is_on_record_and_noted_by_itself(api: httpx.Client, world: World) -> None:
    before = world.database.read_now(changes.last)
    api.post("/api/3/account/lockdown")
    noted = world.database.read_now(lambda tx: changes.after(tx, before, 100))
    assert [(each.person_id, each.role_id, each.channel_id) for each in noted] == [
        (None, None, channel_id) for channel_id in world.channel_ids
    ]
    log = Query(
        select(audit_log.c.action, audit_log.c.resource_id, audit_log.c.before, audit_log.c.after)
        .where(audit_log.c.resource_type == "channel", audit_log.c.user_id == world.owner_id)
        .order_by(audit_log.c.id),
        lambda action, the_id, was, is_now: (action, the_id, json.loads(was), json.loads(is_now)),
    )
    was, is_now = ({"card_lockdown": flag, "aux_lockdown": flag} for flag in (False, True))
    assert world.database.read_now(lambda tx: tx.all(log)) == [
        ("update", channel_id, was, is_now) for channel_id in world.channel_ids
    ]


def test_applications_that_listen_are_told_of_each_door(api: httpx.Client, world: World) -> None:
    listening(world, "https://example.com/hook")
    api.post("/api/3/account/lockdown")
    told = Query(select(deliveries.c.resource_id).order_by(deliveries.c.id), number)
    recorded = Query(select(events.c.id).where(events.c.event_code == 55).order_by(events.c.id), number)
    assert world.database.read_now(lambda tx: tx.all(told)) == world.database.read_now(lambda tx: tx.all(recorded))


@pytest.mark.en60839("6.6/lockdown")
def test_lockdown_wins_over_unlock_and_over_the_shift(api: httpx.Client, world: World) -> None:
    front, back, far = world.channel_ids
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    shift = write(
        world, create_shift, {"name": "Always", "windows": [{"days": days, "start": "00:00", "end": "24:00"}]}
    )
    with running_doors(world) as doors:
        api.post(f"/api/3/channels/{front}/unlock")
        api.post(f"/api/3/channels/{back}/auto_unlock", json={"shift_id": shift.id})
        eventually(lambda: doors.driver.is_released(front) and doors.driver.is_released(back))
        api.post("/api/3/account/lockdown")
        eventually(lambda: not any(map(doors.driver.is_released, world.channel_ids)), within=1.0)
        assert not doors.driver.is_released(far)
        api.post("/api/3/account/unlockdown")
        eventually(lambda: doors.driver.is_released(front) and doors.driver.is_released(back), within=1.0)


def test_a_lockdown_is_not_held_up_by_the_rate_limit(world: World, clock: FixedClock) -> None:
    with (
        serving(world.database, clock, world.vault, rates=RateLimiter(1)) as (base_url, _),
        client(base_url, world.token) as api,
    ):
        assert [api.get("/api/3/sites").status_code for _ in range(2)] == [200, 429]
        assert api.post("/api/3/account/lockdown").status_code == 200
        assert api.post(f"/api/3/sites/{world.site_ids[0]}/unlockdown").status_code == 200


def many_doors(world: World, number_of: int, roles_at_each: int) -> None:
    """More doors at the first site, and roles that name every one of them."""
    now = world.clock.now()

    def make(tx: Transaction) -> None:
        for count in range(number_of):
            body = {"name": f"Door {count}", "site_id": world.site_ids[0]}
            world.channel_ids.append(create_channel(tx, world.account_id, body, now).id)
        for count in range(roles_at_each):
            row = {"name": f"R{count}", "name_key": f"r{count}", "account_id": world.account_id}
            tx.run(Query[None](insert(roles).values(**row, created_at=now, updated_at=now)))
        pairs = select(roles.c.id, channels.c.id).where(roles.c.account_id == channels.c.account_id)
        tx.run(Query[None](insert(role_channels).from_select(["role_id", "channel_id"], pairs)))

    world.database.write_now(make)


def test_two_hundred_doors_are_locked_within_a_second_while_people_are_changed(api: httpx.Client, world: World) -> None:
    many_doors(world, DOORS - 2, roles_at_each=20)
    stop = threading.Event()

    def change_people() -> None:
        with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=30, trust_env=False) as other:
            while not stop.is_set():
                other.put(f"/api/3/people/{world.person_id}", json={"notes": str(time.monotonic())})

    busy = threading.Thread(target=change_people)
    with running_doors(world) as doors:
        at_site = [*world.channel_ids[:2], *world.channel_ids[3:]]
        for channel_id in at_site:
            doors.driver.unlock(channel_id, 600_000)
        busy.start()
        began = time.monotonic()
        answer = api.post(f"/api/3/sites/{world.site_ids[0]}/lockdown")
        answered = time.monotonic() - began
        eventually(lambda: all(locked(doors, channel_id) for channel_id in at_site))
        took = time.monotonic() - began
        stop.set()
        busy.join()
        assert (answer.json()["total"], answer.json()["changed"]) == (DOORS, DOORS)
        assert not doors._doors[world.channel_ids[2]].setting.card_lockdown
    print(f"{world.database.backend}: {DOORS} doors answered after {answered:.3f} s, locked after {took:.3f} s")
    assert took < 1.0


def locked(doors: LocalDoors, channel_id: int) -> bool:
    return doors._doors[channel_id].setting.card_lockdown


class CountingTransaction:
    """Counts the statements of one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("all", "one", "run", "run_many"):
            self.statements += 1
        return getattr(self._transaction, name)


def test_the_number_of_statements_does_not_depend_on_that_of_the_doors(world: World) -> None:
    from doorward.channels.lockdown import lift, lock_down

    counts = []
    for _ in range(2):
        for command in (lambda tx: lock_down(tx, world.account_id, {}, 1), lambda tx: lift(tx, world.account_id, 1)):

            def counted(tx: Transaction, command: Any = command) -> int:
                counting = CountingTransaction(tx)
                command(counting)
                return counting.statements

            counts.append(world.database.write_now(counted))
        many_doors(world, 20, roles_at_each=0)
    assert len(set(counts)) == 1
    assert counts[0] <= 12


def test_locking_down_a_site_and_the_account_at_once_ends_in_both_being_locked(served: Served, world: World) -> None:
    many_doors(world, 20, roles_at_each=0)
    answers: list[int] = []

    def ask(path: str) -> None:
        with served.client(world.token) as one:
            answers.extend(one.post(path).status_code for _ in range(10))

    paths = [f"/api/3/sites/{site}/{what}" for site in world.site_ids for what in ("lockdown", "unlockdown")]
    threads = [threading.Thread(target=ask, args=(path,)) for path in [*paths, "/api/3/account/lockdown"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    with served.client(world.token) as one:
        one.post("/api/3/account/lockdown")
    count = Query(select(func.count()).select_from(channels).where(channels.c.card_lockdown == 1), number)
    assert world.database.read_now(lambda tx: tx.one(count)) == 23
