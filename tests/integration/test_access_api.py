"""Access explained: /api/3/access_checks, /api/3/people/{id}/access, /api/3/channels/{id}/access."""

from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.access.holding import Holding
from doorward.access.service import Access, answer, ask_at_first, ask_of_channel, ask_of_person, ask_one
from doorward.accounts.service import create_account
from doorward.channels.service import create_channel, update_channel
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.service import create_group_reservation
from doorward.groups.service import create_group
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.people.service import create_person, delete_person, update_person
from doorward.reservations.service import create_reservation
from doorward.roles.service import create_role
from doorward.shifts.service import create_shift
from doorward.sites.service import create_site
from tests.integration.conftest import Served
from tests.support.services import write, write_sealed
from tests.support.world import World

NOW = 1_772_442_000_000  # Monday 2026-03-02 09:00 in London
HOUR = 3_600_000
CHECK = "/api/3/access_checks"


def stamp(hour: float) -> str:
    return format_instant(NOW + int((hour - 9) * HOUR))


@pytest.fixture
def house(world: World, api: httpx.Client) -> dict[str, int]:
    """Ada may open the front door in four ways, the back door in office hours that are over, the far door never."""
    front, back, _ = world.channel_ids
    window = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "06:00", "end": "08:00"}
    shift = write(world, create_shift, {"name": "Early", "windows": [window]})
    person = [world.person_id]
    always = write(world, create_role, {"name": "Always", "channel_ids": [front], "person_ids": person})
    early = write(world, create_role, {"name": "Early", "channel_ids": [front, back], "shift_id": shift.id})
    staff = write(world, create_group, {"name": "Staff", "role_ids": [early.id], "person_ids": person})
    cleaning = write(world, create_role, {"name": "Cleaning", "channel_ids": [front]})
    cleaners = write(world, create_group, {"name": "Cleaners", "role_ids": [cleaning.id]})
    stretch = {"person_id": world.person_id, "start_time": stamp(10), "end_time": stamp(12)}
    booked = api.post("/api/3/reservations", json={**stretch, "channel_ids": [front]}).json()
    reserved = api.post("/api/3/group_reservations", json={**stretch, "group_ids": [cleaners.id]}).json()
    return {
        "front": front,
        "back": back,
        "shift": shift.id,
        "always": always.id,
        "early": early.id,
        "staff": staff.id,
        "cleaning": cleaning.id,
        "booked": booked["id"],
        "reserved": reserved["id"],
    }


def check(api: httpx.Client, person: int, channel: int, at: str | None = None) -> dict[str, Any]:
    answer = api.get(CHECK, params={"person_id": person, "channel_id": channel, **({} if at is None else {"at": at})})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_check_tells_the_verdict_and_every_way_in(api: httpx.Client, world: World, house: dict[str, int]) -> None:
    found = check(api, world.person_id, house["front"])
    grants = found.pop("grants")
    assert found == {
        "admitted": True,
        "event_code": 15,
        "event_label": "Ada Lovelace admitted by an application",
        "reasons": [{"code": "role_grants", "text": 'The role "Always" admits here at any time.'}],
        "person": {"id": world.person_id, "name": "Ada Lovelace"},
        "channel": {"id": house["front"], "name": "Front door", "site_id": world.site_ids[0]},
        "at": "2026-03-02T09:00:00.000Z",
    }
    always, early, cleaning, booked = grants
    assert always == {
        "role": {"id": house["always"], "name": "Always"},
        "through": {"type": "direct", "id": None, "name": None},
        "shift": None,
        "valid_from": None,
        "valid_until": None,
        "open": True,
        "next_change": None,
    }
    assert early == {
        "role": {"id": house["early"], "name": "Early"},
        "through": {"type": "group", "id": house["staff"], "name": "Staff"},
        "shift": {"id": house["shift"], "name": "Early", "hours": "Mon-Fri 06:00-08:00, Europe/London"},
        "valid_from": None,
        "valid_until": None,
        "open": False,
        "next_change": "2026-03-03T06:00:00.000Z",
    }
    assert cleaning == {
        "role": {"id": house["cleaning"], "name": "Cleaning"},
        "through": {"type": "group_reservation", "id": house["reserved"], "name": "Cleaners"},
        "shift": None,
        "valid_from": stamp(10),
        "valid_until": stamp(12),
        "open": False,
        "next_change": stamp(10),
    }
    assert booked["through"] == {
        "type": "reservation",
        "id": house["booked"],
        "name": f"Reservation {house['booked']}",
    }
    assert (booked["valid_from"], booked["valid_until"], booked["next_change"]) == (stamp(10), stamp(12), stamp(10))


