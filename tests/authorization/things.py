"""One thing of each kind in an account, by the path that names it: what others must not reach."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, update

from doorward.api.openapi import Route
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record
from doorward.notifications.service import show_events
from tests.support.world import World


class Things:
    """Made through the API with the owner's token."""

    def __init__(self, api: httpx.Client, world: World) -> None:
        self._api = api
        self.world = world
        north = world.site_ids[0]
        channel = world.channel_ids[0]
        start = datetime.fromtimestamp(world.clock.now() / 1000, UTC) + timedelta(days=1)
        stretch = {"start_time": f"{start:%Y-%m-%dT10:00:00Z}", "end_time": f"{start:%Y-%m-%dT11:00:00Z}"}
        self.ids: dict[str, Any] = {
            "channels": channel,
            "sites": north,
            "people": world.person_id,
            "users": world.owner_id,
            "roles": self._made("/roles", name="Northern", channel_ids=[channel], person_ids=[world.person_id]),
            "groups": self._made("/groups", name="Northerners"),
            "shifts": self._made("/shifts", name="Days", windows=[{"days": ["mon"], "start": "08:00", "end": "18:00"}]),
            "holidays": self._made("/holidays", day="2026-12-25", name="Christmas"),
            "credential_types": self._made("/credential_types", label="Fob", kind="card"),
            "applications": self._made(
                "/applications",
                name="App",
                redirect_uris=["https://app.example/back"],
                # Nothing is sent: the address is not public.
                webhook_url="http://127.0.0.1:9/hook",
            ),
            "notification_rules": self._made(
                "/notification_rules",
                name="Rule",
                call_back_url="https://example.com/hook",
                match_event_codes=[10],
                match_controller_ids=[channel],
            ),
            "reservations": self._made("/reservations", person_id=world.person_id, channel_ids=[channel], **stretch),
            "personal_tokens": self._made("/personal_tokens", name="Mine", scopes=["account.role.readonly"]),
        }
        self.ids["group_reservations"] = self._made(
            "/group_reservations",
            group_reservation={"person_id": world.person_id, "group_ids": [self.ids["groups"]], **stretch},
        )
        self.ids["controllers"] = self._controller(world.channel_ids[1])
        self.ids["alarms"] = self._alarm(channel)
        self.ids["areas"] = self._made(f"/sites/{north}/areas", name="Hall")
        credentials = api.get(f"/api/3/people/{world.person_id}/credentials").json()
        self.ids["credentials"] = credentials[0]["id"]
        admitted = api.post(f"/api/3/channels/{channel}/admit").json()
        self.ids["admission_requests"] = admitted["admission_request_id"]
        self.ids["events"] = self.ids["event_log"] = admitted["admission_request_id"]
        self.ids["notifications"] = self._notification(self.ids["notification_rules"], self.ids["events"])
        content, headers = b"first_name,last_name\nA,B\n", {"Content-Type": "text/csv"}
        tested = api.post(f"/api/3/applications/{self.ids['applications']}/webhook_test")
        self.ids["webhook_deliveries"] = tested.json()["delivery_id"]
        imported = api.post("/api/3/people/import?dry_run=true&match=none", content=content, headers=headers)
        self.ids["imports"] = imported.json().get("id", 0)

    def path(self, route: str) -> str | None:
        """The route's path with the ids of these things; None if it names nothing."""
        parts = route.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                parts[index] = str(self.ids[parts[index - 1]])
        found = "/".join(parts)
        return None if found == route else found

    def body(self, route: Route) -> object:
        """A body that would do."""
        match route.name:
            case "admitPerson":
                return {"person_id": self.world.person_id}
            case "createCredential":
                return {"person_credential": {"credential_type_id": self.ids["credential_types"], "value": "77"}}
            case "updateCredential":
                return {"person_credential": {"value": "78"}}
            case "updateNotificationRule":
                return {"name": "Rule", "call_back_url": "https://example.com/hook", "match_event_codes": [10]}
        return {}

    def _alarm(self, channel_id: int) -> int:
        """A door that is forced."""
        world = self.world
        event = Event(world.account_id, EventCode.DOOR_FORCED, world.clock.now(), channel_id=channel_id)
        world.database.write_now(lambda transaction: record(transaction, event, world.clock.now()))
        return int(self._api.get("/api/3/alarms").json()[0]["id"])

    def _notification(self, rule_id: int, event_id: int) -> int:
        """What a rule shows of an event."""
        world, now = self.world, self.world.clock.now()
        world.database.write_now(lambda tx: show_events(tx, world.account_id, rule_id, "Rule", [event_id], now))
        found: int = self._api.get("/api/3/notifications").json()[0]["id"]
        return found

    def _controller(self, channel_id: int) -> int:
        """A controller that serves a door; written down by hand, for to enrol takes two."""
        world = self.world
        row = {"account_id": world.account_id, "name": "Cellar", "public_key": "", "link_key": ""}
        add = insert(controllers).values(**row, enrolled_at=world.clock.now()).returning(controllers.c.id)

        def enrol(transaction: Transaction) -> int:
            controller_id = require(transaction.one(Query(add, number)))
            serve = update(channels).where(channels.c.id == channel_id).values(controller_id=controller_id)
            transaction.run(Query[None](serve))
            return controller_id

        return world.database.write_now(enrol)

    def _made(self, path: str, **body: object) -> Any:
        answer = self._api.post(f"/api/3{path}", json=body)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()["id"]
