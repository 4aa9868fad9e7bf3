"""Wrong PINs at a keypad: after some of them none is taken for a while, longer each time; cards and leaving go on."""

import pytest

from doorward.controller.guesses import FIRST_WAIT_MS, FORGOTTEN_AFTER_MS, FREE, LONGEST_WAIT_MS, Guesses
from doorward.decision.codes import PIN, EventCode
from doorward.decision.snapshot import Credential, Presented
from doorward.decision.verdict import Verdict
from tests.unit.controller.site import ADA, BEN, MINUTE, NOW, SECOND, Site

WRONG = "0000#"


def guess(site: Site, times: int) -> None:
    for _ in range(times):
        site.keys(WRONG)
        site.run(SECOND)


def test_after_some_wrong_pins_a_right_one_is_not_taken_either_until_the_time_is_over() -> None:
    site = Site()
    guess(site, FREE)
    assert site.reasons(24)[FREE - 2] == ["unknown_credential"]
    assert site.reasons(24)[FREE - 1] == ["unknown_credential", "pins_not_taken"], "it is on record that it begins"
    site.take()
    site.keys("4711#")
    assert (site.codes, site.who(24), site.released, site.last_shown) == ([24], [None], False, "denied")
    assert site.reasons(24) == [["pins_not_taken"]]
    site.until(NOW + (FREE - 1) * SECOND + FIRST_WAIT_MS)
    site.keys("4711#")
    assert (site.codes[-1], site.released) == (11, True)


def test_cards_and_the_button_go_on_while_no_pin_is_taken() -> None:
    site = Site()
    guess(site, FREE)
    site.take()
    site.show(ADA)
    site.rex()
    assert site.codes == [10, 30, 13]


def test_each_wait_is_longer_than_the_one_before_up_to_a_limit() -> None:
    site = Site()
    waits = []
    for _ in range(8):
        guess(site, FREE)
        began = site.now - SECOND
        while not site.released:
            site.run(5 * SECOND)
            site.keys("4711#")
        waits.append((site.now - began) // 1000)
        site.run(MINUTE)
    assert waits == sorted(waits)
    assert waits[0] <= FIRST_WAIT_MS // 1000 + 5
    assert LONGEST_WAIT_MS // 1000 <= waits[-1] <= LONGEST_WAIT_MS // 1000 + 5
    site.run(FORGOTTEN_AFTER_MS)
    guess(site, FREE)
    site.run(FIRST_WAIT_MS)
    site.keys("4711#")
    assert site.released, "after a quiet hour it begins anew"


def test_who_mistypes_now_and_then_locks_nobody_out_and_who_tries_with_a_pin_of_their_own_does() -> None:
    site = Site()
    for _ in range(3 * FREE):
        site.keys(WRONG)
        for pin in ("4711#", "5511#"):
            site.keys(pin)
        site.run(MINUTE * 20)
    assert site.codes.count(11) == 6 * FREE
    site.take()
    for _ in range(100):
        site.keys(WRONG)
        site.keys("4711#")
        site.run(SECOND)
    assert site.codes.count(11) < 3 * FREE, "not for ever, with their own in between"
    site.take()
    site.run(FORGOTTEN_AFTER_MS)
    site.keys("4711#")
    assert site.codes == [11]


def test_many_people_who_mistype_once_each_lock_nobody_out() -> None:
    site = Site()
    for number in range(100, 140):
        site.put(number, f"Person {number}", {"pin": f"8{number}"})
        site.keys(WRONG)
        site.keys(f"8{number}#")
        site.run(SECOND)
    assert site.codes.count(11) == 40


def test_wrong_pins_after_a_card_count_as_well() -> None:
    site = Site(two_factor=True)
    for _ in range(FREE):
        site.show(ADA)
        site.keys(WRONG)
        site.run(SECOND)
    assert site.codes == [71] * FREE
    site.take()
    site.show(ADA)
    site.keys("4711#")
    assert (site.codes, site.who(71), site.reasons(71)) == ([71], [ADA], [["pins_not_taken"]])
    site.run(FIRST_WAIT_MS)
    site.show(ADA)
    site.keys("4711#")
    assert site.codes[-1] == 70


def test_a_wrong_card_after_a_pin_is_no_guess() -> None:
    site = Site(two_factor=True)
    for _ in range(2 * FREE):
        site.keys("4711#")
        site.show(BEN)
        site.run(SECOND)
    assert "pins_not_taken" not in [code for codes in site.reasons(71) for code in codes]


def test_a_duress_pin_alarms_also_while_no_pin_is_taken() -> None:
    site = Site()
    guess(site, FREE)
    site.take()
    site.keys("4712#")
    assert (site.codes, site.who(63), site.released) == ([24, 63], [ADA], False)


def test_at_a_door_that_stands_unlocked_nothing_is_guessed() -> None:
    site = Site()
    site.set(unlocked=True)
    guess(site, 2 * FREE)
    site.set(unlocked=False)
    site.keys("4711#")
    assert site.codes[-1] == 11


@pytest.mark.parametrize("step", [-MINUTE, MINUTE])
def test_a_clock_that_is_set_changes_nothing_about_the_wait(step: int) -> None:
    count = 0
    guesses = Guesses(lambda: count)
    typed = Presented(Credential(PIN, "0000"))
    channel = Site().door.snapshot.channel

    def judged(code: EventCode, at: int) -> Verdict:
        return guesses.judge(typed, Verdict(code, code is EventCode.ADMIT_PIN, channel, at, None, (), PIN), at)

    for _ in range(FREE):
        judged(EventCode.REJECT_PIN, NOW)
    count += FIRST_WAIT_MS - 1
    assert not judged(EventCode.ADMIT_PIN, NOW + step).admitted
    count += 1
    assert judged(EventCode.ADMIT_PIN, NOW + step).admitted
