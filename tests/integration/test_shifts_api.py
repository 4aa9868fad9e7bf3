"""Routes of /api/3/shifts and /api/3/holidays, which are ours."""

import httpx

from tests.integration.conftest import Served
from tests.support.services import reserve
from tests.support.world import World

SHIFTS = "/api/3/shifts"
HOLIDAYS = "/api/3/holidays"
WINDOWS = [{"days": ["mon", "fri", "holiday"], "start": "07:00", "end": "22:00"}]


def test_a_shift_is_created_changed_and_deleted(api: httpx.Client) -> None:
    made = api.post(SHIFTS, json={"name": "Days", "windows": WINDOWS, "first_day": "2026-01-01"})
    shift = made.json()
    assert (made.status_code, shift) == (
        201,
        {
            "id": shift["id"],
            "name": "Days",
            "windows": WINDOWS,
            "first_day": "2026-01-01",
            "last_day": None,
            "holidays": "ignore",
            "starts_at": None,
            "ends_at": None,
            "created_at": "2026-03-02T09:00:00.000Z",
            "updated_at": "2026-03-02T09:00:00.000Z",
        },
    )
    path = f"{SHIFTS}/{shift['id']}"
    assert api.get(path).json() == shift
    changed = api.put(path, json={"holidays": "replace", "first_day": None})
    assert (changed.status_code, changed.json()) == (200, {**shift, "holidays": "replace", "first_day": None})
    assert api.put(path, json={"holidays": "replace"}).status_code == 200
    listed = api.get(SHIFTS)
    assert (listed.json(), listed.headers["total"]) == ([changed.json()], "1")
    assert api.delete(path).json() == {"result": "ok"}
    assert api.get(path).status_code == api.put(path, json={}).status_code == api.delete(path).status_code == 404
    log = api.get("/api/3/audit_log", params={"resource_type": "shift"}).json()
    assert [entry["action"] for entry in log] == ["delete", "update", "create"]
    assert log[1]["before"] == {"holidays": "ignore", "first_day": "2026-01-01"}
    assert log[0]["before"]["windows"] == WINDOWS


def test_a_shift_in_use_stays(api: httpx.Client) -> None:
    shift = api.post(SHIFTS, json={"name": "Days", "windows": WINDOWS}).json()["id"]
    role = api.post("/api/3/roles", json={"name": "R", "shift_id": shift}).json()["id"]
    refused = api.delete(f"{SHIFTS}/{shift}")
    assert (refused.status_code, refused.json()["error_description"]) == (409, f"The shift is used by the role {role}")
    api.delete(f"/api/3/roles/{role}")
    assert api.delete(f"{SHIFTS}/{shift}").status_code == 200


def test_all_that_is_wrong_is_said_at_once(api: httpx.Client) -> None:
    window = {"days": ["someday"], "start": "25:00", "end": 7}
    body = {"windows": [window, "x"], "first_day": "1.1.2026", "holidays": "never"}
    errors = api.post(SHIFTS, json=body).json()["errors"]
    assert sorted(errors) == ["first_day", "holidays", "name", "windows"]
    assert len(errors["windows"]) == 2
    assert api.post(SHIFTS, json={"name": "x", "windows": WINDOWS * 10_000}).status_code == 422


