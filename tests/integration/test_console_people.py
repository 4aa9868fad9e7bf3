"""The console's pages about people, and its search, on both databases."""

from typing import Any

import pytest

from doorward.group_reservations.service import create_group_reservation
from doorward.groups.service import create_group
from doorward.kit.timestamps import format_instant
from doorward.oauth.tokens import authenticate
from doorward.people.service import create_person, update_person
from doorward.roles.service import create_role
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.services import happen, other_account, read, reserve, write, write_sealed
from tests.support.world import World

HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(served: Served, world: World) -> FormBrowser:
    browser = FormBrowser(served.base_url)
    assert browser.sign_in(read(world, get_user, world.owner_id).email).status_code == 303
    return browser


@pytest.fixture
def house(world: World) -> dict[str, Any]:
    """Ada holds a role, is in a group, will be in another for an hour, and has a reservation, a card and a PIN."""
    front = world.channel_ids[:1]
    role = write(world, create_role, {"name": "Always", "channel_ids": front, "person_ids": [world.person_id]})
    staff = write(world, create_group, {"name": "Staff", "role_ids": [role.id], "person_ids": [world.person_id]})
    later = write(world, create_group, {"name": "Later", "role_ids": [role.id]})
    now = world.clock.now()
    stretch = {"start_time": format_instant(now + 3_600_000), "end_time": format_instant(now + 7_200_000)}
    body = {"person_id": world.person_id, "group_ids": [later.id], **stretch}
    world.database.write_now(lambda tx: create_group_reservation(tx, authenticate(tx, world.token, now), body, now))
    reserve(world, world.person_id)
    write_sealed(world, update_person, world.person_id, {"pin": "123459"})
    happen(world, 10, channel_id=front[0], channel_name="Front door", person_id=world.person_id, person_name="Ada")
    return {"role": role.id, "staff": staff.id}


def test_a_person_is_shown_with_what_they_have_and_never_their_pin(
    world: World, owner: FormBrowser, house: dict[str, Any]
) -> None:
    page = owner.get(f"/console/people/{world.person_id}").text
    for text in ("Ada", "Staff", "Later, from", "Always", "Reservation", "Can open 1 door", "1234", "at any time"):
        assert text in page, text
    assert "123459" not in page
    history = owner.http.get(f"/console/people/{world.person_id}/history", headers=HTMX).text
    assert "<html" not in history
    assert "Ada admitted using card" in history
    assert house


def test_the_list_and_the_search_find_by_each_thing(world: World, owner: FormBrowser, house: dict[str, Any]) -> None:
    for query in ("", "q=ada", "q=1234", f"group={house['staff']}", f"role={house['role']}&q=a", "state=enabled"):
        page = owner.http.get(f"/console/people?{query}", headers=HTMX).text
        assert f"/console/people/{world.person_id}" in page, query
    for query in ("q=nobody", "state=no_credentials", "state=disabled&q=ada"):
        assert "Nobody fits" in owner.get(f"/console/people?{query}").text, query
    for text, address in (
        ("ada", f"/console/people/{world.person_id}"),
        ("1234", f"/console/people/{world.person_id}"),
        ("front", f"/console/doors/{world.channel_ids[0]}"),
        ("staf", f"/console/groups/{house['staff']}"),
        ("alway", f"/console/roles/{house['role']}"),
        ("webh", "/console/webhooks"),
    ):
        assert f'href="{address}"' in owner.http.get(f"/console/search?q={text}", headers=HTMX).text, text


def test_people_of_other_accounts_have_no_page_and_nothing_is_done_to_them(world: World, owner: FormBrowser) -> None:
    other = other_account(world)
    body = {"first_name": "Foreign", "last_name": "Spy"}
    spy = world.database.write_now(lambda tx: create_person(tx, world.vault, other, body, world.clock.now())).id
    for path in ("", "/edit", "/history", "/photo", "/credentials/new", "/admit", "/erase"):
        assert owner.get(f"/console/people/{spy}{path}").status_code == 404, path
    assert "Spy" not in owner.get("/console/search?q=spy").text
    token = owner.token("/console/people/new")
    for action in ("disable", "delete"):
        fields = {"csrf_token": token, "ids": str(spy), "action": action, "sure": "1"}
        done = owner.http.post("/console/people/bulk", data=fields)
        assert (done.status_code, "no such person" in done.text) == (200, True)
        assert owner.http.post(f"/console/people/{spy}/{action}", data={"csrf_token": token}).status_code == 404
