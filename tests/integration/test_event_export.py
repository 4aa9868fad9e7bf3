"""The record as a file: whole, in its order, and safe to open."""

import csv
import io
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from doorward.events import record_api
from doorward.events.exporting import STEP, Wanted, head, part, stretch
from doorward.events.service import Event, record_all
from doorward.kit.timestamps import format_instant
from doorward.oauth.tokens import revoke_token
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.world import World

URL = "/api/3/event_log/export"


def happen(world: World, *events: Event) -> list[int]:
    return world.database.write_now(lambda tx: record_all(tx, events, world.clock.now()))


def some(world: World) -> list[int]:
    front, back, far = world.channel_ids
    now, account = world.clock.now(), world.account_id
    why = (("role_grants", 'The role "Staff" admits, always.'),)
    return happen(
        world,
        Event(account, 10, now - 3_000, front, "Front door", world.person_id, "Ada Lovelace", "1234", why),
        Event(account, 20, now - 2_000, back, "Back door", credential="=HYPERLINK(1)"),
        Event(account, 33, now - 1_000, far, '@"Far", door'),
        Event(account, 61, now, front, "Front door", controller_id=7, sequence=3, is_replayed=True),
    )


def lines(answer: httpx.Response) -> list[dict[str, object]]:
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_json_lines_have_all_that_is_on_record(api: httpx.Client, world: World) -> None:
    ids = some(world)
    answer = api.get(URL, params={"format": "jsonl"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="events.jsonl"'
    found = lines(answer)
    assert [(each["position"], each["id"]) for each in found] == list(enumerate(ids, 1))
    assert {name: value for name, value in found[0].items() if name != "chain"} == {
        "position": 1,
        "id": ids[0],
        "occurred_at": format_instant(world.clock.now() - 3_000),
        "received_at": format_instant(world.clock.now()),
        "event_code": 10,
        "event_label": "Ada Lovelace admitted using card",
        "channel_id": world.channel_ids[0],
        "channel_name": "Front door",
        "person_id": world.person_id,
        "person_name": "Ada Lovelace",
        "credential": "1234",
        "reasons": [{"code": "role_grants", "text": 'The role "Staff" admits, always.'}],
        "controller_id": None,
        "sequence": None,
        "replayed": False,
    }
    assert (found[3]["replayed"], found[3]["controller_id"], found[3]["sequence"]) == (True, 7, 3)


def test_who_may_no_longer_have_it_gets_no_more_of_it(
    api: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(world, *[Event(world.account_id, 33, world.clock.now())] * (STEP + 1))

    def revoking(*asked: Any) -> bytes:
        found = part(*asked)
        with ThreadPoolExecutor(1) as pool:  # this thread is reading
            pool.submit(world.database.write_now, lambda tx: revoke_token(tx, world.token, 1)).result(15)
        return found

    monkeypatch.setattr(record_api, "part", revoking)
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(URL, params={"format": "jsonl"})


def test_csv_is_read_back_and_calculates_nothing(api: httpx.Client, world: World) -> None:
    some(world)
    answer = api.get(URL)
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["position"] for row in found] == ["1", "2", "3", "4"]
    assert (found[0]["reasons"], found[0]["replayed"]) == ('The role "Staff" admits, always.', "false")
    assert found[1]["credential"] == "'=HYPERLINK(1)"
    assert (found[2]["channel_name"], found[2]["person_name"]) == ('\'@"Far", door', "")


def test_what_is_exported_can_be_narrowed(api: httpx.Client, served: Served, world: World) -> None:
    ids = some(world)
    now = world.clock.now()

    def asked(client: httpx.Client = api, **query: object) -> list[object]:
        params = {"format": "jsonl"} | {name: str(value) for name, value in query.items()}
        return [each["id"] for each in lines(client.get(URL, params=params))]

    assert asked(event_codes="10,61") == [ids[0], ids[3]]
    assert asked(channels=world.channel_ids[0]) == [ids[0], ids[3]]
    assert asked(since=format_instant(now - 2_000), until=format_instant(now)) == ids[1:3]
    _, limited = world.user("viewer", site_ids=world.site_ids[1:])
    with served.client(limited) as client:
        assert asked(client) == [ids[2]]
        assert asked(client, channels=world.channel_ids[0]) == []
    for query in ({"format": "xml"}, {"event_codes": "999"}, {"since": "soon"}):
        assert api.get(URL, params=query).status_code == 400


def test_a_long_record_is_read_in_parts_that_take_little_memory(world: World) -> None:
    now, account = world.clock.now(), world.account_id
    event = Event(account, 10, now, person_name="A" * 200)
    for _ in range(4):
        happen(world, *[event] * STEP)
    there = world.database.read_now(lambda tx: stretch(tx, account))
    assert there == (0, 4 * STEP)

    def read(after: int) -> bytes:
        return world.database.read_now(lambda tx: part(tx, account, Wanted(), "jsonl", after, there.to))

    tracemalloc.start()
    sizes = [read(after).count(b"\n") for after in range(there.after, there.to, STEP)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [STEP] * 4
    assert most < 4_000_000
    assert head("csv").startswith(b"position,id,occurred_at")


def test_the_command_writes_a_file_or_to_standard_output(doorward: Commands, world: World, tmp_path: Path) -> None:
    ids = some(world)
    account = ("--account", world.account_id)
    file = tmp_path / "record.jsonl"
    assert doorward("events", "export", "--format", "jsonl", file, *account)[0] == 0
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ids
    assert "is there already" in doorward.refusal("events", "export", file, *account)
    assert "--format" in doorward.refusal("events", "export", "--format", "xml", *account)
    assert "--since" in doorward.refusal("events", "export", "--since", "soon", *account)
    later = format_instant(world.clock.now())
    assert doorward("events", "export", tmp_path / "late.csv", "--since", later, *account)[0] == 0
    assert len((tmp_path / "late.csv").read_text().splitlines()) == 2
