"""A frame that was replayed, altered, cut, taken away or made by somebody else is refused, and that is on record."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from doorward.db.query import Query
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.link import messages
from doorward.link.frames import CONTROL, Session
from doorward.link.messages import Applied, Beat, Events, KeyInUse, Told
from doorward.roles.service import create_role
from tests.integration.conftest import world
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Controller, Ended, enrolled
from tests.support.services import write
from tests.support.world import World

__all__ = ["world"]

FAILED = Query(
    select(events.c.channel_id, events.c.reasons).where(events.c.event_code == 103).order_by(events.c.id),
    lambda channel_id, reasons: (channel_id, str(reasons)),
)


@pytest.fixture
def server(world: World) -> Iterator[HubServer]:
    write(world, create_role, {"name": "All", "channel_ids": world.channel_ids, "person_ids": [world.person_id]})
    with hub_serving(world) as running:
        yield running


@pytest.fixture
def controller(server: HubServer) -> Iterator[Controller]:
    """A controller of the first two doors, with one event told."""
    made = enrolled(server.base_url, server.world)
    made.connect()
    made.settle()
    made.happen(server.world.channel_ids[0], 31, server.world.clock.now())
    made.tell()
    made.until(lambda: made.recorded == 1)
    yield made
    made.close()


def recorded(server: HubServer) -> tuple[int, list[tuple[int | None, Any]]]:
    """How many frames are on record as refused, and at which doors and why."""
    rows = server.world.database.read_now(lambda tx: tx.all(FAILED))
    with server.client() as api:
        [shown] = api.get("/api/3/controllers").json()
    return shown["refused_frames"], [(channel_id, json.loads(reasons)) for channel_id, reasons in rows]


def sealed(controller: Controller, box: int, message: object) -> bytes:
    assert controller._crypto is not None
    return controller._crypto.seal(box, messages.encode(message))  # type: ignore[arg-type]


def an_event(controller: Controller) -> Events:
    return Events((Told(controller.next_sequence, 33, 1_772_442_000_000),))


def replayed(controller: Controller, door: int) -> bytes:
    assert door
    return next(frame for frame in reversed(controller.sent) if int.from_bytes(frame[1:9], "big") == door)


def altered(controller: Controller, door: int) -> bytes:
    frame = bytearray(sealed(controller, door, an_event(controller)))
    frame[-20] ^= 1
    return bytes(frame)


def truncated(controller: Controller, door: int) -> bytes:
    return sealed(controller, door, an_event(controller))[:-1]


def cut_to_nothing(controller: Controller, door: int) -> bytes:
    return sealed(controller, door, an_event(controller))[:20]


def out_of_order(controller: Controller, door: int) -> bytes:
    sealed(controller, door, an_event(controller))  # taken away on the way
    return sealed(controller, door, an_event(controller))


def of_another_session(controller: Controller, door: int) -> bytes:
    other = Session(bytes(32), bytes(32), "to server")
    other.use_key(door, controller.channels[door].keys[0])
    return other.seal(door, messages.encode(an_event(controller)))


def of_another_door(controller: Controller, door: int) -> bytes:
    assert controller._crypto is not None
    controller._crypto.use_key(door + 1_000, b"")
    return controller._crypto.seal(door + 1_000, messages.encode(an_event(controller)))


def moved_to_another_door(controller: Controller, door: int) -> bytes:
    frame = bytearray(sealed(controller, door, an_event(controller)))
    [other] = [channel_id for channel_id in controller.channels if channel_id != door]
    frame[1:9] = other.to_bytes(8, "big")
    return bytes(frame)


def unreadable(controller: Controller, door: int) -> bytes:
    assert controller._crypto is not None
    return controller._crypto.seal(door, b"\xc1 this is no message")


def in_the_wrong_box(controller: Controller, door: int) -> bytes:
    return sealed(controller, door, Beat(0, 0))


def a_greeting_in_the_middle(controller: Controller, door: int) -> bytes:
    assert door
    return sealed(controller, CONTROL, controller.hello())


def a_key_nobody_gave(controller: Controller, door: int) -> bytes:
    return sealed(controller, door, KeyInUse("0123456789abcdef"))


BAD: list[tuple[Callable[[Controller, int], bytes], str]] = [
    (replayed, "replayed"),
    (altered, "altered"),
    (truncated, "altered"),
    (cut_to_nothing, "truncated"),
    (out_of_order, "out of order"),
    (of_another_session, "altered"),
    (of_another_door, "foreign"),
    (moved_to_another_door, "altered"),
    (unreadable, "unreadable"),
    (in_the_wrong_box, "in the wrong box"),
    (a_greeting_in_the_middle, "in the wrong box"),
    (a_key_nobody_gave, "a key that was not given"),
]


@on_sqlite
@pytest.mark.en60839("6.7", "6.8/18")
def test_each_kind_of_bad_frame_ends_the_session_and_is_on_record_with_its_reason(
    server: HubServer, controller: Controller
) -> None:
    front = server.world.channel_ids[0]
    for number, (make, why) in enumerate(BAD, 1):
        controller.send_raw(make(controller, front))
        assert controller.ended(), make.__name__
        count, rows = recorded(server)
        assert count == number, make.__name__
        channel_id, reasons = rows[-1]
        assert [each["text"] for each in reasons] == [f"A frame of the link was refused: {why}."], make.__name__
        assert channel_id in server.world.channel_ids[:2]
        assert controller.connect().last_sequence == 1, "nothing of it was believed"
        controller.settle()


@pytest.mark.en60839("6.7", "6.8/18")
def test_a_refused_frame_is_on_record_and_the_next_session_goes_on(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    front = server.world.channel_ids[0]
    controller.send_raw(altered(controller, front))
    assert controller.ended()
    assert recorded(server) == (
        1,
        [(front, [{"code": "frame_refused", "text": "A frame of the link was refused: altered."}])],
    )
    controller.connect()
    controller.happen(front, 32, clock.now())
    controller.tell()
    controller.until(lambda: controller.recorded == 2)


@on_sqlite
@pytest.mark.en60839("6.7", "6.8/18")
def test_what_somebody_recorded_of_a_session_opens_nothing_later(server: HubServer, controller: Controller) -> None:
    front = server.world.channel_ids[0]
    before = list(controller.sent)
    controller.connect()
    controller.settle()
    of_the_door = [frame for frame in before if int.from_bytes(frame[1:9], "big") == front]
    controller.send_raw(of_the_door[-1])
    assert controller.ended()
    assert recorded(server)[0] == 1


@on_sqlite
@pytest.mark.en60839("6.7", "6.8/18")
def test_strangers_leave_nothing_on_record_and_end_nobodys_session(server: HubServer, controller: Controller) -> None:
    for number in range(5):
        stranger = Controller(server.base_url, controller.id, bytes((number,)) * 32, {})
        with pytest.raises(Ended):
            stranger.connect()
    assert recorded(server) == (0, [])
    controller.beat()
    assert controller.take(5) is not None
    assert server.ask(lambda: server.hub.strangers.turned_away_count) == 5


@on_sqlite
@pytest.mark.en60839("6.7", "6.8/18")
def test_an_applied_that_nobody_asked_for_confirms_nothing(server: HubServer, controller: Controller) -> None:
    """A controller that is wrong about what it has is told everything, and not believed."""
    front = server.world.channel_ids[0]
    controller.take_all()
    controller.updates.clear()
    controller.send(front, Applied(1 << 40, bytes(16)))
    controller.until(lambda: [update.before for update in controller.updates] == [None])
    with server.client() as api:
        [shown] = api.get("/api/3/controllers").json()
    assert shown["channels"][0]["version"] < 1 << 40
