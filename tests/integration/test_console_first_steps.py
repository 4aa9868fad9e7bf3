"""The first steps: what is there counts, whoever made it; and where the doors are elsewhere, the page says so."""

from doorward.accounts.service import create_account
from doorward.channels.service import create_channel, delete_channel, list_channels
from doorward.console.start import first_run
from doorward.db.unit_of_work import Transaction
from doorward.oauth.tokens import authenticate
from doorward.people.service import get_person
from doorward.roles.service import create_role
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.services import happen, read, write
from tests.support.world import World


def signed_in(served: Served, world: World, user_id: int) -> FormBrowser:
    found = FormBrowser(served.base_url)
    found.sign_in(read(world, get_user, user_id).email)
    return found


def is_wanted(world: World, token: str) -> bool:
    def ask(transaction: Transaction) -> bool:
        return first_run.wanted(transaction, authenticate(transaction, token, world.clock.now()))

    return world.database.read_now(ask)


def test_only_who_may_make_a_door_is_led_there_and_only_while_there_is_none(world: World) -> None:
    tokens = {role: world.user(role)[1] for role in ("admin", "operator", "viewer")}
    limited = world.user("admin", site_ids=world.site_ids[:1])[1]
    assert not is_wanted(world, world.token)
    for channel in read(world, list_channels):
        write(world, delete_channel, channel.id)
    assert is_wanted(world, world.token)
    assert {role: is_wanted(world, token) for role, token in tokens.items()} == {
        "admin": True,
        "operator": False,
        "viewer": False,
    }
    assert not is_wanted(world, limited)
    elsewhere = world.database.write_now(lambda tx: create_account(tx, "Other", "UTC", world.clock.now()))
    assert elsewhere != world.account_id


def test_what_is_there_counts_and_the_rest_is_to_do(served: Served, world: World) -> None:
    owner = signed_in(served, world, world.owner_id)
    assert "3 of 5 done" in owner.get("/console/start").text, "Ada has a card, but no role"
    page = owner.get("/console/start")
    assert "Let Ada Lovelace open Front door" in page.text
    answered = owner.post("/console/start/card", page, person_id=str(world.person_id))
    assert (answered.status_code, answered.headers["location"]) == (303, "/console/start")
    assert "4 of 5 done" in owner.get("/console/start").text
    happen(world, 10, channel_id=world.channel_ids[0], person_id=world.person_id)
    assert "All done" in owner.get("/console/start").text


def test_a_role_that_opens_the_door_alone_is_used_again(served: Served, world: World) -> None:
    role = write(world, create_role, {"name": "Front", "channel_ids": world.channel_ids[:1]})
    owner = signed_in(served, world, world.owner_id)
    owner.post("/console/start/card", "/console/start", person_id=str(world.person_id))
    assert read(world, get_person, world.person_id).role_ids == (role.id,)


def test_without_doors_in_its_process_the_page_says_what_to_do_instead(served: Served, world: World) -> None:
    owner = signed_in(served, world, world.owner_id)
    owner.post("/console/start/card", "/console/start", person_id=str(world.person_id))
    page = owner.get("/console/start")
    assert f"doorward door present {world.channel_ids[0]} --card 1234" in page.text
    assert "Hold the card to the reader" not in page.text
    refused = owner.post("/console/start/try", page, person_id=str(world.person_id))
    assert refused.status_code == 422
    assert "in another process" in refused.text


def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(served: Served, world: World) -> None:
    for channel in read(world, list_channels):
        write(world, delete_channel, channel.id)
    owner = signed_in(served, world, world.owner_id)
    page = owner.get("/console/start")
    refused = owner.post("/console/start/door", page, site_id=str(world.site_ids[0]), door_name="", driver="simulated")
    assert refused.status_code == 422
    assert 'id="f-door_name-error"' in refused.text
    refused = owner.post("/console/start/door", page, site_name="", door_name="Gate", driver="simulated")
    assert 'id="f-site_name"' in refused.text or "Site name" in refused.text
    assert refused.status_code == 422
    assert read(world, list_channels) == []


def test_an_operator_has_no_part_in_it(served: Served, world: World) -> None:
    operator = signed_in(served, world, world.user("operator")[0])
    assert operator.get("/console/start").status_code == 403
    token = operator.token("/account/security")
    for step in ("account", "door", "code", "person", "card", "try"):
        answered = operator.http.post(f"/console/start/{step}", data={"csrf_token": token})
        assert answered.status_code == 403, step


def test_a_real_door_gets_a_code_for_its_controller(served: Served, world: World) -> None:
    for channel in read(world, list_channels):
        write(world, delete_channel, channel.id)
    write(world, create_channel, {"name": "Gate", "site_id": world.site_ids[0], "driver": "osdp"})
    owner = signed_in(served, world, world.owner_id)
    page = owner.get("/console/start?step=door")
    assert "Show a code for its controller" in page.text
    shown = owner.post("/console/start/code", page)
    assert shown.status_code == 200
    assert f"--server {served.base_url} " in shown.text
    assert "osdp-readers" in shown.text
