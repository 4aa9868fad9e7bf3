"""Pictures of every page of the console, for people to look at: `make screenshots`.

`python -m tests.support.screenshots FOLDER [WORD…]` takes those whose path has one of the words, or all.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from doorward.kit import public_ids
from tests.support.chromium import chromium
from tests.support.console import Console, build_house, serving
from tests.support.console_pages import furnish, page_paths
from tests.support.lively import live

SIZES: Final = {1440: 900, 390: 844}


def take(folder: Path, words: list[str]) -> int:
    """Each page at each size, in light and in dark; gives their number."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        house = build_house(Path(directory) / "data")
        live(house.data_dir, public_ids.decode("account", house.made["account_id"]) or 0, house.made)
        with serving(house, browser) as console:
            return _take_all(console, folder, words)


def _take_all(console: Console, folder: Path, words: list[str]) -> int:
    furnished = furnish(console)
    paths = [path for path in page_paths() if not words or any(word in path for word in words)]
    with console.page(reduced_motion="reduce") as page:
        return sum(_take_one(page, furnished.address(path), folder / _name(path)) for path in paths)


def _take_one(page: Page, address: str, name: Path) -> int:
    answer = page.request.get(address, max_redirects=0)
    if answer.status != 200 or not answer.text().lstrip().lower().startswith("<!doctype html>"):
        return 0
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.goto(address)
            expect(page.locator(".htmx-request")).to_have_count(0)
            if width > 600:
                # What sticks to the screen is then as high as the page.
                tall = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": max(height, tall)})
            page.wait_for_timeout(300)
            page.screenshot(path=f"{name}-{width}-{scheme}.png")
            page.set_viewport_size({"width": width, "height": height})
    return len(SIZES) * 2


def _name(path: str) -> str:
    return re.sub(r"[^a-z]+", "-", path.removeprefix("/console").replace("_id", "")).strip("-") or "overview"


if __name__ == "__main__":
    print(f"{take(Path(sys.argv[1]), sys.argv[2:])} pictures in {sys.argv[1]}")
