"""`doorward rule …`: what is printed, what is refused, and that a test really goes out."""

import hashlib
import hmac
import json

import pytest

from tests.support.commands import Commands
from tests.support.mail_server import mail_server
from tests.support.web import somebody_elses_web


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rule_is_made_tested_and_deleted(doorward: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = doorward.json("channel", "create", "Front door", "--site", 1)["id"]
    group = doorward.json("group", "create", "Crew")["id"]
    with somebody_elses_web() as web, mail_server() as box:
        web.give("/hook", b"")
        monkeypatch.setenv("DOORWARD_OUTBOUND_ALLOW", "127.0.0.0/8")
        monkeypatch.setenv("DOORWARD_SMTP_URL", box.url(more="&starttls=never"))
        rule = doorward.json(
            "rule", "create", "Night", "--event", 33, "--event", 10, "--post", web.url("/hook"),
            "--email", "a@acme.example", "--email", "b@acme.example", "--slack", web.url("/chat"), "--console",
            "--channel", channel, "--group", group, "--window", "mon-fri 22:00-06:00", "--include-replayed",
        )  # fmt: skip
        assert rule["event_codes"] == [33, 10]
        assert rule["conditions"] == [
            {"type": "door_controller_id", "value": str(channel)},
            {"type": "person_group", "value": str(group)},
            {"type": "time_of_day", "value": "mon,tue,wed,thu,fri 22:00-06:00"},
            {"type": "replayed", "value": "true"},
        ]
        assert [action["type"] for action in rule["actions"]] == [0, 1, 2, 3]
        code, printed, _ = doorward("rule", "test", rule["id"], "--json")
        assert code == 1, "the chat is not there"
        came = {each["kind"]: (each["delivered"], each["error"]) for each in json.loads(printed)}
        assert came == {
            "post": (True, None),
            "email": (True, None),
            "slack": (False, "was answered with 404"),
            "console": (True, None),
        }
        assert [letter.recipients for letter in box.letters] == [["a@acme.example", "b@acme.example"]]
        [(headers, body)] = [(headers, body) for _, path, headers, body in web.asked if path == "/hook"]
        signed = headers["timestamp"].encode() + b"." + body
        assert headers["signature"] == hmac.new(rule["secret"].encode(), signed, hashlib.sha256).hexdigest()
        web.give("/chat", b"ok")
        code, printed, errors = doorward("rule", "test", rule["id"])
        assert (code, errors) == (0, "")
        assert "slack" in printed
    assert doorward.json("rule", "rotate-secret", rule["id"])["secret"] != rule["secret"]
    log = doorward.json("webhook", "deliveries", "--rule", rule["id"])
    assert len(log) == 8
    code, printed, _ = doorward("rule", "list")
    assert (code, "email a@acme.example, b@acme.example" in printed) == (0, True)
    assert doorward.json("rule", "delete", rule["id"]) == {"deleted": rule["id"]}
    assert doorward.json("rule", "list") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bad_input_is_one_line_that_names_it(doorward: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    create = ("rule", "create", "Night", "--event", 33)
    assert "actions can't be blank" in doorward.refusal(*create)
    assert "match_event_codes can't be blank" in doorward.refusal("rule", "create", "Night", "--console")
    assert "action 1: url must begin with" in doorward.refusal(*create, "--post", "ftp://x.example/")
    assert "is not an e-mail address" in doorward.refusal(*create, "--email", "nobody")
    assert "window 1" in doorward.refusal(*create, "--console", "--window", "always")
    assert "Not found for this account: 9" in doorward.refusal(*create, "--console", "--group", 9)
    for command in ("test", "rotate-secret", "delete"):
        assert doorward.refusal("rule", command, 9) == "there is no rule 9"
    monkeypatch.setenv("DOORWARD_SMTP_URL", "smtp://user:s3cret@mail.example")
    refused = doorward.refusal("rule", "list")
    assert refused.startswith("DOORWARD_SMTP_URL must say which address")
    assert "s3cret" not in refused
