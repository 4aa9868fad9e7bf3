"""The rate limit: so many requests a minute for each token, across processes, and the headers that tell."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from doorward.kit.clock import FixedClock
from doorward.oauth.rates import MINUTE_MS, RateLimiter, forget_old
from tests.support.server import client, serving
from tests.support.world import World

LIMIT = 20


def statuses(http: httpx.Client, times: int) -> list[int]:
    return [http.get("/api/3/roles").status_code for _ in range(times)]


def test_a_token_may_ask_so_many_times_a_minute_and_no_more(world: World, clock: FixedClock) -> None:
    with (
        serving(world.database, clock, world.vault, rates=RateLimiter(LIMIT)) as (base_url, _),
        client(base_url, world.token) as http,
    ):
        first = http.get("/api/3/roles")
        assert first.headers["RateLimit-Limit"] == str(LIMIT)
        assert first.headers["RateLimit-Remaining"] == str(LIMIT - 1)
        assert statuses(http, LIMIT - 1) == [200] * (LIMIT - 1)
        refused = http.get("/api/3/roles")
        assert refused.status_code == 429
        assert refused.json()["error"] == "rate_limited"
        assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "60"
        assert refused.headers["RateLimit-Remaining"] == "0"
        with client(base_url, world.new_token(world.owner_id)) as other:
            assert other.get("/api/3/roles").status_code == 200
        clock.advance(MINUTE_MS)
        assert http.get("/api/3/roles").status_code == 200


def test_two_processes_together_let_no_more_pass(world: World, clock: FixedClock) -> None:
    if world.database.backend == "sqlite":
        return  # has one process: its counters are in its memory
    with (
        serving(world.database, clock, world.vault, rates=RateLimiter(LIMIT)) as (one, _),
        serving(world.database, clock, world.vault, rates=RateLimiter(LIMIT)) as (two, _),
        client(one, world.token) as first,
        client(two, world.token) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        found = [status for each in pool.map(lambda http: statuses(http, LIMIT), (first, second)) for status in each]
    assert found.count(200) <= LIMIT
    assert found.count(200) >= LIMIT - 2
    assert set(found) == {200, 429}
    clock.advance(3 * MINUTE_MS)
    assert world.database.write_now(lambda transaction: forget_old(transaction, clock.now())) == 1


def test_without_a_limit_nothing_is_counted(api: httpx.Client) -> None:
    assert "RateLimit-Limit" not in api.get("/api/3/roles").headers
