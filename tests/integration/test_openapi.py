"""The API describes itself; /healthz, /readyz and /metrics tell how it does."""

from typing import Any

import httpx
import pytest

from tests.contract.table import operations
from tests.integration.conftest import Served

OPERATIONS = operations()
_NAMES = [operation.operation for operation in OPERATIONS]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    from doorward.api.app import documentation

    return documentation()


def test_the_table_has_all_operations_of_the_contract() -> None:
    assert len(_NAMES) == len(set(_NAMES)) == 46


@pytest.mark.parametrize("operation", OPERATIONS, ids=_NAMES)
def test_an_operation_of_the_contract_is_described_as_the_contract_has_it(
    document: dict[str, Any], operation: Any
) -> None:
    ours = _by_name(document)[operation.operation]
    assert ours["method"] == operation.method.lower()
    assert _bare(ours["path"]) == _bare(operation.path)
    assert "x-doorward" not in ours
    assert set(operation.parameters) <= {each["name"] for each in ours.get("parameters", ())}
    assert {str(status) for status in operation.success + operation.errors} <= set(ours["responses"])
    if operation.auth == "bearer":
        found = sorted({scope for each in ours["security"] for scope in each["OAuth2"]})
        assert found == sorted(operation.scopes)
    if operation.body_type:
        assert operation.body_type in ours["requestBody"]["content"]
        assert ours["requestBody"]["required"] is operation.body_required


def test_what_goes_beyond_the_contract_is_marked(document: dict[str, Any]) -> None:
    ours = {name for name, each in _by_name(document).items() if each.get("x-doorward")}
    assert ours.isdisjoint(_NAMES)
    assert set(_by_name(document)) == ours | set(_NAMES)


def test_the_document_is_served_for_the_address_that_was_asked(served: Served) -> None:
    answer = httpx.get(f"{served.base_url}/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    assert answer.json()["servers"] == [{"url": served.base_url}]


def test_the_server_says_that_it_lives_and_can_serve(served: Served) -> None:
    assert httpx.get(f"{served.base_url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{served.base_url}/readyz").json() == {"status": "ready"}


def test_metrics_count_requests_by_operation(served: Served) -> None:
    with served.client(None) as client:
        for _ in range(3):
            client.get("/api/3/roles")
        text = client.get("/metrics").text
        assert 'doorward_http_requests_total{method="GET",operation="listRoles",status="401"} 3.0' in text
        assert 'doorward_http_request_seconds_count{operation="listRoles"} 3.0' in text


def test_metrics_are_not_for_whoever_comes_through_a_proxy(served: Served) -> None:
    answer = httpx.get(f"{served.base_url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


def _by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {**operation, "method": method, "path": path}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _bare(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
