"""What controllers tell is on record exactly once, in order, whatever is repeated, lost, removed or made up."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from doorward.controllers.told import FURTHEST_AHEAD_MS, OutOfOrder, Source, record_told, skip_to
from doorward.credentials.types import create_type
from doorward.db.query import Query
from doorward.decision.snapshot import Presence
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.link import messages
from doorward.link.messages import Events, Told, Whereabouts
from doorward.people.service import create_person, delete_person, update_person
from doorward.roles.service import create_role
from doorward.sites.areas import create_area
from tests.integration.conftest import world
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Controller, enrolled
from tests.support.services import write, write_sealed
from tests.support.world import World

__all__ = ["world"]


class Stored(NamedTuple):
    """An event as it is on record."""

    code: int
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    credential: str | None
    reasons: str
    occurred_at: int
    received_at: int
    controller_id: int | None
    sequence: int | None
    is_replayed: int

    @property
    def reason_codes(self) -> list[str]:
        return [each["code"] for each in json.loads(self.reasons)]


TOLD = Query(
    select(
        events.c.event_code,
        *(events.c[name] for name in Stored._fields[1:]),
    )
    .where(events.c.controller_id.is_not(None))
    .order_by(events.c.id),
    Stored,
)


@pytest.fixture
def server(world: World) -> Iterator[HubServer]:
    write(world, create_role, {"name": "All", "channel_ids": world.channel_ids, "person_ids": [world.person_id]})
    with hub_serving(world) as running:
        yield running


@pytest.fixture
def controller(server: HubServer) -> Iterator[Controller]:
    made = enrolled(server.base_url, server.world)
    made.connect()
    made.settle()
    yield made
    made.close()


def stored(world: World) -> list[Stored]:
    return world.database.read_now(lambda tx: tx.all(TOLD))


def sequences(world: World) -> list[int | None]:
    return [each.sequence for each in stored(world)]


def until_recorded(controller: Controller) -> None:
    controller.until(lambda: not controller.events)


def test_what_happened_is_on_record_as_it_was_told(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front, back = world.channel_ids[:2]
    at = clock.now() - 3_600_000
    who: dict[str, Any] = {"person_id": world.person_id, "person_name": "Ada Byron", "credential": "1234"}
    controller.happen(front, 10, at, **who, reasons=(("role_grants", "A role admits."),), is_replayed=True)
    controller.happen(back, 33, at + 1)
    controller.happen(front, 24, at + 2, is_replayed=True)
    controller.tell()
    until_recorded(controller)
    assert stored(world) == [
        Stored(10, front, "Front door", world.person_id, "Ada Byron", "1234",
               '[{"code":"role_grants","text":"A role admits."}]', at, clock.now(), controller.id, 1, 1),
        Stored(33, back, "Back door", None, None, None, "[]", at + 1, clock.now(), controller.id, 2, 0),
        Stored(24, front, "Front door", None, None, None, "[]", at + 2, clock.now(), controller.id, 3, 1),
    ]  # fmt: skip


@pytest.mark.en60839("6.8/17")
def test_events_told_again_and_again_are_on_record_once(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front, back = world.channel_ids[:2]
    for number in range(10):
        controller.happen((front, back)[number % 3 == 0], 31 + number % 2, clock.now() + number)
    everything = list(controller.events)
    for batch in (everything[:4], everything[:4], everything[2:7], everything, everything[5:6]):
        for channel_id, told in batch:
            controller.send(channel_id, Events((told,)))
    controller.until(lambda: controller.recorded == 10)
    controller.take_all(0.1)
    assert sequences(world) == list(range(1, 11))


@on_sqlite
def test_acknowledgements_that_were_lost_double_nothing(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    """The cable is cut between the commit and its acknowledgement, again and again."""
    world = server.world
    front, back = world.channel_ids[:2]
    for round_number in range(8):
        for number in range(5):
            controller.happen((front, back)[number % 2], 31, clock.now() + 10 * round_number + number)
        controller.tell(at_once=2)
        if round_number % 2:
            eventually(lambda: len(stored(world)) >= len(controller.events))
        controller.drop()
        told = list(controller.events)
        welcome = controller.connect()
        assert [told for _, told in controller.events] == [
            each for _, each in told if each.sequence > welcome.last_sequence
        ]
    controller.tell()
    until_recorded(controller)
    assert sequences(world) == list(range(1, 41))


@on_sqlite
def test_a_number_that_is_too_high_is_refused_and_nothing_of_it_is_on_record(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    front = server.world.channel_ids[0]
    controller.happen(front, 31, clock.now())
    controller.happen(front, 32, clock.now())
    controller.send(front, Events((controller.events[1][1],)))
    assert controller.ended()
    assert sequences(server.world) == []
    controller.connect()
    controller.tell()
    until_recorded(controller)
    assert sequences(server.world) == [1, 2]


def test_events_that_are_lost_at_the_controller_are_passed_over_when_it_says_so(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    front = server.world.channel_ids[0]
    controller.happen(front, 31, clock.now())
    controller.tell()
    until_recorded(controller)
    controller.next_sequence = 50
    controller.lose(50)
    controller.happen(front, 39, clock.now(), reasons=(("events_lost", "Events are lost: 48."),))
    controller.tell()
    until_recorded(controller)
    assert [(each.sequence, each.code) for each in stored(server.world)] == [(1, 31), (50, 39)]
    controller.lose(10)
    controller.until(lambda: controller.recorded == 50)
    assert controller.connect().last_sequence == 50, "never back"


@on_sqlite
def test_a_card_of_somebody_without_a_role_here_is_theirs_all_the_same(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    """The door is not told of them, so that it says 20; the server knows who it is."""
    world = server.world
    front = world.channel_ids[0]
    bob = write_sealed(world, create_person, {"first_name": "Bob", "last_name": "B", "card_number": "0099"}).id
    gone = write_sealed(world, create_person, {"first_name": "Gone", "last_name": "G", "card_number": "77"}).id
    write(world, delete_person, gone)
    unknown = (("unknown_credential", "Nobody who is known at this door has this card."),)
    for credential in ("99", "0099", "77", "123456789"):
        controller.happen(front, 20, clock.now(), credential=credential, reasons=unknown)
    controller.tell()
    until_recorded(controller)
    found = stored(world)
    assert [(each.code, each.person_id, each.person_name) for each in found] == [
        (27, bob, "Bob B"),
        (27, bob, "Bob B"),
        (27, gone, "Gone G"),
        (20, None, None),
    ]
    assert [each.reason_codes for each in found] == [
        ["no_role_here"],
        ["no_role_here"],
        ["person_deleted"],
        ["unknown_credential"],
    ]
    assert [each.credential for each in found] == ["99", "0099", "77", "123456789"]


@on_sqlite
def test_a_kind_that_the_door_does_not_accept_is_said_before_who_may_not_pass(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    write(world, create_type, {"label": "Plate", "slug": "plate", "kind": "aux"})
    eve = write_sealed(world, create_person, {"first_name": "Eve", "last_name": "E", "plate": "AB-12 CD"}).id
    gone = write_sealed(world, create_person, {"first_name": "Gone", "last_name": "G", "plate": "77"}).id
    write(world, delete_person, gone)
    fay = write_sealed(world, create_person, {"first_name": "Fay", "last_name": "F", "plate": "88"}).id
    bob = write_sealed(world, create_person, {"first_name": "Bob", "last_name": "B", "card_number": "88"}).id
    for credential in ("ab12cd", "77", "88"):
        controller.happen(front, 20, clock.now(), credential=credential)
    controller.tell()
    until_recorded(controller)
    found = stored(world)
    assert [(each.code, each.person_id) for each in found] == [(26, eve), (26, gone), (27, bob)], f"not {fay}"
    assert [each.reason_codes for each in found] == [["type_not_accepted"], ["type_not_accepted"], ["no_role_here"]]


@on_sqlite
def test_a_card_is_nobodys_who_was_given_it_after_it_was_presented(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    before = clock.now()
    clock.advance(60_000)
    bob = write_sealed(world, create_person, {"first_name": "Bob", "last_name": "B", "card_number": "99"}).id
    given = clock.now()
    clock.advance(60_000)
    eve = write_sealed(world, create_person, {"first_name": "Eve", "last_name": "E", "card_number": "55"}).id
    write_sealed(world, update_person, eve, {"card_number": "56"})
    unknown = (("unknown_credential", "Nobody who is known at this door has this card."),)
    for at, credential in ((before, "99"), (given, "99"), (given, "56"), (given, "55"), (clock.now(), "56"), (1, "56")):
        controller.happen(front, 20, at, credential=credential, reasons=unknown, is_replayed=True)
    controller.tell()
    until_recorded(controller)
    found = stored(world)
    assert [(each.code, each.person_id) for each in found] == [
        (20, None), (27, bob), (20, None), (20, None), (27, eve), (20, None),
    ]  # fmt: skip
    assert (found[0].reason_codes, found[-1].reason_codes) == (
        ["unknown_credential"],
        ["unknown_credential", "clock_wrong"],
    )


def test_events_of_what_has_been_removed_keep_the_names(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    controller.happen(front, 10, clock.now(), person_id=987_654, person_name="Ada Lovelace", credential="1234")
    controller.tell()
    until_recorded(controller)
    # The door is removed while its controller still tells of it.
    source = Source(world.account_id, controller.id, 987_654, "Old door")
    told = Told(2, 31, clock.now())
    world.database.write_now(lambda tx: record_told(tx, world.vault, source, [told], clock.now()))
    [first, second] = stored(world)
    assert (first.person_id, first.person_name, first.credential) == (None, "Ada Lovelace", "1234")
    assert (second.channel_id, second.channel_name) == (None, "Old door")


@on_sqlite
def test_a_controller_tells_only_of_its_own_account(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    other = World(world.database, world.vault, clock).build()
    area = write(other, create_area, other.site_ids[0], {"name": "Theirs"}).id
    controller.happen(
        world.channel_ids[0], 10, clock.now(), person_id=other.person_id, moved_to=(area, clock.now()), answers=1
    )
    controller.tell()
    until_recorded(controller)
    [event] = stored(world)
    assert event.person_id is None
    assert server.ask(lambda: dict(server.live.presence(world.account_id))) == {}


@on_sqlite
def test_whatever_a_controller_says_is_recorded_as_far_as_it_can_be(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front, now = world.channel_ids[0], clock.now()
    hostile: list[tuple[int, int, dict[str, Any]]] = [
        (999, now, {}),
        (-5, now, {}),
        (55, now, {}),
        (2**63, now, {}),
        (10, 2**62, {}),
        (10, -(2**63), {}),
        (10, 0, {}),
        (10, now + FURTHEST_AHEAD_MS + 1, {}),
        (10, now + 3_600_000, {}),
        (10, now, {"person_id": -1, "person_name": "x" * 5_000, "credential": "\x00\u202e\ud7ff"}),
        (10, now, {"person_id": 2**63, "reasons": tuple(("c" * 500, "t" * 5_000) for _ in range(50))}),
        (10, now, {"person_name": "\x07", "moved_to": (2**63, 2**63), "answers": 2**63}),
        (10, now, {"person_id": world.person_id, "moved_to": (None, now)}),
        (51, now, {"answers": -1}),
    ]
    for code, at, more in hostile:
        controller.happen(front, code, at, **more)
    controller.tell()
    until_recorded(controller)
    found = stored(world)
    assert [each.sequence for each in found] == list(range(1, len(hostile) + 1))
    assert [each.code for each in found[:4]] == [39] * 4, "what there is no word for is not left out"
    assert "345" not in found[0].reasons
    assert "999" in found[0].reasons
    assert [each.occurred_at for each in found[4:8]] == [now] * 4
    assert all(each.reason_codes == ["clock_wrong"] for each in found[4:8])
    assert (found[8].occurred_at, found[8].reason_codes) == (now + 3_600_000, ["clock_ahead"])
    assert len(found[9].person_name or "") <= 255
    assert len(json.loads(found[10].reasons)) <= 13
    assert found[11].person_name is None
    assert server.ask(lambda: dict(server.live.presence(world.account_id))) == {}
    with server.client() as api:
        codes = ",".join(map(str, (10, 39)))
        assert api.get("/api/3/events", params={"event_codes": codes, "since": "1970-01-01"}).status_code == 200
    for sequence in (0, -1, 2**31, 2**63):
        controller.connect()
        controller.send(front, Events((Told(sequence, 10, now),)))
        if sequence > 0:
            assert controller.ended()
        else:
            controller.take_all(0.05)
    controller.connect()
    controller.lose(2**40)
    assert controller.ended()
    assert len(stored(world)) == len(hostile)


@on_sqlite
def test_a_controller_moves_people_only_where_its_own_door_leads_and_only_whom_it_admitted(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front, back, _ = world.channel_ids
    hall, vault = (write(world, create_area, world.site_ids[0], {"name": name}).id for name in ("Hall", "Vault"))
    with server.client() as api:
        leads = {"area_from_id": None, "area_to_id": hall}
        assert api.put(f"/api/3/channels/{front}", json=leads).status_code == 200
    now, person = clock.now(), world.person_id

    def presence_after(channel_id: int, code: int, area: int | None, since: int = now) -> dict[int, Presence]:
        controller.happen(channel_id, code, now, person_id=person, moved_to=(area, since))
        controller.tell()
        until_recorded(controller)
        return server.ask(lambda: dict(server.live.presence(world.account_id)))

    for channel_id, code, area in ((front, 10, vault), (front, 10, None), (front, 20, hall), (front, 31, hall)):
        assert presence_after(channel_id, code, area) == {}
    assert presence_after(back, 10, None) == {}, "it leads from nowhere to nowhere"
    # Never in the future: whoever has gone there could go nowhere else until then.
    assert presence_after(front, 70, hall, 2**62) == {person: Presence(hall, now)}
    assert presence_after(front, 10, None, now + 1) == {person: Presence(hall, now)}


def test_where_somebody_went_counts_elsewhere_at_once(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    """Anti-passback over two controllers: who goes in by one door is told to the other, if it asks for it."""
    world = server.world
    front, back, _ = world.channel_ids
    hall = write(world, create_area, world.site_ids[0], {"name": "Hall"}).id
    other = enrolled(server.base_url, world, back)
    assert controller.ended()
    with server.client() as api:
        leads = {"area_from_id": None, "area_to_id": hall}
        assert api.put(f"/api/3/channels/{front}", json=leads).status_code == 200
        assert api.put(f"/api/3/channels/{back}", json={"passback_mode": "hard", **leads}).status_code == 200
    controller.connect()
    other.connect()
    other.until(lambda: other.whereabouts)
    assert other.whereabouts == [Whereabouts((), True)], "at first everybody, of whom nobody is anywhere known"
    at = clock.now()
    controller.happen(front, 10, at, person_id=world.person_id, moved_to=(hall, at))
    controller.tell()
    other.until(lambda: len(other.whereabouts) == 2)
    assert other.whereabouts[1] == Whereabouts(((world.person_id, hall, at),), False)
    stranger = write_sealed(world, create_person, {"first_name": "Of", "last_name": "No matter"}).id
    controller.happen(front, 10, at + 1, person_id=stranger, moved_to=(hall, at + 1))
    controller.tell()
    until_recorded(controller)
    other.connect()
    other.until(lambda: len(other.whereabouts) == 3)
    assert other.whereabouts[2] == Whereabouts(((world.person_id, hall, at),), True)
    assert controller.whereabouts == [], "its door does not ask where anybody is"
    with server.client() as api:
        clock.advance(1)
        assert api.post(f"/api/3/people/{world.person_id}/forgive").status_code == 200
    other.until(lambda: len(other.whereabouts) == 4)
    assert other.whereabouts[3] == Whereabouts(((world.person_id, None, 0),), False)
    other.close()


def test_two_who_tell_of_the_same_controller_at_once_double_nothing(world: World, clock: FixedClock) -> None:
    """An old session and a new one, in two processes."""
    with hub_serving(world) as server:
        controller = enrolled(server.base_url, world)
    source = Source(world.account_id, controller.id, world.channel_ids[0], "Front door")
    told = [Told(number, 31, clock.now()) for number in range(1, 41)]

    def tell(start: int) -> int:
        def write(tx: Any) -> int:
            try:
                return record_told(tx, world.vault, source, told[start : start + 10], clock.now()).last_sequence
            except OutOfOrder:
                return 0

        return world.database.write_now(write)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(12):
            list(pool.map(tell, (0, 10, 20, 30, 5, 15, 25, 0)))
    assert sequences(world) == list(range(1, 41))
    assert world.database.write_now(lambda tx: skip_to(tx, world.account_id, controller.id, 7)) == 40


@on_sqlite
def test_a_thousand_events_are_on_record_in_little_time(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    front = server.world.channel_ids[0]
    for number in range(1_000):
        controller.happen(front, 31 + number % 2, clock.now() + number)
    began = time.perf_counter()
    controller.tell(at_once=messages.MOST_EVENTS)
    until_recorded(controller)
    took = time.perf_counter() - began
    print(f"1,000 events in {took:.2f} s")
    assert sequences(server.world) == list(range(1, 1_001))
    assert took < 20
