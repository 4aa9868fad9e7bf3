"""What a door decides is what the database says now: compiled once, changed piece by piece, never behind."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from doorward.channels.service import create_channel, delete_channel, update_channel
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.engine import decide, decide_person
from doorward.decision.snapshot import Credential, DoorState, Presented
from doorward.events.tables import events
from doorward.group_reservations.service import create_group_reservation, delete_group_reservation
from doorward.groups.service import create_group, delete_group, update_group
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.kit.errors import DoorwardError
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate
from doorward.people.service import delete_person, update_person
from doorward.process.doors import LocalDoors
from doorward.reservations.service import create_reservation, delete_reservation, sweep
from doorward.roles.service import create_role, delete_role, update_role
from doorward.shifts.holidays import add_holiday
from doorward.shifts.service import create_shift, update_shift
from doorward.sites.service import update_site
from doorward.sync.compiler import CompiledChannel, compile_for
from doorward.sync.live import LiveSnapshots
from tests.support.world import World

MONDAY_TO_FRIDAY = ["mon", "tue", "wed", "thu", "fri"]
HOUR = 3_600_000
BUTTON = Query(select(func.count()).select_from(events).where(events.c.event_code == 30), number)


class Changes:
    """Changes at random of everything that a door decides from."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.people = [world.person_id]
        self.groups: list[int] = []
        self.roles: list[int] = []
        self.shifts: list[int] = []
        self.reservations: list[int] = []
        self.group_reservations: list[int] = []
        self.cards = 5000
        self.principal: Principal = world.database.read_now(lambda tx: authenticate(tx, world.token, world.clock.now()))

    def make_one(self) -> str:
        """Do one thing; gives its name. A refusal is a thing, too: it changes nothing."""
        actions: list[Callable[[Transaction], object]] = [
            self.new_person,
            self.change_person,
            self.remove_person,
            self.new_group,
            self.change_group,
            self.remove_group,
            self.new_role,
            self.change_role,
            self.remove_role,
            self.new_shift,
            self.change_shift,
            self.new_channel,
            self.change_channel,
            self.remove_channel,
            self.new_reservation,
            self.new_reservation,
            self.remove_reservation,
            self.new_group_reservation,
            self.new_group_reservation,
            self.remove_group_reservation,
            self.holiday,
            self.zone,
            self.pass_time,
        ]
        action = self.random.choice(actions)
        try:
            self.world.database.write_now(action)
        except DoorwardError as error:
            return f"{action.__name__} refused: {error}"
        return action.__name__

    def some(self, ids: list[int], most: int = 3) -> list[int]:
        return self.random.sample(ids, min(len(ids), self.random.randint(0, most)))

    def one(self, ids: list[int]) -> int:
        return self.random.choice(ids) if ids else 0

    @property
    def now(self) -> int:
        return self.world.clock.now()

    def new_person(self, tx: Transaction) -> None:
        from doorward.people.service import create_person

        self.cards += 1
        body = {
            "first_name": "P",
            "last_name": str(self.cards),
            "card_number": str(self.cards),
            "group_ids": self.some(self.groups),
            "role_ids": self.some(self.roles),
        }
        self.people.append(create_person(tx, self.world.vault, self.world.account_id, body, self.now).id)

    def change_person(self, tx: Transaction) -> None:
        body = self.random.choice(
            [
                {"enabled": self.random.random() < 0.5},
                {"valid_to": "2026-03-02T12:00:00Z"},
                {"valid_to": None},
                {"group_ids": self.some(self.groups)},
                {"role_ids": self.some(self.roles)},
                {"card_number": str(self.random.randint(1, 9999))},
                {"pin": "******"},
                {"card_number": None},
            ]
        )
        update_person(tx, self.world.vault, self.world.account_id, self.one(self.people), body, self.now)

    def remove_person(self, tx: Transaction) -> None:
        delete_person(tx, self.world.account_id, self.one(self.people), self.now)

    def new_group(self, tx: Transaction) -> None:
        body = {
            "name": f"G{self.random.random()}",
            "role_ids": self.some(self.roles),
            "person_ids": self.some(self.people),
        }
        self.groups.append(create_group(tx, self.world.account_id, body, self.now).id)

    def change_group(self, tx: Transaction) -> None:
        field, ids = self.random.choice([("role_ids", self.roles), ("person_ids", self.people)])
        update_group(tx, self.world.account_id, self.one(self.groups), {field: self.some(ids)}, self.now)

    def remove_group(self, tx: Transaction) -> None:
        delete_group(tx, self.world.account_id, self.one(self.groups), self.now)

    def role_body(self) -> dict[str, object]:
        return {
            "channel_ids": self.some(self.world.channel_ids),
            "shift_id": self.random.choice([None, *self.shifts]),
            "group_ids": self.some(self.groups),
            "person_ids": self.some(self.people),
        }

    def new_role(self, tx: Transaction) -> None:
        body = {"name": f"R{self.random.random()}", **self.role_body()}
        self.roles.append(create_role(tx, self.world.account_id, body, self.now).id)

    def change_role(self, tx: Transaction) -> None:
        whole = self.role_body()
        field = self.random.choice(list(whole))
        update_role(tx, self.world.account_id, self.one(self.roles), {field: whole[field]}, self.now)

    def remove_role(self, tx: Transaction) -> None:
        delete_role(tx, self.world.account_id, self.one(self.roles), self.now)

    def shift_body(self) -> dict[str, object]:
        start, end = self.random.sample(["00:00", "06:00", "08:30", "17:00", "22:00"], 2)
        days = self.random.sample([*MONDAY_TO_FRIDAY, "sat", "sun", "holiday"], 4)
        holidays = self.random.choice(["ignore", "replace"])
        return {"windows": [{"days": days, "start": start, "end": end}], "holidays": holidays}

    def new_shift(self, tx: Transaction) -> None:
        body = {"name": f"S{self.random.random()}", **self.shift_body()}
        self.shifts.append(create_shift(tx, self.world.account_id, body, self.now).id)

    def change_shift(self, tx: Transaction) -> None:
        update_shift(tx, self.world.account_id, self.one(self.shifts), self.shift_body(), self.now)

    def new_channel(self, tx: Transaction) -> None:
        body = {"name": f"D{self.random.random()}", "site_id": self.one(self.world.site_ids)}
        self.world.channel_ids.append(create_channel(tx, self.world.account_id, body, self.now).id)

    def change_channel(self, tx: Transaction) -> None:
        body = self.random.choice(
            [
                {"site_id": self.one(self.world.site_ids)},
                {"two_factor": self.random.random() < 0.3},
                {"auto_unlock_shift_id": self.random.choice([None, *self.shifts])},
                {"mode": "unlock"},
                {"mode": "normal"},
                {"accepts": self.random.choice([["card"], ["card", "pin"]])},
                {"passback_mode": self.random.choice([None, "hard"])},
            ]
        )
        update_channel(tx, self.world.account_id, self.one(self.world.channel_ids), body, self.now)

    def remove_channel(self, tx: Transaction) -> None:
        if len(self.world.channel_ids) > 3:
            delete_channel(tx, self.world.account_id, self.one(self.world.channel_ids), self.now)

    def new_reservation(self, tx: Transaction) -> None:
        body = {
            "person_id": self.one(self.people),
            "start_time": f"2026-03-02T{self.random.randint(8, 14):02}:00:00Z",
            "end_time": f"2026-03-02T{self.random.randint(15, 23):02}:30:00Z",
            "channel_ids": self.some(self.world.channel_ids),
        }
        self.reservations.append(create_reservation(tx, self.principal, body, self.now).id)

    def remove_reservation(self, tx: Transaction) -> None:
        delete_reservation(tx, self.principal, self.one(self.reservations), self.now)

    def new_group_reservation(self, tx: Transaction) -> None:
        body = {
            "person_id": self.one(self.people),
            "start_time": f"2026-03-02T{self.random.randint(8, 14):02}:00:00Z",
            "end_time": f"2026-03-0{self.random.randint(2, 6)}T{self.random.randint(15, 23):02}:30:00Z",
            "group_ids": self.some(self.groups),
        }
        self.group_reservations.append(create_group_reservation(tx, self.principal, body, self.now).id)

    def remove_group_reservation(self, tx: Transaction) -> None:
        delete_group_reservation(tx, self.principal, self.one(self.group_reservations), self.now)

    def holiday(self, tx: Transaction) -> None:
        body: dict[str, object] = {"day": f"2026-03-0{self.random.randint(2, 8)}", "name": "Day off"}
        if self.random.random() < 0.5:
            body["site_id"] = self.one(self.world.site_ids)
        add_holiday(tx, self.world.account_id, body, self.now)

    def zone(self, tx: Transaction) -> None:
        body = {"time_zone": self.random.choice(["Europe/London", "Asia/Kathmandu", "America/New_York", None])}
        update_site(tx, self.world.account_id, self.one(self.world.site_ids), body, self.now)

    def pass_time(self, tx: Transaction) -> None:
        assert isinstance(self.world.clock, FixedClock)
        self.world.clock.advance(self.random.randint(1, 40) * 60_000)
        sweep(tx, self.now)


