"""Routes of /api/3/notification_rules: contract operations list, get, create, update and deleteNotificationRule."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from doorward.channels.service import delete_channel
from doorward.groups.service import create_group
from doorward.kit import mail_servers
from tests.integration.conftest import Served
from tests.support.mail_server import mail_server
from tests.support.server import client, serving
from tests.support.services import other_account, write
from tests.support.web import somebody_elses_web
from tests.support.world import World

RULES = "/api/3/notification_rules"
INPUT: dict[str, Any] = {
    "name": "Doors",
    "call_back_url": "https://example.com/hook?key=1",
    "match_event_codes": [10, 11, 14],
}


def test_a_rule_is_shown_as_the_contract_has_it(api: httpx.Client, world: World) -> None:
    front = world.channel_ids[0]
    made = api.post(RULES, json={**INPUT, "match_controller_ids": [front]})
    rule = made.json()
    assert (made.status_code, rule) == (
        200,
        {
            "id": rule["id"],
            "name": "Doors",
            "active": True,
            "conditions": [
                {"type": "door_controller_id", "type_description": "Door Controller", "value": str(front)},
            ],
            "events": [
                {"code": 10, "name": "Admit Card"},
                {"code": 11, "name": "Admit PIN"},
                {"code": 14, "name": "Admit AUX"},
            ],
            "actions": [
                {"type": 0, "type_description": "Callback URL", "data": "https://example.com/hook?key=1"},
            ],
        },
    )
    assert api.get(f"{RULES}/{rule['id']}").json() == rule
    answer = api.get(RULES, params={"page": 2})
    assert (answer.json(), "total" in answer.headers) == ([rule], False)


def test_an_update_replaces_all_but_whether_it_is_active(api: httpx.Client, world: World) -> None:
    made = api.post(RULES, json={**INPUT, "match_controller_ids": world.channel_ids[:2], "active": False}).json()
    path = f"{RULES}/{made['id']}"
    other = {"name": "All", "call_back_url": "http://10.0.0.1:8080/x", "match_event_codes": [33]}
    changed = api.put(path, json=other)
    assert (changed.status_code, changed.json()) == (
        200,
        {
            "id": made["id"],
            "name": "All",
            "active": False,
            "conditions": [],
            "events": [{"code": 33, "name": "Door Forced"}],
            "actions": [{"type": 0, "type_description": "Callback URL", "data": "http://10.0.0.1:8080/x"}],
        },
    )
    assert api.put(path, json={**other, "active": True}).json()["active"] is True
    assert api.put(path, json={**other, "active": True}).status_code == 200
    assert api.put(path, json={"name": "Only a name"}).status_code == 422
    assert api.delete(path).json() == {"result": "ok"}
    assert api.get(path).status_code == api.put(path, json=other).status_code == api.delete(path).status_code == 404
    log = api.get("/api/3/audit_log", params={"resource_type": "notification_rule"}).json()
    assert [entry["action"] for entry in log] == ["delete", "update", "update", "create"]
    assert (log[1]["before"], log[1]["after"]) == ({"active": False}, {"active": True})


def test_what_is_wrong_is_said_at_once_and_makes_no_rule(api: httpx.Client, world: World) -> None:
    assert api.post(RULES, json={}).json()["errors"] == {
        "name": ["can't be blank"],
        "call_back_url": ["can't be blank"],
        "match_event_codes": ["can't be blank"],
    }
    wrong: dict[str, list[object]] = {
        "name": ["", 1, "x" * 256],
        "call_back_url": [
            "",
            5,
            "example.com",
            "ftp://example.com/",
            "/hook",
            "http://u:p@x/",
            "http://x/" + "y" * 2000,
        ],
        "match_event_codes": [[], [999], ["10"], "10", [2**63], list(range(100_000)), [10.5]],
        "match_controller_ids": [[99_999], [2**63 - 1], "all", [None], list(range(1, 100_000))],
        "active": [None, "yes", 1],
    }
    for name, values in wrong.items():
        for value in values:
            answer = api.post(RULES, json={**INPUT, name: value})
            assert (answer.status_code, list(answer.json()["errors"])) == (422, [name]), value
    assert api.get(RULES).json() == []
    assert api.get("/api/3/audit_log", params={"user_id": world.owner_id}).json() == []


def test_another_accounts_rules_and_channels_are_not_found(api: httpx.Client, world: World, served: Served) -> None:
    rule = api.post(RULES, json=INPUT).json()["id"]
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(elsewhere.token) as stranger:
        assert stranger.get(RULES).json() == []
        assert stranger.get(f"{RULES}/{rule}").status_code == 404
        assert stranger.put(f"{RULES}/{rule}", json=INPUT).status_code == 404
        assert stranger.delete(f"{RULES}/{rule}").status_code == 404
        refused = stranger.post(RULES, json={**INPUT, "match_controller_ids": world.channel_ids[:1]})
        assert list(refused.json()["errors"]) == ["match_controller_ids"]
    assert api.get(f"{RULES}/{rule}").status_code == 200


def test_who_is_limited_to_sites_has_rules_on_channels_there_alone(
    api: httpx.Client, world: World, served: Served
) -> None:
    front, _, far = world.channel_ids
    on_all, on_both, on_far = (
        api.post(RULES, json={**INPUT, "match_controller_ids": named}).json()["id"]
        for named in ([], [front, far], [far])
    )
    _, token = world.user("admin", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert [rule["id"] for rule in limited.get(RULES).json()] == [on_far]
        for hidden in (on_all, on_both):
            assert limited.get(f"{RULES}/{hidden}").status_code == 404
            assert limited.put(f"{RULES}/{hidden}", json=INPUT).status_code == 404
            assert limited.delete(f"{RULES}/{hidden}").status_code == 404
        assert limited.post(RULES, json=INPUT).status_code == 403
        assert limited.put(f"{RULES}/{on_far}", json=INPUT).status_code == 403
        refused = limited.post(RULES, json={**INPUT, "match_controller_ids": [far, front]})
        assert refused.json()["errors"] == {"match_controller_ids": [f"Not found for this account: {front}"]}
        made = limited.post(RULES, json={**INPUT, "match_controller_ids": [far]})
        assert made.status_code == 200
        assert limited.delete(f"{RULES}/{made.json()['id']}").status_code == 200
    assert len(api.get(RULES).json()) == 3


def test_a_rule_on_a_channel_that_is_gone_goes_on_naming_it(api: httpx.Client, world: World) -> None:
    rule = api.post(RULES, json={**INPUT, "match_controller_ids": world.channel_ids[:1]}).json()
    write(world, delete_channel, world.channel_ids[0])
    assert api.get(f"{RULES}/{rule['id']}").json() == rule, "it matches nothing then, instead of everything"


OURS: dict[str, Any] = {
    "name": "Night",
    "match_event_codes": [33],
    "actions": [
        {"kind": "post", "url": "https://example.com/hook"},
        {"kind": "email", "addresses": ["Guard@acme.example", "guard@ACME.example", "b@acme.example"]},
        {"kind": "slack", "url": "https://hooks.chat.example/services/T0/B0/s3cret"},
        {"kind": "console"},
        {"kind": "console"},
    ],
    "match_times": [{"days": ["fri", "mon", "mon"], "start": "22:00", "end": "06:00"}],
    "include_replayed": True,
}


def test_actions_and_conditions_of_our_own_are_shown_in_the_contracts_shape(
    api: httpx.Client, world: World, served: Served
) -> None:
    group = api.post("/api/3/groups", json={"name": "Cleaners"}).json()["id"]
    made = api.post(RULES, json={**OURS, "match_group_ids": [group]}).json()
    assert made["conditions"] == [
        {"type": "person_group", "type_description": "People Group", "value": str(group)},
        {"type": "time_of_day", "type_description": "Time of Day", "value": "mon,fri 22:00-06:00"},
        {"type": "replayed", "type_description": "Told Late, Too", "value": "true"},
    ]
    slack = {"type": 2, "type_description": "Slack", "data": "https://hooks.chat.example/services/T0/B0/s3cret"}
    assert made["actions"] == [
        {"type": 0, "type_description": "Callback URL", "data": "https://example.com/hook"},
        {"type": 1, "type_description": "E-mail", "data": "Guard@acme.example, b@acme.example"},
        slack,
        {"type": 3, "type_description": "Console", "data": ""},
    ]
    # Who may only look at rules does not get to know an address by which anybody could post.
    viewer = world.user("viewer")[1]
    reader = world.new_token(world.owner_id, "account.notification_rule.readonly")
    for token in (viewer, reader):
        with served.client(token) as other:
            shown = other.get(f"{RULES}/{made['id']}").json()["actions"]
            assert shown[2]["data"].startswith("https://hooks.chat.example/…")
            assert len(shown[2]["data"]) == len("https://hooks.chat.example/…") + 8
    both = api.put(f"{RULES}/{made['id']}", json={**INPUT, "actions": [{"kind": "console"}]}).json()
    assert [action["type"] for action in both["actions"]] == [0, 3]
    assert both["conditions"] == [], "what is not given again is gone"
    log = api.get("/api/3/audit_log", params={"resource_type": "notification_rule"}).text
    assert "hooks.chat.example" in log
    assert "s3cret" not in log


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_wrong_with_our_own_fields_is_said_of_the_field_and_the_place(api: httpx.Client, world: World) -> None:
    wrong: dict[str, list[tuple[object, str]]] = {
        "actions": [
            ([], "can't be blank"),
            ("post", "must be a list"),
            ([{"kind": "console"}, "post"], "action 2: must be an object"),
            ([{"kind": "sms"}], "action 1: kind must be one of: post, email, slack, console"),
            ([{"kind": ["post"]}], "action 1: kind must be one of"),
            ([{"kind": "post"}], "action 1: url must be text"),
            ([{"kind": "slack", "url": "ftp://x.example/"}], "action 1: url must begin with https://"),
            ([{"kind": "post", "url": "http://u:p@x.example/"}], "action 1: url must not have a user"),
            ([{"kind": "post", "url": "http://x.example/" + "y" * 2000}], "action 1: url is too long"),
            ([{"kind": "post", "url": "http://x.example/\u0000"}], "action 1: url has a character"),
            ([{"kind": "email"}], "action 1: addresses must be a list"),
            ([{"kind": "email", "addresses": []}], "action 1: addresses must be a list"),
            ([{"kind": "email", "addresses": [1]}], "action 1: addresses must be a list"),
            ([{"kind": "email", "addresses": ["nobody"]}], "action 1: addresses: 'nobody' is not an e-mail address"),
            ([{"kind": "email", "addresses": ["a@x.example\r\nBcc: b@x.example"]}], "has a character"),
            ([{"kind": "email", "addresses": ["a@x.example\nBcc: b@x.example"]}], "is not an e-mail address"),
            ([{"kind": "email", "addresses": [f"a{n}@x.example" for n in range(21)]}], "too many entries (at most 20)"),
            ([{"kind": "email", "addresses": [f"{n}@x.example"]} for n in range(2)], "at most one of the kind email"),
            ([{"kind": "post", "url": f"https://x.example/{n}"} for n in range(11)], "too many entries (at most 10)"),
        ],
        "match_group_ids": [([99_999], "Not found for this account: 99999"), ("all", "must be a list of integers")],
        "match_times": [
            ("night", "must be a list"),
            ([{"days": ["mon"], "start": "7", "end": "8"}], "window 1: start must be a time"),
            ([{"days": [], "start": "07:00", "end": "08:00"}], "window 1: days must be a list"),
            ([{"days": ["mon"], "start": "07:00", "end": "08:00"}] * 51, "too many entries (at most 50)"),
        ],
        "include_replayed": [(None, "must be true or false"), ("yes", "must be true or false")],
    }
    for name, values in wrong.items():
        for value, message in values:
            answer = api.post(RULES, json={**OURS, name: value})
            errors = answer.json()["errors"]
            assert (answer.status_code, list(errors)) == (422, [name]), value
            assert message in errors[name][0], value
    ten = [{"kind": "post", "url": f"https://x.example/{n}"} for n in range(10)]
    refused = api.post(RULES, json={**INPUT, "actions": ten})
    assert "at most 10, call_back_url among them" in refused.json()["errors"]["actions"][0]
    elsewhere = other_account(world)
    group = world.database.write_now(lambda tx: create_group(tx, elsewhere, {"name": "Theirs"}, world.clock.now()))
    refused = api.post(RULES, json={**OURS, "match_group_ids": [group.id]})
    assert refused.json()["errors"] == {"match_group_ids": [f"Not found for this account: {group.id}"]}
    assert api.get(RULES).json() == []


def test_an_account_has_so_many_rules_at_most(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.notification_rules.service.MOST_RULES", 2)
    assert [api.post(RULES, json=INPUT).status_code for _ in range(3)] == [200, 200, 409]
    assert len(api.get(RULES).json()) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rule_is_tested_at_once_and_each_action_answers_for_itself(served: Served, world: World) -> None:
    with somebody_elses_web() as web, mail_server() as box:
        web.give("/hook", b"")
        mail = mail_servers.mail_server(box.url(more="&starttls=never"))
        edge = replace(served.context.edge, outbound_allow=("127.0.0.0/8",), mail_server=mail)
        with (
            serving(world.database, world.clock, world.vault, edge=edge) as (base_url, _),
            client(base_url, world.token) as api,
        ):
            actions = [
                {"kind": "post", "url": web.url("/hook")},
                {"kind": "post", "url": web.url("/gone")},
                {"kind": "email", "addresses": ["guard@acme.example"]},
                {"kind": "console"},
            ]
            web.give("/gone", b"", 410)
            rule = api.post(RULES, json={"name": "Doors", "match_event_codes": [33], "actions": actions}).json()["id"]
            path = f"{RULES}/{rule}/test"
            tested = api.post(path).json()
            assert [(each["kind"], each["delivered"], each["status"], each["error"]) for each in tested] == [
                ("post", True, 200, None),
                ("post", False, 410, "was answered with 410"),
                ("email", True, None, None),
                ("console", True, None, None),
            ]
            assert [letter.recipients for letter in box.letters] == [["guard@acme.example"]]
            again = api.post(path, headers={"Idempotency-Key": "a"}).json()
            assert again[1] == {
                "kind": "post",
                "delivery_id": None,
                "delivered": False,
                "status": None,
                "error": "the endpoint is disabled: it answered that it is gone",
                "took_ms": None,
            }
            once = api.post(path, headers={"Idempotency-Key": "a"}).json()
            assert [each["delivery_id"] for each in once] == [each["delivery_id"] for each in again]
            log = api.get("/api/3/webhook_deliveries", params={"rule": rule}).json()
            assert [each["channel"] for each in log[-4:]] == ["console", "email", "post", "post"]
            assert {each["resource_type"] for each in log} == {"Test"}
            assert api.get("/api/3/webhook_deliveries", params={"rule": rule + 1}).json() == []
            assert api.post(f"{RULES}/99999/test").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rule_gets_a_new_secret_if_it_posts_anything(api: httpx.Client) -> None:
    rule = api.post(RULES, json=INPUT).json()["id"]
    first, second = (api.post(f"{RULES}/{rule}/rotate_secret").json() for _ in range(2))
    assert first["secret"] != second["secret"]
    assert first["previous_until"] == "2026-03-03T09:00:00.000Z"
    [entry, *_] = api.get("/api/3/audit_log", params={"resource_type": "notification_rule"}).json()
    assert entry["after"] == {"secret": "rotated"}
    quiet = api.post(RULES, json={**OURS, "actions": [{"kind": "console"}]}).json()["id"]
    refused = api.post(f"{RULES}/{quiet}/rotate_secret")
    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    assert api.post(f"{RULES}/99999/rotate_secret").status_code == 404
