"""notification_rules/judging.py: which rules are about which events, by what is known of people and doors."""

from collections.abc import Mapping
from typing import Any

import pytest

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.service import create_group_reservation
from doorward.groups.service import create_group
from doorward.notification_rules.judging import judge
from doorward.notification_rules.matching import Happened
from doorward.notification_rules.service import create_rule
from doorward.oauth.tokens import authenticate
from doorward.shifts.holidays import add_holiday
from doorward.sites.service import update_site
from tests.support.services import write, write_sealed
from tests.support.world import World

HOUR = 3_600_000


class Counting:
    """A transaction that counts what it is asked."""

    def __init__(self, transaction: Transaction) -> None:
        self.asked = 0
        self._transaction = transaction

    def all(self, query: Query[Any], **params: Any) -> list[Any]:
        """Every row."""
        self.asked += 1
        return self._transaction.all(query, **params)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody needs {name} to judge events")


def judged(world: World, happened: Mapping[int, Happened], statements: int) -> dict[int, list[int]]:
    """What becomes of events, by rule; asked with so many statements."""

    def work(transaction: Transaction) -> dict[int, list[int]]:
        counting: Any = Counting(transaction)
        found = judge(counting, world.account_id, happened, world.clock.now())
        assert counting.asked == statements
        return found

    return world.database.read_now(work)


def new_rule(world: World, *codes: int, **more: object) -> int:
    """A rule on these codes."""
    body = {"name": "Rule", "match_event_codes": list(codes), "actions": [{"kind": "console"}], **more}
    return write_sealed(world, create_rule, body).id


def entered(world: World, person_id: int | None = None, channel: int = 0, hours: float = 0) -> Happened:
    """Somebody enters, at 09:00 UTC on a Monday or so many hours later."""
    at = world.clock.now() + int(hours * HOUR)
    return Happened(10, world.channel_ids[channel], person_id, at, at, False)


def night(*days: str, start: str = "22:00", end: str = "06:00") -> list[dict[str, object]]:
    """Hours of the night."""
    return [{"days": list(days), "start": start, "end": end}]


def test_without_rules_and_without_conditions_little_is_asked(world: World) -> None:
    event = entered(world)
    assert judged(world, {7: event}, 1) == {}
    everything = new_rule(world, 10)
    here = new_rule(world, 10, match_controller_ids=world.channel_ids[:1])
    new_rule(world, 10, active=False)
    new_rule(world, 20, match_times=night("mon"))  # about another code: nothing has to be known for it
    assert judged(world, {7: event, 8: entered(world, channel=1)}, 1) == {everything: [7, 8], here: [7]}


def test_people_are_in_groups_also_for_a_time(world: World) -> None:
    bob = world.person("Bob", "Hall")
    staff = write(world, create_group, {"name": "Staff", "person_ids": [world.person_id]}).id
    guests = write(world, create_group, {"name": "Guests"}).id
    principal = world.database.read_now(lambda tx: authenticate(tx, world.token, world.clock.now()))
    body = {
        "group_reservation": {
            "person_id": bob,
            "group_ids": [guests],
            "start_time": "2026-03-02T08:00:00Z",
            "end_time": "2026-03-02T10:00:00Z",
        }
    }
    world.database.write_now(lambda tx: create_group_reservation(tx, principal, body, world.clock.now()))
    of_staff, of_guests, of_both = (
        new_rule(world, 10, match_group_ids=ids) for ids in ([staff], [guests], [staff, guests])
    )
    happened = {1: entered(world, world.person_id), 2: entered(world, bob), 3: entered(world)}
    assert judged(world, happened, 2) == {of_staff: [1], of_guests: [2], of_both: [1, 2]}


def test_hours_are_those_of_the_doors_site_with_its_holidays(world: World) -> None:
    write(world, update_site, world.site_ids[1], {"time_zone": "Asia/Tokyo"})
    day, holiday, anywhere = (
        new_rule(world, 10, match_times=windows)
        for windows in (
            night("mon", start="08:00", end="10:00"),
            night("holiday", start="00:00", end="24:00"),
            night("mon", "holiday", start="08:00", end="10:00"),
        )
    )
    happened = {1: entered(world), 2: entered(world, channel=2), 3: entered(world, channel=2, hours=-10)}
    assert judged(world, happened, 2) == {day: [1, 3], anywhere: [1, 3]}
    write(world, add_holiday, {"day": "2026-03-02", "name": "Founders' Day", "site_id": world.site_ids[1]})
    assert judged(world, happened, 2) == {day: [1, 3], holiday: [2, 3], anywhere: [1, 3]}
    write(world, add_holiday, {"day": "2026-03-02", "name": "Everywhere"})
    assert judged(world, happened, 2)[holiday] == [1, 2, 3]
    nowhere = {9: entered(world)._replace(channel_id=None)}
    assert judged(world, nowhere, 2) == {day: [9], holiday: [9], anywhere: [9]}, "the account's zone and holidays"


def test_many_events_cost_no_more_statements_than_one(world: World) -> None:
    staff = write(world, create_group, {"name": "Staff", "person_ids": [world.person_id]}).id
    rules = [new_rule(world, 10, match_group_ids=[staff], match_times=night("mon", start="08:00")) for _ in range(5)]
    many = {number: entered(world, world.person_id, channel=number % 3) for number in range(500)}
    assert judged(world, many, 2) == {rule: list(range(500)) for rule in rules}


@pytest.mark.parametrize("hours", [-(10**9), 10**10])
def test_an_event_of_no_time_at_all_is_told_rather_than_lost(world: World, hours: int) -> None:
    rule = new_rule(world, 10, match_times=night("mon"))
    assert judged(world, {1: entered(world, hours=hours)}, 2) == {rule: [1]}
