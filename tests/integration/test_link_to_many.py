"""Two hundred controllers are told of a revocation within a second, and the record says so."""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from doorward.channels.service import create_channel
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.people.service import update_person
from doorward.roles.service import create_role
from doorward.sync.tables import channel_reports
from tests.integration.conftest import world
from tests.support.doors import eventually
from tests.support.hub_server import hub_serving, on_sqlite
from tests.support.link_crowd import enrol_each
from tests.support.services import write, write_sealed
from tests.support.world import World

__all__ = ["world"]

MANY, REVOCATIONS = 200, 6
CONFIRMED = Query(select(func.count()).where(channel_reports.c.version >= 0), number)


def doors(world: World, many: int) -> list[int]:
    """So many doors, at all of which Ada may pass."""

    def make(tx: Transaction) -> list[int]:
        site_id, now = world.site_ids[0], world.clock.now()
        bodies = [{"name": f"Door {each}", "site_id": site_id} for each in range(many)]
        return [create_channel(tx, world.account_id, body, now).id for body in bodies]

    found = world.database.write_now(make)
    write(world, create_role, {"name": "Everywhere", "channel_ids": found, "person_ids": [world.person_id]})
    return found


@on_sqlite
def test_a_revocation_is_at_two_hundred_controllers_within_a_second(world: World, tmp_path: Path) -> None:
    channel_ids = doors(world, MANY)
    cards = enrol_each(world.database, world.vault, world.account_id, channel_ids, world.clock.now())
    file = tmp_path / "crowd"
    file.write_bytes(msgspec.msgpack.encode(cards))
    told: dict[int, list[float]] = defaultdict(list)
    ready = threading.Event()
    with hub_serving(world) as server:
        crowd = subprocess.Popen(
            [sys.executable, "-m", "tests.support.link_crowd", server.base_url, str(file)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

        def read() -> None:
            for line in crowd.stdout or ():
                if line.startswith("ready"):
                    ready.set()
                else:
                    channel_id, at = line.split()
                    told[int(channel_id)].append(float(at))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            assert ready.wait(120), "they were not all told everything in time"
            eventually(lambda: world.database.read_now(lambda tx: tx.one(CONFIRMED)) == MANY, within=30)
            delays: list[float] = []
            for count in range(1, REVOCATIONS + 1):
                time.sleep(0.3)
                began = time.monotonic()
                write_sealed(world, update_person, world.person_id, {"enabled": count % 2 == 0})
                eventually(lambda count=count: all(len(told[each]) > count for each in channel_ids), within=30)  # type: ignore[misc]
                delays += [told[each][count] - began for each in channel_ids]
            with server.client() as api:
                eventually(
                    lambda: (
                        {
                            each["status"]
                            for each in api.get("/api/3/sync").json()["channels"]
                            if each["channel_id"] in channel_ids
                        }
                        == {"ok"}
                    ),
                    within=30,
                )
        finally:
            crowd.terminate()
            crowd.wait(20)
            reader.join(20)
            if crowd.stdout is not None:
                crowd.stdout.close()
    delays.sort()
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(f"{MANY} controllers, {REVOCATIONS} changes: p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms")
    assert p99 < 1.0
