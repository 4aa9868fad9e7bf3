"""No page asks the database more than ten times, whatever is in it."""

from collections.abc import Iterator

import httpx
import pytest

from doorward.db.connect import open_database
from doorward.installation.vault import open_vault
from doorward.kit.clock import SystemClock
from tests.support.browser_user import BrowserUser
from tests.support.console import Console
from tests.support.console_pages import Furnished, furnish, page_paths
from tests.support.server import serving
from tests.support.statements import CountingDatabase

MOST = 10


@pytest.fixture(scope="module")
def furnished(console: Console) -> Furnished:
    return furnish(console)


@pytest.fixture(scope="module")
def counted(console: Console, furnished: Furnished) -> Iterator[tuple[httpx.Client, CountingDatabase]]:
    """The same account, served by this process, which counts."""
    assert furnished.console is console
    data_dir = console.installation.data_dir
    database = open_database(f"sqlite:///{data_dir / 'doorward.db'}")
    counting = CountingDatabase(database)
    try:
        vault = open_vault(None, data_dir / "secret.key", database)
        with serving(counting, SystemClock(), vault) as (base_url, _):
            owner = console.users["owner"]
            user = BrowserUser(base_url, owner.email, owner.password)
            assert user.sign_in().status_code == 303
            yield user.http, counting
            user.http.close()
    finally:
        database.close()


def test_no_page_asks_the_database_more_than_ten_times(
    counted: tuple[httpx.Client, CountingDatabase], furnished: Furnished
) -> None:
    http, counting = counted
    asked: dict[str, int] = {}
    for path in page_paths():
        counting.reset()
        answer = http.get(furnished.address(path))
        assert answer.status_code in (200, 204, 303), (path, answer.status_code, answer.text[:300])
        # A file is read for as long as it is sent.
        if "attachment" not in answer.headers.get("content-disposition", ""):
            asked[path] = counting.number
    assert {path: number for path, number in asked.items() if number > MOST} == {}, asked
    assert min(asked.values()) >= 1, "the session at least"
