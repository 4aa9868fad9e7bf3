"""`doorward group list | create | update | delete`."""

from typing import Annotated

import typer

from doorward.cli.output import show
from doorward.cli.rows import given, naming, row_of, unset
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.groups.service import create_group, delete_group, list_groups, update_group

app = typer.Typer(help="Groups: people who hold the same roles.", no_args_is_help=True)

GroupArgument = Annotated[int, typer.Argument(metavar="GROUP", help="The group's id.")]
NotesOption = Annotated[str | None, typer.Option("--notes")]
GlobalOption = Annotated[bool | None, typer.Option("--global/--not-global", help="Whether it applies across sites.")]
RolesOption = Annotated[list[int] | None, typer.Option("--role", help="A role's id; may be given several times.")]
PeopleOption = Annotated[list[int] | None, typer.Option("--person", help="A person's id; may be given several times.")]

_COLUMNS = ("id", "name", "role_ids", "people_count", "notes")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the groups, by name."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_groups(transaction, account_id))
    show([row_of(group) for group in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    notes: NotesOption = None,
    across: GlobalOption = None,
    role: RolesOption = None,
    person: PeopleOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a group."""
    body = given(name=name, notes=notes, global_across_sites=across, role_ids=role, person_ids=person)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: create_group(transaction, account_id, body, now))
    show(row_of(made), json)


@app.command()
def update(
    group: GroupArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    notes: NotesOption = None,
    across: GlobalOption = None,
    role: RolesOption = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take all roles away.")] = False,
    person: PeopleOption = None,
    no_people: Annotated[bool, typer.Option("--no-people", help="Take everybody out.")] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a group; roles and people replace those it has."""
    body = given(name=name, notes=notes, global_across_sites=across, role_ids=role, person_ids=person)
    unset(body, role_ids=no_roles, person_ids=no_people)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("group", group):
            changed = session.write(lambda transaction: update_group(transaction, account_id, group, body, now))
    show(row_of(changed), json)


@app.command()
def delete(
    group: GroupArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a group; its people stay."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("group", group):
            session.write(lambda transaction: delete_group(transaction, account_id, group, now))
    show({"deleted": group}, json)
