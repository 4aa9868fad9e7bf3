"""What holds of every page of the console, whoever has built it. The pages are those that the routes have.

Every name and note in the account says something hostile: nothing of it runs, and nothing becomes a part of a page.
"""

import gzip
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import violations
from tests.support.console import Console
from tests.support.console_pages import Furnished, furnish, page_paths
from tests.support.hostile import FIELDS, HOSTILE, say_hostile

LARGEST_PAGE = 150_000
_NO_PAGES = ("", "application/json", "application/x-ndjson", "text/csv", "text/plain")
"""What browsers make no page of."""
_WATCH = """
(() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.hadRecentInput) {
        window.shifts.push([entry.value, entry.sources.map((each) => each.node?.outerHTML?.slice(0, 150)).join()]);
      }
    }
  }).observe({ type: "layout-shift", buffered: true });
})()
"""
PATHS = page_paths()


@pytest.fixture(scope="module")
def furnished(console: Console) -> Furnished:
    found = furnish(console)
    say_hostile(found)
    return found


@pytest.fixture(scope="module")
def owner(console: Console) -> Iterator[Page]:
    """One page for all: what is said on its console in the end fails the last test."""
    # Colours in the middle of a transition are nobody's to judge.
    with console.page(reduced_motion="reduce") as page:
        page.add_init_script(_WATCH)
        yield page


def _settle(page: Page) -> None:
    page.wait_for_load_state("load")
    expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_in_light_and_dark_fits_a_phone_and_takes_text_for_text(
    owner: Page, furnished: Furnished, path: str
) -> None:
    address = furnished.address(path)
    answer = owner.request.get(address, headers={"Accept": "text/html"}, max_redirects=0)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status == 303 or kind != "text/html":
        assert kind in _NO_PAGES, (address, kind)
        return
    assert answer.status == 200, (address, answer.status, answer.text()[:500])
    text = answer.text()
    if not text.lstrip().lower().startswith("<!doctype html>"):
        owner.goto(address)
        assert owner.locator("[data-xss]").count() == 0, address
        return
    assert len(gzip.compress(text.encode())) < LARGEST_PAGE
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    said: list[str] = []

    def note(message: object) -> None:
        said.append(str(message))

    owner.on("console", note)
    owner.on("dialog", note)
    try:
        for width, height in ((1440, 900), (390, 844)):
            owner.set_viewport_size({"width": width, "height": height})
            owner.emulate_media(color_scheme="light", reduced_motion="reduce")
            owner.goto(address)
            _settle(owner)
            assert owner.evaluate("document.documentElement.scrollWidth") <= width, f"{address} is wider than {width}"
            shifts = owner.evaluate("window.shifts")
            assert sum(value for value, _ in shifts) < 0.02, (width, shifts)
            for scheme in ("dark",) if width > 600 else ("light",):
                owner.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                expect(owner.locator(f"html[data-bs-theme={scheme}]")).to_have_count(1)
                assert violations(owner) == [], (address, width, scheme)
        assert owner.locator("h1").count() == 1
        assert owner.locator("[data-xss]").count() == 0
        assert said == []
    finally:
        owner.remove_listener("console", note)
        owner.remove_listener("dialog", note)


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("/new")])
def test_text_of_the_address_stays_text(owner: Page, furnished: Furnished, path: str) -> None:
    address = furnished.address(path)
    for names in (FIELDS[:5], FIELDS[5:]):
        query = "&".join(f"{name}={quote(HOSTILE)}" for name in names)
        answer = owner.request.get(f"{address}{'&' if '?' in address else '?'}{query}", max_redirects=0)
        assert answer.status in (200, 204, 303, 400, 404, 422), (answer.status, answer.text()[:300])
        if "text/html" in answer.headers.get("content-type", ""):
            assert "<img src=x" not in answer.text(), address
            assert "<script>alert" not in answer.text(), address
        assert not answer.headers.get("location", "/console").startswith(("http", "//")), address
