"""When a door stands unlocked for everybody, with nobody at it."""

import pytest

from doorward.decision.engine import is_unlocked
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Channel, Directory, DoorState, Snapshot

NOON = 1_705_320_000_000
BEFORE, AFTER = NOON - 1, NOON

PLAIN = Channel(1, "Front door", "Europe/London", frozenset({"card"}))
BY_SHIFT = Channel(
    1,
    "Front door",
    "Europe/London",
    frozenset({"card"}),
    auto_unlock=Timetable(Stretch(NOON, NOON + 1), "Europe/London"),
    staleness_ms=0,
)


def stands_open(channel: Channel, state: DoorState, at: int) -> bool:
    return is_unlocked(Snapshot(channel, Directory(), {}), state, at)


def test_a_door_in_normal_mode_does_not_stand_open() -> None:
    assert not stands_open(PLAIN, DoorState(), NOON)


def test_a_door_in_unlock_mode_stands_open() -> None:
    assert stands_open(PLAIN, DoorState(unlocked=True), NOON)


def test_a_door_stands_open_up_to_the_instant_of_relocking() -> None:
    state = DoorState(unlocked=True, unlocked_until=NOON)
    assert (stands_open(PLAIN, state, BEFORE), stands_open(PLAIN, state, AFTER)) == (True, False)


def test_a_door_stands_open_from_the_instant_at_which_its_auto_unlock_shift_opens() -> None:
    assert (stands_open(BY_SHIFT, DoorState(), BEFORE), stands_open(BY_SHIFT, DoorState(), AFTER)) == (False, True)


def test_a_door_without_contact_keeps_to_its_auto_unlock_shift() -> None:
    assert stands_open(BY_SHIFT, DoorState(confirmed_at=0), NOON)


@pytest.mark.parametrize(
    "mode", [DoorState(unlocked=True, tampered=True), DoorState(unlocked=True, card_lockdown=True)]
)
def test_a_door_that_is_tampered_with_or_locked_down_does_not_stand_open(mode: DoorState) -> None:
    assert not stands_open(PLAIN, mode, NOON)
    assert not stands_open(BY_SHIFT, mode, NOON)


@pytest.mark.parametrize(
    "mode", [DoorState(unlocked=True, aux_lockdown=True), DoorState(unlocked=True, rex_lockdown=True)]
)
def test_a_lockdown_of_inputs_or_of_the_exit_button_does_not_close_a_door_that_stands_open(mode: DoorState) -> None:
    assert stands_open(PLAIN, mode, NOON)
