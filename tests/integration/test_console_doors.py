"""What the console says of doors, on each database: how they stand, who has access and why, what has happened."""

import re

import pytest

from doorward.access import holding
from doorward.changes import reports
from doorward.channels.service import update_channel
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record_all
from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.people.service import update_person
from doorward.roles.service import create_role
from doorward.shifts.service import create_shift
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.services import happen, read, write, write_sealed
from tests.support.world import World

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MORNING = {"name": "Mornings", "windows": [{"days": ["mon"], "start": "08:00", "end": "12:00"}]}


@pytest.fixture
def owner(served: Served, world: World) -> FormBrowser:
    browser = FormBrowser(served.base_url)
    assert browser.sign_in(read(world, get_user, world.owner_id).email).status_code == 303
    return browser


def heard(world: World, *channel_ids: int) -> None:
    """These doors are there, and go by all that is set."""
    now = world.clock.now()
    world.database.write_now(lambda tx: reports.report(tx, channel_ids or world.channel_ids, 10**9, now))


def words(browser: FormBrowser, path: str) -> str:
    """What a page says, without its marks."""
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.text[:500])
    main = answer.text.partition("<main")[2] or answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def standing(browser: FormBrowser, channel_id: int) -> str:
    return words(browser, f"/console/doors/{channel_id}/standing").strip()


def test_a_door_stands_as_it_is_set_and_as_time_has_made_it(
    world: World, owner: FormBrowser, clock: FixedClock
) -> None:
    front = world.channel_ids[0]
    assert standing(owner, front) == "Offline never heard yet"
    heard(world)
    assert standing(owner, front) == "Locked"
    write(world, update_channel, front, {"mode": "unlock", "relock_at": "2026-03-02T09:30:00Z"})
    assert standing(owner, front) == "Unlocked until 09:30"
    write(world, update_channel, front, {"card_lockdown": True})
    assert standing(owner, front) == "Locked down leaving stays possible"
    write(world, update_channel, front, {"card_lockdown": False})
    clock.advance(2 * HOUR_MS)
    heard(world)
    assert standing(owner, front) == "Locked"
    clock.advance(60_000)
    assert standing(owner, front) == "Offline last heard 1 minute ago"
    write(world, update_channel, front, {"rex_lockdown": True, "card_lockdown": True})
    assert standing(owner, front).endswith("Locked down set, but it has not heard of it")


def test_a_shift_unlocks_and_waits_for_the_first_person_where_it_is_to(
    world: World, owner: FormBrowser, clock: FixedClock
) -> None:
    front = world.channel_ids[0]
    shift = write(world, create_shift, MORNING)
    write(world, update_channel, front, {"auto_unlock_shift_id": shift.id})
    heard(world)
    assert standing(owner, front) == "Unlocked by its shift until 12:00"
    write(world, update_channel, front, {"first_person_in": True})
    assert standing(owner, front) == "Locked"
    happen(world, EventCode.AUTO_UNLOCK_BEGAN, channel_id=front, channel_name="Front door")
    assert standing(owner, front) == "Unlocked by its shift until 12:00"
    happen(world, EventCode.AUTO_UNLOCK_ENDED, channel_id=front, channel_name="Front door")
    assert standing(owner, front) == "Locked"
    clock.advance(4 * HOUR_MS)
    heard(world)
    assert "Mornings unlocks it next at 9 Mar, 08:00" in words(owner, f"/console/doors/{front}")


def test_a_door_shows_an_alarm_for_as_long_as_it_lasts(world: World, owner: FormBrowser) -> None:
    front = world.channel_ids[0]
    heard(world)
    happen(world, EventCode.DOOR_FORCED, channel_id=front, channel_name="Front door")
    assert standing(owner, front) == "Forced open"
    assert "Front door since" in words(owner, "/console")
    happen(world, EventCode.DOOR_CLOSED, channel_id=front, channel_name="Front door")
    assert standing(owner, front) == "Locked"


def test_a_door_that_is_cut_off_tells_until_when_it_may_still_open(
    world: World, owner: FormBrowser, clock: FixedClock
) -> None:
    front, back, _ = world.channel_ids
    write(world, update_channel, front, {"staleness_hours": 3})
    write(world, update_channel, back, {"staleness_hours": None})
    heard(world)
    clock.advance(HOUR_MS)
    page = words(owner, f"/console/doors/{front}")
    assert "All that is set" in page
    assert "May still open Until 12:01 , by what it knows" in page
    assert "Without limit" in words(owner, f"/console/doors/{back}")
    write(world, update_channel, front, {"pulse_ms": 3000})
    assert "What was set before 10:00 : it is told the rest when it is back" in words(owner, f"/console/doors/{front}")
    clock.advance(3 * HOUR_MS)
    assert "No longer: it refuses everybody since 12:01" in words(owner, f"/console/doors/{front}")


