"""Alarms: raised as events are recorded, seen and acted on over HTTP."""

import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from doorward.alarms import service
from doorward.alarms.alarm import Alarm
from doorward.alarms.tables import alarms
from doorward.channels.service import delete_channel
from doorward.controllers import contact
from doorward.db.query import Query, number
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.events.service import Event, record_all
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import authenticate
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.world import World

ALARMS = "/api/3/alarms"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is the same on each database."""
_COUNT = Query(select(func.count()).select_from(alarms), number)


def tell(world: World, *told: tuple[int, int], door: int = 0, **more: Any) -> list[int]:
    """Events, (code, milliseconds ago), at a door, in one transaction; gives their ids."""
    now, channel_id = world.clock.now(), world.channel_ids[door]
    happened = [
        Event(world.account_id, code, now - ago, channel_id=channel_id, channel_name="A door", **more)
        for code, ago in told
    ]
    return world.database.write_now(lambda tx: record_all(tx, happened, now))


def listed(client: httpx.Client, **query: object) -> list[dict[str, Any]]:
    answer = client.get(ALARMS, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def kinds(client: httpx.Client, **query: object) -> list[str]:
    return [alarm["kind"] for alarm in listed(client, **query)]


@on_sqlite
def test_each_kind_is_raised_by_its_event_and_by_no_other(api: httpx.Client, world: World) -> None:
    for code in (33, 34, 90, 3, 63):
        tell(world, (code, 0))
    tell(world, (3, 0), reasons=(("silent", "Nothing was heard."),))
    tell(world, (10, 0), (31, 0), (32, 0), (35, 0), (37, 0), (91, 0), (1, 0), door=1)
    assert [(alarm["kind"], alarm["severity"]) for alarm in listed(api)] == [
        ("controller_lost", "medium"),
        ("duress", "critical"),
        ("door_lost", "medium"),
        ("tamper", "high"),
        ("held_open", "low"),
        ("forced", "high"),
    ]


@on_sqlite
def test_an_alarm_shows_where_and_when_and_what_the_event_says(api: httpx.Client, world: World) -> None:
    [event_id] = tell(world, (63, 5000), person_id=world.person_id, person_name="Ada Lovelace")
    [alarm] = listed(api)
    assert alarm == {
        "id": alarm["id"],
        "kind": "duress",
        "severity": "critical",
        "state": "open",
        "label": "Duress signalled by Ada Lovelace at A door",
        "channel_id": world.channel_ids[0],
        "channel_name": "A door",
        "site_id": world.site_ids[0],
        "person_id": world.person_id,
        "person_name": "Ada Lovelace",
        "count": 1,
        "first_event_id": event_id,
        "last_event_id": event_id,
        "over_event_id": None,
        "raised_at": "2026-03-02T08:59:55.000Z",
        "last_at": "2026-03-02T08:59:55.000Z",
        "over_at": None,
        "replayed": False,
        "assignee": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "closed_at": None,
        "closed_by": None,
        "created_at": "2026-03-02T09:00:00.000Z",
        "updated_at": "2026-03-02T09:00:00.000Z",
    }
    shown = api.get(f"{ALARMS}/{alarm['id']}").json()
    assert [event["id"] for event in shown.pop("events")] == [event_id]
    assert shown.pop("notes") == []
    assert shown == alarm
    for text in ("0", "x", "99999", str(2**63), "9" * 50):
        assert api.get(f"{ALARMS}/{text}").status_code == 404


def test_what_goes_on_counts_up_and_what_ends_it_leaves_it_to_be_acknowledged(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    first, second = tell(world, (34, 2000)) + tell(world, (34, 1000))
    clock.advance(1000)
    [over] = tell(world, (32, 0))
    tell(world, (35, 0))
    [alarm] = listed(api)
    assert (alarm["state"], alarm["count"]) == ("open", 2)
    assert (alarm["first_event_id"], alarm["last_event_id"], alarm["over_event_id"]) == (first, second, over)
    assert alarm["over_at"] == "2026-03-02T09:00:01.000Z"
    shown = api.get(f"{ALARMS}/{alarm['id']}").json()
    assert [event["event_code"] for event in shown["events"]] == [35, 32, 34, 34]


def test_an_alarm_that_is_over_within_what_is_told_at_once_is_recorded_as_over_and_replayed(
    api: httpx.Client, world: World
) -> None:
    tell(world, (33, 9000), (31, 8000), (32, 7000), (35, 7000), (90, 5000), is_replayed=True)
    assert [(alarm["kind"], alarm["over_at"], alarm["replayed"]) for alarm in listed(api)] == [
        ("tamper", None, True),
        ("forced", "2026-03-02T08:59:53.000Z", True),
    ]


def test_a_closed_alarm_is_over_and_done_with_and_the_next_event_raises_another(
    api: httpx.Client, world: World
) -> None:
    tell(world, (33, 0))
    [alarm] = listed(api)
    assert api.post(f"{ALARMS}/{alarm['id']}/close", json={}).status_code == 200
    tell(world, (32, 0), (33, 0))
    assert [(each["state"], each["count"]) for each in listed(api)] == [("open", 1), ("closed", 1)]


def test_a_contact_that_is_whole_again_does_not_end_the_alarm_of_a_door_that_stands_open(
    api: httpx.Client, world: World
) -> None:
    tell(world, (33, 9000), (37, 8000))
    tell(world, (35, 7000))
    assert listed(api)[0]["over_at"] is None
    tell(world, (32, 6000))
    assert listed(api)[0]["over_at"] == "2026-03-02T08:59:54.000Z"
    tell(world, (34, 3000), (35, 1000), door=1)
    assert listed(api)[0]["over_at"] == "2026-03-02T08:59:59.000Z", "without a fault, normal is closed"


def test_lost_controllers_of_many_doors_are_one_alarm_each_until_they_are_heard(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    silent = (("silent", "The controller has said nothing."),)
    now = clock.now()
    world.database.write_now(
        lambda tx: record_at(tx, world.account_id, EventCode.CONTACT_LOST, world.channel_ids, now, now, reasons=silent)
    )
    tell(world, (3, 0))
    assert kinds(api) == ["door_lost", *["controller_lost"] * 3]
    clock.advance(1000)
    front, *others = world.channel_ids
    world.database.write_now(lambda tx: contact.heard(tx, [], [front], {}, clock.now()))
    over = {(alarm["channel_id"], alarm["kind"]): alarm["over_at"] for alarm in listed(api)}
    assert over == {
        (front, "door_lost"): None,
        (front, "controller_lost"): "2026-03-02T09:00:01.000Z",
        **{(each, "controller_lost"): None for each in others},
    }
    tell(world, (1, 0))
    assert all(alarm["over_at"] for alarm in listed(api, channels=front))


def test_somebody_acknowledges_notes_and_closes_and_the_log_knows_who(api: httpx.Client, world: World) -> None:
    tell(world, (33, 0))
    [alarm] = listed(api)
    path = f"{ALARMS}/{alarm['id']}"
    answer = api.post(f"{path}/acknowledge", json={"note": "On my way"})
    assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")
    me = {"id": world.owner_id, "name": answer.json()["acknowledged_by"]["name"]}
    assert answer.json()["acknowledged_by"] == me
    assert answer.json()["acknowledged_at"] == "2026-03-02T09:00:00.000Z"
    written = api.post(f"{path}/notes", json={"text": "A cat\nof the neighbours"})
    assert (written.status_code, written.json()["by"]) == (201, me)
    closed = api.post(f"{path}/close")
    assert (closed.status_code, closed.json()["state"], closed.json()["closed_by"]) == (200, "closed", me)
    assert api.post(f"{path}/notes", json={"text": "Again"}).status_code == 201, "also afterwards"
    shown = api.get(path).json()
    assert [note["text"] for note in shown["notes"]] == ["On my way", "A cat\nof the neighbours", "Again"]
    log = api.get("/api/3/audit_log", params={"resource_type": "alarm"}).json()[::-1]
    assert [entry["action"] for entry in log] == ["update", "note", "note", "update", "note"]
    assert log[0]["after"]["state"] == "acknowledged"
    assert {entry["user_id"] for entry in log} == {world.owner_id}


def test_whoever_comes_second_is_told_what_the_first_did(api: httpx.Client, world: World) -> None:
    tell(world, (33, 0))
    [alarm] = listed(api)
    path = f"{ALARMS}/{alarm['id']}"
    for action, state in (("acknowledge", "acknowledged"), ("close", "closed")):
        first = api.post(f"{path}/{action}", json={"note": "First"})
        second = api.post(f"{path}/{action}", json={"note": "Second"})
        assert (first.status_code, second.status_code) == (200, 409)
        assert second.json() == first.json()
        assert first.json()["state"] == state
    assert api.post(f"{path}/acknowledge").status_code == 409
    assert api.put(path, json={"assignee_id": None}).status_code == 409
    assert [note["text"] for note in api.get(path).json()["notes"]] == ["First", "First"]


def test_of_many_who_acknowledge_at_once_one_does(world: World) -> None:
    tell(world, (33, 0))
    done: list[Alarm] = []
    refused: list[int] = []
    together = threading.Barrier(4)

    def acknowledge() -> None:
        together.wait()
        try:
            done.append(write(world, service.acknowledge, 1, {"note": "Mine"}))
        except service.AlreadyDone as error:
            refused.append(error.alarm_id)

    threads = [threading.Thread(target=acknowledge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(done), refused) == (1, [1, 1, 1])


def test_an_alarm_is_raised_once_also_by_doors_that_tell_at_the_same_time(world: World) -> None:
    together = threading.Barrier(4)

    def force() -> None:
        together.wait()
        for _ in range(3):
            tell(world, (33, 0), (32, 0))

    threads = [threading.Thread(target=force) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert world.database.read_now(lambda tx: tx.one(_COUNT)) == 1
    found = write(world, service.acknowledge, 1, {})
    assert found.times == 12


@on_sqlite
def test_who_is_to_see_to_it_must_be_able_to(api: httpx.Client, world: World) -> None:
    tell(world, (33, 0))
    [alarm] = listed(api)
    path = f"{ALARMS}/{alarm['id']}"
    north, south = world.site_ids
    operator, _ = world.user("operator", site_ids=[north])
    elsewhere, _ = world.user("operator", site_ids=[south])
    viewer, _ = world.user("viewer")
    stranger = World(world.database, world.vault, world.clock).build().owner_id
    gone, _ = world.user("operator")
    assert api.put(f"/api/3/users/{gone}", json={"disabled": True}).status_code == 200
    for user_id, why in (
        (elsewhere, "does not see this door"),
        (viewer, "may not act on alarms"),
        (stranger, "Not found for this account"),
        (gone, "is disabled"),
        ("x", "must be an integer"),
    ):
        answer = api.put(path, json={"assignee_id": user_id})
        assert (answer.status_code, answer.json()["errors"]) == (422, {"assignee_id": [why]})
    assert api.put(path, json={}).json()["errors"] == {"assignee_id": ["can't be blank"]}
    assert api.put(path, json={"assignee_id": operator}).json()["assignee"]["id"] == operator
    assert kinds(api, assignee=operator) == ["forced"]
    assert kinds(api, assignee=viewer) == []
    assert api.put(path, json={"assignee_id": None}).json()["assignee"] is None


@on_sqlite
def test_bad_input_is_refused_by_name_and_changes_nothing(api: httpx.Client, world: World) -> None:
    tell(world, (33, 0))
    path = f"{ALARMS}/{listed(api)[0]['id']}"
    for action, body, field in (
        ("acknowledge", {"note": 7}, "note"),
        ("acknowledge", {"note": "x" * 10_001}, "note"),
        ("close", {"note": "a\x00b"}, "note"),
        ("notes", {"text": "  "}, "text"),
        ("notes", {}, "text"),
    ):
        answer = api.post(f"{path}/{action}", json=body)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert api.post(f"{path}/acknowledge", json=[]).status_code == 400
    shown = api.get(path).json()
    assert (shown["state"], shown["notes"]) == ("open", [])
    for query in ("state=shut", "kind=fire", "channels=x", "site_ids=1;2", "assignee=0", "since=now", "n=0", "page=x"):
        refused = api.get(f"{ALARMS}?{query}")
        assert refused.status_code == 400
        assert query.split("=")[0] in refused.json()["error_description"]


def test_alarms_are_found_by_state_kind_door_site_and_change(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    tell(world, (33, 0))
    tell(world, (34, 0), door=1)
    clock.advance(1000)
    tell(world, (90, 0), door=2)
    front, back, _ = world.channel_ids
    north, south = world.site_ids
    held = listed(api, kind="held_open")[0]["id"]
    assert api.post(f"{ALARMS}/{held}/acknowledge").status_code == 200
    assert kinds(api) == ["tamper", "held_open", "forced"]
    assert kinds(api, state="open") == ["tamper", "forced"]
    assert kinds(api, state="open, acknowledged") == ["tamper", "held_open", "forced"]
    assert kinds(api, state="closed") == []
    assert kinds(api, kind="forced,tamper", state="open") == ["tamper", "forced"]
    assert kinds(api, channels=f"{front},{back}") == ["held_open", "forced"]
    assert kinds(api, site_ids=south) == ["tamper"]
    assert kinds(api, site_ids=north, channels=back, state="acknowledged,closed", kind="held_open") == ["held_open"]
    assert kinds(api, since_utc="2026-03-02T09:00:01") == ["tamper", "held_open"]
    answer = api.get(ALARMS, params={"n": 2, "page": 2})
    assert ([alarm["kind"] for alarm in answer.json()], answer.headers["total"]) == (["forced"], "3")


def test_who_is_limited_to_sites_sees_and_acts_on_alarms_there(api: httpx.Client, world: World, served: Served) -> None:
    [_], [_] = tell(world, (33, 0)), tell(world, (33, 0), door=2)
    far, front = listed(api)
    _, token = world.user("operator", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert [alarm["id"] for alarm in listed(limited)] == [far["id"]]
        assert listed(limited, channels=world.channel_ids[0]) == []
        for method, path in (
            ("GET", ""),
            ("POST", "/acknowledge"),
            ("POST", "/close"),
            ("POST", "/notes"),
            ("PUT", ""),
        ):
            body = {"text": "x", "assignee_id": None}
            assert limited.request(method, f"{ALARMS}/{front['id']}{path}", json=body).status_code == 404
        assert limited.post(f"{ALARMS}/{far['id']}/acknowledge").status_code == 200
    assert listed(api, state="open") == [front]


@on_sqlite
def test_the_alarm_of_a_door_that_is_removed_stays(api: httpx.Client, world: World) -> None:
    tell(world, (33, 0), door=1)
    write(world, delete_channel, world.channel_ids[1])
    [alarm] = listed(api)
    assert (alarm["channel_id"], alarm["channel_name"], alarm["site_id"]) == (world.channel_ids[1], "A door", None)
    assert api.post(f"{ALARMS}/{alarm['id']}/close").status_code == 200


@on_sqlite
def test_an_application_needs_both_scopes_to_act(world: World, served: Served) -> None:
    tell(world, (33, 0))
    for scopes, status in (
        ("account.alarm", 403),
        ("account.event.access.readonly", 403),
        ("account.alarm account.event.access.readonly", 200),
    ):
        with served.client(world.new_token(world.owner_id, scopes)) as client:
            assert client.post(f"{ALARMS}/1/acknowledge").status_code == status


@on_sqlite
def test_an_alarm_takes_no_more_notes_than_anybody_reads(
    api: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_NOTES", 2)
    tell(world, (33, 0))
    for _ in range(2):
        write(world, service.add_note, 1, {"text": "One more"})
    answer = api.post(f"{ALARMS}/1/notes", json={"text": "One too many"})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["text"])


@on_sqlite
def test_who_acts_is_looked_up_by_the_token(world: World) -> None:
    tell(world, (33, 0))
    principal = world.database.read_now(lambda tx: authenticate(tx, world.token, world.clock.now()))
    found = world.database.write_now(
        lambda tx: service.close(tx, world.account_id, 1, {}, world.clock.now(), by=principal)
    )
    assert (found.closed_by_id, found.acknowledged_by_id) == (world.owner_id, world.owner_id)
