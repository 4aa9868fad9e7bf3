"""GET /api/3/roles: contract page "list roles"."""

import httpx

from doorward.db.unit_of_work import Transaction
from doorward.roles.service import create_role
from doorward.shifts.service import create_shift
from tests.integration.conftest import Served
from tests.support.world import World


def make(world: World, *names: str, **more: object) -> None:
    now = world.clock.now()

    def roles(transaction: Transaction) -> None:
        for name in names:
            create_role(transaction, world.account_id, {"name": name, **more}, now)

    world.database.write_now(roles)


def test_roles_have_exactly_the_contracts_fields_in_the_contracts_order(api: httpx.Client, world: World) -> None:
    now = world.clock.now()
    window = {"days": ["mon"], "start": "07:00", "end": "22:00"}
    shift = world.database.write_now(
        lambda tx: create_shift(tx, world.account_id, {"name": "Mondays", "windows": [window]}, now)
    )
    make(world, "Office Staff", shift_id=shift.id, notes="Access in business hours", channel_ids=world.channel_ids)
    assert api.get("/api/3/roles").json() == [
        {
            "id": 1,
            "name": "Office Staff",
            "shift_id": shift.id,
            "notes": "Access in business hours",
            "created_at": "2026-03-02T09:00:00.000Z",
            "updated_at": "2026-03-02T09:00:00.000Z",
        }
    ]
    assert list(api.get("/api/3/roles").json()[0]) == ["id", "name", "shift_id", "notes", "created_at", "updated_at"]


def test_roles_are_ordered_by_name_as_people_expect_and_then_by_id(api: httpx.Client, world: World) -> None:
    make(world, "zebra", "Émile", "apple", "Zoë", "Emil", "eva", "APPLE", "Æther")
    names = [role["name"] for role in api.get("/api/3/roles").json()]
    assert names == ["apple", "APPLE", "Emil", "Émile", "eva", "zebra", "Zoë", "Æther"]


def test_the_list_does_not_page(api: httpx.Client, world: World) -> None:
    make(world, *(f"Role {number:03}" for number in range(30)))
    answer = api.get("/api/3/roles", params={"per_page": 5, "page": 2})
    assert len(answer.json()) == 30
    assert "total" not in answer.headers


def test_a_user_limited_to_sites_sees_the_roles_that_name_a_channel_there(served: Served, world: World) -> None:
    make(world, "North", channel_ids=world.channel_ids[:1])
    make(world, "South", channel_ids=world.channel_ids[2:])
    make(world, "Both", channel_ids=world.channel_ids)
    make(world, "Nowhere")
    _, token = world.user("viewer", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert [role["name"] for role in limited.get("/api/3/roles").json()] == ["Both", "South"]
