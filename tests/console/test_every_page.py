"""What holds of every page of the console, whoever has built it. The pages are those that the routes have."""

import gzip
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import violations
from tests.support.console import Console
from tests.support.console_pages import Furnished, furnish, page_paths

LARGEST_PAGE = 150_000
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
    return furnish(console)


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
def test_a_page_is_accessible_in_light_and_dark_fits_a_phone_and_keeps_still(
    owner: Page, furnished: Furnished, path: str
) -> None:
    address = furnished.address(path)
    answer = owner.request.get(address, headers={"Accept": "text/html"}, max_redirects=0)
    if answer.status == 303 or "text/html" not in answer.headers.get("content-type", ""):
        pytest.skip("no page: it is sent on, saved, or data for a script")
    assert answer.status == 200, (address, answer.status, answer.text()[:500])
    text = answer.text()
    if not text.lstrip().lower().startswith("<!doctype html>"):
        pytest.skip("a part of a page")
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
    try:
        for width, height in ((1440, 900), (390, 844)):
            owner.set_viewport_size({"width": width, "height": height})
            owner.emulate_media(color_scheme="light", reduced_motion="reduce")
            owner.goto(address)
            _settle(owner)
            assert owner.evaluate("document.documentElement.scrollWidth") <= width, f"{address} is wider than {width}"
            shifts = owner.evaluate("window.shifts")
            assert sum(value for value, _ in shifts) < 0.02, (width, shifts)
            for scheme in ("light", "dark") if width > 600 else ("light",):
                owner.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                expect(owner.locator(f"html[data-bs-theme={scheme}]")).to_have_count(1)
                assert violations(owner) == [], (address, width, scheme)
        assert owner.locator("h1").count() == 1
        assert said == []
    finally:
        owner.remove_listener("console", note)
