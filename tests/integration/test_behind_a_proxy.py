"""Behind a reverse proxy: who asks is whom a trusted proxy names, and nobody else's word counts."""

import pytest
from sqlalchemy import select

from doorward.db.query import Query, word
from doorward.kit.clock import FixedClock
from doorward.settings import InvalidSetting, load
from doorward.signing_in.tables import sessions
from doorward.users.service import get_user
from tests.support.browser import FormBrowser
from tests.support.server import serving
from tests.support.services import read
from tests.support.world import PASSWORD, World

LAST_ADDRESS = Query(select(sessions.c.address).order_by(sessions.c.id.desc()).limit(1), word)
LOCAL = "127.0.0.1"


def address_seen(world: World, base_url: str, *forwarded: str, proto: str = "http") -> tuple[str | None, bool]:
    """From where somebody has signed in, as the server sees it, and whether by https."""
    browser = FormBrowser(base_url)
    browser.http.headers = type(browser.http.headers)(
        [("X-Forwarded-Proto", proto), *(("X-Forwarded-For", each) for each in forwarded)]
    )
    page = browser.get("/sign-in")
    name, value = page.headers["set-cookie"].split("; ")[0].split("=")
    fields = {
        "csrf_token": browser.token(page), "email": read(world, get_user, world.owner_id).email,
        "password": PASSWORD,
    }  # fmt: skip
    answer = browser.http.post("/sign-in", data=fields, headers={"Cookie": f"{name}={value}"})
    assert answer.status_code == 303, answer.text
    return world.database.read_now(lambda tx: tx.one(LAST_ADDRESS)), "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_believed_unless_the_operator_says_so(world: World, clock: FixedClock) -> None:
    with serving(world.database, clock, world.vault) as (base_url, _):
        assert address_seen(world, base_url, "203.0.113.9", proto="https") == (LOCAL, False)
    with serving(world.database, clock, world.vault, trusted_proxies=("10.0.0.0/8",)) as (base_url, _):
        assert address_seen(world, base_url, "203.0.113.9", proto="https") == (LOCAL, False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_trusted_proxy_says_who_asks_if_it_names_an_address(world: World, clock: FixedClock) -> None:
    trusted = ("127.0.0.0/8", "10.1.2.3")
    with serving(world.database, clock, world.vault, trusted_proxies=trusted) as (base_url, _):
        for forwarded, seen in (
            (("203.0.113.9",), "203.0.113.9"),
            (("192.0.2.66, 203.0.113.9, 10.1.2.3",), "203.0.113.9"),
            (("192.0.2.66", "203.0.113.9"), "203.0.113.9"),
            (("203.0.113.9:4711",), "203.0.113.9"),
            (("[2001:DB8:0::1]:4711",), "2001:db8::1"),
            (("::ffff:203.0.113.9",), "203.0.113.9"),
            (("203.0.113.9, unknown",), LOCAL),
            (("<script>",), LOCAL),
            (("fe80::1%<script>",), LOCAL),
            (("",), LOCAL),
            ((), LOCAL),
        ):
            assert address_seen(world, base_url, *forwarded) == (seen, False), forwarded
        assert address_seen(world, base_url, "nobody", proto="https") == (LOCAL, True)
        assert address_seen(world, base_url, proto="javascript") == (LOCAL, False)


def test_proxies_are_addresses_and_networks() -> None:
    def trusted(text: str) -> tuple[str, ...]:
        return load(environment={"DOORWARD_TRUSTED_PROXIES": text}).trusted_proxies

    assert load(environment={}).trusted_proxies == trusted("") == ()
    assert trusted(" 127.0.0.1, 10.1.0.0/16,::1,") == ("127.0.0.1", "10.1.0.0/16", "::1")
    for wrong in ("*", "proxy.example", "10.1.0.1/16", "10.1.0.0/33", "127.0.0.1:80"):
        with pytest.raises(InvalidSetting, match="DOORWARD_TRUSTED_PROXIES"):
            trusted(wrong)
