"""A call of success for each operation of the contract, each on its own: what it needs it makes first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.browser_user import BrowserUser
from tests.support.doors import eventually

SCOPES = "account.person account.channel.readonly"
_serial = count(1)


@dataclass
class Peer:
    """A client of a running example account."""

    http: httpx.Client
    browser: BrowserUser
    made: dict[str, Any]

    def post(self, path: str, body: object = None) -> httpx.Response:
        """POST to the API."""
        return self.http.post(f"/api/3{path}", json=body) if body is not None else self.http.post(f"/api/3{path}")

    def get(self, path: str, **query: object) -> httpx.Response:
        """GET from the API."""
        return self.http.get(f"/api/3{path}", params=query)  # type: ignore[arg-type]

    @property
    def channel(self) -> str:
        """The path of a channel."""
        return f"/channels/{self.made['channels'][2]['id']}"

    def made_with(self, path: str, body: object) -> dict[str, Any]:
        """Make something; gives it."""
        answer = self.post(path, body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def person(self) -> dict[str, Any]:
        """A new person with a card."""
        number = next(_serial)
        email = f"guest{number}@visitors.example"
        body = {
            "first_name": "Guest",
            "last_name": f"Number {number}",
            "email": email,
            "card_number": 7_000_000 + number,
        }
        return self.made_with("/people", {**body, "card_number": str(body["card_number"])})

    def stretch(self) -> dict[str, str]:
        """Two hours of the day after tomorrow."""
        start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
        return {
            "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_time": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        }

    def rule(self) -> dict[str, Any]:
        """A new notification rule."""
        return self.made_with("/notification_rules", self.rule_body())

    def rule_body(self) -> dict[str, Any]:
        """What a notification rule is made of."""
        return {
            "name": f"Rule {next(_serial)}",
            "call_back_url": "https://example.com/hook",
            "match_event_codes": [10, 20],
            "match_controller_ids": [self.made["channels"][0]["id"]],
        }

    def reservation(self) -> dict[str, Any]:
        """A new reservation."""
        return self.made_with("/reservations", self.reservation_body())

    def reservation_body(self) -> dict[str, Any]:
        """What a reservation is made of."""
        channels = [self.made["channels"][0]["id"]]
        return {"person_id": self.made["people"][0]["id"], "channel_ids": channels, **self.stretch()}

    def group_reservation(self) -> dict[str, Any]:
        """A new group reservation."""
        return self.made_with("/group_reservations", self.group_reservation_body())

    def group_reservation_body(self) -> dict[str, Any]:
        """What a group reservation is made of."""
        groups = [self.made["groups"][0]["id"]]
        return {"group_reservation": {"person_id": self.made["people"][1]["id"], "group_ids": groups, **self.stretch()}}

    def credential(self) -> tuple[int, dict[str, Any]]:
        """A new person and their card."""
        person = self.person()
        [found] = self.get(f"/people/{person['id']}/credentials").json()
        return person["id"], found

    def card_type(self) -> int:
        """The id of the credential type of cards."""
        return self.type_of("card_number")

    def type_of(self, slug: str) -> int:
        """The id of a credential type."""
        types = {each["slug"]: each["id"] for each in self.get("/credential_types").json()}
        found: int = types[slug]
        return found

    def new_card(self) -> str:
        """A card's number that nobody has."""
        return str(6_000_000 + next(_serial))

    def tokens(self) -> httpx.Response:
        """Tokens by a whole authorization."""
        application = self.made["application"]
        redirect = application["redirect_uri"]
        code = self.code()
        body = {
            "grant_type": "authorization_code",
            "client_id": application["client_id"],
            "client_secret": application["client_secret"],
            "code": code,
            "redirect_uri": redirect,
        }
        return self.browser.http.post("/oauth/token", data=body)

    def code(self) -> str:
        """An authorization code: the owner consents."""
        sent_to = self.browser.consent(self.authorize_query())
        return parse_qs(urlsplit(sent_to).query)["code"][0]

    def authorize_query(self) -> dict[str, str]:
        """What an application asks for."""
        application = self.made["application"]
        return {
            "response_type": "code",
            "client_id": application["client_id"],
            "redirect_uri": application["redirect_uri"],
            "scope": SCOPES,
            "state": "xyz",
        }

    def revoke(self) -> httpx.Response:
        """A disconnected integration."""
        token = self.tokens().json()["refresh_token"]
        application = self.made["application"]
        return self.browser.http.post(
            "/oauth/revoke", data={"token": token}, auth=(application["client_id"], application["client_secret"])
        )

    def admission(self) -> httpx.Response:
        """An admission request, looked at."""
        asked = self.post(f"{self.channel}/admit").json()
        return self.get(f"/admission_requests/{asked['admission_request_id']}")

    def event(self) -> httpx.Response:
        """One event, once a door that has been asked has recorded one."""
        self.post(f"{self.channel}/admit")
        eventually(self._admissions)
        return self.get(f"/events/{self._admissions()[0]['id']}")

    def _admissions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/events", event_codes="15,16,12", n=1).json()
        return found

    def admitted_person(self) -> int:
        """Somebody whom the channel admits at any time."""
        person = self.person()
        channel_ids = [int(self.channel.split("/")[-1])]
        self.made_with(
            "/roles", {"name": f"Any time {person['id']}", "channel_ids": channel_ids, "person_ids": [person["id"]]}
        )
        found: int = person["id"]
        return found

    def shift(self) -> int:
        """A shift of the account."""
        found: int = self.made["shifts"][0]["id"]
        return found


