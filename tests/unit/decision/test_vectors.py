"""The cases of tests/vectors, decided by the engine and by the naive reading."""

from collections import Counter

import pytest

from doorward.decision.verdict import ReasonCode
from tests.unit.decision import naive
from tests.vectors import Case, load

CASES = load()
BY_NAME = {str(case): case for case in CASES}
GIVEN = {10, 11, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 70, 71, 72, 73}
"""The event codes that a decision can have."""
NOT_DECIDED = {
    ReasonCode.DECIDED_BY_BOARD,
    ReasonCode.REPORTED_LATE,
    ReasonCode.EXIT_BUTTON_FAULTY,
    ReasonCode.EXIT_BUTTON_WHOLE,
    ReasonCode.PINS_NOT_TAKEN,
    ReasonCode.EVENTS_LOST,
}
"""The reasons that the door gives, not the engine."""


@pytest.mark.parametrize("name", BY_NAME)
def test_a_case_is_decided_as_it_says(name: str) -> None:
    case = BY_NAME[name]
    assert case.as_expected(case.verdict()) == case.expected


@pytest.mark.parametrize("name", [str(case) for case in CASES if case.file != "failing_rule"])
def test_a_case_is_what_the_rules_literally_say(name: str) -> None:
    case = BY_NAME[name]
    answer = literally(case)
    reasons = frozenset(reason.split()[0] for reason in case.expected.reasons)
    expected = (case.expected.event_code, case.expected.admitted, case.expected.person, reasons, case.expected.duress)
    assert (answer.code, answer.admitted, answer.person_id, answer.reasons, answer.duress) == expected


def literally(case: Case) -> naive.Answer:
    site = naive.Site(tuple(case.holders()), case.channel(), tuple(case.grants()))
    if case.written.exit:
        return naive.answer_exit(case.state())
    if case.written.release:
        return naive.answer_release(site, case.state(), case.at)
    if case.written.person is not None:
        return naive.answer_person(site, case.state(), case.written.person, case.at)
    return naive.answer_credential(site, case.state(), case.presented(), case.at)


def test_every_event_code_that_a_decision_can_have_is_in_some_case() -> None:
    assert {case.expected.event_code for case in CASES} == GIVEN


def test_every_reason_is_in_some_case() -> None:
    given = {reason.split()[0] for case in CASES for reason in case.expected.reasons}
    assert given == {str(code) for code in ReasonCode if code not in NOT_DECIDED}


def test_no_two_cases_have_the_same_name() -> None:
    assert max(Counter(case.written.name for case in CASES).values()) == 1


def test_a_case_asks_one_question() -> None:
    for case in CASES:
        asked = case.written
        questions = [asked.first is not None, asked.person is not None, asked.exit, asked.release]
        assert questions.count(True) == 1, str(case)
        assert all(held is None or len(held) == 1 for held in (asked.first, asked.second)), str(case)
