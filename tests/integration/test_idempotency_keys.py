"""Idempotency keys: what is sent again is answered again, and done once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from doorward.idempotency.service import KEPT_MS, forget_old
from doorward.kit.clock import FixedClock
from tests.integration.conftest import Served
from tests.support.world import World


def body_of(world: World, hour: int = 9) -> dict[str, object]:
    return {
        "person_id": world.person_id,
        "start_time": f"2026-03-05T{hour:02}:00:00Z",
        "end_time": f"2026-03-05T{hour + 1:02}:00:00Z",
        "channel_ids": world.channel_ids[:1],
    }


def reserve(api: httpx.Client, body: object, key: str) -> httpx.Response:
    return api.post("/api/3/reservations", json=body, headers={"Idempotency-Key": key})


def count(api: httpx.Client) -> int:
    return len(api.get("/api/3/reservations").json())


def test_the_same_key_and_body_give_the_first_answer_again(api: httpx.Client, world: World) -> None:
    first = reserve(api, body_of(world), "abc")
    again = reserve(api, body_of(world), "abc")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(api) == 1


def test_the_same_key_with_another_body_is_refused_and_does_nothing(api: httpx.Client, world: World) -> None:
    reserve(api, body_of(world), "abc")
    other = reserve(api, body_of(world, hour=12), "abc")
    assert other.status_code == 422
    assert other.json()["errors"] == {"Idempotency-Key": ["was used for another request"]}
    assert count(api) == 1


def test_a_request_that_was_refused_may_be_mended_under_its_key(api: httpx.Client, world: World) -> None:
    refused = reserve(api, body_of(world) | {"channel_ids": []}, "abc")
    assert refused.status_code == 422
    assert reserve(api, body_of(world), "abc").status_code == 201


def test_a_key_is_forgotten_after_a_day(api: httpx.Client, world: World, clock: FixedClock) -> None:
    token = world.new_token(world.owner_id, seconds=10 * 86_400)
    api.headers["Authorization"] = f"Bearer {token}"
    first = reserve(api, body_of(world), "abc")
    clock.advance(KEPT_MS)
    second = reserve(api, body_of(world), "abc")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    clock.advance(KEPT_MS)
    assert world.database.write_now(lambda transaction: forget_old(transaction, clock.now())) == 1


def test_a_key_is_its_users_own(api: httpx.Client, served: Served, world: World) -> None:
    first = reserve(api, body_of(world), "abc")
    with served.client(world.user("operator")[1]) as other:
        second = reserve(other, body_of(world), "abc")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


def test_fifty_at_once_with_one_key_do_the_work_once(api: httpx.Client, world: World) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: reserve(api, body_of(world), "abc"), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert count(api) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_what_is_no_key_is_said_to_be_none(api: httpx.Client, world: World, key: str) -> None:
    answer = reserve(api, body_of(world), key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error_description"]
    assert count(api) == 0
