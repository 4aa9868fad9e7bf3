"""What is put on a board, and what is refused: never more than the rules admit, and everything that it can hold."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.decision.engine import decide
from doorward.decision.shifts import MINUTE_MS, Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    DoorState,
    Grant,
    Membership,
    Passback,
    Person,
    Presented,
    Snapshot,
)
from doorward.drivers.esp_rfid.compile import MOST_CARDS, Plan, compile_board
from doorward.drivers.esp_rfid.config import Device
from doorward.drivers.esp_rfid.messages import NEVER_S, Record
from doorward.drivers.esp_rfid.spans import DoorRights
from tests.unit.decision.strategies import Visit, compiled, instants, visits

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_772_409_600_000  # 2026-03-02T00:00:00Z
NOON = MONDAY + 12 * HOUR
TOLERANCE_S = 5.0
PROFILE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
OFFICE = Timetable(Weekly((Window(frozenset(range(5)), 9 * 60, 17 * 60),)), "UTC")
FRONT = Device("front-door", (1,), "/esprfid")
BOTH = Device("gate", (1, 2), "/esprfid")


def person(person_id: int, *roles: int, **changes: Any) -> Person:
    made = Person(person_id, f"Person {person_id}", "active", None, None, roles, frozenset({"card"}))
    return made._replace(**changes)


def snapshot(*people: Person, shift: Timetable | None = None, **channel: Any) -> Snapshot:
    """Everybody's card has their id as its number; role 1 admits always, role 2 by the shift."""
    directory = Directory()
    for each in people:
        directory.put(each, [Credential("card", str(each.id))])
    door = replace(Channel(1, "Front door", "UTC", frozenset({"card"})), **channel)
    return Snapshot(door, directory, {1: Grant(1, "All", None, ""), 2: Grant(2, "Office", shift or OFFICE, "Office")})


def compile_one(found: Snapshot, at: int = NOON, clock_fault: str | None = None) -> Plan:
    return compile_board(FRONT, {0: DoorRights(found, at)}, at, TOLERANCE_S, clock_fault)


def record(plan: Plan, uid: str) -> Record | None:
    user = plan.users.get(uid)
    return None if user is None else user.record


def admits(found: Record | None, at: int, index: int = 0) -> bool:
    """As the firmware decides (rfidProcess): whole seconds, both bounds inclusive, no relay without the first."""
    now = at // 1_000
    return found is not None and found.doors[0] and found.doors[index] and found.since <= now <= found.until


def test_who_may_always_pass_is_known_for_ever_also_without_a_clock() -> None:
    plan = compile_one(snapshot(person(7, 1)))
    assert record(plan, "7") == Record((True,), 0, NEVER_S)
    assert plan.users["7"].name == "p7"
    assert plan.wake_at is None
    assert plan.refused == {1: []}


def test_a_shift_that_runs_ends_on_the_board_when_it_ends() -> None:
    plan = compile_one(snapshot(person(7, 2)))
    found = record(plan, "7")
    assert found is not None
    assert found.since > 0, "a board that has lost the time must not admit"
    assert found.until == (MONDAY + 17 * HOUR) // 1_000 - 1
    assert plan.wake_at == MONDAY + 17 * HOUR
    assert admits(found, NOON)
    assert admits(found, MONDAY + 17 * HOUR - 1)
    assert not admits(found, MONDAY + 17 * HOUR)