def test_a_check_is_about_the_instant_asked(api: httpx.Client, world: World, house: dict[str, int]) -> None:
    def ways(at: str) -> list[tuple[str, bool, str | None]]:
        found = check(api, world.person_id, house["front"], at)
        return [(grant["through"]["type"], grant["open"], grant["next_change"]) for grant in found["grants"]]

    tomorrow = "2026-03-03T06:00:00.000Z"
    assert ways("2026-03-02T10:00:00") == [
        ("direct", True, None),
        ("group", False, tomorrow),
        ("group_reservation", True, stamp(12)),
        ("reservation", True, stamp(12)),
    ]
    assert ways("2026-03-02T12:00:00") == [("direct", True, None), ("group", False, tomorrow)]
    back = check(api, world.person_id, house["back"], "2026-07-01T06:30:00")
    assert (back["admitted"], back["at"]) == (True, "2026-07-01T05:30:00.000Z")
    refused = check(api, world.person_id, house["back"], "2026-07-01T06:30:00Z")
    assert (refused["admitted"], refused["event_code"]) == (True, 15), "half past seven in London"
    refused = check(api, world.person_id, house["back"])
    assert (refused["event_code"], [reason["code"] for reason in refused["reasons"]]) == (21, ["out_of_hours"])
    nothing = check(api, world.person_id, world.channel_ids[2])
    assert (nothing["event_code"], nothing["grants"]) == (27, [])


def test_a_group_reservation_in_a_shift_changes_when_both_allow(api: httpx.Client, world: World) -> None:
    window = {"days": ["mon", "tue"], "start": "11:00", "end": "13:00"}
    shift = write(world, create_shift, {"name": "Noon", "windows": [window]})
    role = write(world, create_role, {"name": "Noon", "channel_ids": world.channel_ids[:1], "shift_id": shift.id})
    group = write(world, create_group, {"name": "Noon", "role_ids": [role.id]})
    for start, end, now, at_noon in (
        (10, 30, stamp(11), stamp(13)),
        (10, 12.5, stamp(11), stamp(12.5)),
        (8, 11, None, None),
        (8, 12, stamp(11), None),
        (13, 14, None, None),
        (13, 36, stamp(35), stamp(35)),
        (12.5, 60, stamp(12.5), stamp(12.5)),
    ):
        person = write_sealed(world, create_person, {"first_name": "A", "last_name": "B"}).id
        body = {"person_id": person, "start_time": stamp(start), "end_time": stamp(end), "group_ids": [group.id]}
        assert api.post("/api/3/group_reservations", json=body).status_code == 201
        changes = [
            [grant["next_change"] for grant in check(api, person, world.channel_ids[0], at)["grants"]]
            for at in (None, stamp(12.25))
        ]
        assert changes == [[now], [] if end <= 12.25 else [at_noon]], (start, end)


def test_a_persons_channels_and_a_channels_people_are_listed_with_why_not(
    api: httpx.Client, world: World, house: dict[str, int]
) -> None:
    grace = write_sealed(world, create_person, {"first_name": "Grace", "last_name": "Hopper", "enabled": False}).id
    write(world, create_role, {"name": "Ours", "channel_ids": world.channel_ids, "person_ids": [grace]})
    gone = write_sealed(world, create_person, {"first_name": "No", "last_name": "Body"}).id
    write(world, create_role, {"name": "Gone", "channel_ids": world.channel_ids, "person_ids": [gone]})
    write(world, delete_person, gone)

    answer = api.get(f"/api/3/people/{world.person_id}/access")
    front, back = answer.json()
    assert list(front) == ["channel", "admitted_now", "event_code", "reasons", "grants"]
    assert (front["channel"]["name"], front["admitted_now"], len(front["grants"])) == ("Front door", True, 4)
    assert front["grants"] == check(api, world.person_id, house["front"])["grants"]
    assert (back["channel"]["name"], back["admitted_now"], back["event_code"]) == ("Back door", False, 21)
    assert answer.headers["Total"] == "2"

    people = api.get(f"/api/3/channels/{house['front']}/access").json()
    assert list(people[0]) == ["person", "admitted_now", "event_code", "reasons", "grants"]
    assert [(row["person"]["name"], row["admitted_now"]) for row in people] == [
        ("Ada Lovelace", True),
        ("Grace Hopper", False),
    ]
    assert people[0]["grants"] == front["grants"]
    assert people[1]["reasons"] == [{"code": "person_disabled", "text": "The person is disabled."}]
    assert people[1]["grants"][0]["open"] is True
    assert [row["person"]["id"] for row in api.get(f"/api/3/channels/{world.channel_ids[2]}/access").json()] == [grace]
    assert api.get(f"/api/3/people/{gone}/access").status_code == 404
    assert api.get(CHECK, params={"person_id": gone, "channel_id": house["front"]}).status_code == 404


