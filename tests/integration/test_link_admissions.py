"""Remote admissions over the link: each is sent once, in time or not at all, and its end is on record."""

from sqlalchemy import select

from doorward.db.query import Query, number
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.link.messages import NewKey
from tests.integration.conftest import world
from tests.integration.test_link_events import controller, server, until_recorded
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, on_sqlite
from tests.support.link_client import Controller

__all__ = ["controller", "server", "world"]

OFFLINE = Query(select(events.c.channel_id).where(events.c.event_code == 52), number)


def test_a_remote_admission_is_sent_once_and_its_answer_is_on_record(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    with server.client() as api:
        eventually(lambda: controller.take(0.02) or api.get("/api/3/controllers").json()[0]["online"])
        wait_online(server, controller, front)
        asked = api.post(f"/api/3/channels/{front}/admit_person", json={"person_id": world.person_id})
        assert asked.status_code == 202, asked.text
        the_id = asked.json()["admission_request_id"]
        controller.until(lambda: controller.admits)
        [(box, admit)] = controller.admits
        assert (box, admit.request_id, admit.person_id) == (front, the_id, world.person_id)
        assert admit.until == clock.now() + 10_000
        assert api.get(f"/api/3/admission_requests/{the_id}").json()["status"] == "pending"
        controller.happen(front, 15, clock.now(), person_id=world.person_id)
        controller.happen(front, 50, clock.now(), person_id=world.person_id, answers=the_id)
        controller.tell()
        until_recorded(controller)
        assert api.get(f"/api/3/admission_requests/{the_id}").json()["status"] == "admitted"
        controller.connect()
        controller.take_all(0.7)
        assert len(controller.admits) == 1, "never again"
        # What another door answers is not this one's to answer.
        asked = api.post(f"/api/3/channels/{front}/admit").json()["admission_request_id"]
        controller.until(lambda: len(controller.admits) == 2)
        controller.happen(world.channel_ids[1], 50, clock.now(), answers=asked)
        controller.happen(front, 51, clock.now(), answers=asked)
        controller.tell()
        until_recorded(controller)
        assert api.get(f"/api/3/admission_requests/{asked}").json()["status"] == "denied"


def wait_online(server: HubServer, controller: Controller, channel_id: int) -> None:
    with server.client() as api:

        def online() -> bool:
            controller.take(0.02)
            return bool(api.get(f"/api/3/channels/{channel_id}").json()["status"] == "online")

        eventually(online)


@on_sqlite
def test_a_door_that_was_locked_down_meanwhile_is_not_asked_to_open(server: HubServer, controller: Controller) -> None:
    world = server.world
    front = world.channel_ids[0]
    wait_online(server, controller, front)
    with server.client() as api:
        api.post(f"/api/3/channels/{front}/lockdown")
        asked = api.post(f"/api/3/channels/{front}/admit").json()["admission_request_id"]
        eventually(lambda: api.get(f"/api/3/admission_requests/{asked}").json()["status"] == "denied")
        controller.take_all(0.3)
        assert controller.admits == []


@on_sqlite
def test_a_request_of_before_the_session_or_that_is_old_is_not_taken_up(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    wait_online(server, controller, front)
    controller.drop()
    eventually(lambda: not server.ask(lambda: list(server.hub.sessions)))
    with server.client() as api:
        asked = api.post(f"/api/3/channels/{front}/admit")
        assert asked.json()["status"] == "pending", "nobody has noticed yet that it is gone"
        clock.advance(1_000)
        controller.connect()
        controller.take_all(1.0)
        assert controller.admits == []
        found = api.get(f"/api/3/admission_requests/{asked.json()['admission_request_id']}").json()
        assert found["status"] == "offline"


@on_sqlite
def test_a_request_whose_session_is_cut_is_over_once_the_controller_has_told_what_happened(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    front, back = server.world.channel_ids[:2]
    wait_online(server, controller, front)
    wait_online(server, controller, back)
    with server.client() as api:

        def status(the_id: int) -> str:
            return str(api.get(f"/api/3/admission_requests/{the_id}").json()["status"])

        done = api.post(f"/api/3/channels/{front}/admit").json()["admission_request_id"]
        lost = api.post(f"/api/3/channels/{back}/admit").json()["admission_request_id"]
        controller.until(lambda: len(controller.admits) == 2)
        # The one has been done, and the other has never arrived.
        controller.happen(back, 31, clock.now())
        controller.happen(front, 50, clock.now(), answers=done)
        controller.drop()
        eventually(lambda: not server.ask(lambda: list(server.hub.sessions)))
        assert (status(done), status(lost)) == ("pending", "pending"), "nobody can tell yet"
        clock.advance(1_000)
        controller.connect()
        controller.take_all(0.3)
        assert (status(done), status(lost)) == ("pending", "pending"), "it has not told anything yet"
        controller.tell()
        until_recorded(controller)
        eventually(lambda: status(lost) == "offline")
        assert status(done) == "admitted"
    assert server.world.database.read_now(lambda tx: tx.all(OFFLINE)) == [back]


@on_sqlite
def test_a_request_that_could_not_be_sent_is_over_when_the_session_is(
    server: HubServer, controller: Controller
) -> None:
    front = server.world.channel_ids[0]
    wait_online(server, controller, front)
    controller.takes_keys = False
    with server.client() as api:
        api.post(f"/api/3/channels/{front}/regenerate_encryption_key")
        controller.until(lambda: any(isinstance(message, NewKey) for _, message in controller.received))
        asked = api.post(f"/api/3/channels/{front}/admit").json()["admission_request_id"]
        eventually(
            lambda: server.ask(lambda: any(link._admits for s in server.hub.sessions for link in s.links.values()))
        )
        controller.drop()
        eventually(lambda: api.get(f"/api/3/admission_requests/{asked}").json()["status"] == "offline")
        controller.takes_keys = True
        controller.connect()
        controller.take_all(0.3)
        assert controller.admits == []
