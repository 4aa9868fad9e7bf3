"""Doors in the console: seen as they are, opened at one touch, told what to do, set up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.support.console import BERLIN, BRISTOL, Console
from tests.support.doors import eventually

LONDON = ZoneInfo("Europe/London")


def make_door(console: Console, name: str, **fields: Any) -> int:
    """A door of the test's own at Bristol, simulated unless said otherwise; one that is driven has been heard."""
    with console.api() as api:
        sites = {site["name"]: site["id"] for site in api.get("/api/3/sites").json()}
        made = api.post("/api/3/channels", json={"name": name, "site_id": sites[BRISTOL], **fields})
        assert made.status_code == 201, made.text
    door_id = int(made.json()["id"])
    if "driver" not in fields:
        follow(console, door_id)
    return door_id


def follow(console: Console, door_id: int) -> None:
    """Wait until the door goes by what is set."""

    def follows() -> bool:
        found = channel(console, door_id)
        return (found["status"], found["sync"]["status"]) == ("online", "ok")

    eventually(follows)


def channel(console: Console, door_id: int) -> dict[str, Any]:
    with console.api() as api:
        found: dict[str, Any] = api.get(f"/api/3/channels/{door_id}").json()
    return found


def codes_at(console: Console, door_id: int) -> list[int]:
    with console.api() as api:
        return [event["event_code"] for event in api.get(f"/api/3/event_log?channels={door_id}").json()]


def tell(console: Console, door_id: int, command: str, body: dict[str, Any] | None = None) -> None:
    with console.api() as api:
        answer = api.post(f"/api/3/channels/{door_id}/{command}", json=body or {})
        assert answer.status_code == 200, answer.text


def tile(page: Page, name: str) -> Any:
    return page.locator("article", has=page.get_by_role("link", name=name, exact=True))


def test_one_touch_opens_a_door_and_the_tile_says_so_once_it_has(console: Console) -> None:
    door = make_door(console, "Touched door")
    with console.page("operator") as page:
        page.goto("/console/doors?q=touched")
        here = tile(page, "Touched door")
        expect(here).to_contain_text("Locked")
        here.get_by_role("button", name="Open Touched door").click()
        expect(here.get_by_role("status")).to_contain_text("Opened at")
        assert {61, 50} <= set(codes_at(console, door))


def test_a_door_that_is_offline_is_never_said_to_have_opened(console: Console) -> None:
    make_door(console, "Cut off door", driver="osdp")
    with console.page() as page:
        page.goto("/console/doors?q=cut off")
        here = tile(page, "Cut off door")
        expect(here).to_contain_text("Offline never heard yet")
        here.get_by_role("button", name="Open Cut off door").click()
        expect(here.get_by_role("status")).to_have_text("Not opened: the door is offline")


def test_a_tile_changes_the_moment_its_door_does(console: Console) -> None:
    door = make_door(console, "Living door")
    with console.page() as page:
        with page.expect_response("**/console/live"):
            page.goto("/console/doors?q=living")
        here = tile(page, "Living door")
        expect(here).to_contain_text("Locked")
        # First of all: whoever opens a door within a second of its being unlocked has leave.
        console.installation.json("door", "open", door)
        expect(here).to_contain_text("Forced open")
        console.installation.json("door", "close", door)
        expect(here).not_to_contain_text("Forced open")
        tell(console, door, "unlock")
        expect(here).to_contain_text("Unlocked until told otherwise")
        expect(here.get_by_role("button")).to_have_count(0)
        tell(console, door, "lockdown")
        expect(here).to_contain_text("Locked down leaving stays possible")
        tell(console, door, "unlockdown")
        tell(console, door, "normal")
        expect(here).to_contain_text("Locked")