def _credential(peer: Peer, method: str, body: object = None) -> httpx.Response:
    person_id, found = peer.credential()
    return peer.http.request(method, f"/api/3/people/{person_id}/credentials/{found['id']}", json=body)


def _create_credential(peer: Peer) -> httpx.Response:
    body = {"first_name": "No", "last_name": "Card"}
    person = peer.made_with("/people", body)
    value = {"credential_type_id": peer.card_type(), "value": str(8_000_000 + next(_serial))}
    return peer.post(f"/people/{person['id']}/credentials", {"person_credential": value})


CALLS: dict[str, Callable[[Peer], httpx.Response]] = {
    "getAccount": lambda peer: peer.get("/account"),
    "getAdmissionRequest": Peer.admission,
    "listChannels": lambda peer: peer.get("/channels"),
    "getChannel": lambda peer: peer.get(peer.channel),
    "admitChannel": lambda peer: peer.post(f"{peer.channel}/admit"),
    "admitPerson": lambda peer: peer.post(f"{peer.channel}/admit_person", {"person_id": peer.admitted_person()}),
    "lockdownChannel": lambda peer: peer.post("/channels/8/lockdown", {"card_lockdown": True}),
    "unlockdownChannel": lambda peer: peer.post("/channels/8/unlockdown"),
    "unlockChannel": lambda peer: peer.post("/channels/7/unlock"),
    "normalChannel": lambda peer: peer.post("/channels/7/normal"),
    "autoUnlockChannel": lambda peer: peer.post("/channels/6/auto_unlock", {"shift_id": peer.shift()}),
    "regenerateEncryptionKey": lambda peer: peer.post("/channels/5/regenerate_encryption_key"),
    "removeEncryptionKey": lambda peer: peer.post("/channels/5/remove_encryption_key"),
    "listCredentialTypes": lambda peer: peer.get("/credential_types"),
    "listPersonCredentials": lambda peer: peer.get(f"/people/{peer.person()['id']}/credentials"),
    "createCredential": _create_credential,
    "getCredential": lambda peer: _credential(peer, "GET"),
    "updateCredential": lambda peer: _credential(
        peer, "PUT", {"person_credential": {"value": str(9_000_000 + next(_serial))}}
    ),
    "deleteCredential": lambda peer: _credential(peer, "DELETE"),
    "listAllCredentials": lambda peer: peer.get("/credentials"),
    "listEvents": lambda peer: (peer.event(), peer.get("/events", event_codes="15,16,12"))[1],
    "getEvent": Peer.event,
    "listGroupReservations": lambda peer: (peer.group_reservation(), peer.get("/group_reservations"))[1],
    "createGroupReservation": lambda peer: peer.post("/group_reservations", peer.group_reservation_body()),
    "deleteGroupReservation": lambda peer: peer.http.delete(
        f"/api/3/group_reservations/{peer.group_reservation()['id']}"
    ),
    "listGroups": lambda peer: peer.get("/groups"),
    "listNotificationRules": lambda peer: (peer.rule(), peer.get("/notification_rules"))[1],
    "createNotificationRule": lambda peer: peer.post("/notification_rules", peer.rule_body()),
    "getNotificationRule": lambda peer: peer.get(f"/notification_rules/{peer.rule()['id']}"),
    "updateNotificationRule": lambda peer: peer.http.put(
        f"/api/3/notification_rules/{peer.rule()['id']}", json=peer.rule_body()
    ),
    "deleteNotificationRule": lambda peer: peer.http.delete(f"/api/3/notification_rules/{peer.rule()['id']}"),
    "getAccessToken": Peer.tokens,
    "authorizeOAuth": lambda peer: peer.browser.consent_answer(peer.authorize_query()),
    "revokeToken": Peer.revoke,
    "getTokenInfo": lambda peer: peer.http.get("/oauth/token/info"),
    "listPeople": lambda peer: peer.get("/people"),
    "createPerson": lambda peer: peer.post("/people", {"first_name": "Grace", "last_name": "Hopper"}),
    "getPerson": lambda peer: peer.get(f"/people/{peer.person()['id']}"),
    "updatePerson": lambda peer: peer.http.put(f"/api/3/people/{peer.person()['id']}", json={"last_name": "Changed"}),
    "deletePerson": lambda peer: peer.http.delete(f"/api/3/people/{peer.person()['id']}"),
    "listReservations": lambda peer: (peer.reservation(), peer.get("/reservations"))[1],
    "createReservation": lambda peer: peer.post("/reservations", peer.reservation_body()),
    "deleteReservation": lambda peer: peer.http.delete(f"/api/3/reservations/{peer.reservation()['id']}"),
    "listRoles": lambda peer: peer.get("/roles"),
    "listSites": lambda peer: peer.get("/sites"),
    "initiateSync": lambda peer: peer.post("/sync"),
}
