"""`doorward site list | create | update | delete | lockdown | unlockdown | occupancy | forgive`, and its areas."""

from typing import Annotated

import typer

from doorward.cli import lockdowns
from doorward.cli.output import print_json, show
from doorward.cli.rows import given, naming, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_instant
from doorward.people.presence import forgive_at_site, occupancy
from doorward.sites.areas import create_area, list_areas
from doorward.sites.service import create_site, delete_site, list_sites, update_site

app = typer.Typer(help="Sites: the places where doors are.", no_args_is_help=True)
areas = typer.Typer(help="Areas of sites, which doors lead from and to.", no_args_is_help=True)
app.add_typer(areas, name="area")
app.command("lockdown")(lockdowns.lock_site)
app.command("unlockdown")(lockdowns.lift_site)

SiteArgument = Annotated[int, typer.Argument(metavar="SITE", help="The site's id.")]
ZoneOption = Annotated[str | None, typer.Option("--time-zone", help='IANA name; "" for the account\'s.')]
NotesOption = Annotated[str | None, typer.Option("--notes")]
AddressOption = Annotated[
    list[str] | None, typer.Option("--ip", help="An address or a range in CIDR; may be given several times.")
]

_COLUMNS = ("id", "name", "time_zone", "site_ips", "notes")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the sites."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_sites(transaction, account_id))
    show([row_of(site) for site in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    time_zone: ZoneOption = None,
    notes: NotesOption = None,
    ip: AddressOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a site."""
    body = given(name=name, time_zone=time_zone, notes=notes, site_ips=ip)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: create_site(transaction, account_id, body, now))
    show(row_of(made), json)


@app.command()
def update(
    site: SiteArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    time_zone: ZoneOption = None,
    notes: NotesOption = None,
    ip: AddressOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a site."""
    body = given(name=name, time_zone=time_zone, notes=notes, site_ips=ip)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("site", site):
            changed = session.write(lambda transaction: update_site(transaction, account_id, site, body, now))
    show(row_of(changed), json)


@app.command()
def delete(
    site: SiteArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a site that has no channels."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("site", site):
            session.write(lambda transaction: delete_site(transaction, account_id, site, now))
    show({"deleted": site}, json)


@app.command("occupancy")
def see_occupancy(
    site: lockdowns.SiteArgument,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many people of each area.")] = 100,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """See who is in the areas of a site, by the doors that lead from one to another."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        site_id = lockdowns.find_site(session, account_id, site)
        found = session.read(lambda transaction: occupancy(transaction, account_id, site_id, Page(1, most)))
    if json:
        print_json([{**row_of(each), "people": [row_of(person) for person in each.people]} for each in found])
        return
    for each in found:
        typer.echo(f"{each.area_name}: {each.total}")
        for person in each.people:
            typer.echo(f"  {person.name} ({person.id}) since {format_instant(person.since)}")


@app.command("forgive")
def forgive_everybody(
    site: lockdowns.SiteArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Forgive everybody in the areas of a site for anti-passback."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        site_id = lockdowns.find_site(session, account_id, site)
        number = session.write(lambda transaction: forgive_at_site(transaction, account_id, site_id, now))
    show({"forgiven": number}, json)


@areas.command("list")
def list_all_areas(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the areas of all sites."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_areas(transaction, account_id))
    show([row_of(area) for area in found], json, ("id", "site_id", "name"))


@areas.command("create")
def create_one_area(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    site: Annotated[int, typer.Option("--site", help="The site's id.")],
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create an area of a site."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("site", site):
            made = session.write(lambda transaction: create_area(transaction, account_id, site, {"name": name}, now))
    show(row_of(made), json)
