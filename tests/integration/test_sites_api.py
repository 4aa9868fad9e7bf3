"""Routes of /api/3/sites and of areas: contract operation listSites, and what is ours."""

import httpx

from doorward.channels.service import update_channel
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.world import World

SITES = "/api/3/sites"


def test_sites_have_exactly_the_contracts_fields_and_page(api: httpx.Client) -> None:
    body = {"name": "Annex", "time_zone": "America/New_York", "notes": "n", "site_ips": ["192.168.1.7/24", "10.0.0.1"]}
    made = api.post(SITES, json=body)
    expected = {
        "id": made.json()["id"],
        "name": "Annex",
        "ip_address": "10.0.0.1",
        "time_zone": "America/New_York",
        "notes": "n",
        "site_ips": [{"ip_address": "10.0.0.1"}, {"ip_address": "192.168.1.0/24"}],
    }
    assert (made.status_code, made.json()) == (201, expected)
    page = api.get(SITES, params={"per_page": 2, "page": 2})
    assert (page.json(), page.headers["total"], page.headers["per-page"]) == ([expected], "3", "2")
    assert len(api.get(SITES, params={"skip_pagination": "true", "per_page": 1}).json()) == 3
    assert api.get(SITES, params={"page": 9}).json() == []
    assert api.get(SITES, params={"page": 0}).status_code == 400
    assert api.get(f"{SITES}/{expected['id']}").json() == expected


def test_a_site_is_changed_as_it_was_shown_and_deleted_once_it_has_no_channels(api: httpx.Client, world: World) -> None:
    made = api.post(SITES, json={"name": "Annex", "site_ips": [{"ip_address": "::1"}]}).json()
    path = f"{SITES}/{made['id']}"
    assert api.put(path, json=made).json() == made
    assert api.put(path, json={"time_zone": "Europe/Paris", "site_ips": []}).json() == {
        **made,
        "time_zone": "Europe/Paris",
        "ip_address": None,
        "site_ips": [],
    }
    channel = api.delete(f"{SITES}/{world.site_ids[0]}")
    assert (channel.status_code, channel.json()["error"]) == (409, "conflict")
    assert api.delete(path).json() == {"result": "ok"}
    assert api.get(path).status_code == 404
    log = api.get("/api/3/audit_log", params={"resource_type": "site", "user_id": world.owner_id}).json()
    assert [entry["action"] for entry in log] == ["delete", "update", "create"], "none for what changes nothing"
    assert log[1]["before"] == {"time_zone": None, "site_ips": ["::1"]}
    assert log[1]["after"] == {"time_zone": "Europe/Paris", "site_ips": []}


def test_all_that_is_wrong_is_said_at_once(api: httpx.Client) -> None:
    body = {"name": " ", "time_zone": "../etc/passwd", "notes": 1, "site_ips": ["999.1.1.1", {"ip": 1}]}
    answer = api.post(SITES, json=body)
    assert (answer.status_code, sorted(answer.json()["errors"])) == (422, ["name", "notes", "site_ips", "time_zone"])
    assert api.post(SITES, json={"name": "x", "site_ips": ["::1"] * 100_000}).status_code == 422


def test_areas_belong_to_their_site(api: httpx.Client, world: World) -> None:
    north, south = world.site_ids
    made = api.post(f"{SITES}/{north}/areas", json={"name": "Hall"})
    area = made.json()
    assert (made.status_code, area["site_id"], area["name"]) == (201, north, "Hall")
    assert api.get(f"{SITES}/{north}/areas").json() == [area]
    assert api.get(f"{SITES}/{south}/areas").json() == []
    assert api.put(f"/api/3/areas/{area['id']}", json={"name": "Lobby"}).json()["name"] == "Lobby"
    assert api.put(f"/api/3/areas/{area['id']}", json={"name": ""}).status_code == 422
    for path in (f"{SITES}/9999/areas", f"{SITES}/{2**63}/areas", f"{SITES}/x/areas"):
        assert api.get(path).status_code == api.post(path, json={"name": "x"}).status_code == 404
    assert api.put("/api/3/areas/9999", json={"name": "x"}).status_code == 404
    assert api.delete(f"/api/3/areas/{area['id']}").json() == {"result": "ok"}
    assert api.delete(f"/api/3/areas/{area['id']}").status_code == 404
    log = api.get("/api/3/audit_log", params={"resource_type": "area"}).json()
    assert [entry["action"] for entry in log] == ["delete", "update", "create"]


def test_an_area_that_a_channel_leads_to_stays(api: httpx.Client, world: World) -> None:
    area = api.post(f"{SITES}/{world.site_ids[0]}/areas", json={"name": "Hall"}).json()["id"]
    write(world, update_channel, world.channel_ids[0], {"area_to_id": area})
    refused = api.delete(f"/api/3/areas/{area}")
    assert (refused.status_code, str(world.channel_ids[0]) in refused.json()["error_description"]) == (409, True)


def test_who_is_limited_to_sites_sees_and_changes_these_alone_and_makes_none(
    api: httpx.Client, world: World, served: Served
) -> None:
    north, south = world.site_ids
    hall = api.post(f"{SITES}/{north}/areas", json={"name": "Hall"}).json()["id"]
    _, token = world.user("admin", site_ids=[south])
    with served.client(token) as limited:
        listed = limited.get(SITES)
        assert ([site["id"] for site in listed.json()], listed.headers["total"]) == ([south], "1")
        assert limited.get(SITES, params={"per_page": 1}).headers["total"] == "1"
        assert limited.post(SITES, json={"name": "x"}).status_code == 403
        assert limited.delete(f"{SITES}/{south}").status_code == 403
        assert limited.put(f"{SITES}/{south}", json={"notes": "ours"}).status_code == 200
        yard = limited.post(f"{SITES}/{south}/areas", json={"name": "Yard"}).json()["id"]
        assert limited.put(f"/api/3/areas/{yard}", json={"name": "Court"}).status_code == 200
        for answer in (
            limited.get(f"{SITES}/{north}"),
            limited.put(f"{SITES}/{north}", json={"notes": "x"}),
            limited.delete(f"{SITES}/{north}"),
            limited.get(f"{SITES}/{north}/areas"),
            limited.post(f"{SITES}/{north}/areas", json={"name": "x"}),
            limited.put(f"/api/3/areas/{hall}", json={"name": "x"}),
            limited.delete(f"/api/3/areas/{hall}"),
        ):
            assert answer.status_code == 404


def test_what_is_no_json_object_is_a_bad_request(api: httpx.Client, world: World) -> None:
    for method, path in (("POST", SITES), ("PUT", f"{SITES}/{world.site_ids[0]}")):
        for content in (b"[]", b"{", b'{"name": "a", "name": "b"}', b'"x"', b""):
            answer = api.request(method, path, content=content, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