def test_a_door_is_unlocked_until_a_time_of_its_site_and_put_back(console: Console) -> None:
    door = make_door(console, "Timed door")
    with console.page("operator") as page:
        page.goto(f"/console/doors/{door}")
        page.get_by_role("button", name="Unlock", exact=True).click()
        page.get_by_role("radio", name="One hour").check()
        page.get_by_role("button", name="Unlock Timed door").click()
        expect(page.locator("#latest")).to_contain_text("Unlocked until")
        until = datetime.fromisoformat(channel(console, door)["mode"]["relock_at"])
        assert timedelta(minutes=58) < until - datetime.now(UTC) <= timedelta(hours=1)

        page.get_by_role("button", name="Change how long").click()
        page.get_by_role("radio", name="Until the end of the day").check()
        page.get_by_role("button", name="Unlock Timed door").click()
        expect(page.get_by_text("is being unlocked")).to_be_visible()
        until = datetime.fromisoformat(channel(console, door)["mode"]["relock_at"]).astimezone(LONDON)
        assert (until.hour, until.minute) == (0, 0)

        page.get_by_role("button", name="Change how long").click()
        page.get_by_label("The time").fill("2019-06-01T12:00")
        expect(page.get_by_role("radio", name="Until a time")).to_be_checked()
        page.get_by_role("button", name="Unlock Timed door").click()
        expect(page.locator("#f-relock_at-error")).to_contain_text("future")
        page.get_by_label("The time").fill("2099-06-01T12:00")
        page.get_by_role("button", name="Unlock Timed door").click()
        expect(page.get_by_text("is being unlocked")).to_be_visible()
        assert channel(console, door)["mode"]["relock_at"] == "2099-06-01T11:00:00.000Z"

        page.get_by_role("button", name="Back to normal").click()
        expect(page.get_by_text("is back to normal")).to_be_visible()
        assert channel(console, door)["mode"]["description"] == "normal"


def test_a_door_is_locked_down_and_lifted_with_the_keyboard_alone(console: Console) -> None:
    door = make_door(console, "Keyed door")
    with console.page("operator") as page:
        page.goto(f"/console/doors/{door}")
        page.get_by_role("button", name="Lock down").focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Lock down Keyed door?")
        expect(dialog).to_contain_text("Leaving stays possible")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert channel(console, door)["lockdown"] is None
        page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        # From the boxes, of which cards and inputs are ticked, over the one for the way out and "Cancel".
        page.keyboard.press("Tab")
        while not dialog.get_by_role("button", name="Lock down Keyed door").evaluate("each => each.matches(':focus')"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("is being locked down")).to_be_visible()
        locked = channel(console, door)["lockdown"]
        assert [locked[name]["state"] for name in ("card_lockdown", "rex_lockdown", "aux_lockdown")] == [
            True,
            False,
            True,
        ]
        page.get_by_role("button", name="Lift the lockdown").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("is lifted")).to_be_visible()
        assert channel(console, door)["lockdown"] is None


def test_a_lockdown_of_nothing_says_what_is_missing(console: Console) -> None:
    door = make_door(console, "Undecided door")
    with console.page() as page:
        page.goto(f"/console/doors/{door}/lockdown")
        page.get_by_label("Cards and PINs").uncheck()
        page.get_by_label("Auxiliary inputs").uncheck()
        page.get_by_role("button", name="Lock down Undecided door").click()
        expect(page.locator("#f-card_lockdown-error")).to_contain_text("at least one")
        assert channel(console, door)["lockdown"] is None


def test_a_shift_unlocks_a_door_by_itself(console: Console) -> None:
    door = make_door(console, "Shifted door")
    with console.page() as page:
        page.goto(f"/console/doors/{door}")
        page.get_by_role("button", name="Auto-unlock").click()
        page.get_by_label("Unlock it while this shift is open").select_option("Long days")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("unlocks by Long days")).to_be_visible()
        assert channel(console, door)["auto_unlock"]["name"] == "Long days"
        is_open = 6 <= datetime.now(LONDON).hour < 23
        words = "Unlocked by its shift" if is_open else "Long days unlocks it next"
        expect(page.locator("#latest")).to_contain_text(words)


