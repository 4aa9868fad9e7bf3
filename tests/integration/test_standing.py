"""Where is this change: which doors have confirmed a person's rights, since when, and which may still open."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import select, update

from doorward.changes import reports
from doorward.changes import service as changes
from doorward.channels import confirming
from doorward.channels.service import create_channel, update_channel
from doorward.channels.tables import channels
from doorward.controllers.reporting import Reporting
from doorward.controllers.service import note_served
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.service import create_group_reservation, delete_group_reservation
from doorward.groups.service import create_group, delete_group, update_group
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import authenticate
from doorward.people.service import delete_person, update_person
from doorward.reservations.service import create_reservation, delete_reservation
from doorward.roles.service import create_role, delete_role, update_role
from doorward.shifts.holidays import add_holiday
from doorward.shifts.service import create_shift
from doorward.sync.tables import confirmations
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.services import other_account, write, write_sealed
from tests.support.world import World

HOUR = 3_600_000
DAY = 24 * HOUR
AT = "2026-03-02T{}.000Z"


def report(world: World, *channel_ids: int) -> None:
    """Let doors report that they are there and have everything."""
    now = world.clock.now()
    world.database.write_now(lambda tx: reports.report(tx, channel_ids, changes.last(tx), now))


def remote(world: World, *channel_ids: int) -> None:
    """Let these doors be a controller's."""
    enrolled = Query[None](update(channels).where(channels.c.id >= channel_ids[0]).values(controller_id=1))
    world.database.write_now(lambda tx: tx.run(enrolled))


def standing(api: httpx.Client, world: World, person_id: int | None = None) -> Any:
    answer = api.get(f"/api/3/people/{person_id or world.person_id}/standing")
    assert answer.status_code == 200
    return answer.json()


def statuses(api: httpx.Client, world: World, person_id: int | None = None) -> dict[int, tuple[str, str]]:
    """By channel: rights and status."""
    found = standing(api, world, person_id)["channels"]
    return {each["channel_id"]: (each["rights"], each["status"]) for each in found}


@pytest.fixture
def api(served: Served, world: World) -> Iterator[httpx.Client]:
    """A client whose token lasts longer than these tests' clock goes."""
    with served.client(world.new_token(world.owner_id, seconds=100 * 86_400)) as opened:
        yield opened


@pytest.fixture
def role(world: World) -> int:
    """A role of Ada's at the first two doors."""
    body = {"name": "Staff", "channel_ids": world.channel_ids[:2], "person_ids": [world.person_id]}
    return write(world, create_role, body).id


