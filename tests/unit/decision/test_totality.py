"""Whatever is handed in, a verdict comes out: a rule that raises denies, and never keeps anybody in."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.codes import EventCode
from doorward.decision.engine import (
    awaits_first_person,
    decide,
    decide_exit,
    decide_person,
    decide_release,
    is_unlocked,
)
from doorward.decision.shifts import Timetable, Weekly, Window
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    DoorState,
    Grant,
    Membership,
    Passback,
    Person,
    Presence,
    Presented,
    Snapshot,
    Waiting,
)
from doorward.decision.verdict import ReasonCode, Verdict
from doorward.decision.wording import reason_text, verdict_label
from doorward.decision.zones import segments

PROFILE = settings.get_profile("decision")
NOW = 1_705_309_200_000
CARD = Credential("card", "1")
PRESENTED = Presented(CARD)


class Broken:
    """Raises whatever is done with it."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)

    def _fail(self, *_: object) -> NoReturn:
        raise RuntimeError

    __bool__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __rsub__ = _fail
    __hash__ = __iter__ = __len__ = __contains__ = __getitem__ = __call__ = __index__ = _fail


class BrokenTimetable(Timetable):
    """Raises when asked."""

    def open_at(self, at: int) -> bool:
        raise ZeroDivisionError(at)


BROKEN: Any = Broken()
BROKEN_SHIFT = BrokenTimetable(Weekly(()), "UTC")
ALWAYS = Timetable(Weekly((Window(frozenset(range(7)), 0, 1440),)), "UTC")

CHANNEL = Channel(1, "Front door", "Europe/London", frozenset({"card", "pin"}))
PERSON = Person(1, "Anna Berg", "active", None, None, frozenset({1}), frozenset({"card", "pin"}))
GRANT = Grant(1, "Staff", ALWAYS, "Always")


def snapshot_of(channel: Channel = CHANNEL, person: Person = PERSON, grant: Grant = GRANT) -> Snapshot:
    directory = Directory()
    directory.put(person, [CARD, Credential("pin", "4711")])
    return Snapshot(channel, directory, {1: grant})


def with_person(**fields: Any) -> Snapshot:
    """A snapshot whose directory was spoilt after it was built."""
    snapshot = snapshot_of()
    spoilt = PERSON._replace(**fields)
    snapshot.directory.people[1] = spoilt
    snapshot.directory.by_kind["card"]["1"] = spoilt
    return snapshot


HARD = Passback("hard")
BROKEN_CONFIGURATIONS = {
    "the shift of a role": (snapshot_of(grant=Grant(1, "Staff", BROKEN_SHIFT, "Broken")), DoorState()),
    "the shift is no shift": (snapshot_of(grant=GRANT._replace(shift=BROKEN)), DoorState()),
    "a zone that does not exist": (
        snapshot_of(grant=GRANT._replace(shift=Timetable(ALWAYS.rule, "Mars/Olympus_Mons"))),
        DoorState(),
    ),
    "the auto-unlock shift": (snapshot_of(replace(CHANNEL, auto_unlock=BROKEN_SHIFT)), DoorState()),
    "what is accepted": (snapshot_of(replace(CHANNEL, accepts=BROKEN)), DoorState(card_lockdown=True)),
    "the first person": (
        snapshot_of(replace(CHANNEL, auto_unlock=ALWAYS, first_person_in=True)),
        DoorState(first_person_at=BROKEN),
    ),
    "the limit of staleness": (snapshot_of(replace(CHANNEL, staleness_ms=BROKEN)), DoorState(confirmed_at=NOW)),
    "anti-passback": (snapshot_of(replace(CHANNEL, passback=BROKEN)), DoorState(presence={1: Presence(1, NOW)})),
    "where people are": (snapshot_of(replace(CHANNEL, passback=HARD)), DoorState(presence=BROKEN)),
    "where somebody is": (snapshot_of(replace(CHANNEL, passback=HARD)), DoorState(presence={1: BROKEN})),
    "a person's status": (with_person(status=BROKEN), DoorState()),
    "a person's validity": (with_person(valid_from=BROKEN), DoorState()),
    "a person's roles": (with_person(roles=BROKEN), DoorState()),
    "a person's memberships": (with_person(roles=(), memberships=BROKEN), DoorState()),
    "the time of a membership": (with_person(roles=(), memberships=(Membership((1,), BROKEN, NOW),)), DoorState()),
    "the roles": (replace(snapshot_of(), grants=BROKEN), DoorState()),
    "the directory": (replace(snapshot_of(), directory=BROKEN), DoorState()),
    "the channel": (replace(snapshot_of(), channel=BROKEN), DoorState()),
    "the state": (snapshot_of(), BROKEN),
    "tampering": (snapshot_of(), DoorState(tampered=BROKEN)),
    "lockdown": (snapshot_of(), DoorState(card_lockdown=BROKEN)),
    "unlock mode": (snapshot_of(), DoorState(unlocked=BROKEN)),
    "the time of relocking": (snapshot_of(), DoorState(unlocked=True, unlocked_until=BROKEN)),
    "everything": (BROKEN, BROKEN),
}
each_broken = pytest.mark.parametrize("what", BROKEN_CONFIGURATIONS)


@each_broken
def test_whatever_is_broken_denies(what: str) -> None:
    snapshot, state = BROKEN_CONFIGURATIONS[what]
    for verdict in (decide(snapshot, state, PRESENTED, NOW), decide_person(snapshot, state, 1, NOW)):
        if what != "what is accepted":
            assert [reason.code for reason in verdict.reasons] == [ReasonCode.RULE_FAILED]
            assert verdict.event_code is EventCode.REJECT_UNAUTHORIZED
        assert not verdict.admitted


