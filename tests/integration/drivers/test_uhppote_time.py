"""Summer time, midnight, holidays, validity and reservations at a board that knows none of them."""

from datetime import UTC, date, datetime

import pytest

from doorward.decision.shifts import HOLIDAY, Stretch, Weekly, Window
from doorward.decision.snapshot import Channel, Membership
from doorward.drivers.uhppote.board_time import day_of, instant_of, next_offset_change
from tests.support.uhppote_house import DAY, HOUR, MINUTE, OFFICE_HOURS, House, Installation, installed, instant
from tests.support.uhppote_wire import EPOCH, SET_PROFILE, SET_TIME

pytestmark = pytest.mark.anyio

ONE_DOOR = {1: 11}
EVERY_DAY = frozenset(range(7))
SMALL_HOURS = Weekly((Window(EVERY_DAY, 60, 180),))
"""01:00 to 03:00, every day."""


def admits(installation: Installation, at: int, card: int = 1001) -> bool:
    """What the board decides once the true time is `at`, whatever its own clock then shows."""
    before, installation.clock.at = installation.clock.at, at
    found = installation.board.admits(card, 1)
    installation.clock.at = before
    return found


def shown(installation: Installation) -> str:
    return installation.board.time.strftime("%Y-%m-%d %H:%M:%S")


async def test_the_boards_clock_is_set_to_the_time_of_the_channels_zone() -> None:
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        driver = installation.driver()
        await driver.apply(House(shifts={1: None}).person(1).snapshot(), installation.clock.at)
        assert shown(installation) == "2026-03-02 10:00:00"
        assert await driver.get_clock(11) == installation.clock.at


async def test_a_clock_that_drifts_is_set_right() -> None:
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        await driver.apply(House(shifts={1: OFFICE_HOURS}).person(1).snapshot(), installation.clock.at)
        board.offset_ms -= 20_000
        board.log.clear()
        await driver.tend()
        assert shown(installation) == "2026-03-02 10:00:00"
        assert SET_PROFILE not in {packet[1] for packet in board.log}, "20 seconds change nobody's hours"


async def test_the_clock_can_be_set_and_read() -> None:
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        driver = installation.driver()
        with pytest.raises(OSError, match="no snapshot yet"):
            await driver.set_clock(11, installation.clock.at)
        await driver.apply(House(shifts={1: OFFICE_HOURS}).person(1).snapshot(), installation.clock.at)
        installation.board.offset_ms += 8 * HOUR
        await driver.set_clock(11, installation.clock.at)
        assert shown(installation) == "2026-03-02 10:00:00"
        assert admits(installation, instant("2026-03-02 11:00"))


async def test_summer_time_begins_while_the_controller_is_there() -> None:
    """A window 01:00 to 03:00 lasts an hour: at 02:00 it is 03:00."""
    async with installed(instant("2026-03-28 12:00"), channels=ONE_DOOR) as installation:
        driver, clock = installation.driver(), installation.clock
        await driver.apply(House(shifts={1: SMALL_HOURS}).person(1).snapshot(), clock.at)
        change = driver.next_clock_change(11, clock.at)
        assert change == instant("2026-03-29 03:00")
        assert admits(installation, change - 1_000)
        clock.at = change
        await driver.tend()
        assert shown(installation) == "2026-03-29 03:00:00"
        assert not admits(installation, change)
        assert [hour for hour in range(24) if admits(installation, change + hour * HOUR)] == [22, 23]


async def test_summer_time_ends_while_the_controller_is_there() -> None:
    """A window 01:00 to 03:00 lasts three hours, for 02:00 to 03:00 comes twice."""
    async with installed(instant("2026-10-24 12:00"), channels=ONE_DOOR) as installation:
        driver, clock = installation.driver(), installation.clock
        await driver.apply(House(shifts={1: SMALL_HOURS}).person(1).snapshot(), clock.at)
        change = driver.next_clock_change(11, clock.at)
        assert change == instant("2026-10-25 02:00", fold=1)
        for at in (
            clock.at,
            change - 3 * HOUR,
            change - HOUR,
            change - 1_000,
            change,
            change + HOUR - 1,
            change + HOUR,
        ):
            clock.at = max(clock.at, at)
            await driver.tend()
            assert admits(installation, at) is (change - 2 * HOUR <= at < change + HOUR)
        assert shown(installation) == "2026-10-25 03:00:00"


