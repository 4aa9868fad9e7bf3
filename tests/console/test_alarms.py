"""Alarms in the console, and what notification rules show."""

from contextlib import suppress
from typing import Any

from playwright.sync_api import expect

from tests.support.console import Console


def force(console: Console, door: str) -> int:
    """Open a door by force; gives its alarm, after those of it before are closed and the door is shut."""
    channel = console.ids("channels")[door]
    with console.api() as api:
        for each in api.get("/api/3/alarms", params={"channels": channel, "state": "open,acknowledged"}).json():
            api.post(f"/api/3/alarms/{each['id']}/close")
        with suppress(AssertionError):
            console.installation.json("door", "close", channel)
        console.installation.json("door", "open", channel)
        found = api.get("/api/3/alarms", params={"channels": channel, "state": "open"}).json()
    return int(found[0]["id"])


def state_of(console: Console, alarm_id: int) -> dict[str, Any]:
    with console.api() as api:
        found: dict[str, Any] = api.get(f"/api/3/alarms/{alarm_id}").json()
    return found


def test_an_alarm_appears_by_itself_and_is_acknowledged_noted_assigned_and_closed(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/alarms")
        alarm_id = force(console, "Workshop")
        page.get_by_role("button", name="Acknowledge: Workshop forced open").click()
        expect(page.get_by_role("status").first).to_contain_text("acknowledged")
        page.get_by_role("link", name="Acknowledged").click()
        page.get_by_role("link", name="Workshop forced open").click()
        expect(page.get_by_text("It is still so at the door.")).to_be_visible()
        page.get_by_label("Note").fill("The wedge was still under it.")
        page.get_by_role("button", name="Only add the note").click()
        expect(page.locator(".notes")).to_contain_text("The wedge was still under it.")
        page.get_by_label("Who sees to it").select_option(label="Operator")
        page.get_by_role("button", name="Assign").click()
        expect(page.get_by_label("Who sees to it")).to_contain_text("Operator")
        page.get_by_label("Note").fill("Shut.")
        page.get_by_role("button", name="Close the alarm").click()
        expect(page.get_by_role("button", name="Close the alarm")).to_have_count(0)
        found = state_of(console, alarm_id)
        assert found["state"] == "closed"
        assert [note["text"] for note in found["notes"]] == ["The wedge was still under it.", "Shut."]


def test_the_second_is_told_what_the_first_did_and_a_blank_note_is_said_at_its_field(console: Console) -> None:
    alarm_id = force(console, "Studio")
    with console.page("operator") as page:
        page.goto(f"/console/alarms/{alarm_id}")
        page.get_by_role("button", name="Only add the note").click()
        expect(page.get_by_label("Note")).to_have_attribute("aria-invalid", "true")
        with console.api() as api:
            assert api.post(f"/api/3/alarms/{alarm_id}/acknowledge").status_code == 200
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_role("status").first).to_contain_text("has been acknowledged by Olivia Owner already")


def test_an_alarm_is_seen_to_with_the_keyboard_alone(console: Console) -> None:
    alarm_id = force(console, "Roof terrace")
    with console.page(width=390) as page:
        page.goto("/console/alarms?site=all")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        wanted = page.get_by_role("button", name="Acknowledge: Roof terrace forced open")
        expect(wanted).to_be_visible()
        for _ in range(80):
            page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("acknowledged")
    assert state_of(console, alarm_id)["state"] == "acknowledged"


def test_a_viewer_sees_alarms_and_is_refused_when_acting_on_them(console: Console) -> None:
    alarm_id = force(console, "Server room")
    with console.page("viewer") as page:
        page.goto("/console/alarms")
        page.get_by_role("link", name="Server room forced open").click()
        for name in ("Acknowledge", "Close the alarm", "Assign"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for command in ("acknowledge", "close", "assign", "notes"):
            address = f"/console/alarms/{alarm_id}/{command}"
            refused = page.request.post(address, form={"csrf_token": token, "note": "Mine"}, max_redirects=0)
            assert refused.status == 403, command
    assert state_of(console, alarm_id)["state"] == "open"


def test_who_is_limited_to_a_site_sees_and_closes_only_its_alarms(console: Console) -> None:
    here, there = force(console, "Goods entrance"), force(console, "Main entrance")
    with console.page("limited") as page:
        page.goto("/console/alarms")
        expect(page.get_by_text("Main entrance forced open")).to_have_count(0)
        assert page.request.get(f"/console/alarms/{there}").status == 404
        page.get_by_role("button", name="Close: Goods entrance forced open").click()
        expect(page.get_by_role("status").first).to_contain_text("closed")
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        refused = page.request.post(f"/console/alarms/{there}/close", form={"csrf_token": token}, max_redirects=0)
        assert refused.status == 404
    assert (state_of(console, here)["state"], state_of(console, there)["state"]) == ("closed", "open")


def test_what_rules_show_is_read_one_by_one_or_all_at_once_by_each_for_themselves(console: Console) -> None:
    door = console.ids("channels")["Meeting room Brunel"]
    rule = {
        "name": "Strangers at Brunel",
        "match_event_codes": [20],
        "match_controller_ids": [door],
        "actions": [{"kind": "console"}],
    }
    with console.api() as api:
        assert api.post("/api/3/notification_rules", json=rule).status_code == 200
    for _ in range(3):
        console.installation.json("door", "present", door, "--card", "555000555")
    with console.page() as page:
        page.goto("/console/alarms")
        page.get_by_role("link", name="Notifications").click()
        unread = page.get_by_role("button", name="Mark as read:")
        # A rule is acted on a moment after its event.
        for _ in range(50):
            if unread.count() == 3:
                break
            page.wait_for_timeout(100)
            page.reload()
        expect(page.get_by_role("link", name="Strangers at Brunel").first).to_be_visible()
        unread.first.click()
        expect(unread).to_have_count(2)
        page.get_by_role("button", name="Mark all as read").click()
        expect(page.get_by_role("heading", name="You have read everything")).to_be_visible()
        page.get_by_role("link", name="All", exact=True).click()
        expect(page.locator(".notifications li")).to_have_count(3)
    with console.page("operator") as page:
        page.goto("/console/notifications")
        expect(page.get_by_role("button", name="Mark as read:")).to_have_count(3)
