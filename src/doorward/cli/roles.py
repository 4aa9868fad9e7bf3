"""`doorward role list | create | update | delete`."""

from typing import Annotated

import typer

from doorward.cli.output import show
from doorward.cli.rows import given, naming, row_of, unset
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.roles.service import create_role, delete_role, list_roles, update_role

app = typer.Typer(help="Roles: which channels, and when.", no_args_is_help=True)

RoleArgument = Annotated[int, typer.Argument(metavar="ROLE", help="The role's id.")]
NotesOption = Annotated[str | None, typer.Option("--notes")]
ShiftOption = Annotated[int | None, typer.Option("--shift", help="The id of a shift; without one, at any time.")]
ChannelsOption = Annotated[
    list[int] | None, typer.Option("--channel", help="A channel's id; may be given several times.")
]
GroupsOption = Annotated[list[int] | None, typer.Option("--group", help="A group's id; may be given several times.")]
PeopleOption = Annotated[list[int] | None, typer.Option("--person", help="A person's id; may be given several times.")]

_COLUMNS = ("id", "name", "shift_id", "channel_ids", "group_ids", "person_ids", "notes")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the roles, by name, those of reservations among them."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        found = session.read(lambda transaction: list_roles(transaction, account_id, now))
    show([row_of(role) for role in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    notes: NotesOption = None,
    shift: ShiftOption = None,
    channel: ChannelsOption = None,
    group: GroupsOption = None,
    person: PeopleOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a role."""
    body = given(name=name, notes=notes, shift_id=shift, channel_ids=channel, group_ids=group, person_ids=person)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: create_role(transaction, account_id, body, now))
    show(row_of(made), json)


@app.command()
def update(
    role: RoleArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    notes: NotesOption = None,
    shift: ShiftOption = None,
    no_shift: Annotated[bool, typer.Option("--no-shift", help="Grant at any time.")] = False,
    channel: ChannelsOption = None,
    no_channels: Annotated[bool, typer.Option("--no-channels", help="Name no channel.")] = False,
    group: GroupsOption = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take it from all groups.")] = False,
    person: PeopleOption = None,
    no_people: Annotated[bool, typer.Option("--no-people", help="Take it from all who hold it directly.")] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a role; channels, groups and people replace those it has."""
    body = given(name=name, notes=notes, shift_id=shift, channel_ids=channel, group_ids=group, person_ids=person)
    unset(body, shift_id=no_shift, channel_ids=no_channels, group_ids=no_groups, person_ids=no_people)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("role", role):
            changed = session.write(lambda transaction: update_role(transaction, account_id, role, body, now))
    show(row_of(changed), json)


@app.command()
def delete(
    role: RoleArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a role; whoever holds it loses what it grants, at once."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("role", role):
            session.write(lambda transaction: delete_role(transaction, account_id, role, now))
    show({"deleted": role}, json)
