"""GET /api/3/event_log and `doorward event`, which are ours: all that is on record, of every code, with its reasons."""

from typing import Any

import httpx
import pytest

from doorward.decision.codes import EventCode
from doorward.events.service import Event, record
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.world import World

LOG = "/api/3/event_log"
DAY = 86_400_000
REASON = ("not_in_shift", "The shift Days is over at this hour.")


def happen(world: World, code: int, ago: int = 0, told_after: int = 0, **more: Any) -> int:
    """Something happens `ago` milliseconds before now, and is told so long after; gives the event's id."""
    at = world.clock.now() - ago
    event = Event(world.account_id, code, at, **more)
    return world.database.write_now(lambda tx: record(tx, event, at + told_after))


def ids(client: httpx.Client, **query: object) -> list[int]:
    answer = client.get(LOG, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()]


def test_an_event_of_the_log_says_why_and_how_it_came_to_be_known(api: httpx.Client, world: World) -> None:
    front = world.channel_ids[0]
    event_id = happen(
        world, 21, 60_000, told_after=55_000, channel_id=front, channel_name="Front door", person_id=world.person_id,
        person_name="Ada Lovelace", credential="1234", reasons=(REASON,), controller_id=7, sequence=12,
        is_replayed=True,
    )  # fmt: skip
    plain = api.get(f"/api/3/events/{event_id}").json()
    expected = {
        **plain,
        "replayed": True,
        "reasons": [{"code": "not_in_shift", "text": "The shift Days is over at this hour."}],
        "received_at": "2026-03-02T08:59:55.000Z",
        "controller_id": 7,
        "sequence": 12,
    }
    assert api.get(LOG).json() == [expected]
    assert api.get(f"{LOG}/{event_id}").json() == expected
    assert plain["created_at"] == "2026-03-02T08:59:00.000Z"
    own = api.get(f"{LOG}/{happen(world, 55)}").json()
    assert [own[name] for name in ("replayed", "reasons", "controller_id", "sequence")] == [False, [], None, None]
    for text in ("0", "x", "99999", str(2**63)):
        assert api.get(f"{LOG}/{text}").status_code == 404


def test_events_of_every_code_are_on_the_list(api: httpx.Client, world: World) -> None:
    found = {code: happen(world, code) for code in sorted(map(int, EventCode))}
    assert ids(api, n=1000, sort="ASC") == list(found.values())
    assert ids(api, event_codes="50,63", level="") == [found[63], found[50]]
    assert ids(api, event_codes="63", level="debug", sort="ASC") == [found[code] for code in (1, 2, 3, 63)]
    refused = api.get(LOG, params={"event_codes": "50,999"})
    assert (refused.status_code, refused.json()["error_description"]) == (
        400,
        "The following event codes are not valid for this method: 999",
    )


def test_events_are_found_by_when_where_and_whether_they_were_told_later(api: httpx.Client, world: World) -> None:
    front, _, far = world.channel_ids
    north, south = world.site_ids
    old = happen(world, 50, 100 * DAY, channel_id=front)
    at_front = happen(world, 50, 3000, channel_id=front, is_replayed=True)
    at_far = happen(world, 50, 2000, channel_id=far)
    nowhere = happen(world, 50, 1000, person_id=world.person_id)
    assert ids(api) == [nowhere, at_far, at_front], "of the last 90 days"
    assert ids(api, since_utc="2025-01-01T00:00") == [nowhere, at_far, at_front, old]
    assert ids(api, until="2025-12-25T00:00:00Z") == [old], "of the 90 days before"
    assert ids(api, until="2026-03-02T08:59:58Z") == [at_front], "that instant itself is not before it"
    assert ids(api, replayed="true") == ids(api, replayed="true", channels=front) == [at_front]
    assert ids(api, replayed="true", channels=far) == []
    assert ids(api, replayed="false") == [nowhere, at_far]
    assert api.get(LOG, params={"replayed": "false", "n": 1}).headers["total"] == "2"
    assert ids(api, site_ids=north) == [at_front]
    assert ids(api, site_ids=f"{north},{south}") == [at_far, at_front]
    assert ids(api, site_ids=north, channels=far) == ids(api, site_ids=99) == []
    assert ids(api, person_id=world.person_id) == ids(api, first_name="ada") == [nowhere]
    for wrong in ({"until": "soon"}, {"replayed": "perhaps"}, {"site_ids": "x"}, {"n": "0"}, {"channels": "-1"}):
        refused = api.get(LOG, params=wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "bad_request")
        assert next(iter(wrong)) in refused.json()["error_description"]