def test_a_shift_that_is_to_come_is_on_the_board_before_it_begins() -> None:
    plan = compile_one(snapshot(person(7, 2)), MONDAY + 20 * HOUR)
    tuesday = MONDAY + DAY
    assert record(plan, "7") == Record((True,), (tuesday + 9 * HOUR) // 1_000, (tuesday + 17 * HOUR) // 1_000 - 1)
    assert plan.wake_at == tuesday + 17 * HOUR


def test_a_right_ends_when_the_door_would_be_stale() -> None:
    plan = compile_one(snapshot(person(7, 1), person(8, 2), staleness_ms=2 * HOUR))
    for uid in ("7", "8"):
        found = record(plan, uid)
        assert found is not None
        assert found.since > 0
        assert found.until == (NOON + 2 * HOUR) // 1_000 - 1
    stale = snapshot(person(7, 1), staleness_ms=HOUR)
    late = compile_board(FRONT, {0: DoorRights(stale, NOON)}, NOON + HOUR, TOLERANCE_S, None)
    assert late.users == {}


def test_a_limit_of_staleness_is_handed_on_only_now_and_then() -> None:
    limited = snapshot(person(7, 1), staleness_ms=72 * HOUR)
    first = compile_one(limited).users["7"].record
    for hours, is_met in ((0, True), (1, True), (24, True), (25, False)):
        later = compile_board(FRONT, {0: DoorRights(limited, NOON + hours * HOUR)}, NOON + hours * HOUR, 5.0, None)
        assert later.users["7"].is_met_by(first, NOON // 1_000 + hours * 3_600) == is_met


def test_a_longer_right_than_is_wanted_is_never_left_on_the_board() -> None:
    wanted = compile_one(snapshot(person(7, 2))).users["7"]
    now_s = NOON // 1_000
    kept = wanted.record
    assert wanted.is_met_by(kept, now_s)
    assert not wanted.is_met_by(None, now_s)
    assert not wanted.is_met_by(replace(kept, until=kept.until + 1), now_s)
    assert not wanted.is_met_by(replace(kept, until=kept.until - 1), now_s), "a rule's end is not ours to move"
    assert not wanted.is_met_by(replace(kept, since=0), now_s)
    assert not wanted.is_met_by(replace(kept, since=now_s + 1), now_s)
    assert not wanted.is_met_by(replace(kept, doors=(True, True)), now_s)


def test_validity_and_group_reservations_bound_a_right() -> None:
    stay = Membership((1,), NOON + HOUR, NOON + 2 * HOUR)
    plan = compile_one(
        snapshot(
            person(7, 1, valid_from=NOON + HOUR),
            person(8, 1, valid_to=NOON + HOUR),
            person(9, memberships=(stay,)),
            person(10, 1, status="disabled"),
            person(11),
            person(12, 1, valid_to=NOON),
        )
    )
    hour_s = 3_600
    assert record(plan, "7") == Record((True,), NOON // 1_000 + hour_s, NEVER_S)
    assert record(plan, "8") == Record((True,), NOON // 1_000 - 6, NOON // 1_000 + hour_s - 1)
    assert record(plan, "9") == Record((True,), NOON // 1_000 + hour_s, NOON // 1_000 + 2 * hour_s - 1)
    assert sorted(plan.users) == ["7", "8", "9"]


def test_a_right_that_ends_is_not_handed_to_a_board_whose_clock_is_wrong() -> None:
    plan = compile_one(snapshot(person(7, 1), person(8, 2)), clock_fault="the board's clock is 90 s slow")
    assert sorted(plan.users) == ["7"]
    assert plan.refused[1] == ["1 card (Person 8) is left out, because the right ends: the board's clock is 90 s slow"]


def test_what_a_card_alone_must_not_open_is_refused() -> None:
    for change, word in (
        ({"two_factor": True}, "a card and a PIN"),
        ({"two_person": True}, "second person"),
        ({"passback": Passback("hard")}, "pass-back"),
        ({"passback": Passback("timed", 5)}, "pass-back"),
    ):
        plan = compile_one(snapshot(person(7, 1), **change))
        assert plan.users == {}
        assert len(plan.refused[1]) == 1
        assert word in plan.refused[1][0]
    assert "7" in compile_one(snapshot(person(7, 1), passback=Passback("soft"))).users


def test_auto_unlock_gives_nobody_a_right_and_is_said_not_to_be_on_the_board() -> None:
    plan = compile_one(snapshot(person(7), person(8, 1), auto_unlock=OFFICE))
    assert sorted(plan.users) == ["8"]
    assert "Auto-unlock" in plan.refused[1][0]


def test_credentials_that_the_board_cannot_read_are_counted_and_their_holders_named() -> None:
    found = snapshot(person(7, 1), accepts=frozenset({"card", "pin"}))
    found.directory.put(person(8, 1), [Credential("card", "12:345"), Credential("pin", "4711")])
    plan = compile_one(found)
    assert sorted(plan.users) == ["7"]
    assert plan.refused[1] == [
        "1 card (Person 8) cannot be told to the board: the number is not of its reader's format",
        "1 credential of other kinds cannot be told to the board: it knows cards only",
    ]


def test_rules_that_cannot_be_read_deny() -> None:
    nowhere = Timetable(Weekly((Window(frozenset({0}), 0, 60),)), "Atlantis/Capital")
    plan = compile_one(snapshot(person(7, 1), person(8, 2), shift=nowhere))
    assert sorted(plan.users) == ["7"]
    # The engine denies whoever holds such a role at that door, and so does the board.
    assert all("8" not in name for name in plan.users)


def test_more_cards_than_the_board_holds_are_left_out() -> None:
    plan = compile_one(snapshot(*(person(number, 1) for number in range(1, MOST_CARDS + 3))))
    assert len(plan.users) == MOST_CARDS
    assert "2 cards" in plan.refused[1][0]


def test_the_second_relay_is_for_those_who_may_pass_the_first() -> None:
    first = snapshot(person(7, 1), person(8, 1))
    second = snapshot(person(7, 1), person(9, 1), id=2)
    plan = compile_board(BOTH, {0: DoorRights(first, NOON), 1: DoorRights(second, NOON)}, NOON, TOLERANCE_S, None)
    assert record(plan, "7") == Record((True, True), 0, NEVER_S)
    assert record(plan, "8") == Record((True, False), 0, NEVER_S)
    assert record(plan, "9") is None
    assert plan.refused[2] == [
        "1 card (Person 9) is left out: the board releases no relay for whom it does not release the first"
    ]


def test_two_relays_share_the_stretch_that_suits_both() -> None:
    first, second = snapshot(person(7, 1)), snapshot(person(7, 2), id=2)
    rights = {0: DoorRights(first, NOON), 1: DoorRights(second, NOON)}
    plan = compile_board(BOTH, rights, NOON, TOLERANCE_S, None)
    found = record(plan, "7")
    assert found is not None
    assert (found.doors, found.until) == ((True, True), (MONDAY + 17 * HOUR) // 1_000 - 1)
    after = compile_board(BOTH, rights, MONDAY + 17 * HOUR, TOLERANCE_S, None)
    assert record(after, "7") == Record((True, False), 0, NEVER_S)
    assert after.wake_at == MONDAY + DAY + 9 * HOUR, "the second relay is given back when its shift begins"


def test_thousands_of_people_with_the_same_roles_are_looked_at_once() -> None:
    found = snapshot(*(person(number, 2) for number in range(1, MOST_CARDS + 1)))
    plan = compile_one(found)
    assert len({user.record for user in plan.users.values()}) == 1


@st.composite
def simple_visits(draw: st.DrawFn) -> Visit:
    """Mostly at doors where a card alone is enough: at others nobody is on the board."""
    visit = draw(visits())
    if draw(st.sampled_from((True, True, True, False))):
        channel = replace(visit.site.channel, two_factor=False, two_person=False, passback=None)
        visit = replace(visit, site=replace(visit.site, channel=channel))
    return visit


@settings(PROFILE, max_examples=120)
@given(simple_visits(), st.integers(0, 999))
def test_a_board_never_admits_whom_the_rules_do_not_admit(visit: Visit, milliseconds: int) -> None:
    found, at = compiled(visit.site), visit.anchor + milliseconds
    users = compile_one(found, at).users
    state = DoorState(confirmed_at=at)
    for moment in (at, *(moment for moment in instants(visit) if moment >= at)) if users else ():
        for uid, user in users.items():
            if admits(user.record, moment):
                assert decide(found, state, Presented(Credential("card", uid)), moment).admitted


@settings(PROFILE, max_examples=80)
@given(simple_visits())
def test_whom_the_rules_admit_now_the_board_admits_unless_it_says_so(visit: Visit) -> None:
    channel = replace(visit.site.channel, auto_unlock=None)
    found, at = compiled(replace(visit.site, channel=channel)), visit.anchor
    plan = compile_one(found, at)
    if plan.refused[channel.id]:
        return
    for uid in ("1", "2", "3"):
        card = Presented(Credential("card", uid))
        second = at - at % 1_000 + 999
        # The board counts whole seconds: a right that ends within this one ends at its beginning.
        if all(decide(found, DoorState(confirmed_at=at), card, moment).admitted for moment in (at, second, second + 1)):
            assert admits(record(plan, uid), at)


@settings(PROFILE, max_examples=50)
@given(simple_visits())
def test_what_was_written_is_not_written_again(visit: Visit) -> None:
    found, at = compiled(visit.site), visit.anchor
    written = {uid: user.record for uid, user in compile_one(found, at).users.items()}
    again = compile_one(found, at + 1_000)
    changed = [uid for uid, user in again.users.items() if not user.is_met_by(written.get(uid), (at + 1_000) // 1_000)]
    # Only whose rights changed within this second.
    for uid in changed:
        before, after = written.get(uid), again.users[uid].record
        assert before is None or (before.until, before.since) != (after.until, after.since)


def test_a_reservation_is_a_right_for_once() -> None:
    booked = Timetable(Stretch(NOON + 15 * MINUTE_MS, NOON + 45 * MINUTE_MS), "UTC")
    plan = compile_one(snapshot(person(7, 2), shift=booked))
    assert record(plan, "7") == Record((True,), NOON // 1_000 + 900, NOON // 1_000 + 2_700 - 1)
    after = compile_one(snapshot(person(7, 2), shift=booked), NOON + 45 * MINUTE_MS)
    assert after.users == {}