def same_decisions(world: World, live: LiveSnapshots, people: list[int]) -> None:
    """Each question gets the same answer from the live snapshots as from a compilation made for it alone."""
    moments = [world.clock.now(), world.clock.now() + 5 * HOUR, world.clock.now() + 77 * HOUR]
    credentials = [
        credential
        for account in live._accounts.values()
        for kind, holders in account.directory.by_kind.items()
        for credential in [Credential(kind, value) for value in holders]
    ]
    for channel_id in world.channel_ids:
        compiled = live.channel(channel_id)

        def fresh(transaction: Transaction, channel_id: int = channel_id) -> CompiledChannel | None:
            return compile_for(transaction, world.vault, channel_id, credentials, people)

        expected = world.database.read_now(fresh)
        assert (compiled is None) == (expected is None)
        if compiled is None or expected is None:
            continue
        assert compiled.controls == expected.controls
        state = DoorState(unlocked=compiled.controls.unlocked)
        for at in moments:
            for credential in credentials:
                ours = decide(compiled.snapshot, state, Presented(credential), at)
                theirs = decide(expected.snapshot, state, Presented(credential), at)
                assert (ours.event_code, ours.admitted) == (theirs.event_code, theirs.admitted)
                assert (ours.person_id, ours.person_name) == (theirs.person_id, theirs.person_name)
                assert [reason.code for reason in ours.reasons] == [reason.code for reason in theirs.reasons]
            for person_id in people:
                ours = decide_person(compiled.snapshot, state, person_id, at)
                theirs = decide_person(expected.snapshot, state, person_id, at)
                assert (ours.event_code, ours.admitted) == (theirs.event_code, theirs.admitted)