def test_who_is_limited_to_sites_sees_what_happened_there(api: httpx.Client, world: World, served: Served) -> None:
    front, _, far = world.channel_ids
    at_front, at_far = happen(world, 55, channel_id=front), happen(world, 55, channel_id=far)
    _, token = world.user("viewer", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert ids(limited) == ids(limited, site_ids=",".join(map(str, world.site_ids))) == [at_far]
        assert ids(limited, site_ids=world.site_ids[0]) == []
        assert limited.get(f"{LOG}/{at_far}").status_code == 200
        assert limited.get(f"{LOG}/{at_front}").status_code == 404
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(elsewhere.token) as stranger:
        assert ids(stranger) == ids(stranger, site_ids=world.site_ids[0]) == []
        assert stranger.get(f"{LOG}/{at_far}").status_code == 404
    assert ids(api) == [at_far, at_front]


@pytest.fixture
def refused(doorward: Commands) -> tuple[int, int]:
    """Somebody without a role at a door, who is refused there: the channel and the person."""
    door = doorward.json("channel", "create", "Front door", "--site", 1)["id"]
    person = doorward.json("person", "create", "--first-name", "Ada", "--last-name", "Lovelace", "--card", "7")["id"]
    assert doorward.json("door", "present", door, "--card", "7")["event_code"] == 27
    return door, person


def test_the_command_line_lists_and_shows_events(doorward: Commands, refused: tuple[int, int]) -> None:
    door, person = refused
    doorward.json("site", "lockdown", 1)
    lockdown, event = doorward.json("events", "list")
    assert [each["event_code"] for each in (lockdown, event)] == [55, 27]
    assert lockdown["reasons"] == [{"code": "by", "text": "By command line."}]
    by_door: list[object] = ["--channel", door, "--code", 27, "--code", 28]
    for chosen in (by_door, ["--person", person], ["--site", 1, "--code", 27]):
        assert doorward.json("events", "list", *chosen) == [event]
    assert doorward.json("events", "list", "-n", 1) == [lockdown]
    assert doorward.json("events", "list", "--not-replayed", "--since", "2020-01-01") == [lockdown, event]
    for fits in (["--replayed"], ["--channel", "99"], ["--until", "2020-01-01"], ["--since", "2100-01-01T00:00Z"]):
        assert doorward.json("events", "list", *fits) == []
    assert doorward.json("events", "show", event["id"]) == event
    code, printed, _ = doorward("events", "show", event["id"])
    assert code == 0
    assert "Ada Lovelace rejected, not authorized" in printed
    assert printed.splitlines()[-1] == f"- {event['reasons'][-1]['text']}", "what would have been needed"
    _, printed, _ = doorward("events", "list")
    assert "Front door locked down" in printed


def test_what_no_event_can_be_is_said_in_a_line(doorward: Commands) -> None:
    assert doorward.refusal("events", "show", 99) == "there is no event 99"
    assert doorward.refusal("events", "list", "--code", 999).endswith("not valid for this method: 999")
    assert doorward.refusal("events", "list", "--since", "yesterday").startswith("--since ")
    assert doorward.refusal("events", "list", "--until", "x").startswith("--until ")
    assert "-n" in doorward.refusal("events", "list", "-n", 0)
