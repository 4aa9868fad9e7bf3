"""Shifts in the console: the week grid, by mouse and by keys, and what a shift comes to."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.console import BRISTOL, Console

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def windows_of(console: Console, name: str) -> list[dict[str, Any]]:
    """The windows that the API has of a shift."""
    with console.api() as api:
        [found] = [shift for shift in api.get("/api/3/shifts").json() if shift["name"] == name]
        windows: list[dict[str, Any]] = found["windows"]
        return windows


def point(page: Page, row: int, hour: float) -> tuple[float, float]:
    """Where on the page an hour of a day is."""
    box = page.locator(".week-track").nth(row).bounding_box()
    assert box is not None
    return box["x"] + box["width"] * hour / 24, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[int, float], *through: tuple[int, float]) -> None:
    """Press at an hour of a day, go through others, and let go at the last."""
    page.locator("[data-week-grid]").scroll_into_view_if_needed()
    page.mouse.move(*point(page, *start))
    page.mouse.down()
    for stop in through:
        page.mouse.move(*point(page, *stop), steps=3)
    page.mouse.up()


def new_shift(page: Page, name: str) -> None:
    """An empty week of a shift that is to be added."""
    page.goto("/console/shifts/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Remove window 1").click()
    expect(page.locator(".week-piece")).to_have_count(0)


def test_the_week_grid_painted_with_the_mouse_gives_the_same_windows_through_the_api(console: Console) -> None:
    with console.page() as page:
        new_shift(page, "Painted by mouse")
        # The same hours on each day from Monday to Friday, in one stroke.
        drag(page, (0, 8.1), (2, 12), (4, 17.9))
        # Over midnight, on Friday and Saturday: down, and to the left.
        drag(page, (4, 22.1), (6, 4.9))
        # To the end of the day, and a second window of the same day.
        drag(page, (6, 20.1), (6, 23.9))
        drag(page, (6, 10.1), (6, 11.9))
        drag(page, (7, 10.1), (7, 15.9))
        # An edge: Monday ends at 16:30.
        drag(page, (0, 17.95), (0, 16.5))
        page.get_by_role("button", name="Add the shift").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Painted by mouse")
        assert windows_of(console, "Painted by mouse") == [
            {"days": ["mon"], "start": "08:00", "end": "16:30"},
            {"days": ["tue", "wed", "thu", "fri"], "start": "08:00", "end": "18:00"},
            {"days": ["fri", "sat"], "start": "22:00", "end": "05:00"},
            {"days": ["sun"], "start": "10:00", "end": "12:00"},
            {"days": ["sun"], "start": "20:00", "end": "24:00"},
            {"days": ["holiday"], "start": "10:00", "end": "16:00"},
        ]


def test_the_week_grid_painted_with_keys_gives_the_same_windows_through_the_api(console: Console) -> None:
    with console.page() as page:
        new_shift(page, "Painted by keys")
        keys = page.keyboard
        page.locator(".week-cell[tabindex='0']").focus()
        keys.press("Enter")  # at 08:00 on Monday
        for _ in range(4):
            keys.press("ArrowDown")
        for _ in range(5):
            keys.press("PageDown")
        keys.press("ArrowLeft")
        keys.press("Enter")  # at 17:30 on Friday, which ends at 18:00
        keys.press("Home")
        for _ in range(44):
            keys.press("ArrowRight")
        keys.press(" ")  # at 22:00 on Friday
        keys.press("ArrowDown")
        keys.press("Home")
        keys.press("PageDown")
        keys.press(" ")  # at 02:00 on Saturday, which ends at 02:30
        for _ in range(3):
            keys.press("ArrowUp")
        for _ in range(4):
            keys.press("PageDown")
        expect(page.locator(".week-cell:focus")).to_have_attribute("aria-label", "Wednesday 10:00, open")
        keys.press("Delete")
        expect(page.locator(".week-cell:focus")).to_have_attribute("aria-label", "Wednesday 10:00, closed")
        keys.press("ArrowDown")
        keys.press("Tab")
        expect(page.locator(".week-editor input").first).to_be_focused()
        keys.press("Tab")
        keys.press("Control+A")
        keys.type("17:15")
        keys.press("Enter")
        page.get_by_label("Name").focus()
        keys.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Painted by keys")
        assert windows_of(console, "Painted by keys") == [
            {"days": ["mon", "tue", "fri"], "start": "08:00", "end": "18:00"},
            {"days": ["thu"], "start": "08:00", "end": "17:15"},
            {"days": ["fri"], "start": "22:00", "end": "02:30"},
        ]


def test_the_grid_shows_what_the_rows_say_and_takes_back_what_was_done(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/shifts/{console.ids('shifts')['Workshop evenings']}")
        expect(page.locator(".week-piece")).to_have_count(4)
        page.get_by_role("textbox", name="From").nth(0).fill("16:45")
        page.get_by_role("textbox", name="From").nth(0).press("Tab")
        expect(page.locator(".week-piece", has_text="16:45")).to_have_count(2)
        page.locator(".week-piece", has_text="16:45").first.click()
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.locator(".week-piece")).to_have_count(3)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".week-piece")).to_have_count(4)


def test_without_scripts_the_rows_alone_make_a_shift_and_a_wrong_time_is_told_at_the_week(console: Console) -> None:
    with console.page(java_script_enabled=False) as page:
        page.goto("/console/shifts/new")
        page.get_by_label("Name").fill("By rows")
        row = page.locator("[data-window-row]").nth(1)
        row.get_by_label("Saturday").check()
        row.get_by_role("textbox", name="From").fill("9:00")
        row.get_by_role("textbox", name="to").fill("25:00")
        page.get_by_role("button", name="Add the shift").click()
        expect(page.get_by_role("alert")).to_contain_text("Window 2: end must be a time".lower(), ignore_case=True)
        row.get_by_role("textbox", name="to").fill("24:00")
        page.get_by_role("button", name="Add the shift").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("By rows")
    assert windows_of(console, "By rows") == [
        {"days": WORKDAYS, "start": "09:00", "end": "17:00"},
        {"days": ["sat"], "start": "09:00", "end": "24:00"},
    ]


def test_the_next_weeks_show_holidays_and_the_day_on_which_the_clocks_change(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/shifts/{console.ids('shifts')['Cleaning nights']}")
        page.get_by_label("Site").select_option(BRISTOL)
        page.get_by_label("Four weeks from").fill("2026-03-16")
        page.get_by_label("Four weeks from").blur()
        expect(page.locator(".ahead-span")).to_contain_text("Mon 16 Mar 2026 to Sun 12 Apr 2026, Europe/London time")
        ahead = page.locator("#ahead")
        expect(ahead.get_by_role("row", name="Fri 3")).to_contain_text("Good Friday")
        expect(ahead.get_by_role("row", name="Sun 29")).to_contain_text(
            "Clocks go forward 1 hour at 01:00: this day has 23 hours"
        )
        # What is painted is shown before it is saved.
        drag(page, (6, 10.1), (6, 11.9))
        expect(ahead.get_by_role("row", name="Sun 29")).to_contain_text("10:00-12:00")


def test_a_shift_in_use_is_not_deleted_and_one_that_is_free_is(console: Console) -> None:
    with console.api() as api:
        windows = [{"days": ["mon"], "start": "08:00", "end": "09:00"}]
        free = api.post("/api/3/shifts", json={"name": "Free", "windows": windows}).json()["id"]
    with console.page() as page:
        page.goto(f"/console/shifts/{console.ids('shifts')['Long days']}")
        expect(page.get_by_role("link", name="Berlin on long days")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Long days").click()
        expect(page.get_by_role("alert")).to_contain_text("used by the role")
        page.goto(f"/console/shifts/{free}")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Free").click()
        expect(page.get_by_role("status").first).to_contain_text("Free was deleted.")


def test_whoever_may_not_change_shifts_sees_the_week_and_is_refused_when_forcing_it(console: Console) -> None:
    shift = console.ids("shifts")["Office hours"]
    for user in ("viewer", "limited"):
        with console.page(user) as page:
            page.goto("/console/shifts")
            expect(page.get_by_role("link", name="Add a shift")).to_have_count(0)
            page.get_by_role("link", name="Office hours").click()
            expect(page.get_by_role("img", name="Mon-Fri 08:00 to 18:00")).to_be_visible()
            expect(page.get_by_role("button", name="Save")).to_have_count(0)
            token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
            refused = page.request.post(f"/console/shifts/{shift}", form={"csrf_token": token, "name": "Mine"})
            assert refused.status == 403


def test_the_week_fits_a_phone_and_is_painted_with_a_finger(console: Console) -> None:
    with console.page(width=390, has_touch=True) as page:
        page.goto("/console/shifts/new")
        expect(page.locator(".week-piece").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("[data-week-grid]").scroll_into_view_if_needed()
        page.touchscreen.tap(*point(page, 6, 12.1))
        expect(page.locator(".week-piece")).to_have_count(6)
