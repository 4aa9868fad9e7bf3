"""What is shown of a door, of what is set at it and what is wrong."""

from typing import Any
from zoneinfo import ZoneInfo

from doorward.changes.reports import HEARD_WITHIN_MS, Standing
from doorward.channels.channel import Channel
from doorward.channels.listing import Seen
from doorward.console.doors.look import lockdown_words, looks_of
from doorward.console.doors.reading import Door

NOW = 1_800_000_000_000


def door(*, alarms: dict[str, int] | None = None, heard: int | None = NOW, by_shift: bool = False, **set_: Any) -> Door:
    channel = Channel(1, 1, 1, "Front door", "front door", "02:00:00:00:00:01", NOW, NOW)._replace(**set_)
    seen = Seen(channel, None, False, Standing(heard, 1, NOW, None))
    return Door(seen, "House", ZoneInfo("UTC"), None, None, None, alarms or {}, by_shift)


def keys(shown: Door) -> list[str]:
    return [look.key for look in looks_of(shown, NOW)]


def test_a_door_is_locked_unless_more_is_to_be_said() -> None:
    assert keys(door()) == ["locked"]
    assert keys(door(mode="unlock")) == ["unlocked"]
    assert keys(door(by_shift=True)) == ["auto"]


def test_lockdown_goes_before_what_unlocks() -> None:
    assert keys(door(card_lockdown=True, mode="unlock", by_shift=True)) == ["lockdown"]
    assert keys(door(mode="unlock", by_shift=True)) == ["unlocked"]


def test_alarms_come_first_and_the_gravest_of_them() -> None:
    assert keys(door(alarms={"held_open": 1, "duress": 2, "forced": 3}, mode="unlock")) == [
        "duress",
        "forced",
        "held",
        "unlocked",
    ]


def test_a_door_that_is_not_heard_is_offline_and_not_said_to_be_locked() -> None:
    assert keys(door(heard=NOW - HEARD_WITHIN_MS)) == ["locked"]
    assert keys(door(heard=NOW - HEARD_WITHIN_MS - 1)) == ["offline"]
    assert keys(door(heard=None, rex_lockdown=True)) == ["offline", "lockdown"]


def test_every_state_has_a_word_an_icon_and_a_colour_of_its_own_kind() -> None:
    looks = [
        *looks_of(door(alarms={"duress": 1, "forced": 1, "tamper": 1, "held_open": 1}, heard=None, mode="unlock"), NOW),
        *looks_of(door(card_lockdown=True), NOW),
        *looks_of(door(by_shift=True), NOW),
        *looks_of(door(), NOW),
    ]
    assert len({look.word for look in looks}) == len({look.icon for look in looks}) == len(looks)
    assert all(look.kind for look in looks)


def test_a_lockdown_says_whether_one_can_leave() -> None:
    assert lockdown_words((True, False, True)) == "leaving stays possible"
    assert lockdown_words((True, True, True)) == "cards and PINs, inputs and the exit button"
    assert lockdown_words((False, True, False)) == "the exit button only"
