"""Each request is a line of JSON: enough to find it again, and nothing that should not be there."""

import io
import json
import sys

import pytest

from doorward.kit.clock import FixedClock
from doorward.wire.context import Edge
from tests.support.server import client, serving
from tests.support.world import World


def test_a_request_is_a_line_without_its_query_and_its_token(
    world: World, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with (
        serving(world.database, clock, world.vault, edge=Edge(access_log=True)) as (base_url, _),
        client(base_url, world.token) as http,
    ):
        answer = http.get("/api/3/roles?email=ada@example.com", headers={"X-Request-Id": "abc-1"})
        assert answer.status_code == 200
        http.get("/api/3/nothing")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [200, 404]
    first = lines[0]
    assert (first["operation"], first["path"], first["method"]) == ("listRoles", "/api/3/roles", "GET")
    assert (first["request_id"], first["address"], first["user_id"]) == ("abc-1", "127.0.0.1", world.owner_id)
    assert first["ms"] > 0
    assert first["bytes"] == len(answer.content)
    assert "ada" not in stream.getvalue()
    assert world.token not in stream.getvalue()