@pytest.mark.usefixtures("role")
def test_a_door_has_confirmed_a_persons_rights_since_it_reported_the_last_change(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    clock.advance(1_000)
    report(world, front, back, far)
    clock.advance(2_000)
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    pending = standing(api, world)
    assert pending["person"] == {"id": world.person_id, "name": "Ada Lovelace", "status": "disabled"}
    assert pending["summary"] == {"confirmed": 0, "pending": 2, "may_still_open": 0}
    clock.advance(500)
    report(world, front, back, far)
    clock.advance(60_000)
    write(world, create_role, {"name": "Nobody's"})
    report(world, front, back, far)
    found = standing(api, world)
    assert (found["at"], found["summary"]) == (AT.format("09:01:03").replace(".000", ".500"), {
        "confirmed": 2, "pending": 0, "may_still_open": 0,
    })  # fmt: skip
    assert found["channels"] == [
        {
            "channel_id": channel_id,
            "channel_name": name,
            "site_id": world.site_ids[0],
            "rights": "none",
            "status": "confirmed",
            "confirmed_at": "2026-03-02T09:00:03.500Z",
            "changed_at": "2026-03-02T09:00:03.000Z",
            "may_open_until": None,
            "without_limit": False,
        }
        for channel_id, name in ((front, "Front door"), (back, "Back door"))
    ]


@pytest.mark.usefixtures("role")
def test_a_door_that_is_cut_off_may_still_open_until_its_limit(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    remote(world, front)
    write(world, update_channel, back, {"staleness_hours": None})
    report(world, front, back, far)
    clock.advance(46_000)
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    found = standing(api, world)
    assert found["summary"] == {"confirmed": 0, "pending": 0, "may_still_open": 2}
    first, second = found["channels"]
    # The last contact, 72 hours, and what its clock may be slower or its last contact later: never too early.
    assert (first["may_open_until"], first["without_limit"]) == ("2026-03-05T09:03:09.600Z", False)
    assert (second["may_open_until"], second["without_limit"]) == (None, True)
    assert first["confirmed_at"] is None
    clock.advance(72 * HOUR + 189_600 - 46_001)
    assert statuses(api, world)[front] == ("none", "may_still_open")
    clock.advance(1)
    assert statuses(api, world)[front] == ("none", "pending"), "by now it refuses everybody"
    report(world, front)
    found = standing(api, world)
    assert found["channels"][0]["status"] == "confirmed"
    assert found["channels"][0]["confirmed_at"] == "2026-03-05T09:03:09.600Z"
    assert found["channels"][1]["status"] == "may_still_open", "one controller speaks for its own doors"


@pytest.mark.usefixtures("role")
@pytest.mark.usefixtures("role")
def test_a_limit_that_was_set_while_a_door_was_cut_off_is_none_that_the_door_goes_by(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    remote(world, front)
    write(world, update_channel, front, {"staleness_hours": 48})
    clock.advance(1_000)
    report(world, front, back, far)
    clock.advance(46_000)
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    write(world, update_channel, front, {"staleness_hours": 1})
    write(world, update_channel, back, {"staleness_hours": 2})
    write(world, update_channel, back, {"staleness_hours": None})
    write(world, update_channel, back, {"staleness_hours": 3})
    clock.advance(4 * HOUR)
    first, second = standing(api, world)["channels"]
    assert (first["status"], second["status"]) == ("may_still_open", "may_still_open")
    assert first["may_open_until"] == "2026-03-04T09:02:27.400Z", "48 hours, and not the 72 of before"
    assert (second["may_open_until"], second["without_limit"]) == (None, True)
    report(world, front, back)
    clock.advance(2 * HOUR)
    write_sealed(world, update_person, world.person_id, {"enabled": True})
    first, second = standing(api, world)["channels"]
    assert (first["status"], second["status"]) == ("pending", "may_still_open"), "by now they go by what was set"


@pytest.mark.usefixtures("role")
def test_a_door_that_has_never_reported_has_nothing_to_open_by(api: httpx.Client, world: World) -> None:
    assert set(statuses(api, world).values()) == {("admitted_now", "pending")}


def test_rights_are_what_roles_and_shifts_give(api: httpx.Client, world: World, role: int) -> None:
    front = world.channel_ids[0]
    window = {"days": ["mon"], "start": "12:00", "end": "13:00"}
    shift = write(world, create_shift, {"name": "Noon", "windows": [window]}).id
    assert statuses(api, world)[front][0] == "admitted_now"
    write(world, update_channel, front, {"card_lockdown": True})
    assert statuses(api, world)[front][0] == "admitted_now", "that is the door's matter"
    write(world, update_role, role, {"shift_id": shift})
    assert statuses(api, world)[front][0] == "by_shift"
    for body, rights in (
        ({"valid_from": "2026-03-02T10:00:00Z"}, "by_shift"),
        ({"valid_from": None, "valid_to": "2026-03-02T09:00:00Z"}, "none"),
        ({"valid_to": None}, "by_shift"),
    ):
        write_sealed(world, update_person, world.person_id, body)
        assert statuses(api, world)[front][0] == rights


def principal(world: World) -> Any:
    return world.database.read_now(lambda tx: authenticate(tx, world.token, world.clock.now()))


class Rights(NamedTuple):
    """Somebody, and through what they may pass the first two doors."""

    person: int
    role: int
    group: int


Loss = Callable[[World, Rights], object]
LOSSES: dict[str, Loss] = {
    "the person gives up": lambda world, of: write_sealed(
        world, update_person, of.person, {"role_ids": [], "group_ids": []}
    ),
    "the role is taken": lambda world, of: write(world, update_role, of.role, {"person_ids": [], "group_ids": []}),
    "the role loses its doors": lambda world, of: write(world, update_role, of.role, {"channel_ids": []}),
    "the role is removed": lambda world, of: write(world, delete_role, of.role),
    "the person is removed": lambda world, of: write(world, delete_person, of.person),
}
LOSSES_OF_GROUPS: dict[str, Loss] = {
    "the group loses the person": lambda world, of: write(world, update_group, of.group, {"person_ids": []}),
    "the group loses the role": lambda world, of: write(world, update_group, of.group, {"role_ids": []}),
    "the group is removed": lambda world, of: write(world, delete_group, of.group),
}
CASES = [
    *((name, how, loss) for name, loss in LOSSES.items() for how in ("direct", "group")),
    *((name, "group", loss) for name, loss in LOSSES_OF_GROUPS.items()),
]


def give_rights(world: World, name: str, how: str) -> Rights:
    person = world.person(name, how)
    role = write(world, create_role, {"name": f"{name} {how}", "channel_ids": world.channel_ids[:2]}).id
    group = write(world, create_group, {"name": f"{name} {how}"}).id
    if how == "direct":
        write(world, update_role, role, {"person_ids": [person]})
    else:
        write(world, update_group, group, {"role_ids": [role], "person_ids": [person]})
    return Rights(person, role, group)


def test_what_somebody_has_lately_lost_is_shown_until_every_door_knows(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    held = {(name, how): give_rights(world, name, how) for name, how, _ in CASES}
    report(world, front, back, far)
    for name, how, lose in CASES:
        clock.advance(1_000)
        lose(world, held[name, how])
    report(world, front)
    for case, of in held.items():
        found = statuses(api, world, of.person)
        assert found == {front: ("none", "confirmed"), back: ("none", "pending")}, case
    clock.advance(46_000)
    report(world, front)
    for number, (case, of) in enumerate(held.items(), 1):
        doors = standing(api, world, of.person)["channels"]
        assert [each["status"] for each in doors] == ["confirmed", "may_still_open"], case
        assert {each["changed_at"] for each in doors} == {f"2026-03-02T09:00:{number:02}.000Z"}, case
    clock.advance(8 * DAY)
    report(world, front, back, far)
    for case, of in held.items():
        assert statuses(api, world, of.person) == {}, f"{case}: long ago, and known to every door"


def test_what_was_reserved_and_withdrawn_is_shown(api: httpx.Client, world: World, clock: FixedClock) -> None:
    front, back, far = world.channel_ids
    owner = principal(world)
    body = {"person_id": world.person_id, "start_time": "2026-03-02T08:00:00Z", "end_time": "2026-03-02T18:00:00Z"}

    def reserve(tx: Transaction) -> int:
        return create_reservation(tx, owner, {**body, "channel_ids": [far]}, clock.now()).id

    role = write(world, create_role, {"name": "Staff", "channel_ids": [back]}).id
    group = write(world, create_group, {"name": "Crew", "role_ids": [role]}).id

    def lend(tx: Transaction) -> int:
        return create_group_reservation(tx, owner, {**body, "group_ids": [group]}, clock.now()).id

    reservation, loan = world.database.write_now(reserve), world.database.write_now(lend)
    later = {**body, "start_time": "2026-03-03T08:00:00Z", "end_time": "2026-03-03T18:00:00Z", "group_ids": [group]}
    pending = world.database.write_now(lambda tx: create_group_reservation(tx, owner, later, clock.now()).id)
    report(world, front, back, far)
    assert statuses(api, world) == {back: ("admitted_now", "confirmed"), far: ("admitted_now", "confirmed")}
    clock.advance(1_000)
    world.database.write_now(lambda tx: delete_reservation(tx, owner, reservation, clock.now()))
    assert statuses(api, world) == {back: ("admitted_now", "pending"), far: ("none", "pending")}
    world.database.write_now(lambda tx: delete_group_reservation(tx, owner, loan, clock.now()))
    assert statuses(api, world)[back] == ("by_shift", "pending")
    world.database.write_now(lambda tx: delete_group_reservation(tx, owner, pending, clock.now()))
    assert statuses(api, world) == {back: ("none", "pending"), far: ("none", "pending")}


@pytest.mark.usefixtures("role")
def test_what_does_not_concern_the_person_there_changes_nothing(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    report(world, front, back, far)
    before = standing(api, world)["channels"]
    world.person("Grace", "Hopper", role_ids=[write(world, create_role, {"name": "R", "channel_ids": [far]}).id])
    write(world, update_channel, far, {"pulse_ms": 3_000})
    assert standing(api, world)["channels"] == before
    clock.advance(1_000)
    write(world, update_channel, front, {"pulse_ms": 3_000})
    assert standing(api, world)["channels"][1] == before[1]
    assert statuses(api, world) == {front: ("admitted_now", "confirmed"), back: ("admitted_now", "confirmed")}
    write(world, add_holiday, {"day": "2026-12-25", "name": "Christmas"})
    assert {status for _, status in statuses(api, world).values()} == {"pending"}


@pytest.mark.usefixtures("role")
def test_what_was_changed_long_ago_is_confirmed_by_whoever_has_confirmed_anything_since(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, _ = world.channel_ids
    write(world, update_channel, back, {"staleness_hours": None})
    report(world, back)
    write_sealed(world, update_person, world.person_id, {"notes": "Changed"})
    clock.advance(8 * DAY)
    report(world, front)
    write(world, create_role, {"name": "Another"})
    world.database.write_now(lambda tx: changes.forget_old(tx, clock.now()))
    found = standing(api, world)["channels"]
    assert [each["changed_at"] for each in found] == [None, None]
    assert [each["status"] for each in found] == ["pending", "may_still_open"], "nobody knows what they have missed"
    clock.advance(1_000)
    report(world, front)
    assert [each["status"] for each in standing(api, world)["channels"]] == ["confirmed", "may_still_open"]
    assert standing(api, world)["channels"][0]["confirmed_at"] == "2026-03-10T09:00:01.000Z"


@pytest.mark.usefixtures("role")
def test_a_door_that_has_been_cut_off_for_weeks_is_not_forgotten(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    write(world, update_channel, back, {"staleness_hours": None})
    grouped = give_rights(world, "Grace", "group")
    report(world, front, back, far)
    write(world, delete_person, world.person_id)
    write(world, delete_group, grouped.group)
    for _ in range(3):
        clock.advance(8 * DAY)
        report(world, front, far)
        write(world, create_role, {"name": f"R{clock.now()}"})
        world.database.write_now(lambda tx: changes.forget_old(tx, clock.now()))
    report(world, front, far)
    found = standing(api, world)
    assert found["person"]["status"] == "deleted"
    by_id = {each["channel_id"]: each for each in found["channels"]}
    assert (by_id[back]["status"], by_id[back]["without_limit"]) == ("may_still_open", True)
    assert by_id[front]["status"] == "confirmed"
    left = {each["channel_id"]: each for each in standing(api, world, grouped.person)["channels"]}
    assert (left[back]["rights"], left[back]["status"]) == ("none", "may_still_open"), "of a group that is gone"


@pytest.mark.usefixtures("role")
def test_the_doors_of_the_server_itself_confirm_within_a_second(api: httpx.Client, world: World) -> None:
    with running_doors(world):
        assert {status for _, status in statuses(api, world).values()} == {"confirmed"}
        api.delete(f"/api/3/people/{world.person_id}")
        eventually(lambda: set(statuses(api, world).values()) == {("none", "confirmed")}, within=1.0)


def test_a_confirmation_is_one_row_for_the_servers_own_doors_and_one_for_each_other(
    world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    remote(world, far)
    for _ in range(3):
        report(world, front, back)
        report(world, far)
        clock.advance(1_000)
    known = Query(
        select(confirmations.c.channel_id, confirmations.c.version, confirmations.c.at).order_by(confirmations.c.id),
        lambda *row: row,
    )
    version, at = world.database.read_now(changes.last), clock.now() - 3_000
    assert world.database.read_now(lambda tx: tx.all(known)) == [(None, version, at), (far, version, at)]
    write(world, update_channel, front, {"name": "Renamed"})
    report(world, front, back, far)
    clock.advance(7 * DAY + 1)
    report(world, front, back, far)
    world.database.write_now(lambda tx: reports.forget_old(tx, clock.now()))
    left = world.database.read_now(lambda tx: tx.all(known))
    assert [row[:2] for row in left] == [(None, version + 1), (far, version + 1)], "the newest of each is kept"


def test_of_another_accounts_people_nothing_is_told_and_of_other_sites_doors_neither(
    served: Served, world: World, role: int
) -> None:
    path = f"/api/3/people/{world.person_id}/standing"
    stranger = World(world.database, world.vault, world.clock, account_id=other_account(world))
    write(world, update_role, role, {"channel_ids": world.channel_ids})
    _, foreign = stranger.user("owner")
    _, limited = world.user("operator", site_ids=world.site_ids[1:])
    with served.client(foreign) as client:
        assert client.get(path).status_code == 404
    with served.client(limited) as client:
        assert [each["channel_id"] for each in client.get(path).json()["channels"]] == world.channel_ids[2:]
    with served.client(world.token) as client:
        assert client.get("/api/3/people/999999/standing").status_code == 404
        assert client.get("/api/3/people/x/standing").status_code == 404


def test_hundreds_of_doors_are_answered_for_at_once(api: httpx.Client, world: World) -> None:
    def build(tx: Transaction) -> None:
        for count in range(300):
            body = {"name": f"Door {count}", "site_id": world.site_ids[0]}
            world.channel_ids.append(create_channel(tx, world.account_id, body, world.clock.now()).id)

    world.database.write_now(build)
    write(world, create_role, {"name": "R", "channel_ids": world.channel_ids, "person_ids": [world.person_id]})
    report(world, *world.channel_ids)
    began = time.process_time()
    found = standing(api, world)
    assert found["summary"] == {"confirmed": 303, "pending": 0, "may_still_open": 0}
    assert time.process_time() - began < 1.0, "of this process, whatever else the machine does"


@pytest.mark.usefixtures("role")
def test_what_is_set_at_the_door_itself_is_no_change_of_somebodys_rights(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    report(world, front, back, far)
    since = [door["confirmed_at"] for door in standing(api, world)["channels"]]
    clock.advance(5_000)
    for body in ({"card_lockdown": True}, {"card_lockdown": False}, {"pulse_ms": 7_000}):
        write(world, update_channel, front, body)
    assert statuses(api, world)[front] == ("admitted_now", "confirmed"), "though it knows nothing of the lockdown yet"
    clock.advance(1_000)
    report(world, front, back, far)
    assert [door["confirmed_at"] for door in standing(api, world)["channels"]] == since


@pytest.mark.usefixtures("role")
def test_a_door_that_moves_to_another_site_has_to_confirm_what_holds_there(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    report(world, front, back, far)
    clock.advance(1_000)
    write(world, update_channel, front, {"site_id": world.site_ids[1]})
    assert statuses(api, world)[front] == ("admitted_now", "pending")
    report(world, front, back, far)
    assert statuses(api, world)[front] == ("admitted_now", "confirmed")


@pytest.mark.usefixtures("role")
def test_a_door_that_another_controller_serves_has_confirmed_nothing(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front, back, far = world.channel_ids
    report(world, front, back, far)
    clock.advance(1_000)
    world.database.write_now(lambda tx: note_served(tx, world.account_id, {front: None}, None, clock.now()))
    assert statuses(api, world) == {front: ("admitted_now", "pending"), back: ("admitted_now", "confirmed")}
    report(world, front)
    assert statuses(api, world)[front] == ("admitted_now", "confirmed")


@pytest.mark.anyio
async def test_what_the_controller_before_confirms_of_a_door_says_nothing_of_the_one_that_serves_it_now(
    world: World,
) -> None:
    front, back, _ = world.channel_ids
    remote(world, front)
    reporting = Reporting(world.database, world.clock, list)
    last = world.database.read_now(changes.last)
    reporting.confirmed(1, front, last)
    reporting.confirmed(1, back, last)
    served_anew = Query[None](update(channels).where(channels.c.id == front).values(controller_id=2))
    world.database.write_now(lambda tx: tx.run(served_anew))
    assert await reporting.write_confirmed()
    doors = world.database.read_now(lambda tx: confirming.confirmations(tx, world.account_id, None))
    confirmed = {door.id: door.is_confirmed for door in doors}
    assert (confirmed[front], confirmed[back]) == (False, True)
