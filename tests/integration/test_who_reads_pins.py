"""A PIN is shown to whoever could change it, and to nobody else; on both databases."""

from typing import Any

import httpx
import pytest

from doorward.kit.crypto import Vault
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.world import World

HIDDEN = "******"


def pins(client: httpx.Client, person_id: int) -> set[Any]:
    """A person's PIN wherever the API tells of it."""
    person = f"/api/3/people/{person_id}"
    listed = client.get(f"{person}/credentials").json()
    pin = next(each for each in listed if each["label"] == "pin number")
    cards = [each["value"] for each in listed if each is not pin]
    assert cards == ["1234"], "cards are shown as they are"
    people = client.get("/api/3/people").json() + client.get("/api/3/people?skip_pagination=true").json()
    everybodys = client.get("/api/3/credentials").json() + client.get("/api/3/credentials?skip_pagination=true").json()
    return {
        pin["value"],
        client.get(f"{person}/credentials/{pin['id']}").json()["value"],
        client.get(person).json()["pin"],
        *(each["pin"] for each in people if each["id"] == person_id),
        *(each["value"] for each in everybodys if each["id"] == pin["id"]),
    }


@pytest.mark.en60839("6.8/22")
def test_a_pin_is_shown_to_whoever_could_change_it(served: Served, world: World) -> None:
    owner, south = world.owner_id, world.site_ids[1:]
    limited, admin = (world.user(role, site_ids=south)[1] for role in ("operator", "admin"))
    for token, seen in (
        (world.token, "4711"),
        (world.user("operator")[1], "4711"),
        (world.new_token(owner, "account.person"), "4711"),
        (world.new_token(owner, "account.person.readonly"), HIDDEN),
        (world.user("viewer")[1], HIDDEN),
        (limited, "4711"),
    ):
        with served.client(token) as client:
            assert pins(client, world.person_id) == {seen}
    body = {"name": "There", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    write(world, create_role, body)
    nobody = world.person("No", "Pin")
    for token in (limited, admin):
        with served.client(token) as client:
            assert pins(client, world.person_id) == {HIDDEN}
            assert client.get(f"/api/3/people/{nobody}").json()["pin"] is None
            made = client.post("/api/3/people", json={"first_name": "A", "last_name": "B", "pin": HIDDEN}).json()
            assert made["pin"].isdigit(), "who makes it at random must learn it"
            assert client.get(f"/api/3/people/{made['id']}").json()["pin"] == made["pin"]


def test_what_is_not_shown_is_not_decrypted(served: Served, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, viewer = world.user("viewer")
    monkeypatch.setattr(Vault, "decrypt", None)
    with served.client(viewer) as client:
        assert pins(client, world.person_id) == {HIDDEN}
