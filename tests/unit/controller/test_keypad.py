"""PINs typed key by key: what ends an entry, and what becomes of one that is not a PIN."""

from doorward.controller.keypad import BETWEEN_KEYS_MS, Keypad, Typed
from tests.unit.controller.site import ADA, SECOND, SETTING, Site


def type_slowly(site: Site, keys: str, every: int = 500) -> None:
    for key in keys:
        site.keys(key)
        site.run(every)


def test_a_pin_is_complete_when_somebody_says_so() -> None:
    site = Site()
    type_slowly(site, "4711#")
    assert (site.codes, site.who(11), site.lock[0]) == ([11], [ADA], (4 * 500, True))


def test_a_pin_is_complete_when_no_further_key_comes() -> None:
    site = Site()
    type_slowly(site, "4711")
    assert site.codes == []
    site.run(BETWEEN_KEYS_MS)
    assert (site.codes, site.lock[0]) == ([11], (1_500 + BETWEEN_KEYS_MS, True))


def test_the_beginning_of_a_longer_entry_is_nobodys_pin() -> None:
    site = Site()
    type_slowly(site, "471199#")
    assert (site.codes, site.lock) == ([24], [])


def test_a_pin_that_a_reader_sends_at_once_is_as_one_typed() -> None:
    site = Site()
    site.keys("4711#")
    assert site.codes == [11]


def test_a_star_begins_anew() -> None:
    site = Site()
    type_slowly(site, "99*4711#")
    assert site.codes == [11]


def test_a_pin_that_nobody_has_is_refused() -> None:
    site = Site()
    type_slowly(site, "0000#")
    assert (site.codes, site.last_shown, site.released) == ([24], "denied", False)


def test_what_somebody_says_is_complete_is_judged_however_short() -> None:
    site = Site()
    type_slowly(site, "47#")
    assert site.codes == [24]


def test_a_few_digits_that_are_left_alone_are_nothing() -> None:
    site = Site()
    type_slowly(site, "471")
    site.run(BETWEEN_KEYS_MS)
    type_slowly(site, "#")
    assert site.codes == []
    type_slowly(site, "4711#")
    assert site.codes == [11], "and they are not in the way of the next entry"


def test_more_digits_than_a_pin_has_are_judged_and_the_rest_begins_anew() -> None:
    site = Site()
    site.keys("1234567" + "4711#")
    assert site.codes == [24, 11]


def test_keys_that_no_keypad_has_are_nothing() -> None:
    site = Site()
    site.keys("4A7\x00²1💳1 #²")
    assert site.codes == [11]


def test_a_card_ends_what_was_typed_before_it() -> None:
    site = Site()
    type_slowly(site, "00")
    site.show(ADA)
    assert site.codes == [10]
    type_slowly(site, "0000")
    site.show(ADA)
    assert site.codes == [10, 24, 10], "what can be a PIN has been tried"


def test_what_was_typed_is_never_written_down() -> None:
    site = Site()
    type_slowly(site, "4711#")
    type_slowly(site, "0000#")
    assert [fact.credential for fact in site.facts] == [None, None]
    assert "4711" not in repr(site.facts)
    assert "4711" not in repr(Typed("4711", 0))


def test_a_torrent_of_keys_is_cut_short() -> None:
    found = Keypad().press("1234567" * 100_000, 0)
    assert len(found) < 20


def test_an_entry_is_complete_when_no_pin_is_longer() -> None:
    assert Keypad().press("1234567", 0) == [Typed("1234567", 0)]
    assert Keypad().press("123456", 0) == []


def test_an_entry_is_over_when_the_clock_is_put_back() -> None:
    keypad = Keypad()
    keypad.press("47", 10_000)
    assert keypad.is_over(9_999)


def test_keys_reported_late_release_nothing() -> None:
    site = Site(SETTING)
    site.driver.cut_line(1, keeps_events=True)
    site.keys("4711#")
    site.run(11 * SECOND)
    site.driver.restore(1)
    assert site.codes == [3, 1, 25]
    assert site.reasons(25) == [["reported_late"]]
    assert site.lock == []
