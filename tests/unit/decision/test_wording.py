"""Verdicts, reasons and shifts in words."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.codes import EventCode
from doorward.decision.engine import decide, decide_exit, decide_person
from doorward.decision.shifts import Rule, Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, Grant
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.decision.wording import describe, event_label, local_time, reason_text, verdict_label
from doorward.events.codes import name_of
from tests.unit.decision.strategies import Scene, Visit, compiled, scenes, visits
from tests.vectors import load

PROFILE = settings.get_profile("decision")
WORKDAYS = frozenset(range(5))
CHANNEL = Channel(1, "Front door", "Europe/London", frozenset({"card"}))
NINE = 1_705_309_200_000  # Monday 2024-01-15 09:00 in London
DAY = 19_737  # the same


def verdict_at(at: int, channel: Channel = CHANNEL) -> Verdict:
    return Verdict(EventCode.REJECT_OUT_OF_HOURS, False, channel, at, None, ())


@settings(PROFILE, max_examples=150)
@given(visits())
def test_every_verdict_can_be_put_into_words(visit: Visit) -> None:
    snapshot = compiled(visit.site)
    for verdict in (
        decide(snapshot, visit.state, visit.presented, visit.anchor),
        decide_person(snapshot, visit.state, visit.person_id, visit.anchor),
        decide_exit(snapshot, visit.state, visit.anchor),
    ):
        assert verdict_label(verdict)
        assert all(reason_text(verdict, reason).endswith(".") for reason in verdict.reasons)


@settings(PROFILE, max_examples=150)
@given(scenes())
def test_every_shift_can_be_described(scene: Scene) -> None:
    assert describe(scene.timetable).endswith(f", {scene.timetable.zone}")


@settings(PROFILE)
@given(
    st.sampled_from(ReasonCode),
    st.none() | st.just(Grant(1, "Staff", Timetable(Weekly((Window(WORKDAYS, 540, 1020),)), "Nowhere/Land"), "Office")),
    st.none() | st.text(max_size=5),
    st.none() | st.integers(),
    st.sampled_from(("Europe/London", "Mars/Olympus_Mons", "America", "", "../etc", "\ud800")),
    st.integers(),
)
def test_a_reason_can_be_put_into_words_whatever_it_is_about(
    code: ReasonCode, grant: Grant | None, kind: str | None, instant: int | None, zone: str, at: int
) -> None:
    assert reason_text(verdict_at(at, replace(CHANNEL, zone=zone)), Reason(code, grant, kind, instant))


def test_every_case_of_the_vectors_can_be_put_into_words() -> None:
    for case in load():
        verdict = case.verdict()
        assert verdict_label(verdict)
        assert all(reason_text(verdict, reason).endswith(".") for reason in verdict.reasons)


@pytest.mark.parametrize("code", EventCode)
def test_every_event_code_has_a_label(code: EventCode) -> None:
    label = event_label(code, "Front door", "John Doe")
    assert label
    assert "{" not in label


def test_a_reason_says_that_a_role_is_held_by_a_group_reservation() -> None:
    reason = Reason(ReasonCode.ROLE_GRANTS, Grant(1, "Cleaners", None, ""), None, NINE)
    text = reason_text(verdict_at(NINE - 1), reason)
    assert text.startswith('The role "Cleaners" admits here at any time. ')
    assert text.endswith("by a group reservation until Mon 2024-01-15 09:00 Europe/London.")


def test_an_event_label_names_the_person() -> None:
    assert event_label(EventCode.ADMIT_CARD, "Front door", "John Doe") == "John Doe admitted using card"


def test_a_name_with_braces_is_only_a_name() -> None:
    assert event_label(EventCode.ADMIT_CARD, "{person}", "{channel}") == "{channel} admitted using card"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Weekly((Window(WORKDAYS, 420, 1320),)), "Mon-Fri 07:00-22:00"),
        (Weekly((Window(WORKDAYS, 420, 1320),), holidays="replace"), "Mon-Fri 07:00-22:00, not on holidays"),
        (
            Weekly((Window(WORKDAYS, 420, 1320), Window(frozenset({7}), 600, 720)), holidays="replace"),
            "Mon-Fri 07:00-22:00, holidays 10:00-12:00",
        ),
        (Weekly((Window(frozenset({0, 1, 4, 6}), 0, 1440),)), "Mon,Tue,Fri,Sun 00:00-24:00"),
        (Weekly((Window(frozenset({4}), 1320, 1800),)), "Fri 22:00-06:00"),
        (Weekly((Window(frozenset({0, 7}), 540, 600),)), "Mon 09:00-10:00"),
        (Weekly((Window(frozenset({7}), 540, 600),)), "never"),
        (Weekly((Window(frozenset(), 540, 600),)), "never"),
        (Weekly((), holidays="replace"), "never"),
        (
            Weekly((Window(WORKDAYS, 540, 600),), DAY, DAY + 6),
            "Mon-Fri 09:00-10:00, from 2024-01-15, up to 2024-01-21",
        ),
        (Weekly((Window(WORKDAYS, 540, 600),), first_day=10**9), "Mon-Fri 09:00-10:00, from day 1000000000"),
        (Stretch(NINE, NINE + 5_400_000), "Mon 2024-01-15 09:00 to Mon 2024-01-15 10:30"),
        (Stretch(NINE, NINE), "never"),
    ],
)
def test_a_shift_is_described_in_one_line(rule: Rule, words: str) -> None:
    assert describe(Timetable(rule, "Europe/London")) == f"{words}, Europe/London"


def test_out_of_hours_says_when_the_shift_opens_next() -> None:
    grant = Grant(1, "Staff", Timetable(Weekly((Window(WORKDAYS, 540, 1020),)), "Europe/London"), "Office")
    assert reason_text(verdict_at(NINE - 1), Reason(ReasonCode.OUT_OF_HOURS, grant)) == (
        'The role "Staff" admits here only in the shift "Office" (Mon-Fri 09:00-17:00, Europe/London), '
        "which opens next at Mon 2024-01-15 09:00 Europe/London."
    )


def test_out_of_hours_says_when_the_shift_does_not_open_any_more() -> None:
    grant = Grant(1, "Staff", Timetable(Stretch(0, 1), "Europe/London"), "Booking")
    assert reason_text(verdict_at(NINE), Reason(ReasonCode.OUT_OF_HOURS, grant)).endswith(
        ", which does not open within a year."
    )


def test_at_the_end_of_the_calendar_the_next_opening_is_not_known() -> None:
    grant = Grant(1, "Staff", Timetable(Weekly(()), "Europe/London"), "Never")
    last_year = 253_370_764_800_000  # 9999-01-01
    assert "a time that is not known" in reason_text(verdict_at(last_year), Reason(ReasonCode.OUT_OF_HOURS, grant))


def test_the_time_is_told_by_the_wall_clock_of_the_zone_and_to_the_second_if_need_be() -> None:
    summer = 1_720_000_000_000  # 2024-07-03T09:46:40Z
    assert local_time(summer, "Europe/London") == "Wed 2024-07-03 10:46:40 Europe/London"
    assert local_time(NINE, "America/St_Johns") == "Mon 2024-01-15 05:30 America/St_Johns"


def test_in_an_unknown_zone_the_time_is_told_in_utc() -> None:
    assert local_time(NINE, "Mars/Olympus_Mons") == "Mon 2024-01-15 09:00 UTC"


def test_a_time_that_no_calendar_has_is_told_in_milliseconds() -> None:
    assert local_time(10**18, "Europe/London") == "1000000000000000000 ms"


@pytest.mark.parametrize("kind", ["pin", "duress"])
def test_a_pin_is_not_in_what_is_printed_of_a_credential(kind: str) -> None:
    assert "4711" not in repr(Credential(kind, "4711"))
    assert repr(Credential("card", "4711")) == "Credential('card', '4711')"


def test_a_code_of_a_later_version_is_said_as_such() -> None:
    assert event_label(999, "Front door", None) == "Event 999 at Front door"
    assert name_of(999) == "Event 999"
