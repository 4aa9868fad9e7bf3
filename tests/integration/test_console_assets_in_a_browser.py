"""What the console's pages load does its work in Chromium, under a policy that lets nothing else run or be loaded."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from doorward.console.assets import asset, icon
from doorward.db.connect import open_database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.support.chromium import chromium
from tests.support.server import serving

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HOURS = [[hour, day, (hour * day) % 7] for day in range(7) for hour in range(24)]
CHARTS = {
    "bar": {
        "legend": {},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": ["Mon", "Tue"]},
        "yAxis": {"type": "value"},
        "series": [{"type": "bar", "name": "Admitted", "data": [3, 5], "itemStyle": {"color": "var(--tblr-green)"}}],
    },
    "line": {
        "xAxis": [{"type": "category", "data": ["Mon", "Tue"]}],
        "yAxis": [{"type": "value"}],
        "series": [{"type": "line", "data": [1, 2], "areaStyle": {}}],
    },
    "heatmap": {
        "tooltip": {},
        "visualMap": {"min": 0, "max": 7},
        "xAxis": {"type": "category"},
        "yAxis": {"type": "category"},
        "series": [{"type": "heatmap", "data": HOURS}],
    },
    "calendar": {
        "visualMap": {"min": 0, "max": 10},
        "calendar": {"range": "2026-03"},
        "series": [{"type": "heatmap", "coordinateSystem": "calendar", "data": [["2026-03-02", 7]]}],
    },
    "pie": {"series": [{"type": "pie", "data": [{"name": "No access", "value": 4}, {"name": "Late", "value": 1}]}]},
    "gauge": {"series": [{"type": "gauge", "data": [{"name": "Inside", "value": 40}]}]},
}


@dataclass
class Console:
    """A page of the console in a browser, and what the browser had to say about it."""

    page: Page
    base_url: str
    said: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def open(self, body: str) -> Page:
        """Show a page with everything that pages of the console load."""
        self.answers["page"] = (
            200,
            f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
            <script src="{asset("theme.js")}"></script>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="{asset("console.css")}"><link rel="stylesheet" href="{asset("calendar.css")}">
            <script type="module" src="{asset("console.js")}"></script></head><body>{body}</body></html>""",
        )
        self.page.goto(f"{self.base_url}/console-test/page")
        return self.page

    def answer(self, route: Route) -> None:
        """Answer as the console's pages would."""
        status, body = self.answers[route.request.url.rpartition("/")[2]]
        headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(status=status, body=body, headers=headers)

    def note_stranger(self, request: Request) -> None:
        """Note what is asked of anybody but us."""
        if not request.url.startswith((self.base_url, "data:")):
            self.said.append(f"asked for {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def console(browser: Browser, migrated_copy: str, vault: Vault, clock: FixedClock) -> Iterator[Console]:
    """The console's files from a server; nothing may be reported by the browser."""
    database = open_database(migrated_copy)
    with serving(database, clock, vault) as (base_url, _):
        context = browser.new_context(color_scheme="light", reduced_motion="reduce")
        made = Console(context.new_page(), base_url)
        made.page.on("console", lambda message: made.said.append(message.text))
        made.page.on("pageerror", lambda error: made.said.append(str(error)))
        made.page.on("request", made.note_stranger)
        made.page.route("**/console-test/*", made.answer)
        yield made
        assert made.said == []
        context.close()
    database.close()


def chart(name: str) -> str:
    option = json.dumps(CHARTS[name]).replace("<", "\\u003c")
    return f'<div data-chart class="chart" id="{name}"><script type="application/json">{option}</script></div>'


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_drawn_and_says_what_it_shows(console: Console, name: str) -> None:
    page = console.open(chart(name))
    drawn = page.locator(f"#{name} svg")
    expect(drawn).to_be_visible()
    assert drawn.locator("path").count() > 2
    assert (page.locator(f"#{name} .chart-ground").get_attribute("aria-label") or "").startswith("This is a chart")


def test_a_chart_follows_the_page_from_light_to_dark_and_tells_more_where_one_points(console: Console) -> None:
    page = console.open(chart("bar"))
    word = page.locator("#bar svg text", has_text="Mon")
    light = word.get_attribute("fill")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(word).not_to_have_attribute("fill", light or "")
    named = page.locator("#bar svg text", has_text="Admitted")
    expect(named).to_have_count(1)  # in the legend
    page.locator("#bar svg").hover()
    expect(named).to_have_count(2)


def test_a_chart_that_htmx_brings_is_drawn_and_one_that_it_takes_away_is_forgotten(console: Console) -> None:
    console.answers["more"] = (200, chart("pie"))
    page = console.open(f'<button hx-get="more" hx-target="#place">More</button><div id="place">{chart("bar")}</div>')
    expect(page.locator("#bar svg")).to_be_visible()
    page.get_by_role("button", name="More").click()
    expect(page.locator("#pie svg")).to_be_visible()
    expect(page.locator("#bar")).to_have_count(0)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("#pie svg")).to_be_visible()


def test_a_calendar_is_drawn_with_its_styles(console: Console) -> None:
    page = console.open('<div data-calendar id="calendar"></div>')
    expect(page.locator("#calendar .fc-view-harness")).to_be_visible()
    assert page.locator("style").count() == 0


def test_a_form_that_is_refused_comes_back_with_what_is_wrong(console: Console) -> None:
    console.answers["save"] = (422, '<form id="form"><p class="invalid-feedback d-block">Give a name</p></form>')
    page = console.open(
        '<form id="form" hx-post="save" hx-target="this" hx-swap="outerHTML"><button>Save</button></form>'
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Give a name")).to_be_visible()
    # The browser itself reports an answer that is no success.
    assert [text for text in console.said if "422" in text] == console.said
    console.said.clear()


def test_menus_dialogues_and_icons_work(console: Console) -> None:
    page = console.open(f"""
      <details class="menu"><summary>{icon("dots")} Menu</summary>
        <div class="menu-body"><a href="#x">Lock</a></div></details>
      <button class="btn" command="show-modal" commandfor="sure">Delete</button>
      <dialog class="dialog" id="sure">Sure?
        <button command="close" commandfor="sure">No</button></dialog>{icon("lock", label="Locked")}""")
    page.get_by_text("Menu").click()
    expect(page.get_by_text("Lock", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Lock", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Sure?")).to_be_visible()
    page.get_by_role("button", name="No").click()
    expect(page.get_by_text("Sure?")).to_be_hidden()
    expect(page.get_by_role("img", name="Locked")).to_be_visible()


def test_colours_follow_the_device_where_nothing_was_chosen(console: Console) -> None:
    page = console.open("<p>Hello</p>")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
