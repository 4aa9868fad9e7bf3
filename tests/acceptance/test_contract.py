"""The running server against the table of the contract's 46 operations, one case each."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.calls import CALLS, Peer
from tests.contract.table import Operation, check, operations
from tests.support.browser_user import BrowserUser
from tests.support.installation import Server

OPERATIONS = operations()
by_name = pytest.mark.parametrize("operation", OPERATIONS, ids=[each.operation for each in OPERATIONS])
_UNKNOWN = 999_999_999


@pytest.fixture(scope="module")
def peer(server: Server, made: dict[str, Any]) -> Iterator[Peer]:
    owner = made["owner"]
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=30, trust_env=False) as http:
        yield Peer(http, BrowserUser(server.base_url, owner["email"], owner["password"]), made)


@by_name
def test_it_answers_success_as_the_contract_says(peer: Peer, operation: Operation) -> None:
    check(operation, CALLS[operation.operation](peer))


@by_name
def test_it_answers_errors_as_the_contract_says(server: Server, peer: Peer, operation: Operation) -> None:
    path = operation.path.replace("{person_id}", str(peer.made["people"][0]["id"]))
    unknown = path.replace("{id}", str(_UNKNOWN))
    if operation.auth == "bearer":
        answer = httpx.request(operation.method, f"{server.base_url}{unknown}")
        assert answer.status_code == 401
        _check_error(answer, "invalid_token" if operation.operation == "getTokenInfo" else "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    if 404 in operation.errors and "{id}" in operation.path:
        body: Any = {"person_id": peer.made["people"][0]["id"]} if operation.body else None
        answer = peer.http.request(operation.method, unknown, json=body)
        assert answer.status_code == 404, answer.text
        _check_error(answer, "not_found")
    if operation.body_required and operation.body_type == "application/json" and "{id}" not in operation.path:
        answer = peer.http.request(operation.method, path, json={})
        assert answer.status_code == 422
        assert answer.json()["errors"]
        _check_error(answer, "unprocessable_entity")
        answer = peer.http.request(operation.method, path, content=b"{", headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        _check_error(answer, "bad_request")


def _check_error(answer: httpx.Response, code: str) -> None:
    found = answer.json()
    assert found["error"] == code
    assert found["error_description"]
