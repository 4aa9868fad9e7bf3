"""POST /api/3/reservations: contract page "create reservation"; behaviour.md, "Reservations"."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.integration.conftest import Served
from tests.support.server import serving
from tests.support.world import World

FIELDS = ["id", "person_id", "start_time", "end_time", "channel_ids", "created_at", "updated_at"]


def body_of(world: World, **changed: object) -> dict[str, object]:
    body: dict[str, object] = {
        "person_id": world.person_id,
        "start_time": "2026-03-02T10:00:00.000Z",
        "end_time": "2026-03-02T17:00:00.000Z",
        "channel_ids": world.channel_ids[:1],
    }
    body.update(changed)
    return {name: value for name, value in body.items() if value is not ...}


def post(api: httpx.Client, body: object) -> httpx.Response:
    return api.post("/api/3/reservations", json=body)


def errors_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert list(body) == ["error", "error_description", "errors"]
    assert body["error"] == "unprocessable_entity"
    errors: dict[str, Any] = body["errors"]
    return errors


def test_the_answer_has_exactly_the_contracts_fields_in_the_contracts_order(api: httpx.Client, world: World) -> None:
    answer = post(api, body_of(world, channel_ids=world.channel_ids[:2]))
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    created = answer.json()
    assert list(created) == FIELDS
    assert created["person_id"] == world.person_id
    assert created["start_time"] == "2026-03-02T10:00:00.000Z"
    assert created["end_time"] == "2026-03-02T17:00:00.000Z"
    assert created["channel_ids"] == world.channel_ids[:2]
    assert created["created_at"] == created["updated_at"] == "2026-03-02T09:00:00.000Z"


def test_a_role_with_a_shift_comes_with_the_reservation_and_goes_with_it(api: httpx.Client, world: World) -> None:
    created = post(api, body_of(world)).json()
    roles = {role["name"]: role for role in api.get("/api/3/roles").json()}
    role = roles[f"Reservation {created['id']}"]
    assert isinstance(role["shift_id"], int)
    answer = api.delete(f"/api/3/reservations/{created['id']}")
    assert (answer.status_code, answer.json()) == (200, {"result": "ok"})
    assert api.get("/api/3/roles").json() == []
    assert api.get("/api/3/reservations").json() == []
    assert api.delete(f"/api/3/reservations/{created['id']}").status_code == 404


def test_the_seed_example_with_its_dates_in_the_past_is_created_and_listed_by_nobody(
    api: httpx.Client, world: World
) -> None:
    answer = post(api, body_of(world, start_time="2024-01-15T09:00:00.000Z", end_time="2024-01-15T17:00:00.000Z"))
    assert answer.status_code == 201
    assert api.get("/api/3/reservations").json() == []
    assert api.get("/api/3/roles").json() == []


def test_the_role_is_gone_at_the_end_of_the_reservation_also_before_it_is_swept(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    post(api, body_of(world, end_time="2026-03-02T10:30:00Z"))
    clock.advance(89 * 60_000)
    assert len(api.get("/api/3/roles").json()) == 1
    clock.advance(60_000)
    assert api.get("/api/3/roles").json() == []
    assert api.get("/api/3/reservations").json() == []


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"person_id": ...}, {"person_id": ["can't be blank"]}),
        ({"person_id": None}, {"person_id": ["can't be blank"]}),
        ({"person_id": "1"}, {"person_id": ["must be an integer"]}),
        ({"person_id": True}, {"person_id": ["must be an integer"]}),
        ({"person_id": 0}, {"person_id": ["Not found for this account"]}),
        ({"person_id": 2**63 - 1}, {"person_id": ["Not found for this account"]}),
        ({"start_time": ...}, {"start_time": ["can't be blank"]}),
        ({"start_time": "soon"}, {"start_time": ["must be a date and time such as 2024-01-15T09:00:00Z"]}),
        ({"start_time": "2026-02-30T10:00:00Z"}, {"start_time": ["is not a date and time that exists"]}),
        ({"start_time": 5}, {"start_time": ["must be a date and time such as 2024-01-15T09:00:00Z"]}),
        ({"end_time": ...}, {"end_time": ["can't be blank"]}),
        ({"end_time": "2026-03-02T10:00:00Z"}, {"end_time": ["must be after start_time"]}),
        ({"end_time": "2026-03-02T09:00:00Z"}, {"end_time": ["must be after start_time"]}),
        ({"end_time": "2026-03-02T10:00:59.999Z"}, {"end_time": ["must be at least one minute after start_time"]}),
        (
            {"end_time": "2026-03-03T00:00:01Z"},
            {"end_time": ["must be on the same day as start_time in Europe/London"]},
        ),
        ({"channel_ids": ...}, {"channel_ids": ["can't be blank"]}),
        ({"channel_ids": []}, {"channel_ids": ["must name at least one channel"]}),
        ({"channel_ids": 1}, {"channel_ids": ["must be a list of integers"]}),
        ({"channel_ids": ["1"]}, {"channel_ids": ["must be a list of integers"]}),
        ({"channel_ids": [0]}, {"channel_ids": ["Not found for this account: 0"]}),
        ({"channel_ids": [2**63]}, {"channel_ids": ["must be a list of integers"]}),
        ({"channel_ids": list(range(1, 1002))}, {"channel_ids": ["has too many entries (at most 1000)"]}),
        (
            {"door_controller_ids": [99]},
            {"door_controller_ids": ["must be the same as channel_ids, which it is another name for"]},
        ),
    ],
)
def test_each_broken_rule_is_a_422_that_names_the_field_and_changes_nothing(
    api: httpx.Client, world: World, changed: dict[str, object], errors: dict[str, list[str]]
) -> None:
    assert errors_of(post(api, body_of(world, **changed))) == errors
    assert api.get("/api/3/reservations").json() == []
    assert api.get("/api/3/roles").json() == []


def test_all_broken_rules_are_told_at_once(api: httpx.Client, world: World) -> None:
    errors = errors_of(post(api, {"person_id": 999, "end_time": "x", "channel_ids": [world.channel_ids[0], 77, 78]}))
    assert errors == {
        "person_id": ["Not found for this account"],
        "start_time": ["can't be blank"],
        "end_time": ["must be a date and time such as 2024-01-15T09:00:00Z"],
        "channel_ids": ["Not found for this account: 77, 78"],
    }


def test_door_controller_ids_is_another_name_for_channel_ids(api: httpx.Client, world: World) -> None:
    first, second = world.channel_ids[:2]
    by_alias = post(api, body_of(world, channel_ids=..., door_controller_ids=[first]))
    assert by_alias.json()["channel_ids"] == [first]
    with_null = post(api, body_of(world, channel_ids=None, door_controller_ids=[first]))
    assert with_null.json()["channel_ids"] == [first]
    both = post(api, body_of(world, channel_ids=[first, second], door_controller_ids=[second, first]))
    assert both.json()["channel_ids"] == [first, second]


def test_a_channel_that_is_named_twice_is_granted_once(api: httpx.Client, world: World) -> None:
    first = world.channel_ids[0]
    assert post(api, body_of(world, channel_ids=[first, first])).json()["channel_ids"] == [first]


def test_fields_that_nobody_knows_are_left_alone(api: httpx.Client, world: World) -> None:
    assert post(api, body_of(world, note="from an old client", channelIds=[1])).status_code == 201


@pytest.mark.parametrize(
    ("time_zone", "start", "end", "accepted"),
    [
        # 2026-03-29: a day of 23 hours in London, 00:00Z to 23:00Z.
        ("Europe/London", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", True),
        ("Europe/London", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00.001Z", False),
        ("Europe/London", "2026-03-28T23:59:00Z", "2026-03-29T00:01:00Z", False),
        # 2026-10-25: a day of 25 hours, 23:00Z the day before to 00:00Z the day after.
        ("Europe/London", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z", True),
        ("Europe/London", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00.001Z", False),
        # A whole day to midnight.
        ("Europe/London", "2026-07-01T00:00:00+01:00", "2026-07-02T00:00:00+01:00", True),
        ("Europe/London", "2026-07-01T00:00:00", "2026-07-02T00:00:00", True),
        ("Europe/London", "2026-07-01T23:59:00", "2026-07-02T00:01:00", False),
        # Kathmandu is 5:45 ahead: its day begins at 18:15Z.
        ("Asia/Kathmandu", "2026-03-02T18:15:00Z", "2026-03-03T18:15:00Z", True),
        ("Asia/Kathmandu", "2026-03-02T18:14:00Z", "2026-03-02T18:16:00Z", False),
        # St John's is 3:30 behind: its day begins at 03:30Z in winter.
        ("America/St_Johns", "2026-02-02T03:30:00Z", "2026-02-03T03:30:00Z", True),
        ("America/St_Johns", "2026-02-02T03:29:00Z", "2026-02-02T03:31:00Z", False),
        ("America/St_Johns", "2026-03-08T03:30:00Z", "2026-03-09T02:30:00Z", True),
        ("America/St_Johns", "2026-03-08T03:30:00Z", "2026-03-09T02:31:00Z", False),
    ],
)
def test_start_and_end_are_on_one_local_day_of_the_account_also_when_the_clock_changes(
    database: Database, vault: Vault, clock: FixedClock, time_zone: str, start: str, end: str, accepted: bool
) -> None:
    world = World(database, vault, clock, time_zone=time_zone).build()
    with serving(database, clock, vault) as (base_url, _):
        answer = httpx.post(
            f"{base_url}/api/3/reservations",
            json=body_of(world, start_time=start, end_time=end),
            headers={"Authorization": f"Bearer {world.token}"},
        )
    if accepted:
        assert answer.status_code == 201, answer.text
    else:
        assert errors_of(answer) == {"end_time": [f"must be on the same day as start_time in {time_zone}"]}


def test_a_time_without_offset_is_local_and_one_that_the_clock_skips_is_refused(
    api: httpx.Client, world: World
) -> None:
    summer = post(api, body_of(world, start_time="2026-07-01T10:00:00", end_time="2026-07-01 11:00"))
    assert summer.json()["start_time"] == "2026-07-01T09:00:00.000Z"
    skipped = post(api, body_of(world, start_time="2026-03-29T01:30:00", end_time="2026-03-29T04:00:00"))
    assert errors_of(skipped) == {"start_time": ["does not exist in Europe/London: the clock skips it"]}
    twice = post(api, body_of(world, start_time="2026-10-25T01:30:00", end_time="2026-10-25T04:00:00"))
    assert twice.json()["start_time"] == "2026-10-25T00:30:00.000Z"


def test_a_channel_outside_the_users_sites_is_a_422_on_channel_ids(served: Served, world: World) -> None:
    _, token = world.user("operator", site_ids=[world.site_ids[0]])
    with served.client(token) as limited:
        errors = errors_of(post(limited, body_of(world, channel_ids=[world.channel_ids[0], world.channel_ids[2]])))
        assert errors == {"channel_ids": [f"Not found for this account: {world.channel_ids[2]}"]}
        assert post(limited, body_of(world)).status_code == 201


def test_people_and_channels_of_another_account_are_not_found(served: Served, world: World) -> None:
    other = World(world.database, world.vault, world.clock).build()
    with served.client(other.token) as stranger:
        errors = errors_of(post(stranger, body_of(world)))
        assert errors == {
            "person_id": ["Not found for this account"],
            "channel_ids": [f"Not found for this account: {world.channel_ids[0]}"],
        }


def test_a_reservation_of_another_account_cannot_be_seen_or_deleted(
    api: httpx.Client, served: Served, world: World
) -> None:
    created = post(api, body_of(world)).json()
    other = World(world.database, world.vault, world.clock).build()
    with served.client(other.token) as stranger:
        assert stranger.get("/api/3/reservations").json() == []
        assert stranger.get("/api/3/roles").json() == []
        assert stranger.delete(f"/api/3/reservations/{created['id']}").status_code == 404
    assert len(api.get("/api/3/reservations").json()) == 1


def test_a_user_limited_to_sites_sees_what_touches_them_and_deletes_only_what_is_wholly_theirs(
    api: httpx.Client, served: Served, world: World
) -> None:
    north, _, far = world.channel_ids
    here = post(api, body_of(world, channel_ids=[north])).json()["id"]
    both = post(api, body_of(world, channel_ids=[north, far])).json()["id"]
    away = post(api, body_of(world, channel_ids=[far])).json()["id"]
    _, token = world.user("operator", site_ids=[world.site_ids[0]])
    with served.client(token) as limited:
        listed = limited.get("/api/3/reservations")
        assert [entry["id"] for entry in listed.json()] == [here, both]
        assert [entry["channel_ids"] for entry in listed.json()] == [[north], [north]], "not those of other sites"
        assert listed.headers["total"] == "2"
        names = [role["name"] for role in limited.get("/api/3/roles").json()]
        assert names == sorted([f"Reservation {here}", f"Reservation {both}"])
        assert limited.delete(f"/api/3/reservations/{away}").status_code == 404
        assert limited.delete(f"/api/3/reservations/{both}").status_code == 403
        assert limited.delete(f"/api/3/reservations/{here}").status_code == 200


def test_of_several_who_delete_a_reservation_at_once_one_has_deleted_it(api: httpx.Client, world: World) -> None:
    for _ in range(4):
        number = post(api, body_of(world)).json()["id"]
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _, n=number: api.delete(f"/api/3/reservations/{n}").status_code, range(12)))
        assert sorted(answers) == [200] + [404] * 11


def test_reservations_page_with_the_headers_of_both_vendor_generations(api: httpx.Client, world: World) -> None:
    ids = [post(api, body_of(world)).json()["id"] for _ in range(5)]
    page = api.get("/api/3/reservations", params={"per_page": 2, "page": 2})
    assert [entry["id"] for entry in page.json()] == ids[2:4]
    assert list(page.json()[0]) == FIELDS
    for name, value in {
        "Total": "5",
        "Per-Page": "2",
        "X-Total-Results": "5",
        "X-Per-Page": "2",
        "X-Page": "2",
    }.items():
        assert page.headers[name] == value
    relations = re.findall(r'<([^>]+)>; rel="(\w+)"', page.headers["link"])
    assert {relation for _, relation in relations} == {"first", "prev", "next", "last"}
    following = next(link for link, relation in relations if relation == "next")
    assert [entry["id"] for entry in api.get(following).json()] == ids[4:]
    assert api.get("/api/3/reservations", params={"page": 9, "per_page": 2}).json() == []
    assert len(api.get("/api/3/reservations", params={"per_page": 2, "skip_pagination": "true"}).json()) == 5
    assert api.get("/api/3/reservations", params={"per_page": 100_000}).headers["per-page"] == "1000"
    for bad in ({"page": "0"}, {"page": "x"}, {"per_page": "-1"}, {"per_page": "1.5"}, {"skip_pagination": "maybe"}):
        answer = api.get("/api/3/reservations", params=bad)
        assert answer.status_code == 400
        assert next(iter(bad)) in answer.json()["error_description"]


def test_since_gives_what_was_updated_at_or_after_it(api: httpx.Client, world: World, clock: FixedClock) -> None:
    post(api, body_of(world, end_time="2026-03-02T18:00:00Z"))
    clock.advance(60_000)
    later = post(api, body_of(world, end_time="2026-03-02T18:00:00Z")).json()["id"]

    def ids(**query: str) -> list[int]:
        return [entry["id"] for entry in api.get("/api/3/reservations", params=query).json()]

    assert ids(since_utc="2026-03-02T09:01:00") == [later]
    assert ids(since="2026-03-02T09:01:00") == [later]
    assert ids(since="2026-03-02T10:01:00+01:00") == [later]
    assert ids(since_utc="2026-03-02T09:01:00.001Z") == []
    answer = api.get("/api/3/reservations", params={"since": "yesterday"})
    assert answer.status_code == 400
    assert "since" in answer.json()["error_description"]


def test_a_deleted_person_can_have_no_reservation_and_loses_those_they_had(api: httpx.Client, world: World) -> None:
    from doorward.people.service import delete_person

    post(api, body_of(world))
    now = world.clock.now()
    world.database.write_now(lambda tx: delete_person(tx, world.account_id, world.person_id, now))
    assert api.get("/api/3/reservations").json() == []
    assert api.get("/api/3/roles").json() == []
    assert errors_of(post(api, body_of(world))) == {"person_id": ["Not found for this account"]}
