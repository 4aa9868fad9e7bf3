"""sites/service.py on both databases: contract, Site."""

import pytest

from doorward.channels.service import delete_channel
from doorward.kit.errors import Conflict, NotFound
from doorward.sites.areas import create_area, list_areas
from doorward.sites.service import (
    Site,
    create_site,
    delete_site,
    get_site,
    list_sites,
    update_site,
)
from tests.support.refusals import Note, errors_of, notes_of
from tests.support.services import other_account, read, write
from tests.support.world import World


def create(world: World, **body: object) -> Site:
    return write(world, create_site, {"name": "East", **body})


def test_a_site_has_a_name_and_may_have_a_zone_and_addresses(world: World) -> None:
    made = create(
        world,
        time_zone="America/New_York",
        notes="n",
        site_ips=["192.168.1.7/24", {"ip_address": "10.0.0.1"}, "2001:DB8::1", "10.0.0.1/32"],
    )
    assert made.site_ips == ("10.0.0.1", "192.168.1.0/24", "2001:db8::1")
    assert read(world, get_site, made.id) == made
    assert [site.name for site in read(world, list_sites)] == ["North", "South", "East"]


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {"time_zone": "Mars/Olympus", "notes": 1, "site_ips": ["10.0.0.0/8", "300.1.1.1", 7, {}]}
    assert errors_of(lambda: write(world, create_site, body)) == {
        "name": ["can't be blank"],
        "time_zone": ["is not an IANA time zone such as Europe/London"],
        "notes": ["must be text"],
        "site_ips": [
            "'300.1.1.1' is not an IP address or a range such as 192.168.1.0/24",
            "'7' is not an IP address or a range such as 192.168.1.0/24",
            "'None' is not an IP address or a range such as 192.168.1.0/24",
        ],
    }


def test_only_what_is_given_changes_and_only_the_zone_matters_to_doors(world: World) -> None:
    made = create(world, site_ips=["10.0.0.1"], time_zone="Europe/Berlin")
    assert notes_of(world.database, lambda: write(world, update_site, made.id, {"name": "Ost"})) == set()
    assert read(world, get_site, made.id) == made._replace(name="Ost")
    assert notes_of(world.database, lambda: write(world, update_site, made.id, {"time_zone": None})) == {Note()}
    assert write(world, update_site, made.id, {"site_ips": []}).site_ips == ()
    assert write(world, update_site, made.id, {"site_ips": ["10.0.0.2"]}).site_ips == ("10.0.0.2",)
    assert read(world, get_site, made.id).time_zone is None


def test_a_site_with_channels_cannot_be_deleted(world: World) -> None:
    south = world.site_ids[1]
    with pytest.raises(Conflict):
        write(world, delete_site, south)
    write(world, delete_channel, world.channel_ids[2])
    area = write(world, create_area, south, {"name": "Hall"})
    assert read(world, list_areas) == [area]
    write(world, delete_site, south)
    assert [site.id for site in read(world, list_sites)] == world.site_ids[:1]
    assert read(world, list_areas) == []


def test_an_area_has_a_name_and_belongs_to_a_site(world: World) -> None:
    assert errors_of(lambda: write(world, create_area, world.site_ids[0], {"name": ""})) == {"name": ["can't be blank"]}
    with pytest.raises(NotFound):
        write(world, create_area, 99, {"name": "Hall"})


def test_another_accounts_site_is_not_found(world: World) -> None:
    other, now, site_id = other_account(world), world.clock.now(), world.site_ids[0]
    for action in (
        lambda: world.database.read_now(lambda tx: get_site(tx, other, site_id)),
        lambda: world.database.write_now(lambda tx: update_site(tx, other, site_id, {}, now)),
        lambda: world.database.write_now(lambda tx: delete_site(tx, other, site_id, now)),
        lambda: world.database.write_now(lambda tx: create_area(tx, other, site_id, {"name": "x"}, now)),
    ):
        with pytest.raises(NotFound):
            action()
