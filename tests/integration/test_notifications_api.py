"""Routes of /api/3/notifications: what rules show to operators, and what each has read."""

import httpx
import pytest

from doorward.decision.codes import EventCode
from doorward.events.service import Event, record_all
from doorward.notifications.service import KEPT_MS, forget_old, show_events
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.world import World

PATH = "/api/3/notifications"


def forced(world: World, *channels: int | None) -> list[int]:
    """Doors are forced; gives the ids of the events."""
    now = world.clock.now()
    happened = [
        Event(world.account_id, EventCode.DOOR_FORCED, now, channel_id=channel, channel_name="A door")
        for channel in channels
    ]
    return world.database.write_now(lambda tx: record_all(tx, happened, now))


def rule(api: httpx.Client) -> int:
    """A rule that shows things."""
    body = {"name": "Doors", "match_event_codes": [33], "actions": [{"kind": "console"}]}
    made: int = api.post("/api/3/notification_rules", json=body).json()["id"]
    return made


def ids(answer: httpx.Response) -> list[int]:
    """Of which events an answer tells."""
    assert answer.status_code == 200, answer.text
    return [each["event"]["id"] for each in answer.json()]


def test_operators_see_what_a_rule_shows_and_each_says_what_they_have_read(
    api: httpx.Client, world: World, served: Served
) -> None:
    rule_id, front = rule(api), world.channel_ids[0]
    events = forced(world, front, front, front)
    write(world, show_events, rule_id, "Doors", events)
    write(world, show_events, rule_id, "Doors", events[1:])
    shown = api.get(PATH)
    assert ids(shown) == events[::-1], "each once, newest first"
    first = shown.json()[0]
    assert first == {
        "id": first["id"],
        "read": False,
        "created_at": "2026-03-02T09:00:00.000Z",
        "rule_id": rule_id,
        "rule_name": "Doors",
        "event": api.get(f"/api/3/events/{events[-1]}").json(),
    }
    assert api.post(f"{PATH}/{first['id']}/read").json() == {"result": "ok"}
    assert api.post(f"{PATH}/{first['id']}/read").status_code == 200
    unread = api.get(PATH, params={"unread": "true", "per_page": 1})
    assert (ids(unread), unread.headers["total"]) == (events[1:2], "2")
    assert [each["read"] for each in api.get(PATH).json()] == [True, False, False]
    with served.client(world.user("viewer")[1]) as other:
        assert ids(other.get(PATH, params={"unread": "true"})) == events[::-1], "what one has read another has not"
        assert other.post(f"{PATH}/read", json={"up_to": shown.json()[1]["id"]}).json() == {"result": "ok"}
        assert ids(other.get(PATH, params={"unread": "true"})) == events[2:]
        assert other.post(f"{PATH}/read", json={"up_to": 2**62}).status_code == 200
        later = forced(world, front)
        write(world, show_events, rule_id, "Doors", later)
        assert ids(other.get(PATH, params={"unread": "true"})) == later, "nothing is read before it is there"
        assert other.post(f"{PATH}/read", json={}).status_code == 200
        assert ids(other.get(PATH, params={"unread": "true"})) == []
    api.delete(f"/api/3/notification_rules/{rule_id}")
    kept = api.get(PATH).json()
    assert [(each["rule_id"], each["rule_name"]) for each in kept] == [(None, "Doors")] * 4


def test_who_is_limited_to_sites_sees_what_happened_there(api: httpx.Client, world: World, served: Served) -> None:
    rule_id = rule(api)
    front, _, far = world.channel_ids
    events = forced(world, front, far, None)
    write(world, show_events, rule_id, "Doors", events)
    _, token = world.user("operator", site_ids=[world.site_ids[1]])
    at_front = api.get(PATH).json()[-1]["id"]
    with served.client(token) as limited:
        seen = limited.get(PATH)
        assert (ids(seen), seen.headers["total"]) == (events[1:2], "1")
        assert limited.post(f"{PATH}/{at_front}/read").status_code == 404
    assert ids(api.get(PATH)) == events[::-1]


def test_another_accounts_notifications_are_not_found(api: httpx.Client, world: World, served: Served) -> None:
    write(world, show_events, rule(api), "Doors", forced(world, world.channel_ids[0]))
    mine = api.get(PATH).json()[0]["id"]
    elsewhere = World(world.database, world.vault, world.clock).build()
    theirs = forced(elsewhere, elsewhere.channel_ids[0])
    write(world, show_events, rule(api), "Doors", theirs)
    with served.client(elsewhere.token) as stranger:
        assert stranger.get(PATH).json() == []
        assert stranger.post(f"{PATH}/{mine}/read").status_code == 404
        assert stranger.post(f"{PATH}/read", json={}).status_code == 200
    assert [(each["id"], each["read"]) for each in api.get(PATH).json()] == [(mine, False)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_understood_is_refused(api: httpx.Client) -> None:
    assert api.get(PATH, params={"unread": "perhaps"}).status_code == 400
    assert api.post(f"{PATH}/999999/read").status_code == api.post(f"{PATH}/x/read").status_code == 404
    for up_to in (0, -1, "7", 2**63, 1.5, True):
        answer = api.post(f"{PATH}/read", json={"up_to": up_to})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["up_to"]), up_to
    assert api.post(f"{PATH}/read", json=[]).status_code == 400


def test_what_was_shown_long_ago_is_forgotten(api: httpx.Client, world: World) -> None:
    rule_id = rule(api)
    write(world, show_events, rule_id, "Doors", forced(world, world.channel_ids[0]))
    assert api.post(f"{PATH}/{api.get(PATH).json()[0]['id']}/read").status_code == 200
    then = world.clock.now()
    assert world.database.write_now(lambda tx: forget_old(tx, then + KEPT_MS)) == 0
    assert world.database.write_now(lambda tx: forget_old(tx, then + KEPT_MS + 1)) == 1
    assert api.get(PATH).json() == []
