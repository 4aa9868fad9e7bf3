"""Two boxes with one identity, as when the image of a card is written to a second: it is noticed, nothing is lost."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from doorward.controller import content, enrolment
from doorward.controller.identity import Identity
from doorward.controllers.enrolment import create_code
from doorward.db.query import Query
from doorward.db.unit_of_work import Database
from doorward.decision.codes import EventCode
from doorward.events.tables import events
from doorward.kit.clock import SystemClock
from doorward.kit.crypto import Vault
from tests.support.controllers import Running, running, until
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.world import World

pytestmark = pytest.mark.anyio

RECORDED = Query(
    select(events.c.event_code, events.c.credential, events.c.reasons).order_by(events.c.id), lambda *values: values
)


@pytest.fixture
def server(database: Database, vault: Vault) -> Iterator[HubServer]:
    with hub_serving(World(database, vault, SystemClock()).build()) as made:
        yield made


def enrol(server: HubServer, directory: Path) -> Identity:
    world = server.world
    body, now = {"channel_ids": world.channel_ids[:1]}, world.clock.now()
    made = world.database.write_now(lambda tx: create_code(tx, world.vault, world.account_id, body, now))
    done = enrolment.enrol(server.base_url, made.code, "Hall", None)
    directory.mkdir(exist_ok=True)
    content.begin(directory, done.identity.secret, done.channels)
    return done.identity


def recorded(server: HubServer) -> list[tuple[int, str | None, str]]:
    return server.world.database.read_now(lambda tx: tx.all(RECORDED))


def forks(server: HubServer) -> int:
    return sum("controller_copied" in reasons for code, _, reasons in recorded(server) if code == EventCode.SYNC_FAILED)


async def told(here: Running) -> None:
    await until(lambda: here.link.is_up and here.controller.journal.length == 0)


@on_sqlite
async def test_a_copy_is_noticed_and_each_ones_events_are_on_record(server: HubServer, tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    identity, door = enrol(server, original), server.world.channel_ids[0]
    presented: list[str] = []

    def present(here: Running, card: str) -> None:
        here.present(door, card)
        presented.append(card)

    async with running(original, identity) as here:
        await told(here)
        present(here, "9001")
        await told(here)
    # Started again, also twice without the server, it is the same.
    for _ in range(2):
        async with running(original, identity, linked=False) as here:
            present(here, f"900{len(presented) + 1}")
    async with running(original, identity) as here:
        await told(here)
    assert forks(server) == 0
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.sock"))
    async with running(original, identity) as here:
        present(here, "9011")
        await told(here)
    # What each tells has the numbers of what the other has told.
    async with running(copy, identity, linked=False) as here:
        present(here, "9021")
    async with running(copy, identity) as here:
        present(here, "9022")
        await told(here)
    assert forks(server) == 1
    async with running(original, identity, linked=False) as here:
        present(here, "9012")
        present(here, "9013")
    async with running(original, identity) as here:
        await told(here)
    found = Counter(card for code, card, _ in recorded(server) if code == EventCode.REJECT_CARD)
    assert found == Counter(presented)
    assert forks(server) == 1, "that there are two is said once in a while"
