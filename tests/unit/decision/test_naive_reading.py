"""The engine decides as the naive reading of the rules does, for any configuration and instant."""

from hypothesis import given, settings

from doorward.decision.engine import (
    awaits_first_person,
    decide,
    decide_exit,
    decide_person,
    decide_release,
    is_unlocked,
)
from doorward.decision.verdict import Verdict
from tests.unit.decision import naive
from tests.unit.decision.strategies import Visit, compiled, instants, visits, welcome_visits

PROFILE = settings.get_profile("decision")


def as_answer(verdict: Verdict) -> naive.Answer:
    roles = frozenset(reason.grant.role_id for reason in verdict.reasons if reason.grant is not None)
    reasons = frozenset(str(reason.code) for reason in verdict.reasons)
    until = frozenset(
        (reason.grant.role_id, reason.instant)
        for reason in verdict.reasons
        if reason.grant is not None and reason.instant is not None
    )
    code = int(verdict.event_code)
    return naive.Answer(code, verdict.admitted, verdict.person_id, reasons, roles, until, verdict.duress)


@settings(PROFILE, max_examples=600)
@given(visits())
def test_a_credential_is_decided_about_as_the_rules_read(visit: Visit) -> None:
    snapshot = compiled(visit.site)
    for at in instants(visit):
        verdict = decide(snapshot, visit.state, visit.presented, at)
        assert as_answer(verdict) == naive.answer_credential(visit.site, visit.state, visit.presented, at)
        assert verdict.kind == visit.presented.first.kind
        assert verdict.at == at


@settings(PROFILE, max_examples=200)
@given(welcome_visits())
def test_those_who_may_pass_are_decided_about_as_the_last_rules_read(visit: Visit) -> None:
    snapshot = compiled(visit.site)
    for at in instants(visit)[::2]:
        verdict = decide(snapshot, visit.state, visit.presented, at)
        assert as_answer(verdict) == naive.answer_credential(visit.site, visit.state, visit.presented, at)
        standing_open = naive.stands_open(visit.site, visit.state, at) is not None
        assert is_unlocked(snapshot, visit.state, at) == standing_open
        shift = visit.site.channel.auto_unlock
        waits = shift is not None and naive.is_open(shift, at) and naive.nobody_has_come(visit.site, visit.state, at)
        assert awaits_first_person(snapshot, visit.state, at) == waits


@settings(PROFILE)
@given(visits())
def test_a_person_is_decided_about_as_the_rules_read(visit: Visit) -> None:
    snapshot = compiled(visit.site)
    for at in instants(visit):
        verdict = decide_person(snapshot, visit.state, visit.person_id, at)
        assert as_answer(verdict) == naive.answer_person(visit.site, visit.state, visit.person_id, at)


@settings(PROFILE, max_examples=100)
@given(visits())
def test_leaving_releasing_and_standing_open_are_as_the_rules_read(visit: Visit) -> None:
    snapshot = compiled(visit.site)
    for at in instants(visit):
        assert as_answer(decide_exit(snapshot, visit.state, at)) == naive.answer_exit(visit.state)
        released = as_answer(decide_release(snapshot, visit.state, at))
        assert released == naive.answer_release(visit.site, visit.state, at)
        standing_open = naive.stands_open(visit.site, visit.state, at) is not None
        assert is_unlocked(snapshot, visit.state, at) == standing_open


@settings(PROFILE, max_examples=100)
@given(visits())
def test_the_same_question_has_the_same_answer_whatever_was_asked_before(visit: Visit) -> None:
    asked_before, fresh = compiled(visit.site), compiled(visit.site)
    for at in reversed(instants(visit)):
        decide(asked_before, visit.state, visit.presented, at)
    for at in instants(visit)[::7]:
        again = decide(asked_before, visit.state, visit.presented, at)
        assert again == decide(fresh, visit.state, visit.presented, at)
