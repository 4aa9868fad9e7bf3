"""How long ago the server last confirmed what a door goes by: no clock that is put back makes that shorter."""

from doorward.controller.confirmed import Confirmed

NOW = 1_772_442_000_000
HOUR = 3_600_000


def test_time_goes_by_with_the_clock() -> None:
    confirmed = Confirmed(NOW)
    for hours in range(100):
        confirmed.count(NOW + hours * HOUR, hours * HOUR)
        assert confirmed.at == NOW


def test_a_clock_that_is_put_back_gains_nothing_and_one_that_is_put_right_loses_nothing() -> None:
    confirmed = Confirmed(NOW)
    confirmed.count(NOW, 7)
    confirmed.count(NOW + 71 * HOUR, 7 + 71 * HOUR)
    confirmed.count(NOW + HOUR, 7 + 73 * HOUR)
    assert NOW + HOUR - confirmed.at == 73 * HOUR
    confirmed.count(NOW + 73 * HOUR, 7 + 73 * HOUR)
    assert confirmed.at == NOW


def test_a_clock_that_is_slowed_down_gains_nothing_either() -> None:
    confirmed, now = Confirmed(NOW), NOW
    for second in range(10_000):
        confirmed.count(now, second * 1_000)
        now += 100
    assert 9_995_000 <= now - confirmed.at <= 10_003_000


def test_a_clock_that_is_put_forward_is_believed() -> None:
    """It may be the machine that slept."""
    confirmed = Confirmed(NOW)
    confirmed.count(NOW, 0)
    confirmed.count(NOW + 73 * HOUR, 1_000)
    assert confirmed.at == NOW


def test_what_was_kept_is_counted_from_the_start_on() -> None:
    confirmed = Confirmed(NOW - 70 * HOUR)
    confirmed.count(NOW, 5)
    confirmed.count(NOW - 60 * HOUR, 5 + 3 * HOUR)
    assert NOW - 60 * HOUR - confirmed.at == 73 * HOUR


def test_a_confirmation_is_no_later_than_now_and_an_older_one_takes_nothing_back() -> None:
    confirmed = Confirmed(NOW)
    confirmed.confirm(NOW - 1, NOW + 10)
    assert confirmed.at == NOW
    confirmed.confirm(NOW + 20, NOW + 10)
    assert confirmed.at == NOW + 10
    confirmed.count(NOW + 10, 0)
    confirmed.count(NOW - HOUR, 1_000)
    confirmed.confirm(NOW - HOUR, NOW - HOUR)
    confirmed.count(NOW - HOUR, 1_000)
    assert confirmed.at == NOW - HOUR, "by a clock that the server has heard of since"