@pytest.mark.parametrize("seed", range(8))
def test_snapshots_changed_piece_by_piece_decide_like_ones_compiled_anew(world: World, seed: int) -> None:
    changes = Changes(world, seed)
    live = LiveSnapshots(world.database, world.vault, world.clock)

    async def run() -> None:
        await live.refresh()
        for step in range(60):
            done = changes.make_one()
            if changes.random.random() < 0.6:
                await live.refresh()
                if step % 3 == 0:
                    try:
                        same_decisions(world, live, changes.people)
                    except AssertionError as error:
                        raise AssertionError(f"after step {step}, {done}, of seed {seed}") from error
        await live.refresh()
        same_decisions(world, live, changes.people)

    asyncio.run(run())


async def follow(database: Database, vault: Vault, clock: FixedClock) -> LocalDoors:
    doors = LocalDoors(database, vault, clock)
    await doors.start()
    return doors


def test_a_door_decides_with_what_it_knows_when_the_database_is_gone(world: World, clock: FixedClock) -> None:
    now = world.clock.now()
    body = {"name": "R", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    world.database.write_now(lambda tx: create_role(tx, world.account_id, body, now))

    async def run() -> tuple[bool, int]:
        doors = await follow(world.database, world.vault, clock)

        async def gone(_: object) -> object:
            raise DatabaseUnavailable("gone")

        read, write = world.database.read, world.database.write
        world.database.read = world.database.write = gone  # type: ignore[method-assign,assignment]
        verdict = await doors.present(world.channel_ids[0], Presented(Credential("card", "1234")))
        waiting = len(doors.recorder)
        world.database.read, world.database.write = read, write  # type: ignore[method-assign]
        await doors.stop()
        assert len(doors.recorder) == 0, "the event is recorded when the database is back"
        return verdict.admitted, waiting

    assert asyncio.run(run()) == (True, 1)


def test_an_event_at_a_door_that_is_removed_meanwhile_is_on_record_by_name_and_number(
    world: World, clock: FixedClock
) -> None:
    channel = world.channel_ids[0]

    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        doors.driver.press_rex(channel)
        await world.database.write(lambda tx: delete_channel(tx, world.account_id, channel, clock.now()))
        doors.driver.press_rex(world.channel_ids[1])
        await doors.stop()

    asyncio.run(run())
    names = Query(select(events.c.channel_name, events.c.channel_id).order_by(events.c.id), lambda *row: row)
    found = world.database.read_now(lambda tx: tx.all(names))
    assert found == [("Front door", channel)] * 2 + [("Back door", world.channel_ids[1])] * 2


def test_a_long_reading_of_the_configuration_is_not_begun_again_and_again(world: World, clock: FixedClock) -> None:
    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        read = world.database.read

        async def slow(work: Any) -> Any:
            await asyncio.sleep(0.8)
            return await read(work)

        world.database.read = slow  # type: ignore[method-assign]
        body = {"name": "R", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
        await world.database.write(lambda tx: create_role(tx, world.account_id, body, clock.now()))
        card = Presented(Credential("card", "1234"))
        assert not (await doors.present(world.channel_ids[0], card)).admitted, "it decides with what it knows"
        await asyncio.sleep(0.8)
        world.database.read = read  # type: ignore[method-assign]
        assert (await doors.present(world.channel_ids[0], card)).admitted
        await doors.stop()

    asyncio.run(run())


def test_a_door_relocks_on_time_while_the_database_hangs(world: World, clock: FixedClock) -> None:
    channel = world.channel_ids[0]
    body = {"mode": "unlock", "relock_at": "2026-03-02T09:30:00Z"}
    world.database.write_now(lambda tx: update_channel(tx, world.account_id, channel, body, clock.now()))

    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        read, write = world.database.read, world.database.write
        hanging = asyncio.Event()

        async def hang(_: object) -> object:
            await hanging.wait()
            raise DatabaseUnavailable("hung")

        world.database.read = world.database.write = hang  # type: ignore[method-assign,assignment]
        tasks = [asyncio.create_task(chore()) for chore in (doors.follow, doors.keep_time, doors.keep_record)]
        assert doors.driver.is_released(channel)
        clock.advance(30 * 60_000)
        await asyncio.sleep(0.6)
        assert not doors.driver.is_released(channel)
        assert (await doors.present(channel, Presented(Credential("card", "1234")))).event_code == 27
        hanging.set()
        world.database.read, world.database.write = read, write  # type: ignore[method-assign]
        await asyncio.sleep(0.8)
        for task in tasks:
            task.cancel()
        await doors.stop()

    asyncio.run(run())
    codes = Query(select(events.c.event_code).order_by(events.c.id), number)
    assert world.database.read_now(lambda tx: tx.all(codes)) == [53, 58, 27]


@pytest.mark.parametrize("value", ["\ud800", "\x00", "x" * 70_000, ""])
def test_whatever_is_presented_the_events_after_it_are_on_record(world: World, clock: FixedClock, value: str) -> None:
    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        for presented in (value, "1234"):
            verdict = await doors.present(world.channel_ids[0], Presented(Credential("card", presented)))
            assert not verdict.admitted
        assert len(doors.recorder) == 0
        await doors.stop()

    asyncio.run(run())
    codes = Query(select(events.c.event_code).order_by(events.c.id), number)
    assert world.database.read_now(lambda tx: tx.all(codes)) == [20, 27]


def test_an_event_that_cannot_be_written_does_not_keep_the_others_waiting(world: World, clock: FixedClock) -> None:
    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        write = world.database.write
        refused = 0

        async def refuse_some(work: Any) -> Any:
            nonlocal refused

            def checked(transaction: Transaction) -> Any:
                result = work(transaction)
                if transaction.one(BUTTON) and refused < 2:
                    raise ValueError("no such event can be written")
                return result

            try:
                return await write(checked)
            except ValueError:
                refused += 1
                raise

        world.database.write = refuse_some  # type: ignore[method-assign]
        doors.driver.press_rex(world.channel_ids[0])
        doors.driver.move(world.channel_ids[1], True)
        await doors.stop()

    asyncio.run(run())
    codes = Query(select(events.c.event_code).order_by(events.c.id), number)
    assert world.database.read_now(lambda tx: tx.all(codes)) == [30, 13, 33]


def test_a_request_to_exit_and_a_relock_need_no_database(world: World, clock: FixedClock) -> None:
    channel = world.channel_ids[0]
    body = {"mode": "unlock", "relock_at": "2026-03-02T09:30:00Z"}
    world.database.write_now(lambda tx: update_channel(tx, world.account_id, channel, body, clock.now()))

    async def run() -> None:
        doors = await follow(world.database, world.vault, clock)
        assert doors.driver.is_released(channel)
        clock.advance(30 * 60_000)
        (await doors.door(channel)).tick(clock.now())
        assert not doors.driver.is_released(channel)
        await doors.act(channel, "rex")
        assert doors.driver.is_released(channel)
        clock.advance(5_000)
        assert not doors.driver.is_released(channel)
        await doors.stop()

    asyncio.run(run())
