"""What several do in the console at the same time, or with a page that was open for long, undoes nothing of others."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from doorward.db.unit_of_work import Transaction
from doorward.groups.service import create_group
from doorward.people.service import get_person, update_person
from doorward.roles.service import create_role, get_role, update_role
from doorward.shifts.service import create_shift, update_shift
from doorward.users.service import update_user
from tests.support.browser import BrowserOf
from tests.support.services import everything, read, write, write_sealed
from tests.support.world import World

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is the same on each database."""


def test_what_one_takes_away_is_not_given_back_by_another_who_changes_something_else(
    world: World, browser_of: BrowserOf
) -> None:
    front, back, far = world.channel_ids
    first = write(world, create_group, {"name": "First"}).id
    second = write(world, create_group, {"name": "Second"}).id
    role = write(world, create_role, {"name": "All", "channel_ids": [front, back]}).id
    owner = browser_of("owner")
    token = owner.token("/console/profile")
    person, now = world.person_id, world.clock.now()
    write_sealed(world, update_person, person, {"group_ids": [first]})

    def meanwhile(tx: Transaction) -> None:
        update_role(tx, world.account_id, role, {"channel_ids": [back]}, now)
        update_person(tx, world.vault, world.account_id, person, {"group_ids": []}, now)

    for address, fields in (
        (f"/console/roles/{role}/doors/{far}", {"on": "1"}),
        (f"/console/groups/{second}/members/{person}", {}),
        ("/console/people/bulk", {"action": "add", "group_id": second, "ids": person}),
    ):
        write(world, update_role, role, {"channel_ids": [front, back]})
        write_sealed(world, update_person, person, {"group_ids": [first]})
        with changing(world, meanwhile) as let_go:
            answers = []
            sender = threading.Thread(
                target=lambda: answers.append(  # noqa: B023 - it ends within the turn
                    owner.http.post(address, data={"csrf_token": token, **fields}).status_code  # noqa: B023
                )
            )
            sender.start()
            sender.join(0.3)
            let_go()
            sender.join(20)
        assert answers == [303], address
        assert front not in read(world, get_role, role).channel_ids, address
        assert first not in read(world, get_person, person).group_ids, address


@contextmanager
def changing(world: World, work: Callable[[Transaction], None]) -> Iterator[Callable[[], None]]:
    """A change that has been written, and is committed once it is let go."""
    written, go_on = threading.Event(), threading.Event()

    def write_and_wait(tx: Transaction) -> None:
        work(tx)
        written.set()
        go_on.wait(10)

    thread = threading.Thread(target=lambda: world.database.write_now(write_and_wait))
    thread.start()
    written.wait(10)
    try:
        yield go_on.set
    finally:
        go_on.set()
        thread.join(20)


@on_sqlite
def test_a_form_that_was_open_for_long_does_not_undo_what_others_have_changed(
    world: World, browser_of: BrowserOf
) -> None:
    front, back, _ = world.channel_ids
    group = write(world, create_group, {"name": "Members"}).id
    role = write(world, create_role, {"name": "All", "channel_ids": [front, back], "group_ids": [group]}).id
    write_sealed(world, update_person, world.person_id, {"group_ids": [group], "role_ids": [role]})
    shift = write(
        world, create_shift, {"name": "Days", "windows": [{"days": ["mon"], "start": "08:00", "end": "18:00"}]}
    ).id
    user = world.user("admin")[0]
    owner = browser_of("owner")
    for address, fields, take_away in (
        (
            f"/console/people/{world.person_id}/edit",
            {"first_name": "Ada", "last_name": "King", "enabled": "1", "group_ids": str(group), "role_ids": str(role)},
            lambda: write_sealed(world, update_person, world.person_id, {"enabled": False, "group_ids": []}),
        ),
        (
            f"/console/roles/{role}",
            {"name": "Everything", "channel_ids": [str(front), str(back)], "group_ids": str(group)},
            lambda: write(world, update_role, role, {"channel_ids": [back]}),
        ),
        (
            f"/console/groups/{group}",
            {"name": "Everybody", "role_ids": str(role)},
            lambda: write(world, update_role, role, {"group_ids": []}),
        ),
        (
            f"/console/shifts/{shift}",
            {"name": "Hours", "holidays": "ignore", **window("mon", "08:00", "18:00")},
            lambda: write(
                world, update_shift, shift, {"windows": [{"days": ["mon"], "start": "09:00", "end": "12:00"}]}
            ),
        ),
        (
            f"/console/users/{user}",
            {"email": "second@acme.example", "role": "admin", "reach": "all"},
            lambda: write(world, update_user, user, {"role": "viewer"}, None),
        ),
    ):
        page = owner.get(address)
        opened = {"csrf_token": owner.token(page), "seen": seen_in(page.text), **fields}
        take_away()
        before = everything(world)
        refused = owner.http.post(address, data=opened)
        assert (refused.status_code, "Somebody has changed this" in refused.text) == (422, True), address
        assert everything(world) == before, address
        again = owner.http.post(address, data={**opened, "seen": seen_in(refused.text)})
        assert again.status_code == 303, "whoever has been told may insist"


def window(day: str, start: str, end: str) -> dict[str, str]:
    return {"window-0-days": day, "window-0-start": start, "window-0-end": end}


def seen_in(page: str) -> str:
    """What a form says of how its thing was."""
    found = re.search(r'name="seen" value="([0-9a-f]{32})"', page)
    assert found is not None
    return found[1]
