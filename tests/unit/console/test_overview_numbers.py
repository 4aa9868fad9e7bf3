"""Today against the usual day."""

from zoneinfo import ZoneInfo

from doorward.console.overview.numbers import Counted, chart_of, day_of
from doorward.decision.codes import EventCode

LONDON = ZoneInfo("Europe/London")
NOW = 1_773_135_000_000  # Tue 2026-03-10, 09:30 in London
CARD = int(EventCode.ADMIT_CARD)
UNKNOWN = int(EventCode.REJECT_CARD)
LATE = int(EventCode.REJECT_OUT_OF_HOURS)


def test_the_usual_day_is_the_mean_of_the_weeks_in_which_anything_happened() -> None:
    counted = [Counted(0, 8, CARD, 3), Counted(1, 8, CARD, 10), Counted(3, 8, CARD, 20), Counted(3, 9, CARD, 4)]
    day = day_of(counted, LONDON, NOW)
    assert day.hour == 9
    assert day.admitted[8] == day.admitted_so_far == 3
    assert day.usual is not None
    assert (day.usual[8], day.usual[9]) == (15, 2)
    assert day.usual_so_far == 15


def test_without_a_week_behind_it_there_is_no_usual_day() -> None:
    day = day_of([Counted(0, 8, CARD, 3)], LONDON, NOW)
    assert day.usual is None
    assert day.usual_so_far is None
    assert [each["name"] for each in chart_of(day)["series"]] == ["Today"]


def test_reasons_are_those_of_today_most_often_first_in_short_words() -> None:
    counted = [Counted(0, 8, UNKNOWN, 1), Counted(0, 9, LATE, 2), Counted(0, 7, LATE, 1), Counted(1, 7, UNKNOWN, 50)]
    day = day_of(counted, LONDON, NOW)
    assert day.reasons == [("Out of hours", 3), ("Unknown card", 1)]
    assert day.denied_so_far == 4


def test_hours_that_are_still_to_come_have_no_bar() -> None:
    today = chart_of(day_of([Counted(0, 8, CARD, 3)], LONDON, NOW))["series"][0]["data"]
    assert today[8:11] == [3, 0, None]
