"""A real browser: the system's Chromium, driven by Playwright."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_shared: list[asyncio.AbstractEventLoop] = []
"""The loop of the Chromium that a worker keeps, if there is one."""

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window; the test fails where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("there is no chromium here: `make test` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shared_chromium() -> Iterator[Browser]:
    """The same for as long as a worker lives, between whose tests there may be others with event loops of their own.

    Playwright's loop counts as running in this thread even while it does nothing, and asyncio wants one at a time.
    """
    with chromium() as found:
        loop = asyncio.get_running_loop()
        _shared.append(loop)
        try:
            yield found
        finally:
            _shared.remove(loop)
            asyncio._set_running_loop(loop)


def lend_thread(*, to_browser: bool) -> None:
    """Let the shared Chromium's loop be the one that runs in this thread, or let none of it be there."""
    for loop in _shared:
        if to_browser:
            asyncio._set_running_loop(loop)
        elif asyncio._get_running_loop() is loop:
            asyncio._set_running_loop(None)
