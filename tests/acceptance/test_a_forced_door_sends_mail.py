"""From the door to the mailbox: the running product, a real mail server, and somebody who forces a door."""

import ssl
import time
from pathlib import Path

import httpx

from tests.support.certificates import certificate
from tests.support.installation import Installation
from tests.support.mail_server import mail_server
from tests.support.server import client

SOON_S = 30.0


def test_a_forced_door_sends_mail_and_shows_operators_a_notification(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    house = Installation(tmp_path / "data")
    made = house.demo()
    channel = made["channels"][0]["id"]
    with mail_server(starttls=context, login=True) as box:
        environment = {"DOORWARD_SMTP_URL": box.url(host="localhost", user=True), "SSL_CERT_FILE": str(path)}
        house.json(
            "rule", "create", "Forced doors", "--event", 33, "--email", "guard@acme.example", "--console",
            "--channel", channel,
        )  # fmt: skip
        with house.serving(**environment) as server, client(server.base_url, made["token"]) as api:
            house.json("door", "open", channel)
            shown = _soon(api)
            deadline = time.monotonic() + SOON_S
            while not box.letters and time.monotonic() < deadline:
                time.sleep(0.05)
    [letter] = box.letters
    assert (letter.over_tls, letter.user, letter.recipients) == (True, "doors@acme.example", ["guard@acme.example"])
    assert "forced open" in letter.message["Subject"]
    assert shown["event"]["event_code"] == 33
    assert str(shown["event"]["event_label"]) in letter.text()


def _soon(api: httpx.Client) -> dict[str, dict[str, object]]:
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        found = api.get("/api/3/notifications", params={"unread": "true"}).json()
        if found:
            first: dict[str, dict[str, object]] = found[0]
            return first
        time.sleep(0.05)
    raise AssertionError("operators are shown nothing")
