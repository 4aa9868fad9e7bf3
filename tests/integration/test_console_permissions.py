"""Every route of the console asks as the API does: whoever may not is refused, and what is another's is not there."""

import re
from typing import Any, Final

import pytest

from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import BrowserOf, FormBrowser
from tests.support.console_routes import CHAT, PIN, filled, methods, paths, things_at
from tests.support.services import everything, read
from tests.support.world import World

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is the same on each database."""

OWN: Final = {
    "/console/theme",
    "/console/site",
    "/console/notifications/read",
    "/console/notifications/{notification_id}/read",
    "/console/tokens/new",
    "/console/tokens/{token_id}/revoke",
    "/console/shifts/preview",
}
"""What whoever is signed in may send: what is their own, and (the last) a question that changes nothing."""

FOR_OPERATORS: Final = {
    "/console/doors/{channel_id}/admissions/{admission_id}",
    "/console/doors/{channel_id}/auto_unlock",
    "/console/doors/{channel_id}/lockdown",
    "/console/doors/{channel_id}/unlock",
    "/console/groups/{group_id}/add",
    "/console/people/import",
    "/console/people/import/{import_id}",
    "/console/people/new",
    "/console/people/{person_id}/admissions/{admission_id}",
    "/console/people/{person_id}/admit",
    "/console/people/{person_id}/credentials/new",
    "/console/people/{person_id}/credentials/read",
    "/console/people/{person_id}/credentials/{credential_id}",
    "/console/people/{person_id}/edit",
    "/console/people/{person_id}/photo",
    "/console/reservations/groups/new",
    "/console/reservations/new",
}
"""Pages that are not for viewers."""

FOR_ADMINS: Final = {
    "/console/access/changes",
    "/console/applications",
    "/console/applications/new",
    "/console/applications/{application_id}",
    "/console/applications/{application_id}/edit",
    "/console/audit",
    "/console/audit/{entry_id}",
    "/console/controllers/code",
    "/console/credential-types/new",
    "/console/doors/new",
    "/console/doors/{channel_id}/settings",
    "/console/groups/new",
    "/console/holidays/import",
    "/console/holidays/new",
    "/console/people/{person_id}/erase",
    "/console/roles/new",
    "/console/rules/new",
    "/console/rules/{rule_id}/edit",
    "/console/settings",
    "/console/settings/retention",
    "/console/shifts/new",
    "/console/sites/new",
    "/console/start",
    "/console/start/cards",
    "/console/start/events",
    "/console/users",
    "/console/users/new",
    "/console/users/{user_id}",
    "/console/webhooks",
    "/console/webhooks/deliveries",
    "/console/webhooks/deliveries/{delivery_id}",
}
"""Pages that are not for operators, either."""

WHOLE_ACCOUNT: Final = {
    "/console/applications",
    "/console/applications/new",
    "/console/applications/{application_id}",
    "/console/applications/{application_id}/edit",
    "/console/audit",
    "/console/audit/{entry_id}",
    "/console/credential-types/new",
    "/console/lockdown/progress",
    "/console/people/{person_id}/erase",
    "/console/reports/unused-credentials",
    "/console/reports/unused-credentials/sheet",
    "/console/settings/retention",
    "/console/shifts/new",
    "/console/sites/new",
    "/console/users",
    "/console/users/new",
    "/console/users/{user_id}",
    "/console/webhooks",
    "/console/webhooks/deliveries",
    "/console/webhooks/deliveries/{delivery_id}",
}
"""Pages that are not for admins who are limited to sites."""

_ENDLESS: Final = "/console/live"
_QUERIES: Final = {"/console/reservations/feed": "?start=2026-03-02&end=2026-03-09"}
_OF_A_PLACE: Final = {
    *("admission_id", "alarm_id", "area_id", "channel_id", "controller_id", "event_id", "group_reservation_id"),
    *("holiday_id", "reservation_id", "role_id", "rule_id", "site_id"),
}
"""What whoever is limited to other sites does not find."""
_DECIDES_NOTHING: Final = {
    "/console/groups/{group_id}/members/{person_id}",
    "/console/people/{person_id}/enable",
    "/console/people/{person_id}/photo",
    "/console/people/{person_id}/photo/delete",
}
"""Who is in the group stays in it, who is enabled stays so, and a photo opens no door: the API lets them, too."""


def looked_at(path: str, ids: dict[str, int]) -> str:
    return filled(path, ids) + _QUERIES.get(path, "")


def test_pages_are_got_and_forms_are_posted_and_nothing_else() -> None:
    assert methods() <= {"GET", "POST", "OPTIONS", "HEAD"}
    assert set(paths("POST")) >= OWN
    assert set(paths("GET")) >= FOR_OPERATORS | FOR_ADMINS | WHOLE_ACCOUNT


@on_sqlite
def test_a_viewer_changes_nothing_but_what_is_their_own(served: Served, world: World, browser_of: BrowserOf) -> None:
    ids, viewer = things_at(served.base_url, world, 0), browser_of("viewer")
    token = viewer.token("/console/profile")
    before = everything(world)
    answers = {
        path: viewer.http.post(filled(path, ids), data={"csrf_token": token}).status_code
        for path in paths("POST")
        if path not in OWN
    }
    assert {path: status for path, status in answers.items() if status != 403} == {}
    assert everything(world) == before
    own = {path: viewer.http.post(filled(path, ids), data={"csrf_token": token}).status_code for path in OWN}
    assert {path for path, status in own.items() if status == 403} == set()
    assert own["/console/tokens/{token_id}/revoke"] == 404, "another's"


@on_sqlite
def test_a_page_is_for_those_whose_role_may_see_it(served: Served, world: World, browser_of: BrowserOf) -> None:
    ids, pages = things_at(served.base_url, world, 0), [path for path in paths("GET") if path != _ENDLESS]
    for browser, refused in (
        (browser_of("viewer"), FOR_OPERATORS | FOR_ADMINS),
        (browser_of("operator"), FOR_ADMINS),
        (browser_of("admin", [world.site_ids[0]]), WHOLE_ACCOUNT),
        (browser_of("admin"), set()),
        (browser_of("owner"), set()),
    ):
        answers = {path: browser.get(looked_at(path, ids)).status_code for path in pages}
        assert {path for path, status in answers.items() if status == 403} == refused
        assert {path: status for path, status in answers.items() if status not in (200, 403)} == {}


@on_sqlite
def test_to_look_at_a_page_changes_nothing(served: Served, world: World, browser_of: BrowserOf) -> None:
    ids, owner = things_at(served.base_url, world, 0), browser_of("owner")
    before = everything(world)
    for path in paths("GET"):
        if path != _ENDLESS:
            owner.get(looked_at(path, ids))
            owner.http.get(looked_at(path, ids), headers={"HX-Request": "true"})
    assert everything(world) == before


@on_sqlite
def test_no_form_is_taken_without_the_token_of_its_own_session(
    served: Served, world: World, browser_of: BrowserOf
) -> None:
    ids, owner = things_at(served.base_url, world, 0), browser_of("owner")
    anothers = browser_of("owner").token("/console/profile")
    right = owner.token("/console/profile")
    before = everything(world)
    for path in paths("POST"):
        address = filled(path, ids)
        foreign = {"Origin": "https://elsewhere.example"}
        for answer in (
            owner.http.post(address),
            owner.http.post(address, data={"csrf_token": anothers}),
            owner.http.post(address, data={"csrf_token": right}, headers=foreign),
            owner.http.post(address, params={"csrf_token": right}),
        ):
            assert answer.status_code == 403, path
        assert FormBrowser(served.base_url).http.post(address, data={"csrf_token": right}).status_code == 303, path
    assert everything(world) == before


@on_sqlite
def test_another_accounts_things_are_not_there(served: Served, world: World, browser_of: BrowserOf) -> None:
    other = World(world.database, world.vault, world.clock, "Europe/Paris").build()
    theirs, owner = things_at(served.base_url, other, 0), browser_of("owner")
    token = owner.token("/console/profile")
    before = everything(world)
    answers = {}
    for path in paths("GET"):
        if "{" in path:
            answers[f"GET {path}"] = owner.get(filled(path, theirs)).status_code
    for path in paths("POST"):
        if "{" in path:
            answers[f"POST {path}"] = owner.http.post(filled(path, theirs), data=_fields(token, theirs)).status_code
    assert {path: status for path, status in answers.items() if status != 404} == {}
    assert everything(world) == before


@on_sqlite
def test_what_is_at_other_sites_is_not_there(served: Served, world: World, browser_of: BrowserOf) -> None:
    far = things_at(served.base_url, world, 2)
    limited = browser_of("admin", [world.site_ids[0]])
    token = limited.token("/console/profile")
    before = everything(world)
    answers = {}
    for path in paths("GET"):
        if any(f"{{{name}}}" in path for name in _OF_A_PLACE):
            answers[f"GET {path}"] = limited.get(filled(path, far)).status_code
    for path in paths("POST"):
        if "{" in path and path not in OWN | _DECIDES_NOTHING:
            answers[f"POST {path}"] = limited.http.post(filled(path, far), data=_fields(token, far)).status_code
    assert {path: status for path, status in answers.items() if status not in (403, 404)} == {}
    assert everything(world) == before


def _fields(token: str, ids: dict[str, int]) -> dict[str, Any]:
    """A form with a little of everything, so that nothing is refused for what it lacks."""
    return {
        "csrf_token": token,
        **{name: ids[name] for name in ("channel_id", "site_id", "person_id", "group_id")},
        "name": "Mine",
        "label": "Mine",
        "kind": "google",
        "day": "2026-05-05",
        "role": "viewer",
        "email": "mine@acme.example",
        "first_name": "Mine",
        "last_name": "Mine",
        "value": "4242",
        "driver": "simulated",
        "choice": "open",
        "card_lockdown": "1",
        "note": "Mine",
        "on": "1",
        "match_event_codes": "10",
        "console": "1",
        "accepts": "card",
        "window-0-days": "mon",
        "window-0-start": "08:00",
        "window-0-end": "09:00",
        "holidays": "ignore",
    }


@on_sqlite
def test_the_audit_log_and_the_users_are_not_told_of_to_whom_the_api_would_not(
    served: Served, world: World, browser_of: BrowserOf
) -> None:
    ids, whole, limited = (
        things_at(served.base_url, world, 0),
        browser_of("admin"),
        browser_of("admin", [world.site_ids[0]]),
    )
    viewer = browser_of("viewer")
    door, alarm = f"/console/doors/{ids['channel_id']}", f"/console/alarms/{ids['alarm_id']}"
    reservation = f"/console/reservations/{ids['reservation_id']}"
    owner = read(world, get_user, world.owner_id).email
    assert "Who changed it" in whole.get(door).text
    assert "Who changed it" not in limited.get(door).text
    assert owner in whole.get(alarm).text, "whom it can be given to"
    assert owner not in limited.get(alarm).text
    assert owner in whole.get(reservation).text, "by whom it was added"
    assert owner not in limited.get(reservation).text + viewer.get(reservation).text


@on_sqlite
def test_a_group_lent_for_doors_of_other_sites_is_not_told_of(
    served: Served, world: World, browser_of: BrowserOf
) -> None:
    ids = things_at(served.base_url, world, 2)
    lent = f"/console/reservations/groups/{ids['group_reservation_id']}"
    person = f"/console/people/{world.person_id}"
    with served.client(world.token) as api:
        stretch = {"start_time": "2026-03-02T10:00:00Z", "end_time": "2026-03-02T12:00:00Z"}
        body = {"person_id": world.person_id, "group_ids": [ids["group_id"]], **stretch}
        assert api.post("/api/3/group_reservations", json=body).status_code == 201
    assert "Guards" in browser_of("admin").get(person).text
    limited = browser_of("admin", [world.site_ids[0]])
    assert "Guards" not in limited.get(person).text
    assert limited.get(lent).status_code == 404


@on_sqlite
def test_what_became_of_opening_one_door_is_not_told_at_another(
    served: Served, world: World, browser_of: BrowserOf
) -> None:
    ids, owner = things_at(served.base_url, world, 0), browser_of("owner")
    assert owner.get(f"/console/doors/{world.channel_ids[0]}/admissions/{ids['admission_id']}").status_code == 200
    assert owner.get(f"/console/doors/{world.channel_ids[1]}/admissions/{ids['admission_id']}").status_code == 404


@on_sqlite
@pytest.mark.parametrize("number", ["--5", "-", "1-2", "٣", "9" * 40, "1e5", " "])
def test_what_is_no_number_is_an_error_at_its_field(world: World, browser_of: BrowserOf, number: str) -> None:
    owner = browser_of("owner")
    for path, field in (
        (f"/console/doors/{world.channel_ids[0]}/auto_unlock", "shift_id"),
        ("/console/settings/retention", "days"),
        ("/console/roles/new", "channel_ids"),
        ("/console/notifications/read", "up_to"),
        (f"/console/people/{world.person_id}/admit", "channel_id"),
    ):
        answer = owner.post(path, "/console/profile", **{field: number})
        assert answer.status_code in (303, 400, 422), (path, answer.status_code)


_BEGIN: Final = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
_SLOW: Final = b"a" * 300_000 + b"-" + b"a" * 300_000
"""What the charset punycode would have Python think about for half a minute."""


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"csrf_token=1"),
        ("multipart/form-data; boundary=", b"--\r\n\r\n--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", _BEGIN + b"\r\n\xff\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", _BEGIN + b"Content-Type: a/b; charset=nonsense\r\n\r\nx\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            _BEGIN + b"Content-Type: a/b; charset=punycode\r\n\r\n" + _SLOW + b"\r\n--b--",
        ),
        ("multipart/form-data; boundary=b", _BEGIN + b"Content-Type: application/json\r\n\r\n{\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", (_BEGIN + b"\r\nx\r\n") * 3000),
        ("multipart/form-data; boundary=" + "b" * 5000, b"--b\r\n"),
        ("application/x-www-form-urlencoded", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/x-www-form-urlencoded", b"a&" * 6000),
        ("text/plain", b"a"),
    ],
    ids=range(14),
)
def test_a_form_that_cannot_be_read_is_refused_in_words(browser_of: BrowserOf, kind: str, content: bytes) -> None:
    owner = browser_of("owner")
    for path in ("/console/people/import", "/console/sites/new"):
        answer = owner.http.post(path, content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 403, 413, 415), (path, answer.status_code, answer.text[:200])
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.elapsed.total_seconds() < 5


@on_sqlite
def test_no_page_shows_a_pin_and_the_address_of_a_chat_is_for_those_who_change_the_rule(
    served: Served, world: World, browser_of: BrowserOf
) -> None:
    ids, edit = things_at(served.base_url, world, 0), "/console/rules/{rule_id}/edit"
    for role, told in (("viewer", set()), ("operator", set()), ("owner", {edit})):
        browser = browser_of(role)
        shown = {path: browser.get(looked_at(path, ids)).text for path in paths("GET") if path != _ENDLESS}
        assert {path for path, text in shown.items() if PIN in text} == set()
        assert {path for path, text in shown.items() if CHAT in text} == told


@on_sqlite
def test_whoever_is_not_signed_in_is_asked_to_at_every_page(served: Served) -> None:
    nobody = FormBrowser(served.base_url)
    for path in paths("GET"):
        answer = nobody.get(filled(path, {}))
        assert (answer.status_code, answer.text) == (303, ""), path
        assert answer.headers["location"].startswith("/sign-in?next=%2Fconsole"), path


@on_sqlite
@pytest.mark.parametrize(
    ("role", "limited"), [("viewer", False), ("operator", False), ("operator", True), ("admin", True)]
)
def test_no_page_has_a_link_to_what_is_refused(
    served: Served, world: World, browser_of: BrowserOf, role: str, limited: bool
) -> None:
    ids, browser = things_at(served.base_url, world, 0), browser_of(role, world.site_ids[:1] if limited else None)
    links: dict[str, str] = {}
    for path in paths("GET"):
        if path != _ENDLESS:
            page = browser.get(looked_at(path, ids))
            found = re.findall(r'(?:href|hx-get)="(/console[^"#]*)', page.text) if page.status_code == 200 else []
            links |= {link.replace("&amp;", "&"): path for link in found}
    refused = {link: path for link, path in links.items() if browser.get(link).status_code == 403}
    assert refused == {}