def test_who_is_limited_to_sites_sees_shifts_and_changes_none(api: httpx.Client, world: World, served: Served) -> None:
    shift = api.post(SHIFTS, json={"name": "Days", "windows": WINDOWS}).json()["id"]
    reserve(world, world.person_id)  # in the north
    reserved = next(each["id"] for each in api.get(SHIFTS).json() if each["starts_at"] is not None)
    assert api.delete(f"{SHIFTS}/{reserved}").status_code == 409
    _, token = world.user("admin", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        listed = limited.get(SHIFTS)
        assert ([each["id"] for each in listed.json()], listed.headers["total"]) == ([shift], "1")
        assert limited.get(f"{SHIFTS}/{shift}").status_code == 200
        assert limited.get(f"{SHIFTS}/{reserved}").status_code == 404
        assert limited.post(SHIFTS, json={"name": "x", "windows": WINDOWS}).status_code == 403
        assert limited.put(f"{SHIFTS}/{shift}", json={"name": "x"}).status_code == 403
        assert limited.delete(f"{SHIFTS}/{shift}").status_code == 403
    _, token = world.user("viewer", site_ids=[world.site_ids[0]])
    with served.client(token) as limited:
        assert limited.get(f"{SHIFTS}/{reserved}").json()["starts_at"] == "2026-03-02T10:00:00.000Z"


def test_holidays_are_added_listed_by_day_and_removed(api: httpx.Client, world: World) -> None:
    christmas = api.post(HOLIDAYS, json={"day": "2026-12-25", "name": "Christmas Day"})
    assert christmas.status_code == 201
    fair = api.post(HOLIDAYS, json={"day": "2026-05-01", "name": "Fair", "site_id": world.site_ids[0]}).json()
    assert fair == {"id": fair["id"], "site_id": world.site_ids[0], "day": "2026-05-01", "name": "Fair"}
    listed = api.get(HOLIDAYS)
    assert (listed.json(), listed.headers["total"]) == ([fair, christmas.json()], "2")
    assert api.get(HOLIDAYS, params={"from": "2026-05-02", "to": "2026-12-25"}).json() == [christmas.json()]
    for wrong in ("2026", "20260502", "x", "2026-02-30"):
        assert api.get(HOLIDAYS, params={"from": wrong}).status_code == 400
    assert api.post(HOLIDAYS, json={"day": "2026-12-25", "name": "Again"}).status_code == 422
    assert api.delete(f"{HOLIDAYS}/{fair['id']}").json() == {"result": "ok"}
    assert api.delete(f"{HOLIDAYS}/{fair['id']}").status_code == 404
    log = api.get("/api/3/audit_log", params={"resource_type": "holiday"}).json()
    assert [(entry["action"], entry["resource_id"]) for entry in log] == [
        ("delete", fair["id"]),
        ("create", fair["id"]),
        ("create", christmas.json()["id"]),
    ]


def test_a_countrys_holidays_are_imported_for_years_or_between_days(api: httpx.Client, world: World) -> None:
    known = {each["country"]: each["subdivisions"] for each in api.get(f"{HOLIDAYS}/countries").json()}
    assert "ENG" in known["GB"]
    assert len(known) > 100
    body = {"country": "GB", "subdivision": "ENG", "years": [2026]}
    done = api.post(f"{HOLIDAYS}/import", json=body)
    assert (done.status_code, done.json()["present"]) == (200, 0)
    added = done.json()["added"]
    assert len(api.get(HOLIDAYS).json()) == added > 5
    assert api.post(f"{HOLIDAYS}/import", json=body).json() == {"added": 0, "present": added}
    between = {"country": "GB", "from": "2026-12-01", "to": "2027-01-31", "site_id": world.site_ids[0]}
    assert api.post(f"{HOLIDAYS}/import", json=between).json()["added"] == len(
        [day for day in api.get(HOLIDAYS).json() if day["site_id"] is not None]
    )
    days = [day["day"] for day in api.get(HOLIDAYS).json() if day["site_id"] is not None]
    assert "2026-12-25" in days
    assert "2027-01-01" in days
    assert min(days) >= "2026-12-01"
    assert max(days) <= "2027-01-31"


def test_a_bad_import_names_the_fields(api: httpx.Client) -> None:
    bad: list[tuple[dict[str, object], list[str]]] = [
        ({"country": "GB"}, ["years"]),
        ({"country": "GB", "from": "2026-01-01"}, ["to"]),
        ({"country": "GB", "from": "2026-01-02", "to": "2026-01-01"}, ["to"]),
        ({"country": "GB", "from": "2000-01-01", "to": "2099-01-01"}, ["to"]),
        ({"country": "GB", "from": "2026-01-01", "to": "2026-02-01", "years": [2026]}, ["years"]),
        ({"country": 1, "years": "x", "site_id": "x"}, ["country", "site_id", "years"]),
        ({"country": "GB", "subdivision": "XX", "years": [2026], "site_id": 2**63 - 1}, ["site_id", "subdivision"]),
        ({"country": "GB", "years": list(range(100_000))}, ["years"]),
    ]
    for body, names in bad:
        answer = api.post(f"{HOLIDAYS}/import", json=body)
        assert (answer.status_code, sorted(answer.json()["errors"])) == (422, names), body
    assert api.get(HOLIDAYS).json() == []


def test_who_is_limited_to_sites_has_holidays_there_alone(api: httpx.Client, world: World, served: Served) -> None:
    north, south = world.site_ids
    everywhere, elsewhere = (
        api.post(HOLIDAYS, json={"day": "2026-12-25", "name": "x", "site_id": site_id}).json()["id"]
        for site_id in (None, north)
    )
    _, token = world.user("admin", site_ids=[south])
    with served.client(token) as limited:
        assert [day["id"] for day in limited.get(HOLIDAYS).json()] == [everywhere]
        assert limited.post(HOLIDAYS, json={"day": "2026-12-26", "name": "x"}).status_code == 403
        assert limited.post(HOLIDAYS, json={"day": "2026-12-26", "name": "x", "site_id": north}).status_code == 422
        assert limited.delete(f"{HOLIDAYS}/{everywhere}").status_code == 403
        assert limited.delete(f"{HOLIDAYS}/{elsewhere}").status_code == 404
        years = {"country": "GB", "years": [2026]}
        assert limited.post(f"{HOLIDAYS}/import", json=years).status_code == 403
        assert limited.post(f"{HOLIDAYS}/import", json={**years, "site_id": south}).json()["added"] > 0
        own = limited.post(HOLIDAYS, json={"day": "2026-07-07", "name": "x", "site_id": south})
        assert limited.delete(f"{HOLIDAYS}/{own.json()['id']}").status_code == 200