def test_a_failure_to_read_what_is_accepted_denies() -> None:
    verdict = decide(snapshot_of(replace(CHANNEL, accepts=BROKEN)), DoorState(), PRESENTED, NOW)
    assert not verdict.admitted
    assert [reason.code for reason in verdict.reasons] == [ReasonCode.RULE_FAILED]


def test_a_failure_in_the_second_factor_denies() -> None:
    snapshot = snapshot_of(replace(CHANNEL, two_factor=True))
    for presented in (Presented(CARD, BROKEN), Presented(CARD, Credential("pin", "4711"), BROKEN)):
        verdict = decide(snapshot, DoorState(), presented, NOW)
        assert not verdict.admitted
        assert [reason.code for reason in verdict.reasons] == [ReasonCode.RULE_FAILED]


def test_a_failure_to_read_the_state_releases_nothing_from_afar() -> None:
    for snapshot, state in ((snapshot_of(), BROKEN), (BROKEN, BROKEN), (snapshot_of(), DoorState(tampered=BROKEN))):
        verdict = decide_release(snapshot, state, NOW)
        assert not verdict.admitted
        assert [reason.code for reason in verdict.reasons] == [ReasonCode.RULE_FAILED]


def test_a_failure_to_read_who_waits_denies() -> None:
    for waiting in (BROKEN, Waiting(BROKEN, NOW), Waiting(2, BROKEN)):
        verdict = decide(snapshot_of(replace(CHANNEL, two_person=True)), DoorState(waiting=waiting), PRESENTED, NOW)
        assert not verdict.admitted
        assert [reason.code for reason in verdict.reasons] == [ReasonCode.RULE_FAILED]


@each_broken
def test_whatever_is_broken_keeps_nobody_in(what: str) -> None:
    snapshot, state = BROKEN_CONFIGURATIONS[what]
    verdict = decide_exit(snapshot, state, NOW)
    assert verdict.admitted
    assert verdict.event_code is EventCode.ADMIT_REX


def test_leaving_is_possible_when_not_even_the_exit_lockdown_can_be_read_and_that_is_said() -> None:
    verdict = decide_exit(snapshot_of(), DoorState(rex_lockdown=BROKEN), NOW)
    assert verdict.admitted
    assert [reason.code for reason in verdict.reasons] == [ReasonCode.LEAVING, ReasonCode.RULE_FAILED]


@each_broken
def test_whatever_is_broken_leaves_the_door_locked(what: str) -> None:
    snapshot, state = BROKEN_CONFIGURATIONS[what]
    assert not is_unlocked(snapshot, state, NOW)
    assert not awaits_first_person(snapshot, state, NOW)


def test_an_unknown_mode_of_anti_passback_refuses_as_the_hard_one_does() -> None:
    mode: Any = "sotf"
    snapshot = snapshot_of(replace(CHANNEL, passback=Passback(mode), area_to=1))
    assert not decide(snapshot, DoorState(presence={1: Presence(1, NOW)}), PRESENTED, NOW).admitted


def test_an_unknown_status_of_a_person_denies() -> None:
    assert not decide(with_person(status="aktive"), DoorState(), PRESENTED, NOW).admitted


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Broken),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
garbage = st.one_of(
    anything,
    st.builds(Presented, anything, anything, anything),
    st.builds(Presented, st.builds(Credential, anything, anything), anything, anything),
    st.builds(Presented, st.builds(Credential, st.sampled_from(("card", "pin")), anything), anything, anything),
    st.builds(Presented, st.just(CARD), st.builds(Credential, anything, anything), anything),
)


@settings(PROFILE, max_examples=500)
@given(garbage, st.booleans())
def test_whatever_is_presented_a_verdict_comes_out(presented: Any, two_factor: bool) -> None:
    snapshot = snapshot_of(replace(CHANNEL, two_factor=two_factor))
    verdict = decide(snapshot, DoorState(), presented, NOW)
    assert isinstance(verdict, Verdict)
    assert verdict_label(verdict)
    assert all(reason_text(verdict, reason) for reason in verdict.reasons)
    if verdict.admitted:
        assert not two_factor
        assert presented.first == CARD


@settings(PROFILE)
@given(anything)
def test_whoever_is_asked_about_a_verdict_comes_out(person_id: Any) -> None:
    verdict = decide_person(snapshot_of(), DoorState(), person_id, NOW)
    assert verdict.admitted == (verdict.person_id == 1)


@settings(PROFILE)
@given(st.integers() | st.floats() | st.none())
def test_at_whatever_instant_a_verdict_comes_out(at: Any) -> None:
    snapshot = snapshot_of()
    assert isinstance(decide(snapshot, DoorState(), PRESENTED, at), Verdict)
    assert isinstance(decide_person(snapshot, DoorState(), 1, at), Verdict)
    assert isinstance(decide_release(snapshot, DoorState(), at), Verdict)
    assert decide_exit(snapshot, DoorState(), at).admitted
    assert is_unlocked(snapshot, DoorState(), at) is False


def test_an_instant_that_is_no_whole_number_spoils_no_later_answer() -> None:
    segments.cache_clear()
    nonsense: Any = float(NOW)
    for at, is_admitted in ((nonsense, False), (NOW, True)):
        shift = Timetable(ALWAYS.rule, "UTC")
        verdict = decide(snapshot_of(grant=GRANT._replace(shift=shift)), DoorState(), PRESENTED, at)
        assert verdict.admitted is is_admitted