def test_an_unlocked_or_locked_down_door_is_what_it_is(api: httpx.Client, world: World, house: dict[str, int]) -> None:
    for body, code in (({"mode": "unlock"}, 16), ({"card_lockdown": True}, 22)):
        write(world, update_channel, house["front"], body)
        assert check(api, world.person_id, house["front"])["event_code"] == code
        [front, _] = api.get(f"/api/3/people/{world.person_id}/access").json()
        assert (front["event_code"], front["admitted_now"]) == (code, code == 16)


def test_lists_page(api: httpx.Client, world: World, house: dict[str, int]) -> None:
    people = [write_sealed(world, create_person, {"first_name": "P", "last_name": str(n)}).id for n in range(5)]
    write(world, create_role, {"name": "All", "channel_ids": world.channel_ids, "person_ids": people})
    url = f"/api/3/channels/{house['front']}/access"
    answer = api.get(url, params={"per_page": 2, "page": 2})
    assert [row["person"]["id"] for row in answer.json()] == people[1:3]
    assert {name: answer.headers[name] for name in ("Total", "Per-Page")} == {"Total": "6", "Per-Page": "2"}
    assert api.get(url, params={"page": 9}).json() == []
    answer = api.get(f"/api/3/people/{people[0]}/access", params={"per_page": 2, "page": 2})
    assert ([row["channel"]["id"] for row in answer.json()], answer.headers["Total"]) == (world.channel_ids[2:], "3")
    assert api.get(url, params={"per_page": "many"}).status_code == 400
    answer = api.get(url, params={"per_page": 2, "skip_pagination": "true"})
    assert len(answer.json()) == 2, "a hundred thousand verdicts are not given at once"


def test_a_user_limited_to_sites_is_told_of_these(served: Served, world: World, house: dict[str, int]) -> None:
    write(world, create_role, {"name": "Far", "channel_ids": world.channel_ids[2:], "person_ids": [world.person_id]})
    _, token = world.user("viewer", site_ids=world.site_ids[1:])
    with served.client(token) as limited:
        rows = limited.get(f"/api/3/people/{world.person_id}/access").json()
        assert [row["channel"]["id"] for row in rows] == world.channel_ids[2:]
        far = {"person_id": world.person_id, "channel_id": world.channel_ids[2]}
        assert limited.get(CHECK, params=far).json()["admitted"] is True
        elsewhere = {**far, "channel_id": house["front"]}
        assert limited.get(CHECK, params=elsewhere).status_code == 404
        assert limited.get(f"/api/3/channels/{house['front']}/access").status_code == 404
        assert limited.get(f"/api/3/channels/{world.channel_ids[2]}/access").status_code == 200


