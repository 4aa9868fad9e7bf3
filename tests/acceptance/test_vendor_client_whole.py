"""Every method of the fifteen API classes of the vendor's client, as it succeeds and as it fails."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.calls import Peer
from tests.support.browser_user import BrowserUser
from tests.support.installation import Server
from tests.vendor_client.client import Answer, Call, VendorClient, methods
from tests.vendor_client.whole import FAILURE, SUCCESS


@pytest.fixture(scope="module")
def peer(server: Server, made: dict[str, Any]) -> Iterator[Peer]:
    owner = made["owner"]
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=30, trust_env=False) as http:
        yield Peer(http, BrowserUser(server.base_url, owner["email"], owner["password"]), made)


@pytest.fixture(scope="module")
def successes(server: Server, peer: Peer, made: dict[str, Any]) -> list[tuple[Call, Answer]]:
    """Every method, called before any is refused: after a sync none succeeds for a minute."""
    calls = [Call(api, method, arguments(peer)) for (api, method), (arguments, _) in SUCCESS.items()]
    return list(zip(calls, VendorClient(server.base_url, made["token"]).batch(calls), strict=True))


def test_all_methods_of_all_classes_are_called() -> None:
    found = methods()
    assert len({api for api, _ in found}) == 15
    assert set(found) == set(SUCCESS)


def test_every_method_succeeds(successes: list[tuple[Call, Answer]]) -> None:
    for (call, answer), (_, status) in zip(successes, SUCCESS.values(), strict=True):
        assert (answer.ok, answer.status) == (True, status), (call, answer.error_message, answer.raw_body)


@pytest.mark.usefixtures("successes")
def test_every_method_tells_what_went_wrong(server: Server, peer: Peer, made: dict[str, Any]) -> None:
    calls = [Call(api, method, arguments(peer)) for (api, method), (arguments, _) in FAILURE.items()]
    answers = VendorClient(server.base_url, made["token"]).batch(calls)
    for call, answer, (_, status) in zip(calls, answers, FAILURE.values(), strict=True):
        assert (answer.ok, answer.status, answer.error_name) == (False, status, "ResponseError"), (
            call,
            answer.raw_body,
        )


def test_every_method_that_needs_a_token_says_so(server: Server) -> None:
    calls = [Call(api, method, {"id": 1, "personId": 1}) for api, method in SUCCESS if _wants_no_body(api, method)]
    for call, answer in zip(calls, VendorClient(server.base_url, None).batch(calls), strict=True):
        assert (answer.ok, answer.status) == (False, 401), (call, answer.raw_body)
        assert answer.body["error"] in ("unauthorized", "invalid_token")
        assert answer.body["error_description"]


def _wants_no_body(api: str, method: str) -> bool:
    return not method.startswith(("create", "update", "admitPerson")) and (
        api != "OauthApi" or method == "getTokenInfo"
    )
