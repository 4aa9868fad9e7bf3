"""/api/3/people over HTTP on both databases: contract, Person and PersonInput; behaviour.md, "People"."""

import json
from typing import Any

import httpx
from sqlalchemy import bindparam, insert, select, update

from doorward.accounts.tables import accounts
from doorward.audit.tables import audit_log
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.services import other_account, reserve, write
from tests.support.world import World

FIELDS = [
    *("id", "first_name", "last_name", "salutation", "job_title", "email", "organisation_id", "system_id"),
    *("department", "enabled", "valid_from", "valid_to", "image_url", "image_thumbnail_url", "telephone", "mobile"),
    *("notes", "barcode", "custom_1", "custom_2", "custom_3", "custom_4", "custom_5", "created_at", "updated_at"),
    *("groups", "roles"),
]
SLUGS = ["card_number", "pin"]
PASSPORTS = Query[None](
    update(accounts).where(accounts.c.id == bindparam("the_id")).values(passport_enabled=bindparam("on"))
)
LOGGED = Query(
    select(
        audit_log.c.action, audit_log.c.resource_type, audit_log.c.resource_id, audit_log.c.before, audit_log.c.after
    )
    .where(audit_log.c.account_id == bindparam("account_id"))
    .order_by(audit_log.c.id),
    lambda *columns: columns,
)
RESERVE_GROUPS = Query(
    insert(group_reservations)
    .values(
        {
            name: bindparam(name)
            for name in ("account_id", "person_id", "start_time", "end_time", "created_at", "updated_at")
        }
    )
    .returning(group_reservations.c.id),
    number,
)
OF_RESERVATION = Query[None](
    insert(group_reservation_groups).values(
        group_reservation_id=bindparam("reservation_id"), group_id=bindparam("group_id")
    )
)