def test_what_is_asked_wrongly_is_refused(served: Served, world: World, api: httpx.Client) -> None:
    person, channel = world.person_id, world.channel_ids[0]
    wrong: list[tuple[dict[str, str | int], str]] = [
        ({}, "person_id, channel_id"),
        ({"person_id": person}, "channel_id"),
        ({"person_id": "x", "channel_id": channel}, "person_id"),
        ({"person_id": person, "channel_id": 0}, "channel_id"),
        ({"person_id": 2**63, "channel_id": channel}, "person_id"),
        ({"person_id": person, "channel_id": channel, "at": "soon"}, "at"),
        ({"person_id": person, "channel_id": channel, "at": "2026-03-29T01:30:00"}, "at"),
    ]
    for params, named in wrong:
        answer = api.get(CHECK, params=params)
        assert (answer.status_code, named in answer.json()["error_description"]) == (400, True), answer.text
    for nobody, nowhere in ((99, channel), (person, 99)):
        assert api.get(CHECK, params={"person_id": nobody, "channel_id": nowhere}).status_code == 404
    for path in ("people/99", "people/x", "channels/99", f"channels/{2**63}"):
        assert api.get(f"/api/3/{path}/access").status_code == 404
    other = World(world.database, world.vault, world.clock).build()
    with served.client(other.token) as theirs:
        assert theirs.get(CHECK, params={"person_id": person, "channel_id": other.channel_ids[0]}).status_code == 404
        assert theirs.get(CHECK, params={"person_id": other.person_id, "channel_id": channel}).status_code == 404
        assert theirs.get(f"/api/3/people/{person}/access").status_code == 404
        assert theirs.get(f"/api/3/channels/{channel}/access").status_code == 404
    user, _ = world.user("admin")
    for scopes in ("account.person.readonly", "account.channel.readonly"):
        with served.client(world.new_token(user, scopes)) as half:
            assert half.get(CHECK, params={"person_id": person, "channel_id": channel}).status_code == 403
            assert half.get(f"/api/3/people/{person}/access").status_code == 403
            assert half.get(f"/api/3/channels/{channel}/access").status_code == 403


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """What to build: everything by its place in a list; stretches are hours of the day around nine."""
    few = st.lists(st.integers(0, 2), unique=True, max_size=3)
    hours = st.sampled_from((7, 8, 9, 10, 12))
    stretch = st.tuples(st.integers(0, 2), hours, st.integers(1, 4), few)
    seldom = st.sampled_from((False, False, False, True))
    return {
        "windows": draw(st.lists(st.tuples(st.sampled_from(("08:00", "09:00", "10:00")), st.booleans()), max_size=2)),
        "groups": [draw(few) for _ in range(3)],
        "roles": draw(st.lists(st.tuples(few, st.integers(0, 3), few, few), min_size=1, max_size=4)),
        "reservations": draw(st.lists(stretch, max_size=2)),
        "group_reservations": draw(st.lists(stretch, max_size=3)),
        "disabled": draw(seldom),
        "valid_to": draw(st.sampled_from((None, None, 9, 10))),
        "unlocked": draw(seldom),
        "locked_down": draw(seldom),
        "now": draw(hours),
    }


