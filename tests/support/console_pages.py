"""Every page of the console, as its routes have it, with addresses in the example account."""

import re
from dataclasses import dataclass, field
from typing import Any

from doorward.kit import public_ids
from tests.support.console import Console
from tests.support.console_routes import paths
from tests.support.link_client import Controller

_QUERIES = {
    "/console/access/changes": "?since=2026-01-01T00:00:00Z",
    "/console/reservations/feed": "?start=2031-03-01&end=2031-03-08",
}
"""What the address of data for a script has to say."""

_ENDLESS = "/console/live"
"""The stream of events, which is no page."""


def page_paths() -> list[str]:
    """The paths of all that is got, with their parameters: "/console/sites/{site_id}"."""
    return [path for path in paths("GET") if path != _ENDLESS]


@dataclass
class Furnished:
    """The example account with one of each thing that a page may be about; `ids` by parameter."""

    console: Console
    ids: dict[str, Any] = field(default_factory=dict)

    def address(self, path: str) -> str:
        """The path with ids of things that are there."""
        return re.sub(r"\{([a-z_]+)\}", lambda match: str(self.ids[match[1]]), path) + _QUERIES.get(path, "")


def furnish(console: Console) -> Furnished:
    """Let a day happen in the example account."""
    found = Furnished(console)
    front = console.ids("channels")["Front door"]
    person = console.made["people"][0]
    with console.api() as api:

        def made(path: str, body: dict[str, Any]) -> int:
            answer = api.post(f"/api/3/{path}", json=body)
            assert answer.status_code in (200, 201), (path, answer.text)
            return int(answer.json()["id"])

        def first(path: str) -> int:
            answer = api.get(f"/api/3/{path}")
            assert answer.status_code == 200, (path, answer.text)
            return int(answer.json()[0]["id"])

        stretch = {"start_time": "2031-03-03T09:00:00Z", "end_time": "2031-03-03T17:00:00Z"}
        card = next(each["card"] for each in console.made["people"] if each["card"])
        for number in (card, "999999"):
            console.installation.json("door", "present", front, "--card", number)
        console.installation.json("door", "open", front)
        rule = {
            "name": "Denied at the front",
            "match_event_codes": [22],
            "match_controller_ids": [front],
            "actions": [{"kind": "console"}],
        }
        group = first("groups")
        rule_id = made("notification_rules", rule)
        tested = api.post(f"/api/3/notification_rules/{rule_id}/test")
        credential = api.get(f"/api/3/people/{person['id']}/credentials").json()[0]["id"]
        admission = api.post(f"/api/3/channels/{front}/admit", json={})
        csv = {"Content-Type": "text/csv"}
        brought = api.post(
            "/api/3/people/import?dry_run=true", content=b"first_name,last_name\nNew,Comer\n", headers=csv
        )
        cellar = {"name": "Cellar", "site_id": first("sites"), "driver": "osdp"}
        made(f"sites/{first('sites')}/areas", {"name": "Hall"})
        found.ids = {
            "credential_id": public_ids.decode("credential", credential),
            "admission_id": admission.json()["admission_request_id"],
            "import_id": brought.json()["id"],
            "channel_id": front,
            "person_id": person["id"],
            "site_id": first("sites"),
            "group_id": group,
            "role_id": first("roles"),
            "shift_id": first("shifts"),
            "holiday_id": first("holidays"),
            "reservation_id": made("reservations", {"person_id": person["id"], "channel_ids": [front], **stretch}),
            "group_reservation_id": made(
                "group_reservations", {"person_id": person["id"], "group_ids": [group], **stretch}
            ),
            "event_id": first("event_log"),
            "alarm_id": first("alarms"),
            "application_id": first("applications"),
            "user_id": first("users"),
            "type_id": first("credential_types"),
            "rule_id": rule_id,
            "delivery_id": tested.json()[0]["delivery_id"],
            "entry_id": first("audit_log"),
            "controller_id": _controller(console, made("channels", cellar)),
        }
    return found


def _controller(console: Console, channel_id: int) -> int:
    """A controller that has enrolled for a door, and is not there."""
    with console.api() as api:
        code = api.post("/api/3/controllers/codes", json={"channel_ids": [channel_id]}).json()["code"]
    enrolled = Controller.enrol(console.base_url, code, "Cellar box")
    enrolled.close()
    return enrolled.id
