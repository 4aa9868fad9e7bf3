"""shifts/holidays.py on both databases."""

import pytest

from doorward.kit.errors import NotFound
from doorward.shifts.holidays import add_holiday, import_holidays, list_holidays, remove_holiday
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, write
from tests.support.world import World

CHRISTMAS = {"day": "2026-12-25", "name": "Christmas Day"}


def test_a_holiday_is_a_day_with_a_name_at_every_site_or_at_one(world: World) -> None:
    everywhere = write(world, add_holiday, CHRISTMAS)
    at_one = write(world, add_holiday, {"day": "2026-05-01", "name": "Fair", "site_id": world.site_ids[0]})
    assert read(world, list_holidays) == [at_one, everywhere]
    assert (everywhere.site_id, at_one.site_id) == (None, world.site_ids[0])


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    assert errors_of(lambda: write(world, add_holiday, {"day": "25.12.", "site_id": 99})) == {
        "day": ["must be a date such as 2024-01-15"],
        "name": ["can't be blank"],
        "site_id": ["Not found for this account"],
    }


def test_a_day_is_a_holiday_once_everywhere_and_once_at_each_site(world: World) -> None:
    for site_id in (None, *world.site_ids):
        body = {**CHRISTMAS, "site_id": site_id}
        write(world, add_holiday, body)
        assert errors_of(lambda body=body: write(world, add_holiday, body)) == {  # type: ignore[misc]
            "day": ["is a holiday there already"]
        }


def test_the_doors_are_told_of_everything(world: World) -> None:
    assert notes_of(world.database, lambda: write(world, add_holiday, CHRISTMAS)) == {Note()}
    made = read(world, list_holidays)[0]
    assert notes_of(world.database, lambda: write(world, remove_holiday, made.id)) == {Note()}
    assert read(world, list_holidays) == []


def test_another_accounts_holiday_cannot_be_removed(world: World) -> None:
    made, other = write(world, add_holiday, CHRISTMAS), other_account(world)
    with pytest.raises(NotFound):
        world.database.write_now(lambda tx: remove_holiday(tx, other, made.id, world.clock.now()))
    assert read(world, list_holidays) == [made]


def test_a_countrys_public_holidays_are_imported_once(world: World) -> None:
    write(world, add_holiday, {**CHRISTMAS, "name": "Yule"})
    body = {"country": "gb", "subdivision": "ENG", "years": [2026, 2027]}
    added = write(world, import_holidays, body).added
    found = {holiday.day: holiday.name for holiday in read(world, list_holidays)}
    assert len(found) == added + 1
    assert found["2026-12-25"] == "Yule", "a day that is a holiday already stays as it is"
    assert found["2026-04-06"] == "Easter Monday"
    assert any(day.startswith("2027-") for day in found)
    assert notes_of(world.database, lambda: write(world, import_holidays, body)) == set()
    assert len(read(world, list_holidays)) == len(found)


def test_an_import_can_be_for_one_site(world: World) -> None:
    body = {"country": "DE", "subdivision": "BE", "years": [2026], "site_id": world.site_ids[1]}
    assert write(world, import_holidays, body).added == len(read(world, list_holidays))
    assert {holiday.site_id for holiday in read(world, list_holidays)} == {world.site_ids[1]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"country": "ZZ", "years": [2026]}, "country"),
        ({"country": "HolidayBase", "years": [2026]}, "country"),
        ({"country": "__", "years": [2026]}, "country"),
        ({"country": "", "years": [2026]}, "country"),
        ({"country": "GB", "subdivision": "XX", "years": [2026]}, "subdivision"),
        ({"country": "GB"}, "years"),
        ({"country": "GB", "years": []}, "years"),
        ({"country": "GB", "years": [1999]}, "years"),
        ({"country": "GB", "years": list(range(2020, 2031))}, "years"),
        ({"country": "GB", "years": ["2026"]}, "years"),
        ({"country": "GB", "years": [2026], "site_id": 99}, "site_id"),
    ],
)
def test_a_bad_import_names_the_field_and_adds_nothing(world: World, body: dict[str, object], field: str) -> None:
    assert list(errors_of(lambda: write(world, import_holidays, body))) == [field]
    assert read(world, list_holidays) == []
