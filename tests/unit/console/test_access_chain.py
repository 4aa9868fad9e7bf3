"""The steps that a verdict is drawn as are those that the engine took."""

import pytest

from doorward.console.access.advice import advice_for
from doorward.console.access.chain import chain_of
from doorward.decision.engine import decide_person
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Channel, Directory, DoorState, Grant, Passback, Person, Presence, Snapshot
from doorward.decision.verdict import ReasonCode, Verdict

NOW = 1_772_442_000_000
OPEN = Timetable(Stretch(NOW - 1, NOW + 1), "UTC")
SHUT = Timetable(Stretch(NOW + 10, NOW + 20), "UTC")


def verdict(state: DoorState | None = None, **given: object) -> Verdict:
    """About one person with one role at a door, as it is given otherwise."""
    shift = given.pop("shift", OPEN)
    known = {"id": 1, "name": "Ada", "status": "active", "valid_from": None, "valid_to": None, "roles": (1,), **given}
    directory = Directory()
    directory.put(Person(kinds=frozenset(), **known), ())  # type: ignore[arg-type]
    channel = Channel(1, "Door", "UTC", frozenset({"card"}), passback=Passback("hard"), area_to=5)
    snapshot = Snapshot(channel, directory, {1: Grant(1, "Role", shift, "Shift")})  # type: ignore[arg-type]
    return decide_person(snapshot, state or DoorState(), 1, NOW)


@pytest.mark.parametrize(
    ("given", "failed"),
    [
        ({"state": DoorState(card_lockdown=True)}, "door"),
        ({"state": DoorState(tampered=True)}, "door"),
        ({"status": "disabled"}, "person"),
        ({"valid_to": NOW}, "person"),
        ({"valid_from": NOW + 1}, "person"),
        ({"roles": ()}, "role"),
        ({"shift": SHUT}, "hours"),
        ({"state": DoorState(presence={1: Presence(5, NOW - 5)})}, "passback"),
    ],
)
def test_what_comes_before_the_step_that_refuses_has_passed_and_what_comes_after_was_not_asked(
    given: dict[str, object], failed: str
) -> None:
    chain = chain_of(verdict(**given), ())  # type: ignore[arg-type]
    keys = [step.key for step in chain.steps]
    place = keys.index(failed)
    assert keys == ["door", "person", "role", "hours", "passback"]
    states = [step.state for step in chain.steps]
    assert states == ["passed"] * place + ["failed"] + ["not_asked"] * (len(keys) - place - 1)
    assert chain.steps[place].lines
    assert advice_for(chain.decided_by) is not None


def test_who_is_admitted_has_passed_every_step() -> None:
    assert {step.state for step in chain_of(verdict(), ()).steps} == {"passed"}


def test_a_door_that_stands_open_asks_nothing_of_anybody() -> None:
    states = [step.state for step in chain_of(verdict(DoorState(unlocked=True), roles=()), ()).steps]
    assert states == ["passed", *["not_asked"] * 4]


def test_every_reason_to_refuse_somebody_who_asks_says_what_would_have_been_needed() -> None:
    never_here = {
        *(ReasonCode.REX_LOCKDOWN, ReasonCode.UNLOCK_MODE, ReasonCode.AUTO_UNLOCK, ReasonCode.PASSED_BACK_NOTED),
        *(ReasonCode.SECOND_FACTOR_RIGHT, ReasonCode.ROLE_GRANTS, ReasonCode.LEAVING, ReasonCode.RELEASED_REMOTELY),
        *(ReasonCode.FIRST_PERSON_MISSING, ReasonCode.SECOND_PERSON, ReasonCode.DECIDED_BY_BOARD),
        *(ReasonCode.EXIT_BUTTON_FAULTY, ReasonCode.EXIT_BUTTON_WHOLE, ReasonCode.PINS_NOT_TAKEN),
        *(ReasonCode.REPORTED_LATE, ReasonCode.EVENTS_LOST, ReasonCode.PERSON_UNKNOWN, ReasonCode.PERSON_DELETED),
    }
    assert {code for code in ReasonCode if advice_for(code) is None} == never_here
