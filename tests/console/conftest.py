"""The console of the example account; one Chromium of each worker, one house of each module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import shared_chromium
from tests.support.console import Console, serving
from tests.support.installation import Installation


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with shared_chromium() as found:
        yield found


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Console]:
    with serving(Installation(tmp_path_factory.mktemp("console") / "data"), browser) as found:
        yield found
