"""The routes of the console, and one of each thing that their addresses can be about, made by the API."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
from litestar.routes import HTTPRoute

from doorward.console.routes import router
from doorward.kit import public_ids
from doorward.notifications.service import show_events
from tests.support.link_client import Controller
from tests.support.services import happen, write
from tests.support.world import World

_PARAMETER: Final = re.compile(r"\{([a-z_]+):[a-z]+\}")
_FORCED: Final = 33
PIN: Final = "6180339"
CHAT: Final = "https://chat.example/T0/secret"
"""Whoever knows it may post there."""


def paths(method: str) -> list[str]:
    """The paths that a method is served at, with their parameters: "/console/sites/{site_id}"."""
    return sorted(
        _PARAMETER.sub(r"{\1}", route.path)
        for route in router.routes
        if isinstance(route, HTTPRoute) and method in route.methods
    )


def methods() -> set[str]:
    """All methods that are served."""
    return {str(method) for route in router.routes if isinstance(route, HTTPRoute) for method in route.methods}


def filled(path: str, ids: Mapping[str, Any]) -> str:
    """An address: of the things with these ids, 1 where none is given."""
    return re.sub(r"\{([a-z_]+)\}", lambda found: str(ids.get(found[1], 1)), path)


def things_at(base_url: str, world: World, door: int) -> dict[str, int]:
    """One of each thing, by the name of its parameter; what belongs to a place is at one of the world's doors alone."""
    channel_id = world.channel_ids[door]
    site_id = world.site_ids[0 if door < 2 else 1]
    headers = {"Authorization": f"Bearer {world.token}"}
    with httpx.Client(base_url=f"{base_url}/api/3/", headers=headers, trust_env=False, timeout=60) as api:

        def made(path: str, its: str = "id", **body: Any) -> Any:
            answer = api.post(path, json=body)
            assert answer.status_code in (200, 201, 202), (path, answer.text)
            return answer.json()[its]

        person_id = world.person("Grace", "Hopper", card_number="77001", pin=PIN)
        role_id = made("roles", name="Night watch", channel_ids=[channel_id])
        group_id = made("groups", name="Guards", role_ids=[role_id], person_ids=[person_id])
        stretch = {"start_time": "2026-03-02T10:00:00Z", "end_time": "2026-03-02T12:00:00Z"}
        rule_id = made(
            "notification_rules",
            name="Forced",
            match_event_codes=[_FORCED],
            match_controller_ids=[channel_id],
            actions=[{"kind": "slack", "url": CHAT}, {"kind": "console"}],
        )
        [event_id] = happen(world, _FORCED, channel_id=channel_id, channel_name="A door")
        write(world, show_events, rule_id, "Forced", [event_id])
        tested = api.post(f"notification_rules/{rule_id}/test").json()
        csv = {"Content-Type": "text/csv"}
        brought = api.post("people/import?dry_run=true", content=b"first_name,last_name\nNew,Comer\n", headers=csv)
        enrolled = Controller.enrol(base_url, made("controllers/codes", "code", channel_ids=[channel_id]), "Box")
        enrolled.close()
        credential = api.get(f"people/{person_id}/credentials").json()[0]["id"]
        return {
            "admission_id": made(f"channels/{channel_id}/admit", "admission_request_id"),
            "alarm_id": api.get("alarms").json()[0]["id"],
            "application_id": made("applications", name="Timesheets", redirect_uris=["https://app.example/back"]),
            "area_id": made(f"sites/{site_id}/areas", name="Hall"),
            "channel_id": channel_id,
            "controller_id": enrolled.id,
            "credential_id": public_ids.decode("credential", credential) or 0,
            "delivery_id": tested[0]["delivery_id"],
            "entry_id": api.get("audit_log").json()[0]["id"],
            "event_id": event_id,
            "group_id": group_id,
            "group_reservation_id": made("group_reservations", person_id=person_id, group_ids=[group_id], **stretch),
            "holiday_id": made("holidays", day="2026-05-04", name="Fair", site_id=site_id),
            "import_id": brought.json()["id"],
            "notification_id": api.get("notifications").json()[0]["id"],
            "person_id": person_id,
            "reservation_id": made("reservations", person_id=person_id, channel_ids=[channel_id], **stretch),
            "role_id": role_id,
            "rule_id": rule_id,
            "shift_id": made("shifts", name="Days", windows=[{"days": ["mon"], "start": "08:00", "end": "18:00"}]),
            "site_id": site_id,
            "token_id": made("personal_tokens", name="Script", scopes=["account.site.readonly"]),
            "type_id": made("credential_types", label="Pass", kind="google", slug="pass"),
            "user_id": made("users", email=f"second.{world.account_id}@acme.example", role="admin"),
        }
