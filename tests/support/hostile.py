"""Text that would do harm wherever it is taken for anything but text."""

from tests.support.console_pages import Furnished

HOSTILE = "<img src=x onerror=alert(1) data-xss>\"'></script><script>alert(2)</script><b data-xss>"
FIELDS = (
    *("q", "search", "name", "first_name", "last_name", "site", "next", "view", "from", "until", "at", "since", "page"),
    *("kind", "kinds", "state", "group_id", "role_id", "person_id", "channel_id", "channel_ids", "event_codes", "by"),
    *("date", "day", "year", "month", "user_id", "action", "resource", "resource_type", "app", "failed", "done"),
    *("error", "sort", "country", "region", "start", "end", "credential", "number", "type"),
)
"""What pages may look for in an address."""


def say_hostile(found: Furnished) -> None:
    """Let every name and note that the API takes say something hostile."""
    ids = found.ids
    named = {
        "sites/{site_id}": {"name": HOSTILE, "notes": HOSTILE},
        "channels/{channel_id}": {"name": HOSTILE, "model": HOSTILE, "serial_number": HOSTILE},
        "groups/{group_id}": {"name": HOSTILE, "notes": HOSTILE},
        "shifts/{shift_id}": {"name": HOSTILE},
        "roles/{role_id}": {"name": HOSTILE, "notes": HOSTILE},
        "credential_types/{type_id}": {"label": HOSTILE},
        "users/{user_id}": {"first_name": HOSTILE, "last_name": HOSTILE},
        "people/{person_id}": {"person": {"first_name": HOSTILE, "last_name": HOSTILE, "department": HOSTILE}},
        "applications/{application_id}": {"name": HOSTILE},
        "notification_rules/{rule_id}": {
            "name": HOSTILE,
            "match_event_codes": [22],
            "match_controller_ids": [ids["channel_id"]],
            "actions": [{"kind": "console"}],
        },
        "account": {"name": HOSTILE},
    }
    with found.console.api() as api:
        for path, body in named.items():
            address = f"/api/3/{found.address(path)}"
            answer = api.put(address, json=body)
            assert answer.status_code in (200, 201), (address, answer.status_code, answer.text)
        holiday = api.post("/api/3/holidays", json={"name": HOSTILE, "day": "2031-05-05"})
        assert holiday.status_code in (200, 201), holiday.text
        noted = api.post(f"/api/3/alarms/{ids['alarm_id']}/notes", json={"text": HOSTILE})
        assert noted.status_code in (200, 201), noted.text
        # An event and an audit entry with the names as they are now.
        found.console.installation.json("door", "present", ids["channel_id"], "--card", "999999")
