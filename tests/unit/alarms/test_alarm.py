"""What becomes of an alarm as events tell of more."""

from doorward.alarms.alarm import Alarm, Happened, again, first, over
from doorward.alarms.kinds import CODES, NATURES, Kind, ended_by, raised_by

NOW = 1_000_000


def told(at: int, *, event_id: int = 1, is_replayed: bool = False) -> Happened:
    return Happened(event_id, 7, 3, "Front door", 33, at, is_replayed, frozenset())


def acknowledged(alarm: Alarm) -> Alarm:
    return alarm._replace(
        id=9, state="acknowledged", acknowledged_at=50, acknowledged_by_id=2, acknowledged_by_name="Ann"
    )


def test_what_happens_again_counts_up_and_keeps_its_beginning() -> None:
    alarm = again(first(Kind.FORCED, told(10), NOW), told(20, event_id=2), NOW + 1)
    assert (alarm.times, alarm.first_event_id, alarm.last_event_id) == (2, 1, 2)
    assert (alarm.raised_at, alarm.last_at, alarm.over_at) == (10, 20, None)
    assert (alarm.created_at, alarm.updated_at) == (NOW, NOW + 1)


def test_what_is_over_says_since_when_and_stays_to_be_acknowledged() -> None:
    alarm = over(first(Kind.FORCED, told(10), NOW), 30, NOW, 5)
    assert (alarm.state, alarm.over_at, alarm.over_event_id) == ("open", 30, 5)
    assert over(alarm, 40, NOW + 1, 6) == alarm, "it is over only once"


def test_an_end_that_is_told_late_says_nothing_of_what_came_after_it() -> None:
    alarm = first(Kind.FORCED, told(10), NOW)
    assert over(alarm, 9, NOW, 5) == alarm


def test_what_was_over_and_happens_again_is_open_again_also_if_somebody_had_acknowledged_it() -> None:
    before = acknowledged(over(first(Kind.FORCED, told(10), NOW), 30, NOW, 5))
    alarm = again(before, told(40, event_id=8), NOW)
    assert (alarm.state, alarm.over_at, alarm.over_event_id) == ("open", None, None)
    assert (alarm.acknowledged_at, alarm.acknowledged_by_id, alarm.acknowledged_by_name) == (None, None, None)


def test_what_lasts_and_is_told_again_stays_acknowledged_but_for_duress() -> None:
    lasting = acknowledged(first(Kind.FORCED, told(10), NOW))
    assert again(lasting, told(20), NOW).state == "acknowledged"
    duress = acknowledged(first(Kind.DURESS, told(10), NOW))
    assert again(duress, told(20), NOW).state == "open"


def test_what_is_told_late_of_a_time_before_the_end_leaves_it_over() -> None:
    before = acknowledged(over(first(Kind.FORCED, told(10), NOW), 30, NOW, 5))
    alarm = again(before, told(20, event_id=8, is_replayed=True), NOW)
    assert (alarm.state, alarm.over_at, alarm.times, alarm.is_replayed) == ("acknowledged", 30, 2, True)
    assert (alarm.raised_at, alarm.last_at) == (10, 20)


def test_each_kind_is_raised_by_one_code_and_duress_is_the_gravest_and_ends_by_none() -> None:
    assert {kind: raised_by(nature.raised_by, frozenset()) for kind, nature in NATURES.items()} == {
        **{kind: kind for kind in Kind},
        Kind.CONTROLLER_LOST: Kind.DOOR_LOST,
    }
    assert raised_by(3, frozenset({"silent"})) is Kind.CONTROLLER_LOST
    assert next(iter(NATURES)) is Kind.DURESS
    assert not NATURES[Kind.DURESS].ended_by
    assert ended_by(32) == ended_by(35) == (Kind.FORCED, Kind.HELD_OPEN)
    assert ended_by(91) == (Kind.TAMPER,)
    assert ended_by(1) == (Kind.CONTROLLER_LOST, Kind.DOOR_LOST)
    assert {int(code) for code in CODES} == {1, 3, 32, 33, 34, 35, 63, 90, 91}
    assert not any(raised_by(code, frozenset()) or ended_by(code) for code in (10, 20, 31, 37, 92, 999))