class Built:
    """An account as planned, of whose three people and three doors anything may be asked."""

    def __init__(self, world: World, plan: dict[str, Any]) -> None:
        self.world = world
        self.at = NOW + (plan["now"] - 9) * HOUR
        world.database.write_now(lambda tx: self._build(tx, plan))

    def _build(self, tx: Transaction, plan: dict[str, Any]) -> None:
        world, at = self.world, NOW - 5 * HOUR
        account = create_account(tx, "Planned", "Europe/London", at)
        zone = ZoneInfo("Europe/London")
        self.principal = Principal(account, zone, world.owner_id, "owner", False, 0, 0, frozenset())
        site = create_site(tx, account, {"name": "Site"}, at).id
        states = [{"mode": "unlock" if plan["unlocked"] else "normal"}, {"card_lockdown": plan["locked_down"]}, {}]
        self.channels = [
            create_channel(tx, account, {"name": f"Door {number}", "site_id": site, **state}, at).id
            for number, state in enumerate(states)
        ]
        self.people = [
            create_person(tx, world.vault, account, {"first_name": "P", "last_name": str(number)}, at).id
            for number in range(3)
        ]
        update_person(tx, world.vault, account, self.people[0], {"enabled": not plan["disabled"]}, at)
        if plan["valid_to"] is not None:
            update_person(tx, world.vault, account, self.people[1], {"valid_to": stamp(plan["valid_to"])}, at)
        shifts: list[int | None] = [None]
        for number, (start, every_day) in enumerate(plan["windows"]):
            days = ["mon", "tue"] if every_day else ["tue"]
            body = {"name": f"Shift {number}", "windows": [{"days": days, "start": start, "end": "11:00"}]}
            shifts.append(create_shift(tx, account, body, at).id)
        groups = [
            create_group(
                tx, account, {"name": f"Group {number}", "person_ids": [self.people[each] for each in members]}, at
            ).id
            for number, members in enumerate(plan["groups"])
        ]
        for number, (doors, shift, held_by, grouped) in enumerate(plan["roles"]):
            body = {
                "name": f"Role {number}",
                "channel_ids": [self.channels[door] for door in doors],
                "shift_id": shifts[shift % len(shifts)],
                "person_ids": [self.people[person] for person in held_by],
                "group_ids": [groups[group] for group in grouped],
            }
            create_role(tx, account, body, at)
        for person, start, hours, named in plan["reservations"]:
            if named:
                stretch = {"start_time": stamp(start), "end_time": stamp(start + hours)}
                doors = [self.channels[door] for door in named]
                wanted = {"person_id": self.people[person], "channel_ids": doors, **stretch}
                create_reservation(tx, self.principal, wanted, at)
        for person, start, hours, named in plan["group_reservations"]:
            if named:
                stretch = {"start_time": stamp(start), "end_time": stamp(start + hours)}
                wanted = {"person_id": self.people[person], "group_ids": [groups[group] for group in named], **stretch}
                create_group_reservation(tx, self.principal, wanted, at)

    def one(self, person: int, channel: int) -> Access:
        question = self.world.database.read_now(lambda tx: ask_one(tx, self.principal, person, channel, self.at))
        [found] = answer(question)
        return found

    def is_open(self, held: Holding, at: int) -> bool:
        question = self.world.database.read_now(
            lambda tx: ask_one(tx, self.principal, held.person_id, held.channel_id, at)
        )
        return any(way.open for found in answer(question) for way in found.ways if way.holding == held)

    def of_person(self, person: int) -> dict[tuple[int, int], Access]:
        question = self.world.database.read_now(lambda tx: ask_of_person(tx, self.principal, person, Page(), self.at))
        return {(found.person.id, found.place.id): found for found in answer(question)}

    def briefly(self, person: int) -> list[Access]:
        question = self.world.database.read_now(lambda tx: ask_at_first(tx, self.principal, person, self.at, 100))
        return answer(question)

    def at_channel(self, channel: int) -> dict[tuple[int, int], Access]:
        question = self.world.database.read_now(lambda tx: ask_of_channel(tx, self.principal, channel, Page(), self.at))
        return {(found.person.id, found.place.id): found for found in answer(question)}


LAW = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAW
@given(plan=plans())
def test_lists_and_checks_agree_whatever_is_configured(world: World, plan: dict[str, Any]) -> None:
    built = Built(world, plan)
    by_person = {pair: found for person in built.people for pair, found in built.of_person(person).items()}
    by_channel = {pair: found for channel in built.channels for pair, found in built.at_channel(channel).items()}
    assert by_person == by_channel
    for person in built.people:
        for channel in built.channels:
            checked, listed = built.one(person, channel), by_person.get((person, channel))
            code = int(checked.verdict.event_code)
            if listed is None:
                assert code in (16, 22, 27), "without a way in, only an open door admits"
                assert checked.ways == []
                continue
            assert (listed.verdict, listed.ways) == (checked.verdict, checked.ways)
            if code in (15, 21) or checked.verdict.reasons[0].code == "no_role_here":
                assert checked.verdict.admitted == any(way.open for way in checked.ways)


@LAW
@given(plan=plans())
def test_what_a_page_asks_briefly_is_answered_the_same(world: World, plan: dict[str, Any]) -> None:
    built = Built(world, plan)
    for person in built.people:
        assert built.briefly(person) == [*built.of_person(person).values()]


@LAW
@given(plan=plans())
def test_a_way_in_is_open_exactly_between_its_changes(world: World, plan: dict[str, Any]) -> None:
    built = Built(world, plan)
    for person in built.people:
        for found in built.of_person(person).values():
            for way in found.ways:
                if way.next_change is None:
                    continue
                before, after = (built.is_open(way.holding, way.next_change - nudge) for nudge in (1, 0))
                assert (before, after) == (way.open, not way.open)


def test_who_is_not_there_is_not_found(world: World) -> None:
    principal = Principal(world.account_id, ZoneInfo("UTC"), world.owner_id, "owner", False, 0, 0, frozenset())
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: ask_of_person(tx, principal, 10**17, Page(), NOW))