def test_who_has_access_is_found_in_two_ways_that_agree(world: World, owner: FormBrowser) -> None:
    front = world.channel_ids[0]
    shift = write(world, create_shift, {**MORNING, "name": "Tuesdays", "windows": [_tuesday()]})
    always = write(world, create_role, {"name": "Always", "channel_ids": [front]})
    seldom = write(world, create_role, {"name": "Seldom", "channel_ids": [front], "shift_id": shift.id})
    group = write(world, create_group, {"name": "Guests", "role_ids": [seldom.id]})
    zoe, bob = world.person("Zoë", "Guest", group_ids=[group.id]), world.person("Bob", "Gone")
    write_sealed(world, update_person, world.person_id, {"role_ids": [always.id]})
    write_sealed(world, update_person, bob, {"role_ids": [always.id, seldom.id], "enabled": False})
    world.person("Nobody", "Special")
    asked = {"channel_id": front, "at": world.clock.now(), "limit": 10, "offset": 0}
    for pattern, ids in (("", [world.person_id, bob, zoe]), ("%zoe%", [zoe]), ("%x%", [])):
        for query in holding.HOLDERS_BY_NAME.values():
            found = world.database.read_now(
                lambda tx, query=query, pattern=pattern: tx.all(  # type: ignore[misc]
                    query, account_id=world.account_id, pattern=pattern, **asked
                )
            )
            assert [each.id for each in found] == ids
    page = words(owner, f"/console/doors/{front}/access")
    assert "Ada Lovelace May open Role Always Shift at any time" in page
    assert "Bob Gone Disabled Role Always" in page
    assert "Zoë Guest Not now from tomorrow 08:00 Group Guests Role Seldom Shift Tuesdays Tue 08:00-12:00" in page
    assert "Nobody Special" not in page
    assert "Ada" not in words(owner, f"/console/doors/{front}/access?q=zoe")


def _tuesday() -> dict[str, object]:
    return {"days": ["tue"], "start": "08:00", "end": "12:00"}


def test_the_overview_counts_today_against_the_usual_day(world: World, owner: FormBrowser) -> None:
    now = world.clock.now()
    front, _, far = world.channel_ids
    heard(world)

    def event(code: int, at: int, channel_id: int) -> Event:
        return Event(world.account_id, code, at, channel_id, "A door", world.person_id, "Ada Lovelace")

    happened = [event(10, now - week * 7 * DAY_MS - HOUR_MS, front) for week in (1, 1, 1, 2) for _ in range(2)]
    happened += [event(10, now - HOUR_MS, front), event(21, now, front), event(21, now, far), event(24, now, far)]
    world.database.write_now(lambda tx: record_all(tx, happened, now))
    page = words(owner, "/console/overview/numbers")
    assert "1 admitted, 4 by this hour on the usual Monday" in page
    assert "3 times Out of hours 2 Unknown PIN 1" in page
    at_site = words(owner, f"/console/overview/numbers?site={world.site_ids[1]}")
    assert "0 admitted" in at_site
    assert "There is no usual Monday yet" in at_site
    feed = words(owner, f"/console/overview/live?site={world.site_ids[1]}")
    assert feed.count("rejected") == 2
    assert words(owner, "/console/overview/live").count("rejected") == 3


def test_doors_that_are_behind_are_brought_up_to_date_but_not_every_second(world: World, owner: FormBrowser) -> None:
    heard(world)
    assert "Bring the doors up to date" not in words(owner, "/console")
    write(world, update_channel, world.channel_ids[0], {"pulse_ms": 4000})
    page = owner.get("/console")
    assert "3 doors behind" in page.text
    for told in ("The doors are being brought up to date.", "That was asked for just now. Please wait 60 seconds."):
        assert owner.post("/console/overview/sync", page).headers["location"] == "/console"
        assert told in owner.get("/console").text


def test_every_door_of_the_chosen_site_is_on_the_overview_and_a_site_that_is_gone_narrows_nothing(
    world: World, owner: FormBrowser
) -> None:
    heard(world)
    south = words(owner, f"/console?site={world.site_ids[1]}")
    assert "Far door" in south
    assert "Front door" not in south
    for path in ("/console", "/console/doors"):
        everything = words(owner, f"{path}?site=999999")
        assert "Far door" in everything
        assert "Front door" in everything
    assert "Back door" not in words(owner, "/console/doors?q=FRONT")
    assert "No door is called that" in words(owner, "/console/doors?q=%25")


def test_areas_controllers_and_lockdown_are_shown(world: World, owner: FormBrowser) -> None:
    heard(world)
    site = world.site_ids[0]
    owner.post(f"/console/sites/{site}/areas", f"/console/sites/{site}/areas", name="Hall")
    assert "Hall" in words(owner, f"/console/sites/{site}/areas")
    assert "0 people, as doors last saw them Hall North 0" in words(owner, "/console")
    assert "No controllers yet" in words(owner, "/console/controllers")
    assert "All sites 3 doors North 2 doors South 1 door" in words(owner, "/console/lockdown")
    owner.post("/console/lockdown", "/console/lockdown", where=str(site), card_lockdown="true")
    told = words(owner, f"/console/lockdown/progress?where={site}")
    assert "All 2 doors are locked down" in told
    assert "0 of 2 doors have confirmed what is set" in told
    heard(world)
    assert "Every door has confirmed it" in words(owner, f"/console/lockdown/progress?where={site}")
