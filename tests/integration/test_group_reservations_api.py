"""/api/3/group_reservations: contract operations list-, create- and deleteGroupReservation."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.decision.engine import decide_person
from doorward.decision.snapshot import DoorState
from doorward.groups.service import create_group, delete_group, update_group
from doorward.kit.clock import FixedClock
from doorward.kit.timestamps import format_instant
from doorward.people.service import delete_person, get_person
from doorward.roles.service import create_role, update_role
from doorward.sync.compiler import compile_for
from tests.integration.conftest import Served
from tests.support.refusals import Note, notes_of
from tests.support.services import other_account, read, write
from tests.support.world import World

URL = "/api/3/group_reservations"
NINE = 1_772_442_000_000  # what the clock shows at first
HOUR = 3_600_000
LOG = Query(
    select(audit_log.c.action, audit_log.c.before, audit_log.c.after)
    .where(audit_log.c.resource_type == "group_reservation")
    .order_by(audit_log.c.id),
    lambda *row: row,
)


def stamp(hour: float) -> str:
    """An hour of the day on which the clock stands at nine."""
    return format_instant(NINE + int((hour - 9) * HOUR))


@pytest.fixture
def cleaners(world: World) -> int:
    """A group whose role opens the front door at any time."""
    role = write(world, create_role, {"name": "Cleaning", "channel_ids": world.channel_ids[:1]})
    return write(world, create_group, {"name": "Cleaners", "role_ids": [role.id]}).id


@pytest.fixture
def book(api: httpx.Client, world: World, cleaners: int) -> Callable[..., dict[str, Any]]:
    def make(start: float, end: float, **more: object) -> dict[str, Any]:
        body = {"person_id": world.person_id, "start_time": stamp(start), "end_time": stamp(end)}
        answer = api.post(URL, json={"group_reservation": {**body, "group_ids": [cleaners], **more}})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return make


def admitted(world: World, at: int, person_id: int | None = None, channel: int = 0) -> bool:
    wanted = world.person_id if person_id is None else person_id
    compiled = world.database.read_now(
        lambda tx: compile_for(tx, world.vault, world.channel_ids[channel], [], [wanted])
    )
    assert compiled is not None
    return decide_person(compiled.snapshot, DoorState(), wanted, at).admitted


def test_a_group_reservation_has_exactly_the_contracts_fields_in_its_order(
    api: httpx.Client, world: World, cleaners: int, book: Callable[..., dict[str, Any]]
) -> None:
    made = book(10, 12, group_ids=[cleaners, cleaners])
    assert list(made.items()) == [
        ("id", 1),
        ("person_id", world.person_id),
        ("start_time", "2026-03-02T10:00:00.000Z"),
        ("end_time", "2026-03-02T12:00:00.000Z"),
        ("state", "pending"),
        ("group_ids", [cleaners]),
        ("created_at", "2026-03-02T09:00:00.000Z"),
        ("updated_at", "2026-03-02T09:00:00.000Z"),
    ]
    assert api.get(URL).json() == [made]
    bare = {"person_id": world.person_id, "start_time": stamp(9), "end_time": stamp(11), "group_ids": [cleaners]}
    answer = api.post(URL, json=bare)
    assert (answer.status_code, answer.json()["state"]) == (201, "active")


def test_membership_appears_and_disappears_at_the_right_millisecond_without_any_write(
    api: httpx.Client, world: World, clock: FixedClock, book: Callable[..., dict[str, Any]]
) -> None:
    book(10, 20)
    ten = NINE + HOUR
    found = [admitted(world, at) for at in (NINE, ten - 1, ten, ten + 10 * HOUR - 1, ten + 10 * HOUR)]
    assert found == [False, False, True, True, False]
    for hours, states in ((0, ["pending"]), (1, ["active"]), (10, [])):
        clock.advance(hours * HOUR)
        assert [row["state"] for row in api.get(URL).json()] == states
    book(20, 20 + 24 * 60)
    assert admitted(world, NINE + 59 * 24 * HOUR)


def test_the_end_takes_nothing_that_the_person_has_otherwise(
    api: httpx.Client, world: World, cleaners: int, book: Callable[..., dict[str, Any]]
) -> None:
    write(world, update_group, cleaners, {"person_ids": [world.person_id]})
    made = book(9, 12)
    book(9, 13)
    assert api.delete(f"{URL}/{made['id']}").json() == {"result": "ok"}
    assert read(world, get_person, world.person_id).group_ids == (cleaners,)
    assert [admitted(world, NINE + hours * HOUR) for hours in (0, 3, 4, 99)] == [True] * 4
    write(world, update_group, cleaners, {"person_ids": []})
    assert [admitted(world, NINE + hours * HOUR) for hours in (0, 3, 4)] == [True, True, False]


def test_all_that_is_wrong_is_said_at_once(api: httpx.Client, world: World, cleaners: int) -> None:
    theirs = other_account(world)
    foreign = world.database.write_now(lambda tx: create_group(tx, theirs, {"name": "Theirs"}, world.clock.now()).id)
    blank = "can't be blank"
    for body, errors in (
        ({}, {"person_id": [blank], "start_time": [blank], "end_time": [blank], "group_ids": [blank]}),
        (
            {"person_id": 99, "start_time": stamp(12), "end_time": stamp(12), "group_ids": [foreign, cleaners, 77]},
            {
                "person_id": ["Not found for this account"],
                "end_time": ["must be after start_time"],
                "group_ids": [f"Not found for this account: {foreign}, 77"],
            },
        ),
        (
            {"person_id": "1", "start_time": "soon", "end_time": stamp(8), "group_ids": []},
            {
                "person_id": ["must be an integer"],
                "start_time": ["must be a date and time such as 2024-01-15T09:00:00Z"],
                "end_time": ["must be in the future"],
                "group_ids": ["must name at least one group"],
            },
        ),
        (
            {"person_id": 1, "start_time": "2026-03-29T01:30:00", "end_time": stamp(9), "group_ids": 5},
            {
                "start_time": ["does not exist in Europe/London: the clock skips it"],
                "end_time": ["must be in the future"],
                "group_ids": ["must be a list of integers"],
            },
        ),
    ):
        for sent in (body, {"group_reservation": body}):
            answer = api.post(URL, json=sent)
            assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    for wrapped in tuple[object, ...]((None, [], "x", 5)):
        answer = api.post(URL, json={"group_reservation": wrapped})
        assert (answer.status_code, answer.json()["errors"]) == (422, {"group_reservation": ["must be an object"]})
    assert api.post(URL, json=[]).status_code == 400
    assert api.get(URL).json() == []


def test_times_without_an_offset_are_the_accounts(api: httpx.Client, world: World, cleaners: int) -> None:
    body = {"person_id": world.person_id, "start_time": "2026-07-01T09:00:00", "end_time": "2026-07-01T09:00:00+02:00"}
    answer = api.post(URL, json={**body, "group_ids": [cleaners]})
    assert answer.json()["errors"] == {"end_time": ["must be after start_time"]}
    answer = api.post(URL, json={**body, "end_time": "2026-07-01T10:00:00.5", "group_ids": [cleaners]})
    assert [answer.json()[name] for name in ("start_time", "end_time")] == [
        "2026-07-01T08:00:00.000Z",
        "2026-07-01T09:00:00.500Z",
    ]


def test_a_pending_one_is_deleted_an_active_one_deactivated_and_one_that_is_over_refused(
    api: httpx.Client, world: World, clock: FixedClock, book: Callable[..., dict[str, Any]]
) -> None:
    pending, active = book(10, 12), book(8, 12)
    assert active["state"] == "active"
    clock.advance(60_000)
    for row in (pending, active):
        answer = api.delete(f"{URL}/{row['id']}")
        assert (answer.status_code, answer.json()) == (200, {"result": "ok"})
    assert api.get(URL).json() == []
    assert not admitted(world, clock.now()), "at once"
    [kept] = api.get(URL, params={"since_utc": stamp(0)}).json()
    assert kept == {**active, "state": "deactivated", "updated_at": "2026-03-02T09:01:00.000Z"}
    assert api.delete(f"{URL}/{pending['id']}").status_code == 404
    again = api.delete(f"{URL}/{active['id']}")
    assert (again.status_code, again.json()["errors"]) == (422, {"state": ["is deactivated already"]})
    over = book(10, 11)
    clock.advance(2 * HOUR)
    assert api.delete(f"{URL}/{over['id']}").status_code == 422
    for nothing in ("0", "x", "9" * 30, "-1", str(2**63)):
        assert api.delete(f"{URL}/{nothing}").status_code == 404
    actions = [
        (action, before and "end_time" in before)
        for action, before, _ in world.database.read_now(lambda tx: tx.all(LOG))
    ]
    assert actions == [("create", None), ("create", None), ("delete", True), ("update", False), ("create", None)]


def test_since_sees_what_began_and_ended_by_itself(
    api: httpx.Client, clock: FixedClock, book: Callable[..., dict[str, Any]]
) -> None:
    rows = [book(10, 12)["id"], book(9.5, 20)["id"], book(15, 20)["id"]]

    def since(hour: float) -> list[tuple[int, str, str]]:
        found = api.get(URL, params={"since_utc": stamp(hour)}).json()
        return [(rows.index(row["id"]), row["state"], row["updated_at"]) for row in found]

    assert [row[0] for row in since(9)] == [0, 1, 2]
    assert since(9.1) == []
    clock.advance(HOUR)
    assert since(9.1) == [(0, "active", stamp(10)), (1, "active", stamp(9.5))]
    assert since(10) == [(0, "active", stamp(10))]
    clock.advance(2 * HOUR)
    assert since(11) == [(0, "deactivated", stamp(12))]
    assert [row["updated_at"] for row in api.get(URL).json()] == [stamp(9.5), stamp(9)]
    assert since(12.001) == []


def test_lists_page(api: httpx.Client, clock: FixedClock, book: Callable[..., dict[str, Any]]) -> None:
    ids = [book(10, 11 + number)["id"] for number in range(5)]
    clock.advance(2 * HOUR)
    answer = api.get(URL, params={"per_page": 2, "page": 2})
    assert [row["id"] for row in answer.json()] == ids[3:]
    assert {name: answer.headers[name] for name in ("Total", "Per-Page")} == {"Total": "4", "Per-Page": "2"}
    answer = api.get(URL, params={"per_page": 2, "page": 2, "since": "2026-01-01T00:00:00"})
    assert ([row["id"] for row in answer.json()], answer.headers["Total"]) == (ids[2:4], "5")
    assert len(api.get(URL, params={"skip_pagination": "true"}).json()) == 4
    assert api.get(URL, params={"page": 9}).json() == []


def test_a_deleted_persons_group_reservations_end(
    api: httpx.Client, world: World, book: Callable[..., dict[str, Any]]
) -> None:
    book(10, 12)
    active = book(9, 12)
    write(world, delete_person, world.person_id)
    assert api.get(URL).json() == []
    rows = api.get(URL, params={"since_utc": stamp(0)}).json()
    assert [(row["id"], row["state"]) for row in rows] == [(active["id"], "deactivated")]
    body = {"person_id": world.person_id, "start_time": stamp(9), "end_time": stamp(11)}
    assert api.post(URL, json=body).json()["errors"]["person_id"] == ["Not found for this account"]


def test_a_deleted_group_leaves_the_reservation_without_it(
    api: httpx.Client, world: World, clock: FixedClock, cleaners: int, book: Callable[..., dict[str, Any]]
) -> None:
    other = write(world, create_group, {"name": "Other"}).id
    both, alone = book(9, 12, group_ids=[cleaners, other]), book(9, 12)
    clock.advance(60_000)
    assert notes_of(world.database, lambda: write(world, delete_group, cleaners)) == {Note(person_id=world.person_id)}
    assert not admitted(world, clock.now())
    rows = api.get(URL, params={"since_utc": stamp(9.01)}).json()
    assert [(row["id"], row["state"], row["group_ids"]) for row in rows] == [
        (both["id"], "active", [other]),
        (alone["id"], "active", []),
    ]


def test_doors_are_told_of_whoever_it_concerns(
    api: httpx.Client, world: World, cleaners: int, book: Callable[..., dict[str, Any]]
) -> None:
    concerned = {Note(person_id=world.person_id)}
    made: list[dict[str, Any]] = []
    assert notes_of(world.database, lambda: made.append(book(10, 12))) == concerned
    role = write(world, create_role, {"name": "More", "channel_ids": world.channel_ids[1:2]})
    assert notes_of(world.database, lambda: write(world, update_group, cleaners, {"role_ids": [role.id]})) == concerned
    assert admitted(world, NINE + HOUR, channel=1)
    noted = notes_of(world.database, lambda: write(world, update_role, role.id, {"group_ids": []}))
    assert noted == {*concerned, Note(role_id=role.id)}
    assert not admitted(world, NINE + HOUR, channel=1)
    assert notes_of(world.database, lambda: api.delete(f"{URL}/{made[0]['id']}")) == concerned
    noted = notes_of(world.database, lambda: write(world, update_role, role.id, {"group_ids": [cleaners]}))
    assert noted == {Note(role_id=role.id)}, "of a group reservation that is gone nobody has to be told"


def test_the_persons_own_updated_at_moves(
    api: httpx.Client, world: World, clock: FixedClock, book: Callable[..., dict[str, Any]]
) -> None:
    clock.advance(1000)
    made = book(10, 12)
    assert read(world, get_person, world.person_id).updated_at == NINE + 1000
    clock.advance(1000)
    api.delete(f"{URL}/{made['id']}")
    assert read(world, get_person, world.person_id).updated_at == NINE + 2000


def test_a_user_limited_to_sites_reserves_what_reaches_only_there(
    served: Served, world: World, cleaners: int, book: Callable[..., dict[str, Any]]
) -> None:
    far = write(world, create_role, {"name": "Far", "channel_ids": world.channel_ids[2:]})
    far_group = write(world, create_group, {"name": "Far", "role_ids": [far.id]}).id
    empty = write(world, create_group, {"name": "Nothing yet"}).id
    north, south, both = (
        book(10, 12),
        book(10, 12, group_ids=[far_group]),
        book(10, 12, group_ids=[cleaners, far_group]),
    )
    _, token = world.user("operator", site_ids=world.site_ids[:1])
    body = {"person_id": world.person_id, "start_time": stamp(10), "end_time": stamp(12)}
    with served.client(token) as limited:
        assert [row["id"] for row in limited.get(URL).json()] == [north["id"], both["id"]]
        answer = limited.post(URL, json={**body, "group_ids": [cleaners, far_group], "start_time": None})
        assert answer.json()["errors"] == {
            "start_time": ["can't be blank"],
            "group_ids": [f"Beyond the sites that you are limited to: {far_group}"],
        }
        own = [limited.post(URL, json={**body, "group_ids": [group]}).json()["id"] for group in (cleaners, empty)]
        assert [row["id"] for row in limited.get(URL).json()] == [north["id"], both["id"], *own]
        assert limited.get(URL, params={"per_page": 1}).headers["Total"] == "4"
        statuses = [limited.delete(f"{URL}/{row}").status_code for row in (north["id"], south["id"], both["id"], *own)]
        assert statuses == [200, 404, 403, 200, 200]


def test_nothing_of_another_account_is_found(served: Served, world: World, book: Callable[..., dict[str, Any]]) -> None:
    made = book(10, 12)
    other = World(world.database, world.vault, world.clock).build()
    with served.client(other.token) as theirs:
        assert theirs.get(URL).json() == []
        assert theirs.delete(f"{URL}/{made['id']}").status_code == 404
        body = {"person_id": world.person_id, "start_time": stamp(10), "end_time": stamp(12), "group_ids": [1]}
        assert theirs.post(URL, json=body).json()["errors"].keys() == {"person_id", "group_ids"}


def test_it_needs_its_scope(served: Served, world: World) -> None:
    user, _ = world.user("admin")
    with served.client(world.new_token(user, "account.group_reservation.readonly account.group")) as reader:
        assert reader.get(URL).status_code == 200
        assert reader.post(URL, json={}).status_code == 403
        assert reader.delete(f"{URL}/1").status_code == 403
    with served.client(world.new_token(user, "account.reservation account.person")) as other:
        assert other.get(URL).status_code == 403
