"""A controller enrols with a code that is good once, for ten minutes, and for nobody who only overhears it."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.channels.tables import channels
from doorward.controllers.enrolment import HOLDS_MS
from doorward.controllers.tables import controllers, enrolment_codes
from doorward.db.query import Query, word
from doorward.kit.clock import FixedClock
from doorward.link import keys
from doorward.users.service import update_user
from tests.integration.conftest import Served
from tests.support.hub_server import on_sqlite
from tests.support.link_client import enrolment_request, open_answer
from tests.support.services import other_account
from tests.support.world import World

REFUSAL = "The code is wrong, has been used, or has expired: ask for another one"
CHANNELS = Query(
    select(channels.c.id, channels.c.controller_id, channels.c.encryption_key).order_by(channels.c.id),
    lambda the_id, controller_id, key: (the_id, controller_id, key),
)
STORED = Query(select(enrolment_codes.c.secret), word)
LINK_KEYS = Query(select(controllers.c.link_key).order_by(controllers.c.id), word)
AUDITED = Query(
    select(audit_log.c.action, audit_log.c.resource_type, audit_log.c.after).order_by(audit_log.c.id),
    lambda action, kind, after: (action, kind, after or ""),
)


class Asking:
    """A controller that asks to be enrolled."""

    def __init__(self, served: Served, code_text: str) -> None:
        found = keys.parse_code(code_text)
        assert found is not None
        self.code = found
        self.private_key, self.nonce = keys.new_private_key(), os.urandom(keys.NONCE_BYTES)
        self.request: dict[str, Any] = enrolment_request(self.code, self.private_key, self.nonce)
        self._served = served

    def ask(self, **changes: Any) -> httpx.Response:
        with self._served.client(None) as client:
            return client.post("/api/3/controllers/enrol", json={**self.request, **changes})

    def opened(self, answer: httpx.Response) -> Any:
        return open_answer(self.code, self.private_key, self.nonce, answer.json())


@pytest.fixture
def code(api: httpx.Client, world: World) -> str:
    """A code for the first two channels."""
    made = api.post("/api/3/controllers/codes", json={"channel_ids": world.channel_ids[:2]})
    assert made.status_code == 201, made.text
    found: str = made.json()["code"]
    return found


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and answer.json() == {"error": "forbidden", "error_description": REFUSAL}


@on_sqlite
def test_a_code_says_until_when_for_what_and_what_to_type(served: Served, api: httpx.Client, world: World) -> None:
    made = api.post("/api/3/controllers/codes", json={"channel_ids": world.channel_ids[:2]}).json()
    assert keys.parse_code(made["code"]) is not None
    assert made["expires_at"] == "2026-03-02T09:10:00.000Z"
    assert made["channels"] == [
        {"id": world.channel_ids[0], "name": "Front door", "controller_id": None},
        {"id": world.channel_ids[1], "name": "Back door", "controller_id": None},
    ]
    assert made["command"] == (
        f"doorward controller enrol --server {served.base_url} --code {made['code']} --data-dir DIR"
    )


def test_an_enrolled_controller_is_given_its_channels_and_their_keys(
    served: Served, world: World, code: str, clock: FixedClock
) -> None:
    asking = Asking(served, code)
    answer = asking.ask()
    assert answer.status_code == 201
    told, link_key = asking.opened(answer)
    assert told["account"] == "Acme"
    assert told["server_time"] == clock.now()
    assert [(each["id"], each["name"], each["driver"]) for each in told["channels"]] == [
        (world.channel_ids[0], "Front door", "simulated"),
        (world.channel_ids[1], "Back door", "simulated"),
    ]
    given = [bytes.fromhex(each["key"]) for each in told["channels"]]
    assert len(set(given)) == 2
    assert all(len(key) == keys.KEY_BYTES for key in given)
    found = world.database.read_now(lambda tx: tx.all(CHANNELS))
    assert [controller_id for _, controller_id, _ in found] == [told["controller_id"]] * 2 + [None]
    stored = world.database.read_now(lambda tx: tx.all(LINK_KEYS))
    assert stored
    assert link_key.hex() not in stored[0]
    assert all(key is None or key.find(given[0].hex()) < 0 for _, _, key in found)


@on_sqlite
def test_the_secret_of_a_code_is_neither_stored_nor_logged_nor_sent_readably(
    served: Served, world: World, code: str
) -> None:
    asking = Asking(served, code)
    assert asking.code.secret not in str(asking.request)
    answer = asking.ask()
    assert asking.code.secret not in answer.text
    stored = world.database.read_now(lambda tx: tx.all(STORED))
    logged = world.database.read_now(lambda tx: tx.all(AUDITED))
    assert asking.code.secret not in str(stored) + str(logged)
    assert {(action, kind) for action, kind, _ in logged} >= {
        ("create", "enrolment_code"),
        ("create", "controller"),
        ("update", "channel"),
    }


def test_a_code_is_good_once_and_the_very_same_request_is_given_the_same_answer(
    served: Served, api: httpx.Client, clock: FixedClock, code: str
) -> None:
    """The first answer may have been lost: the doors are this controller's by then, and it does not know."""
    asking = Asking(served, code)
    first = asking.ask()
    assert first.status_code == 201
    clock.advance(HOLDS_MS - 1_000)
    again = asking.ask()
    assert (again.status_code, again.json()) == (201, first.json())
    assert asking.opened(again) == asking.opened(first)
    assert len(api.get("/api/3/controllers").json()) == 1
    assert refused(Asking(served, code).ask()), "another controller's key"
    other = Asking(served, code)
    stolen = {name: asking.request[name] for name in ("public_key", "nonce")}
    assert refused(other.ask(**stolen)), "without the proof of it"
    clock.advance(1_000)
    assert refused(asking.ask())


