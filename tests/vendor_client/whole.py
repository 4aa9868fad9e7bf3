"""A call of every method of the vendor's client that succeeds, and one that fails, with the server's answer to expect.

What a call needs is made first, over plain HTTP, by tests.contract.calls.Peer.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.contract.calls import Peer
from tests.vendor_client.client import Call

NOTHING = 999_999_999


class Expected(NamedTuple):
    """A call, and the status it is answered with."""

    call: Call
    status: int


def _dates() -> dict[str, datetime]:
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    return {"startTime": start, "endTime": start + timedelta(hours=2)}


def _asked_a_moment_ago(peer: Peer) -> None:
    assert peer.http.post("/api/3/sync").status_code in (200, 429)


def _channel(peer: Peer) -> int:
    return int(peer.channel.split("/")[-1])


def _rule_input(peer: Peer, **changed: object) -> dict[str, object]:
    body = peer.rule_body()
    return {
        "name": body["name"],
        "callBackUrl": body["call_back_url"],
        "matchEventCodes": body["match_event_codes"],
        "matchControllerIds": body["match_controller_ids"],
        **changed,
    }


def _credential(peer: Peer) -> dict[str, object]:
    person_id, found = peer.credential()
    return {"personId": person_id, "id": found["id"]}


def _basic(peer: Peer, secret: str | None = None) -> str:
    application = peer.made["application"]
    text = f"{application['client_id']}:{secret or application['client_secret']}"
    return "Basic " + base64.urlsafe_b64encode(text.encode()).decode()


def _exchange(peer: Peer, code: str | None = None) -> dict[str, object]:
    application = peer.made["application"]
    return {
        "grantType": "authorization_code",
        "clientId": application["client_id"],
        "clientSecret": application["client_secret"],
        "redirectUri": application["redirect_uri"],
        "code": code or peer.code(),
    }


def _authorize(peer: Peer, **changed: str) -> dict[str, object]:
    query = peer.authorize_query() | changed
    names = {"response_type": "responseType", "client_id": "clientId", "redirect_uri": "redirectUri"}
    return {names.get(name, name): value for name, value in query.items()}


Arguments = Callable[[Peer], Mapping[str, Any] | None]
_none: Arguments = lambda _: None  # noqa: E731

SUCCESS: dict[tuple[str, str], tuple[Arguments, int]] = {
    ("AccountsApi", "getAccount"): (_none, 200),
    ("AdmissionRequestsApi", "getAdmissionRequest"): (lambda peer: {"id": peer.admission().json()["id"]}, 200),
    ("ChannelsApi", "listChannels"): (lambda _: {"perPage": 2, "page": 1}, 200),
    ("ChannelsApi", "getChannel"): (lambda peer: {"id": _channel(peer)}, 200),
    ("ChannelsApi", "admitChannel"): (lambda peer: {"id": _channel(peer)}, 202),
    ("ChannelsApi", "admitPerson"): (
        lambda peer: {"id": _channel(peer), "admitPersonRequest": {"personId": peer.admitted_person()}},
        202,
    ),
    ("ChannelsApi", "lockdownChannel"): (lambda _: {"id": 8, "lockdownChannelRequest": {"cardLockdown": True}}, 200),
    ("ChannelsApi", "unlockdownChannel"): (lambda _: {"id": 8}, 200),
    ("ChannelsApi", "unlockChannel"): (
        lambda _: {"id": 7, "unlockChannelRequest": {"relockAt": datetime.now(UTC) + timedelta(hours=1)}},
        200,
    ),
    ("ChannelsApi", "normalChannel"): (lambda _: {"id": 7}, 200),
    ("ChannelsApi", "autoUnlockChannel"): (
        lambda peer: {"id": 6, "autoUnlockChannelRequest": {"shiftId": peer.shift()}},
        200,
    ),
    ("ChannelsApi", "regenerateEncryptionKey"): (lambda _: {"id": 5}, 200),
    ("ChannelsApi", "removeEncryptionKey"): (lambda _: {"id": 5}, 200),
    ("CredentialTypesApi", "listCredentialTypes"): (lambda _: {}, 200),
    ("CredentialsApi", "listPersonCredentials"): (lambda peer: {"personId": peer.person()["id"]}, 200),
    ("CredentialsApi", "createCredential"): (
        lambda peer: {
            "personId": peer.made_with("/people", {"first_name": "A", "last_name": "B"})["id"],
            "credentialInput": {"personCredential": {"credentialTypeId": peer.type_of("pin"), "value": "******"}},
        },
        201,
    ),
    ("CredentialsApi", "getCredential"): (_credential, 200),
    ("CredentialsApi", "updateCredential"): (
        lambda peer: {
            **_credential(peer),
            "credentialUpdateInput": {"personCredential": {"value": peer.new_card()}},
        },
        201,
    ),
    ("CredentialsApi", "deleteCredential"): (_credential, 200),
    ("CredentialsApi", "listAllCredentials"): (lambda _: {"perPage": 3}, 200),
    ("EventsApi", "listEvents"): (lambda peer: {"eventCodes": [10, 15, 20], "channels": [_channel(peer)], "n": 5}, 200),
    ("EventsApi", "getEvent"): (lambda peer: {"id": peer.event().json()["id"]}, 200),
    ("GroupReservationsApi", "listGroupReservations"): (lambda _: {"since": datetime(2024, 1, 1, tzinfo=UTC)}, 200),
    ("GroupReservationsApi", "createGroupReservation"): (
        lambda peer: {
            "groupReservationInput": {
                "groupReservation": {
                    "personId": peer.made["people"][2]["id"],
                    "groupIds": [peer.made["groups"][0]["id"]],
                    **_dates(),
                }
            }
        },
        201,
    ),
    ("GroupReservationsApi", "deleteGroupReservation"): (lambda peer: {"id": peer.group_reservation()["id"]}, 200),
    ("GroupsApi", "listGroups"): (_none, 200),
    ("NotificationRulesApi", "listNotificationRules"): (_none, 200),
    ("NotificationRulesApi", "createNotificationRule"): (
        lambda peer: {"notificationRuleInput": _rule_input(peer)},
        200,
    ),
    ("NotificationRulesApi", "getNotificationRule"): (lambda peer: {"id": peer.rule()["id"]}, 200),
    ("NotificationRulesApi", "updateNotificationRule"): (
        lambda peer: {"id": peer.rule()["id"], "notificationRuleInput": _rule_input(peer, active=False)},
        200,
    ),
    ("NotificationRulesApi", "deleteNotificationRule"): (lambda peer: {"id": peer.rule()["id"]}, 200),
    ("OauthApi", "authorizeOAuth"): (_authorize, 200),
    ("OauthApi", "getAccessToken"): (_exchange, 200),
    ("OauthApi", "revokeToken"): (
        lambda peer: {"authorization": _basic(peer), "token": peer.tokens().json()["refresh_token"]},
        200,
    ),
    ("OauthApi", "getTokenInfo"): (_none, 200),
    ("PeopleApi", "listPeople"): (lambda _: {"email": "harbour", "perPage": 5}, 200),
    ("PeopleApi", "createPerson"): (
        lambda peer: {
            "personInput": {
                "firstName": "Katherine",
                "lastName": "Johnson",
                "groupIds": [peer.made["groups"][0]["id"]],
                "validFrom": datetime(2024, 1, 1, tzinfo=UTC),
                "card_number": peer.new_card(),
            }
        },
        201,
    ),
    ("PeopleApi", "getPerson"): (lambda peer: {"id": peer.person()["id"]}, 200),
    ("PeopleApi", "updatePerson"): (
        lambda peer: {"id": peer.person()["id"], "personInput": {"jobTitle": "Mathematician"}},
        201,
    ),
    ("PeopleApi", "deletePerson"): (lambda peer: {"id": peer.person()["id"]}, 200),
    ("ReservationsApi", "listReservations"): (lambda _: {"perPage": 5}, 200),
    ("ReservationsApi", "createReservation"): (
        lambda peer: {
            "reservationInput": {
                "personId": peer.made["people"][0]["id"],
                "channelIds": [_channel(peer)],
                **_dates(),
            }
        },
        201,
    ),
    ("ReservationsApi", "deleteReservation"): (lambda peer: {"id": peer.reservation()["id"]}, 200),
    ("RolesApi", "listRoles"): (_none, 200),
    ("SitesApi", "listSites"): (lambda _: {"perPage": 1}, 200),
    ("SyncApi", "initiateSync"): (_none, 200),
}
"""By class and method: what it is called with, and the status of the answer."""

FAILURE: dict[tuple[str, str], tuple[Arguments, int]] = {
    ("AdmissionRequestsApi", "getAdmissionRequest"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "getChannel"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "admitChannel"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "admitPerson"): (
        lambda peer: {"id": 5, "admitPersonRequest": {"personId": peer.person()["id"]}},
        403,
    ),
    ("ChannelsApi", "lockdownChannel"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "unlockdownChannel"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "unlockChannel"): (
        lambda _: {"id": 7, "unlockChannelRequest": {"relockAt": datetime(2024, 1, 1, tzinfo=UTC)}},
        422,
    ),
    ("ChannelsApi", "normalChannel"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "autoUnlockChannel"): (
        lambda _: {"id": 6, "autoUnlockChannelRequest": {"shiftId": NOTHING}},
        400,
    ),
    ("ChannelsApi", "regenerateEncryptionKey"): (lambda _: {"id": NOTHING}, 404),
    ("ChannelsApi", "removeEncryptionKey"): (lambda _: {"id": NOTHING}, 404),
    ("CredentialsApi", "createCredential"): (
        lambda peer: {
            "personId": peer.credential()[0],
            "credentialInput": {"personCredential": {"credentialTypeId": peer.card_type(), "value": peer.new_card()}},
        },
        409,
    ),
    ("CredentialsApi", "getCredential"): (lambda peer: {"personId": peer.person()["id"], "id": "nothing"}, 404),
    ("CredentialsApi", "updateCredential"): (
        lambda peer: {**_credential(peer), "credentialUpdateInput": {"personCredential": {"value": "no card"}}},
        422,
    ),
    ("CredentialsApi", "deleteCredential"): (lambda peer: {"personId": peer.person()["id"], "id": "nothing"}, 404),
    ("EventsApi", "listEvents"): (lambda _: {"eventCodes": [999]}, 400),
    ("EventsApi", "getEvent"): (lambda _: {"id": NOTHING}, 404),
    ("GroupReservationsApi", "createGroupReservation"): (
        lambda _: {
            "groupReservationInput": {"groupReservation": {"personId": NOTHING, "groupIds": [NOTHING], **_dates()}}
        },
        422,
    ),
    ("GroupReservationsApi", "deleteGroupReservation"): (lambda _: {"id": NOTHING}, 404),
    ("NotificationRulesApi", "createNotificationRule"): (
        lambda peer: {"notificationRuleInput": _rule_input(peer, callBackUrl="nowhere")},
        422,
    ),
    ("NotificationRulesApi", "getNotificationRule"): (lambda _: {"id": NOTHING}, 404),
    ("NotificationRulesApi", "updateNotificationRule"): (
        lambda peer: {"id": peer.rule()["id"], "notificationRuleInput": _rule_input(peer, matchEventCodes=[])},
        422,
    ),
    ("NotificationRulesApi", "deleteNotificationRule"): (lambda _: {"id": NOTHING}, 404),
    ("OauthApi", "authorizeOAuth"): (lambda peer: _authorize(peer, client_id="nobody"), 400),
    ("OauthApi", "getAccessToken"): (lambda peer: _exchange(peer, "no-such-code"), 400),
    ("OauthApi", "revokeToken"): (lambda peer: {"authorization": _basic(peer, "wrong"), "token": "x"}, 403),
    ("PeopleApi", "createPerson"): (lambda _: {"personInput": {"firstName": "Only"}}, 422),
    ("PeopleApi", "getPerson"): (lambda _: {"id": NOTHING}, 404),
    ("PeopleApi", "updatePerson"): (
        lambda peer: {"id": peer.person()["id"], "personInput": {"email": "not an address"}},
        422,
    ),
    ("PeopleApi", "deletePerson"): (lambda _: {"id": NOTHING}, 404),
    ("ReservationsApi", "createReservation"): (
        lambda _: {"reservationInput": {"personId": NOTHING, "channelIds": [NOTHING], **_dates()}},
        422,
    ),
    ("ReservationsApi", "deleteReservation"): (lambda _: {"id": NOTHING}, 404),
    ("SyncApi", "initiateSync"): (_asked_a_moment_ago, 429),
}
"""The same, refused. What is not in it has no way to fail but for the token's sake, and is called without one."""