async def test_a_reservation_that_ended_in_the_doubled_hour_is_not_open_a_second_time() -> None:
    async with installed(instant("2026-10-25 01:00"), channels=ONE_DOOR) as installation:
        driver, clock, board = installation.driver(), installation.clock, installation.board
        ends = instant("2026-10-25 02:30")
        await driver.apply(House(shifts={1: Stretch(clock.at, ends)}).person(1).snapshot(), clock.at)
        clock.at = instant("2026-10-25 02:00", fold=1)
        board.log.clear()
        await driver.tend()
        assert shown(installation) == "2026-10-25 02:00:00"
        assert not any(admits(installation, clock.at + minutes * MINUTE) for minutes in range(120))
        order = [packet[1] for packet in board.log if packet[1] in (SET_TIME, SET_PROFILE)]
        assert order[0] == SET_PROFILE, "closed before the clock goes back"


async def test_a_board_whose_clock_nobody_changes_is_right_all_the_same() -> None:
    """The controller is away when summer time begins: the board goes on by winter time, and so do its profiles."""
    async with installed(instant("2026-03-27 12:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(House(shifts={1: OFFICE_HOURS}).person(1).snapshot(), installation.clock.at)
        for day in ("2026-03-27", "2026-03-30", "2026-04-03"):
            assert admits(installation, instant(f"{day} 13:00"))
            assert not admits(installation, instant(f"{day} 17:00"))
            assert not admits(installation, instant(f"{day} 08:59"))
            assert admits(installation, instant(f"{day} 16:59"))
        assert not admits(installation, instant("2026-03-29 12:00")), "a Sunday"


async def test_a_window_over_midnight_is_one_window() -> None:
    night = Weekly((Window(frozenset((4,)), 22 * 60, 30 * 60),))
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(House(shifts={1: night}).person(1).snapshot(), installation.clock.at)
        opens = [hour for hour in range(7 * 24) if admits(installation, instant("2026-03-02 00:30") + hour * HOUR)]
        assert opens == [4 * 24 + hour for hour in range(22, 30)]
        for at in ("2026-03-06 23:59", "2026-03-07 00:00", "2026-03-07 05:59"):
            assert admits(installation, instant(at))
        assert not admits(installation, instant("2026-03-07 06:00"))


async def test_a_holiday_is_as_the_shift_says() -> None:
    holiday = day_of(date(2026, 3, 4))
    house = House(holidays=frozenset((holiday,)))
    weekdays = Window(frozenset(range(5)), 540, 1020)
    house.shifts = {1: OFFICE_HOURS, 2: Weekly((weekdays, Window(frozenset((HOLIDAY,)), 600, 660)), holidays="replace")}
    house.person(1, roles=(1,)).person(2, roles=(2,))
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(house.snapshot(), installation.clock.at)
        for day, noon, ten in (("2026-03-03", True, True), ("2026-03-04", False, True), ("2026-03-05", True, True)):
            assert admits(installation, instant(f"{day} 12:00"), 1001)
            assert admits(installation, instant(f"{day} 12:00"), 1002) is noon
            assert admits(installation, instant(f"{day} 10:30"), 1002) is ten


async def test_validity_is_to_the_minute_and_not_to_the_day() -> None:
    begins, ends = instant("2026-03-03 14:10"), instant("2026-03-05 11:25")
    house = House(shifts={1: None}).person(1, valid_from=begins, valid_to=ends)
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        assert (await installation.driver().apply(house.snapshot(), installation.clock.at)).refused == ()
        for at, expected in ((begins - 1_000, False), (begins, True), (ends - 1_000, True), (ends, False)):
            assert admits(installation, at) is expected
        card = installation.board.cards[1001]
        assert (card.first, card.last) == (date(2026, 3, 2), date(2026, 3, 6)), "a day wider, in case profiles get lost"


async def test_an_end_within_a_minute_ends_with_the_minute_before_and_says_so() -> None:
    house = House(shifts={1: None}).person(1, valid_to=instant("2026-03-03 14:10") + 30_000)
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        applied = await installation.driver().apply(house.snapshot(), installation.clock.at)
        assert applied.refused == (
            "The hours of Person 1 are whole minutes here: the minute that they begin or end in is left out",
        )
        assert admits(installation, instant("2026-03-03 14:10") - 1_000)
        assert not admits(installation, instant("2026-03-03 14:10"))


async def test_a_reservation_is_open_for_its_stretch() -> None:
    begins, ends = instant("2026-03-02 13:00"), instant("2026-03-02 15:30")
    house = House(shifts={1: OFFICE_HOURS, 2: Stretch(instant("2026-03-02 18:00"), instant("2026-03-02 19:00"))})
    house.shifts[3] = Stretch(begins, ends)
    house.person(1, roles=(1, 2)).person(2, roles=(3,))
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(house.snapshot(), installation.clock.at)
        hours = [hour for hour in range(24) if admits(installation, instant("2026-03-02 00:30") + hour * HOUR, 1001)]
        assert hours == [*range(9, 17), 18]
        for at, expected in ((begins - 1, False), (begins, True), (ends - 1, True), (ends, False)):
            assert admits(installation, at, 1002) is expected


async def test_a_group_reservation_begins_and_ends_by_itself() -> None:
    begins, ends = instant("2026-03-02 11:20"), instant("2026-03-09 09:40")
    house = House(shifts={1: OFFICE_HOURS}).person(1, roles=(), memberships=(Membership((1,), begins, ends),))
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(house.snapshot(), installation.clock.at)
        for at, expected in (
            (begins - 1, False),
            (begins, True),
            (ends - 1, True),
            (ends, False),
            (ends + HOUR, False),
        ):
            assert admits(installation, at) is expected


async def test_the_board_is_written_ahead_day_by_day() -> None:
    house = House(shifts={1: OFFICE_HOURS}).person(1)
    house.channels[11] = Channel(11, "D", house.zone, frozenset(("card",)), staleness_ms=72 * HOUR)
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        driver, clock = installation.driver(), installation.clock
        await driver.apply(house.snapshot(), clock.at)
        thursday, friday = instant("2026-03-05 12:00"), instant("2026-03-06 12:00")
        assert not admits(installation, thursday), "nobody has confirmed the rules for so long by then"
        clock.at = instant("2026-03-04 10:00")
        await driver.tend()
        assert not admits(installation, thursday), "nobody has confirmed them yet"
        driver.confirm(11, clock.at)
        await driver.tend()
        assert admits(installation, thursday)
        assert admits(installation, friday)


async def test_a_stale_board_keeps_its_cards_and_denies() -> None:
    house = House(shifts={1: None}).person(1)
    house.channels[11] = Channel(11, "D", house.zone, frozenset(("card",)), staleness_ms=72 * HOUR)
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        driver, clock = installation.driver(), installation.clock
        await driver.apply(house.snapshot(), clock.at)
        clock.at += 4 * DAY
        await driver.tend()
        assert not admits(installation, clock.at)
        assert list(installation.board.cards) == [1001]
        driver.confirm(11, clock.at)
        await driver.tend()
        assert admits(installation, clock.at)


async def test_whoever_may_always_pass_may_do_so_for_ever_if_there_is_no_limit() -> None:
    async with installed(instant("2026-03-02 10:00"), channels=ONE_DOOR) as installation:
        await installation.driver().apply(House(shifts={1: None}).person(1).snapshot(), installation.clock.at)
        assert all(admits(installation, instant(f"{year}-07-01 03:00")) for year in (2026, 2040, 2098))


@pytest.mark.parametrize(
    ("shown_at", "not_before", "now", "expected"),
    [
        ("2026-10-25 01:59:00", None, "2026-10-25 12:00", ("2026-10-25 01:59", 0)),
        ("2026-10-25 02:30:00", None, "2026-10-25 12:00", ("2026-10-25 02:30", 0)),
        ("2026-10-25 02:30:00", ("2026-10-25 02:40", 0), "2026-10-25 12:00", ("2026-10-25 02:30", 1)),
        ("2026-10-25 02:30:00", None, "2026-10-25 02:30", ("2026-10-25 02:30", 0)),
        ("2026-03-29 02:30:00", None, "2026-03-29 12:00", ("2026-03-29 03:30", 0)),
    ],
)
def test_the_time_of_an_event_is_read_by_the_zone(
    shown_at: str, not_before: tuple[str, int] | None, now: str, expected: tuple[str, int]
) -> None:
    board_ms = int((datetime.fromisoformat(shown_at).replace(tzinfo=UTC) - EPOCH).total_seconds()) * 1000
    before = 0 if not_before is None else instant(not_before[0], fold=not_before[1])
    found = instant_of(board_ms, "Europe/Berlin", not_before=before, now=instant(now))
    assert found == instant(expected[0], fold=expected[1])


def test_an_event_that_has_just_happened_in_the_doubled_hour_is_of_now() -> None:
    now = instant("2026-10-25 02:31", fold=1)
    board_ms = int((datetime(2026, 10, 25, 2, 30, tzinfo=UTC) - EPOCH).total_seconds()) * 1000
    assert instant_of(board_ms, "Europe/Berlin", not_before=0, now=now) == instant("2026-10-25 02:30", fold=1)


def test_the_next_change_of_the_clocks_is_known_or_there_is_none() -> None:
    at = instant("2026-03-02 10:00")
    assert next_offset_change("Europe/Berlin", at) == instant("2026-03-29 03:00")
    assert next_offset_change("Europe/Berlin", instant("2026-03-29 03:00")) == instant("2026-10-25 02:00", fold=1)
    assert next_offset_change("Asia/Tokyo", at) is None