def test_of_several_who_use_a_code_at_the_same_moment_one_is_enrolled(served: Served, world: World, code: str) -> None:
    asking = [Asking(served, code) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(Asking.ask, asking))
    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 7
    assert len(world.database.read_now(lambda tx: tx.all(LINK_KEYS))) == 1


def test_a_code_that_has_expired_or_never_was_is_refused_in_the_same_words(
    served: Served, clock: FixedClock, code: str
) -> None:
    nobody = Asking(served, code)
    lookup = "AAAAA" if nobody.code.lookup != "AAAAA" else "BBBBB"
    assert refused(nobody.ask(code=lookup))
    clock.advance(HOLDS_MS)
    assert refused(Asking(served, code).ask())


@on_sqlite
def test_four_wrong_proofs_do_not_end_a_code(served: Served, code: str) -> None:
    right = Asking(served, code)
    wrong = Asking(served, str(keys.EnrolmentCode(right.code.lookup, "0" * 15)))
    for _ in range(4):
        assert refused(wrong.ask())
    assert right.ask().status_code == 201


def test_five_wrong_proofs_end_a_code(served: Served, code: str) -> None:
    right = Asking(served, code)
    for number in range(5):
        assert refused(right.ask(proof=bytes((number,)).hex() * 32))
    assert refused(right.ask())


@on_sqlite
def test_guessing_from_one_address_is_stopped(served: Served, code: str) -> None:
    right = Asking(served, code)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: right.ask(code=f"{number:05}"), range(30)))
    assert {answer.status_code for answer in answers} == {403, 429}
    late = right.ask()
    assert late.status_code == 429
    assert 1 <= int(late.headers["Retry-After"]) <= 60


@on_sqlite
def test_somebody_in_the_middle_who_puts_in_their_own_key_gets_nowhere(served: Served, code: str) -> None:
    controller = Asking(served, code)
    own = keys.new_private_key()
    # Towards the server: the proof is for the controller's key.
    assert refused(controller.ask(public_key=keys.public_key_of(own).hex()))
    # Towards the controller: the answer opens with the server's key only, and who alters it has not the code.
    answer = controller.ask()
    assert answer.status_code == 201
    altered = {**answer.json(), "public_key": keys.public_key_of(own).hex()}
    with pytest.raises(keys.WrongKey):
        open_answer(controller.code, controller.private_key, controller.nonce, altered)
    with pytest.raises(keys.WrongKey):
        open_answer(controller.code._replace(secret="0" * 15), controller.private_key, controller.nonce, answer.json())