def created(api: httpx.Client, **body: object) -> dict[str, Any]:
    answer = api.post("/api/3/people", json={"first_name": "Grace", "last_name": "Hopper", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shown(api: httpx.Client, person_id: int) -> dict[str, Any]:
    answer = api.get(f"/api/3/people/{person_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def errors(answer: httpx.Response) -> dict[str, list[str]]:
    assert answer.status_code == 422, answer.text
    found: dict[str, list[str]] = answer.json()["errors"]
    return found


def listed(api: httpx.Client, **query: Any) -> list[int]:
    answer = api.get("/api/3/people", params=query)
    assert answer.status_code == 200, answer.text
    return [person["id"] for person in answer.json()]


def test_a_person_has_the_contracts_fields_in_its_order_and_one_for_each_credential_type(
    api: httpx.Client,
) -> None:
    body = {
        "salutation": "Dr.",
        "job_title": "Rear Admiral",
        "email": "Grace@Example.com",
        "organisation_id": 2**53 - 1,
        "system_id": "EMP-1",
        "department": "Navy",
        "enabled": False,
        "valid_from": "2026-03-01T00:00:00",
        "valid_to": "2026-07-01T00:00:00",
        "telephone": "1",
        "mobile": "any",
        "notes": "two\nlines",
        "barcode": "b",
        **{f"custom_{number}": str(number) for number in range(1, 6)},
        "card_number": "000777",
        "pin": "******",
        "firstName": "ignored",
    }
    made = created(api, **body)
    assert list(made) == [*FIELDS, *SLUGS]
    kept = {name: made[name] for name in body if name in FIELDS and name not in ("valid_from", "valid_to")}
    assert kept == {name: body[name] for name in kept}
    assert (made["valid_from"], made["valid_to"]) == ("2026-03-01T00:00:00.000Z", "2026-06-30T23:00:00.000Z")
    assert made["created_at"] == made["updated_at"] == "2026-03-02T09:00:00.000Z"
    assert (made["groups"], made["roles"], made["image_url"], made["image_thumbnail_url"]) == ([], [], None, None)
    assert made["card_number"] == "000777"
    assert made["pin"].isdigit()
    assert shown(api, made["id"]) == made
    assert [person for person in api.get("/api/3/people").json() if person["id"] == made["id"]] == [made]


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_kept(api: httpx.Client, world: World) -> None:
    body = {
        "first_name": "",
        "email": "nobody",
        "enabled": "yes",
        "valid_to": "tomorrow",
        "pin": "12",
        "card_number": "1234",
        "group_ids": [99],
        "image_base64": "!",
    }
    assert errors(api.post("/api/3/people", json=body)).keys() == {*body, "last_name"}
    assert listed(api) == [world.person_id]


def test_a_change_is_answered_with_201_and_leaves_what_it_does_not_mention(
    api: httpx.Client, clock: FixedClock
) -> None:
    made = created(api, email="grace@example.com", pin="1234", card_number="55")
    clock.advance(5_000)
    answer = api.put(f"/api/3/people/{made['id']}", json={"department": "Navy", "pin": None, "deleted": True})
    assert answer.status_code == 201
    expected = made | {"department": "Navy", "pin": None, "updated_at": "2026-03-02T09:00:05.000Z"}
    assert answer.json() == expected == shown(api, made["id"])
    assert errors(api.put(f"/api/3/people/{made['id']}", json={"card_number": "1234", "last_name": None})) == {
        "card_number": ["value is already in use on your account"],
        "last_name": ["can't be blank"],
    }
    assert shown(api, made["id"]) == expected


def test_a_body_may_be_wrapped(api: httpx.Client) -> None:
    answer = api.post("/api/3/people", json={"person": {"first_name": "Grace", "last_name": "Hopper"}})
    assert answer.status_code == 201
    answer = api.put(f"/api/3/people/{answer.json()['id']}", json={"person": {"last_name": "Murray"}})
    assert (answer.status_code, answer.json()["last_name"]) == (201, "Murray")


def test_a_deleted_person_is_gone_but_for_clients_that_follow_what_has_changed(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    made = created(api, email="grace@example.com", pin="8765", card_number="55", system_id="EMP-1")
    clock.advance(60_000)
    answer = api.delete(f"/api/3/people/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {"result": "ok"})
    for method in ("GET", "PUT", "DELETE"):
        answer = api.request(method, f"/api/3/people/{made['id']}", json={} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert listed(api) == [world.person_id]
    found = api.get("/api/3/people", params={"since": "2026-03-02T09:01:00"}).json()
    gone = {"card_number": None, "pin": None, "updated_at": "2026-03-02T09:01:00.000Z", "deleted": True}
    assert found == [made | gone]
    assert list(found[0]) == [*FIELDS, *SLUGS, "deleted"]
    assert listed(api, since_utc="2026-03-02T09:01:00.001") == []
    again = created(api, email="grace@example.com", pin="8765", card_number="55")
    assert again["id"] > made["id"]


def test_people_are_listed_by_id_in_pages_of_fifty_and_at_most_a_hundred(api: httpx.Client, world: World) -> None:
    ids = [world.person_id, *(world.person("Person", str(entry), email=f"p{entry}@x.example") for entry in range(120))]
    first = api.get("/api/3/people")
    assert [person["id"] for person in first.json()] == ids[:50]
    assert (first.headers["total"], first.headers["per-page"], first.headers["x-page"]) == ("121", "50", "1")
    assert '</api/3/people?page=2&per_page=50>; rel="next"' in first.headers["link"]
    assert listed(api, per_page=1000) == ids[:100]
    assert listed(api, per_page=100, page=2) == ids[100:]
    assert listed(api, page=9) == []
    assert listed(api, skip_pagination="true") == ids
    for wrong in ("page=0", "page=x", "per_page=-1", "per_page=1.5", "skip_pagination=maybe", "since=now", "email=%00"):
        answer = api.get(f"/api/3/people?{wrong}")
        assert answer.status_code == 400, wrong
        assert wrong.partition("=")[0] in answer.json()["error_description"]


def test_people_are_found_by_a_part_of_the_address_and_by_the_system_id(api: httpx.Client) -> None:
    one = created(api, email="Grace.Hopper@example.com", system_id="EMP-1")["id"]
    two = created(api, email="grace_murray@example.com", system_id="EMP-2")["id"]
    assert listed(api, email="GRACE") == [one, two]
    assert listed(api, email="hopper@EXAMPLE") == [one]
    assert listed(api, email="grace_") == [two]
    assert listed(api, email="%") == []
    assert listed(api, system_id="EMP-2") == [two]
    assert listed(api, system_id="EMP") == []
    assert listed(api, email="grace", system_id="EMP-1") == [one]
    assert len(listed(api, email="", system_id="")) == 3


def test_groups_and_roles_are_given_as_ids(api: httpx.Client, world: World) -> None:
    groups = [write(world, create_group, {"name": name}).id for name in ("B", "A")]
    roles = [write(world, create_role, {"name": name}).id for name in ("D", "C")]
    made = created(api, group_ids=groups[::-1], role_ids=roles)
    assert (made["groups"], made["roles"]) == (groups, roles)
    changed = api.put(f"/api/3/people/{made['id']}", json={"group_ids": groups[:1], "role_ids": None}).json()
    assert (changed["groups"], changed["roles"]) == (groups[:1], roles)
    other = other_account(world)
    theirs = world.database.write_now(lambda tx: create_group(tx, other, {"name": "Theirs"}, 0)).id
    assert errors(api.put(f"/api/3/people/{made['id']}", json={"group_ids": [theirs], "role_ids": [99]})) == {
        "group_ids": [f"Not found for this account: {theirs}"],
        "role_ids": ["Not found for this account: 99"],
    }


def test_the_role_of_a_reservation_shows_until_the_reservation_ends(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    role = reserve(world, world.person_id)
    assert shown(api, world.person_id)["roles"] == [role]
    clock.advance(3 * 3_600_000)
    assert shown(api, world.person_id)["roles"] == []


def test_the_groups_of_a_group_reservation_show_while_it_is_active(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    lasting, reserved = (write(world, create_group, {"name": name}).id for name in ("Staff", "Guests"))
    api.put(f"/api/3/people/{world.person_id}", json={"group_ids": [lasting]})
    now = clock.now()

    def make(tx: Transaction) -> None:
        stretch = {"start_time": now + 1_000, "end_time": now + 2_000, "created_at": now, "updated_at": now}
        made = tx.one(RESERVE_GROUPS, account_id=world.account_id, person_id=world.person_id, **stretch)
        for group in (lasting, reserved):
            tx.run(OF_RESERVATION, reservation_id=require(made), group_id=group)

    world.database.write_now(make)
    seen = []
    for _ in range(3):
        seen.append(shown(api, world.person_id)["groups"])
        clock.advance(1_000)
    assert seen == [[lasting], [lasting, reserved], [lasting]]


def test_role_ids_need_a_user_who_may_edit_roles(served: Served, world: World) -> None:
    role = write(world, create_role, {"name": "Staff"}).id
    operator, admin = world.user("operator")[1], world.user("admin", scopes="account.person")[1]
    body = {"first_name": "Grace", "last_name": "Hopper", "role_ids": [role]}
    with served.client(operator) as api:
        answer = api.post("/api/3/people", json=body)
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
        assert api.put(f"/api/3/people/{world.person_id}", json={"role_ids": []}).status_code == 403
        assert api.put(f"/api/3/people/{world.person_id}", json={"role_ids": None}).status_code == 201
    with served.client(admin) as api:
        answer = api.post("/api/3/people", json=body)
        assert (answer.status_code, answer.json()["roles"]) == (201, [role])


def test_a_user_who_is_limited_to_sites_gives_and_takes_nothing_at_other_sites(served: Served, world: World) -> None:
    here, there = (
        write(world, create_role, {"name": name, "channel_ids": [channel]}).id
        for name, channel in (("Here", world.channel_ids[0]), ("There", world.channel_ids[2]))
    )
    group = write(world, create_group, {"name": "There", "role_ids": [there]}).id
    token = world.user("admin", site_ids=world.site_ids[:1])[1]
    with served.client(token) as api:
        made = created(api, role_ids=[here])
        path = f"/api/3/people/{made['id']}"
        refused = errors(api.put(path, json={"role_ids": [here, there], "group_ids": [group], "email": "x"}))
        assert refused.keys() == {"role_ids", "group_ids", "email"}
        assert refused["role_ids"] == [f"Beyond the sites that you are limited to: {there}"]
        assert errors(api.post("/api/3/people", json={"group_ids": [group]})).keys() == {
            "first_name",
            "last_name",
            "group_ids",
        }
        with served.client(world.token) as owner:
            assert owner.put(path, json={"role_ids": [here, there], "group_ids": [group]}).status_code == 201
        assert errors(api.put(path, json={"role_ids": [here]})).keys() == {"role_ids"}
        assert errors(api.put(path, json={"group_ids": []})).keys() == {"group_ids"}
        answer = api.put(path, json={"role_ids": [there], "group_ids": [group]})
        assert answer.status_code == 201, "what stays is nobody's business"
        assert answer.json()["roles"] == [there]


def test_a_mobile_number_is_in_the_format_of_e164_where_passports_are_on(api: httpx.Client, world: World) -> None:
    assert created(api, mobile="020 7946 0018")["mobile"] == "020 7946 0018"
    world.database.write_now(lambda tx: tx.run(PASSPORTS, the_id=world.account_id, on=1))
    for wrong in ("020 7946 0018", "+1415555123456789", "+0123456789", "+1234567", "+442079460\u06618"):
        answer = api.post("/api/3/people", json={"first_name": "A", "last_name": "B", "mobile": wrong})
        assert errors(answer) == {"mobile": ["must be in the format of E.164, such as +14155551234"]}
    made = created(api, mobile="+442079460018")
    assert api.put(f"/api/3/people/{made['id']}", json={"mobile": None}).json()["mobile"] is None


def test_another_accounts_people_do_not_exist(served: Served, world: World, api: httpx.Client) -> None:
    stranger = World(world.database, world.vault, world.clock).build()
    with served.client(stranger.token) as other:
        assert listed(other) == [stranger.person_id]
        for method in ("GET", "PUT", "DELETE"):
            answer = other.request(method, f"/api/3/people/{world.person_id}", json={} if method == "PUT" else None)
            assert answer.status_code == 404
    for strange in ("0", "-1", "x", "9" * 18, "9" * 30, "1e3", "\u0661"):
        assert api.get(f"/api/3/people/{strange}").status_code == 404


def test_an_idempotency_key_creates_a_person_once(api: httpx.Client) -> None:
    body = {"first_name": "Grace", "last_name": "Hopper", "pin": "******"}
    answers = [api.post("/api/3/people", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(listed(api)) == 2


def test_the_log_has_what_became_of_people_and_credentials_and_never_a_value(api: httpx.Client, world: World) -> None:
    seen = len(world.database.read_now(lambda tx: tx.all(LOGGED, account_id=world.account_id)))
    made = created(api, pin="8642", card_number="97531", department="Navy")
    path = f"/api/3/people/{made['id']}"
    api.put(path, json={"pin": "8643", "card_number": None, "department": "Army"})
    api.put(path, json={"department": "Army"})
    api.delete(path)
    entries = world.database.read_now(lambda tx: tx.all(LOGGED, account_id=world.account_id))[seen:]
    assert [(action, kind) for action, kind, *_ in entries] == [
        ("create", "person"),
        ("create", "credential"),
        ("create", "credential"),
        ("update", "person"),
        ("delete", "credential"),
        ("update", "credential"),
        ("delete", "person"),
    ]
    assert json.loads(entries[3][3]) == {"department": "Navy"}
    assert json.loads(entries[3][4]) == {"department": "Army"}
    text = repr(entries)
    assert not [value for value in ("8642", "8643", "97531") if value in text]