def test_an_admin_adds_a_door_changes_its_settings_and_deletes_it(console: Console) -> None:
    with console.page("admin") as page:
        page.goto("/console/doors")
        page.get_by_role("link", name="Add a door").click()
        page.get_by_label("Name").fill("Annexe door")
        page.get_by_label("Site", exact=True).select_option(BRISTOL)
        page.get_by_role("button", name="Add the door").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Annexe door")
        door = int(page.url.rsplit("/", 1)[1])

        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_label("Released for").fill("1000")
        page.get_by_label("Held open: alarm after").fill("20")
        page.get_by_label("Warn so long before").fill("25")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#f-pulse_ms-error")).to_have_text("Must be between 0.1 and 600 seconds")
        page.get_by_label("Released for").fill("2.5")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#f-held_open_warning_ms-error")).to_have_text("Must be less than the time until the alarm")
        page.get_by_label("Warn so long before").fill("5")
        page.get_by_label("Decides by itself for so many hours").fill("")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Annexe door was saved.")).to_be_visible()
        with console.api() as api:
            settings = api.get(f"/api/3/channels/{door}/settings").json()
        changed = {name: settings[name] for name in ("pulse_ms", "held_open_ms", "held_open_warning_ms")}
        assert changed == {"pulse_ms": 2500, "held_open_ms": 20_000, "held_open_warning_ms": 5000}
        assert settings["staleness_hours"] is None

        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_role("button", name="Make a new key").click()
        page.get_by_role("dialog").get_by_role("button", name="Make a new key").click()
        expect(page.get_by_text("gets a new encryption key")).to_be_visible()
        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Annexe door").click()
        expect(page.get_by_text("Annexe door was deleted.")).to_be_visible()
        with console.api() as api:
            assert api.get(f"/api/3/channels/{door}").status_code == 404


def test_who_has_access_is_explained_from_the_person_to_the_shift(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto(f"/console/doors/{console.ids('channels')['Front door']}")
        page.get_by_role("link", name="See who, and why").click()
        page.get_by_label("Find a person by name").fill("love")
        row = page.get_by_role("row").filter(has_text="Ada Lovelace")
        expect(page.get_by_role("row")).to_have_count(2)
        expect(row.get_by_role("listitem")).to_contain_text(
            ["Group Residents", "Role Bristol round the clock", "at any time"]
        )
        expect(row).to_contain_text("May open")


def test_a_viewer_is_offered_no_command_and_is_refused_when_forcing_one(console: Console) -> None:
    door = console.ids("channels")["Workshop"]
    with console.page("viewer") as page:
        page.goto(f"/console/doors/{door}")
        expect(page.locator("main").get_by_role("button")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for path in ("admit", "lockdown", "unlock", "normal", "auto_unlock", "settings", "delete"):
            refused = page.request.post(f"/console/doors/{door}/{path}", form={"csrf_token": token, "choice": "open"})
            assert refused.status == 403, path
        assert page.request.get(f"/console/doors/{door}/settings").status == 403


def test_whoever_is_limited_to_a_site_sees_and_opens_no_door_elsewhere(console: Console) -> None:
    doors = console.ids("channels")
    with console.page("limited") as page:
        page.goto("/console/doors")
        expect(page.get_by_role("heading", name=BRISTOL)).to_be_visible()
        expect(page.get_by_text(BERLIN)).to_have_count(0)
        assert page.request.get(f"/console/doors/{doors['Studio']}").status == 404
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for command in ("admit", "lockdown"):
            answer = page.request.post(f"/console/doors/{doors['Studio']}/{command}", form={"csrf_token": token})
            assert answer.status == 404
        here = tile(page, "Goods entrance")
        here.get_by_role("button").click()
        expect(here.get_by_role("status")).to_contain_text("Opened at")


def test_without_scripts_a_door_is_still_opened_and_its_page_says_what_became_of_it(console: Console) -> None:
    door = make_door(console, "Plain door")
    with console.page("operator", java_script_enabled=False) as page:
        page.goto(f"/console/doors/{door}")
        page.get_by_role("button", name="Open now").click()
        page.wait_for_url("**/console/doors/*?admission=*")
        outcome = page.locator(f"#outcome-{door}")
        for _ in range(50):
            if "Opened at" in outcome.inner_text():
                break
            page.reload()
        expect(outcome).to_contain_text("Opened at")


def test_on_a_phone_doors_fit_and_open_at_the_thumb(console: Console) -> None:
    make_door(console, "Pocket door")
    with console.page("operator", width=390) as page:
        page.goto("/console/doors")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        button = page.get_by_role("button", name="Open Pocket door")
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        button.click()
        expect(tile(page, "Pocket door").get_by_role("status")).to_contain_text("Opened at")