@on_sqlite
def test_a_key_that_would_give_the_secret_away_is_refused_as_a_wrong_proof(served: Served, code: str) -> None:
    asking = Asking(served, code)
    public_key = bytes(32)
    proof = keys.proof(asking.code, public_key, asking.nonce)
    assert refused(asking.ask(public_key=public_key.hex(), proof=proof.hex()))


@on_sqlite
def test_what_is_no_request_is_named_field_by_field(served: Served, code: str) -> None:
    asking = Asking(served, code)
    for changes in (
        {"code": "ABC"},
        {"code": "ABCDE-FGHJK"},
        {"code": None},
        {"code": 7},
        {"public_key": "zz"},
        {"nonce": "00" * 31},
        {"proof": "00" * 33},
        {"proof": ["00"]},
        {"name": ""},
        {"name": "x" * 256},
        {"software": "a\u0007b"},
    ):
        answer = asking.ask(**changes)
        assert answer.status_code == 422, changes
        assert set(answer.json()["errors"]) == set(changes)
    assert asking.ask().status_code == 201, "none of them was a guess"


def test_a_code_is_for_channels_of_the_account_that_the_user_sees(
    served: Served, api: httpx.Client, world: World
) -> None:
    _, limited = world.user("admin", site_ids=world.site_ids[1:])
    far = world.channel_ids[2]
    with served.client(limited) as client:
        assert client.post("/api/3/controllers/codes", json={"channel_ids": [far]}).status_code == 201
        beyond = client.post("/api/3/controllers/codes", json={"channel_ids": [*world.channel_ids]})
    assert beyond.status_code == 422
    assert beyond.json()["errors"] == {"channel_ids": ["Not found for this account: 1, 2"]}
    other = World(world.database, world.vault, world.clock).build()
    assert other_account(world)
    for wanted in ([other.channel_ids[0]], [], None, [2**63], "1", [1.5]):
        answer = api.post("/api/3/controllers/codes", json={"channel_ids": wanted})
        assert answer.status_code == 422, wanted
        assert "channel_ids" in answer.json()["errors"]


@on_sqlite
def test_a_code_ends_with_the_rights_of_who_gave_it(served: Served, world: World) -> None:
    user_id, token = world.user("admin")
    with served.client(token) as client:
        made = client.post("/api/3/controllers/codes", json={"channel_ids": world.channel_ids[:1]}).json()
    now = world.clock.now()
    world.database.write_now(lambda tx: update_user(tx, world.account_id, user_id, {"disabled": True}, None, now))
    assert refused(Asking(served, made["code"]).ask())


def test_a_channel_stays_with_its_controller_until_another_one_has_enrolled(
    served: Served, api: httpx.Client, world: World, code: str
) -> None:
    first, link_key = Asking(served, code), None
    told, link_key = first.opened(first.ask())
    made = api.post("/api/3/controllers/codes", json={"channel_ids": world.channel_ids[:1]}).json()
    assert made["channels"][0]["controller_id"] == told["controller_id"]
    assert [each["id"] for each in api.get("/api/3/controllers").json()] == [told["controller_id"]]
    second = Asking(served, made["code"])
    taken, other_link_key = second.opened(second.ask())
    assert taken["channels"][0]["key"] != told["channels"][0]["key"], "what the first one has is worth nothing"
    assert link_key != other_link_key
    served_by = {
        each["id"]: [channel["id"] for channel in each["channels"]] for each in api.get("/api/3/controllers").json()
    }
    assert served_by == {
        told["controller_id"]: world.channel_ids[1:2],
        taken["controller_id"]: world.channel_ids[:1],
    }


@on_sqlite
def test_a_channel_that_has_a_key_keeps_it(served: Served, api: httpx.Client, world: World) -> None:
    channel_id = world.channel_ids[0]
    api.post(f"/api/3/channels/{channel_id}/regenerate_encryption_key")
    before = world.database.read_now(
        lambda tx: tx.all(Query(select(channels.c.pending_encryption_key), lambda key: key))
    )
    made = api.post("/api/3/controllers/codes", json={"channel_ids": [channel_id]}).json()
    asking = Asking(served, made["code"])
    asking.ask()
    after = world.database.read_now(lambda tx: tx.all(CHANNELS))
    assert after[0][2] in before
    assert api.get(f"/api/3/channels/{channel_id}").json()["status"] != "pending_encryption"
