"""Boards that decide by themselves: what they tell becomes events, and nothing that they tell releases a lock again."""

from dataclasses import replace
from typing import Any

import pytest

from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Credential, Presence
from doorward.decision.wording import reasons_of
from doorward.drivers.base import (
    Capabilities,
    CommandResult,
    ContactChanged,
    DeviceDecision,
    OutputChanged,
    PowerChanged,
    RexPressed,
)
from doorward.drivers.simulated.driver import SimulatedDriver
from tests.unit.controller.site import ADA, BEN, DAN, HOUR, MINUTE, NOW, SECOND, Site


class Board(SimulatedDriver):
    """A board at the door; what it tells is made up by the tests."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, decides_locally=True, event_cursor=True, clock=True)


CARDS = {ADA: "1234", BEN: "5678", DAN: "3456", None: "999"}


class BoardSite(Site):
    """A door that a board decides at."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(driver=Board, **rules)

    def decided(self, admitted: bool, person_id: int | None, reason: str = "", at: int | None = None) -> None:
        self.tell(admitted, Credential("card", CARDS[person_id]), reason, at)

    def tell(self, admitted: bool, credential: Credential | None, reason: str = "", at: int | None = None) -> None:
        when = self.now if at is None else at
        event = DeviceDecision(channel_id=1, device_time=when, admitted=admitted, credential=credential, reason=reason)
        self.hear(event)

    def moved(self, is_open: bool, at: int | None = None) -> None:
        self.hear(ContactChanged(channel_id=1, device_time=self.now if at is None else at, is_open=is_open))


def test_what_a_board_has_admitted_is_on_record_and_the_door_may_be_opened() -> None:
    site = BoardSite()
    site.decided(True, ADA, "Admitted")
    site.run(3 * SECOND)
    site.moved(True)
    assert (site.codes, site.who(10), site.facts[0].credential) == ([10, 31], [ADA], "1234")
    assert site.lock == [], "the board has released its lock, we do not do it again"
    assert site.shown == []
    verdict = site.facts[0].verdict
    assert verdict is not None
    assert reasons_of(verdict) == [
        ("decided_by_board", "The board at the door decided this by itself: Admitted."),
    ]


@pytest.mark.parametrize(
    ("person_id", "reason", "code"),
    [
        (ADA, "Denied: no access here", 27),
        (ADA, "Denied: wrong PIN", 71),
        (ADA, "Denied: passed back", 28),
        (ADA, "Denied: more cards are wanted", 25),
        (ADA, "Denied: outside of the hours, or the card's dates", 21),
        (ADA, "Denied: the door is set to be shut", 22),
        (ADA, "Denied", 27),
        (ADA, "", 27),
        (ADA, "\x00💥" * 500, 27),
        (DAN, "Denied", 27),
        (None, "Denied: no access here", 20),
    ],
)
def test_what_a_board_has_refused_is_on_record_as_far_as_its_word_tells(
    person_id: int | None, reason: str, code: int
) -> None:
    site = BoardSite()
    site.decided(False, person_id, reason)
    assert (site.codes, site.who(code)) == ([code], [person_id])
    site.moved(True)
    assert site.codes == [code, 33]


def test_admissions_without_a_card_are_somebody_s() -> None:
    site = BoardSite()
    site.tell(True, None, "Admitted by a passcode of the board itself")
    site.tell(True, None, "HTTP without a card: Admin")
    site.tell(True, Credential("pin", "4711"))
    site.tell(False, Credential("pin", "0000"))
    assert site.codes == [11, 12, 11, 24]
    assert site.who(11) == [None, ADA]
    assert "4711" not in repr([fact.credential for fact in site.facts])


def test_whom_a_board_admits_goes_where_the_door_leads_and_may_be_the_first_person() -> None:
    shift = Timetable(Stretch(NOW, NOW + HOUR), "Europe/London")
    site = BoardSite(area_to=5, auto_unlock=shift, first_person_in=True)
    site.decided(True, ADA)
    assert (site.codes, site.presence, site.released) == ([10, 40], {ADA: Presence(5, NOW)}, True)


def test_what_is_caught_up_keeps_its_own_time_and_opens_nothing() -> None:
    site = BoardSite()
    site.run(3 * HOUR)
    site.decided(True, ADA, at=NOW + MINUTE)
    site.moved(True, at=NOW + MINUTE + SECOND)
    site.moved(False, at=NOW + 2 * MINUTE - 40 * SECOND)
    site.hear(RexPressed(channel_id=1, device_time=NOW + 3 * MINUTE))
    site.moved(True, at=NOW + 3 * MINUTE + SECOND)
    site.moved(False, at=NOW + 3 * MINUTE + 2 * SECOND)
    site.moved(True, at=NOW + HOUR)
    site.moved(False, at=NOW + HOUR + SECOND)
    assert site.codes == [10, 31, 32, 30, 31, 32, 33, 32, 35]
    assert [fact.at - NOW for fact in site.facts[:2]] == [MINUTE, MINUTE + SECOND]
    assert site.lock == []


def test_a_board_that_says_what_its_lock_does_gives_leave_for_as_long() -> None:
    site = BoardSite()
    site.hear(OutputChanged(channel_id=1, device_time=site.now, is_released=True))
    site.run(20 * SECOND)
    site.hear(OutputChanged(channel_id=1, device_time=site.now, is_released=False))
    site.run(500)
    site.moved(True)
    assert site.codes == [31]


def test_what_a_reader_s_output_says_gives_nobody_leave() -> None:
    site = Site()
    site.hear(OutputChanged(channel_id=1, device_time=site.now, is_released=True))
    site.open()
    assert site.codes == [33]


def test_a_remote_admission_counts_by_our_clock_though_the_board_s_is_wrong() -> None:
    site = BoardSite()
    site.door.admit(61, None, {}, site.now)
    site.run(2 * SECOND)
    site.moved(True, at=site.now - HOUR)
    assert site.codes == [15, 50, 31]


def test_a_release_that_fails_after_it_was_answered_is_said_to_have() -> None:
    site = BoardSite()
    site.driver.stop()
    site.door.admit(61, ADA, {}, site.now)
    site.hear(CommandResult(channel_id=1, device_time=site.now, command_id=61, is_done=False, reason="no answer"))
    site.hear(CommandResult(channel_id=1, device_time=site.now, command_id=61, is_done=False))
    site.hear(CommandResult(channel_id=1, device_time=site.now, command_id=999, is_done=False))
    assert (site.codes, site.who(52)) == ([15, 50, 52], [ADA])


def test_a_board_that_never_answers_does_not_fill_the_memory() -> None:
    site = BoardSite()
    site.driver.stop()
    for request_id in range(500):
        site.door.admit(request_id, ADA, {}, site.now)
    site.facts.clear()
    for request_id in range(500):
        site.hear(CommandResult(channel_id=1, device_time=site.now, command_id=request_id, is_done=False))
    assert len(site.facts) < 100


def test_a_board_that_was_switched_on_is_told_of() -> None:
    site = BoardSite()
    site.hear(PowerChanged(channel_id=1, device_time=site.now, cursor=17, is_powered=True))
    assert site.codes == [93]
