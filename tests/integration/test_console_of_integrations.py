"""Pages of integrations and settings over full tables, on both databases; and what their forms leave on record."""

from dataclasses import dataclass

import pytest

from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.oauth.usage import Usage, write_usage
from doorward.signing_in.second_factor import state_of
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.rules import new_rule, send_due, sender_of
from tests.support.second_factor import with_second_factor
from tests.support.server import serving
from tests.support.services import read, write
from tests.support.statements import CountingDatabase
from tests.support.webhooks import happened as happen
from tests.support.webhooks import listening, rows
from tests.support.world import World

URL = "http://127.0.0.1:9/hook"
DAY_MS = 86_400_000
MOST = 10


@dataclass
class Busy:
    """An application that was used and told much, and a rule; by their ids."""

    application_id: int
    rule_id: int


@pytest.fixture
def busy(world: World, clock: FixedClock) -> Busy:
    application_id = listening(world, URL).application_id
    group = write(world, create_group, {"name": "Night watch"})
    rule = new_rule(
        world,
        {"kind": "post", "url": URL},
        {"kind": "slack", "url": "http://127.0.0.1:9/chat"},
        codes=(10, 33),
        match_controller_ids=world.channel_ids[:1],
        match_times=[{"days": ["mon", "holiday"], "start": "00:00", "end": "24:00"}],
    )
    assert group.id
    for _ in range(60):
        happen(world)
    send_due(world, sender_of(world, webhooks_too=True))
    day = clock.now() // DAY_MS
    counts = {
        (application_id, world.owner_id, "listPeople", day - 1): Usage(5, clock.now() - DAY_MS, "198.51.100.9"),
        (application_id, world.owner_id, "listPeople", day): Usage(2, clock.now(), "198.51.100.1"),
        (application_id, world.owner_id, "listEvents", day - 40): Usage(9, clock.now() - 40 * DAY_MS, "198.51.100.2"),
    }
    world.database.write_now(lambda transaction: write_usage(transaction, counts))
    return Busy(application_id, rule.id)


def signed_in(base_url: str, world: World, user_id: int) -> FormBrowser:
    """A browser in which a user has signed in."""
    browser = FormBrowser(base_url)
    assert browser.sign_in(read(world, get_user, user_id).email).status_code == 303
    return browser


def test_pages_say_what_is_in_full_tables_and_ask_the_database_little(
    world: World, clock: FixedClock, busy: Busy
) -> None:
    counting = CountingDatabase(world.database)
    of_rule = next(each.id for each in rows(world) if each.endpoint_id != rows(world)[0].endpoint_id)
    said = {
        "applications": ("Listener", "Failing"),
        f"applications/{busy.application_id}": ("7 requests in 30 days", "listPeople", "198.51.100.1"),
        "webhooks": ("Failing", "60 deliveries waiting", "Latest failures"),
        "webhooks/deliveries": ("1 to 50 of 180",),
        f"webhooks/deliveries?app={busy.application_id}&failed=true&kind=Event&state=pending": ("of 60",),
        f"webhooks/deliveries/{rows(world)[0].id}": ("Could not be reached", "(hidden)"),
        f"webhooks/deliveries/{of_rule}": ("notification_rule_name",),
        "rules": ("Doors",),
        f"rules/{busy.rule_id}": ("Front door", "Mon, Holidays, 00:00 to 24:00", "Failing"),
        f"rules/{busy.rule_id}/edit": ("Night watch", 'value="00:00"'),
        "tokens": ("No tokens yet",),
        "settings": ("60 events",),
        "users": ("owner",),
        "credential-types": ("card number",),
        "card-formats": ("H10301",),
        "profile": ("Owner",),
    }
    with serving(counting, clock, world.vault) as (base_url, _):
        owner = signed_in(base_url, world, world.owner_id)
        for path, texts in said.items():
            counting.reset()
            page = owner.get(f"/console/{path}")
            assert page.status_code == 200, (path, page.text)
            for text in texts:
                assert text in page.text, (path, text)
            assert counting.number <= MOST, (path, counting.number)
        assert "198.51.100.9" not in owner.get(f"/console/applications/{busy.application_id}").text
        owner.http.close()


def test_a_second_factor_is_reset_by_whoever_may_give_a_password_and_nobody_else(served: Served, world: World) -> None:
    with_second_factor(world)
    admin_id, _ = world.user("admin")
    viewer_id, _ = world.user("viewer")

    def is_on() -> bool:
        return world.database.read_now(lambda tx: state_of(tx, world.owner_id)).enabled_at is not None

    admin = signed_in(served.base_url, world, admin_id)
    for number, status in ((world.owner_id, 403), (admin_id, 403), (viewer_id, 303), (10**9, 404)):
        answer = admin.post(f"/console/users/{number}/second-factor", "/console/users")
        assert answer.status_code == status, (number, answer.text)
    assert is_on()
    second_id, _ = world.user("owner")
    second = signed_in(served.base_url, world, second_id)
    assert second.post(f"/console/users/{world.owner_id}/second-factor", "/console/users").status_code == 303
    assert not is_on()
    with served.client(world.token) as api:
        entries = api.get("/api/3/audit_log", params={"resource_type": "user"}).json()
    assert (entries[0]["user_id"], entries[0]["resource_id"]) == (second_id, world.owner_id)
    admin.http.close()
    second.http.close()


def test_what_is_made_in_the_console_is_audited_without_its_secret(served: Served, world: World) -> None:
    owner = signed_in(served.base_url, world, world.owner_id)
    made = owner.post(
        "/console/applications/new", "/console/applications/new", name="Kiosk", kind="service", webhook_url=URL
    )
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    assert "set-cookie" not in made.headers
    refused = owner.post("/console/applications/new", "/console/applications/new", name="Kiosk", kind="server")
    assert refused.status_code == 422
    assert "Kiosk" in refused.text
    with served.client(world.token) as api:
        entry = api.get("/api/3/audit_log", params={"resource_type": "application"}).json()[0]
    assert (entry["action"], entry["user_id"], entry["application_id"]) == ("create", world.owner_id, None)
    assert "secret" not in str(entry["after"])
    owner.http.close()


def test_a_change_without_the_pages_token_is_refused_wherever_a_secret_is_answered(
    served: Served, world: World, busy: Busy
) -> None:
    owner = signed_in(served.base_url, world, world.owner_id)
    before = [each.state for each in rows(world)]
    for path in (
        f"applications/{busy.application_id}/rotate",
        f"applications/{busy.application_id}/webhook-secret",
        f"applications/{busy.application_id}/webhook-test",
        f"rules/{busy.rule_id}/secret",
        f"rules/{busy.rule_id}/test",
        "tokens/new",
        "users/new",
        "settings/verify",
        "settings/test-mail",
    ):
        answer = owner.http.post(f"/console/{path}", data={"name": "Mine"})
        assert answer.status_code == 403, path
    assert [each.state for each in rows(world)] == before
    owner.http.close()
