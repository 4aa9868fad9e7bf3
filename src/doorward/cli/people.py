"""`doorward person list | create | update | delete | forgive | standing | import | erase`."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from doorward.access.standing import DoorStanding, ask_standing, judge
from doorward.access.standing_wire import standing_body
from doorward.cli.erasing import erase
from doorward.cli.importing import import_file
from doorward.cli.output import print_json, show
from doorward.cli.rows import given, naming, row_of, unset
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.credentials.service import list_credentials
from doorward.credentials.types import create_type, list_types
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD, DURESS, PIN
from doorward.kit.crypto import Vault
from doorward.kit.errors import Invalid
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_optional
from doorward.people.listing import page_of_people
from doorward.people.person import Person
from doorward.people.presence import forgive_person
from doorward.people.service import create_person, delete_person, update_person

app = typer.Typer(help="People: those who may open doors.", no_args_is_help=True)
app.command("import")(import_file)
app.command("erase")(erase)

PersonArgument = Annotated[int, typer.Argument(metavar="PERSON", help="The person's id.")]
FirstNameOption = Annotated[str | None, typer.Option("--first-name")]
LastNameOption = Annotated[str | None, typer.Option("--last-name")]
EmailOption = Annotated[str | None, typer.Option("--email", help='"" for none.')]
CardOption = Annotated[str | None, typer.Option("--card", help='The number of a card; "" takes it away.')]
PinOption = Annotated[str | None, typer.Option("--pin", help='A PIN; "******" makes one at random, "" takes it away.')]
DuressOption = Annotated[
    str | None, typer.Option("--duress-pin", help="A PIN to type under duress: it opens, and tells silently. As --pin.")
]
GroupsOption = Annotated[list[int] | None, typer.Option("--group", help="A group's id; may be given several times.")]
RolesOption = Annotated[list[int] | None, typer.Option("--role", help="A role's id; may be given several times.")]
FromOption = Annotated[
    str | None, typer.Option("--valid-from", help='ISO 8601, local time of the account without offset; "" for none.')
]
ToOption = Annotated[str | None, typer.Option("--valid-to", help="The same.")]
EnabledOption = Annotated[bool | None, typer.Option("--enabled/--disabled")]
FieldsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--field", metavar="NAME=VALUE", help="Any other field, such as job_title=Clerk; may be given several times."
    ),
]

_COLUMNS = ("id", "first_name", "last_name", "email", "enabled", "group_ids", "role_ids")


@app.command("list")
def list_all(
    email: Annotated[str, typer.Option("--email", help="Those whose address has this in it.")] = "",
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the people, by id; not what they present at doors."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        everybody = Page(paged=False)
        found, _ = session.read(lambda transaction: page_of_people(transaction, account_id, everybody, email=email))
    show([row_of(person) for person in found], json, _COLUMNS)


@app.command()
def create(
    first_name: FirstNameOption = None,
    last_name: LastNameOption = None,
    email: EmailOption = None,
    card: CardOption = None,
    pin: PinOption = None,
    duress_pin: DuressOption = None,
    group: GroupsOption = None,
    role: RolesOption = None,
    valid_from: FromOption = None,
    valid_to: ToOption = None,
    enabled: EnabledOption = None,
    field: FieldsOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a person."""
    body = _other_fields(field) | given(
        first_name=first_name,
        last_name=last_name,
        email=email,
        group_ids=group,
        role_ids=role,
        valid_from=valid_from,
        valid_to=valid_to,
        enabled=enabled,
    )
    _blank_is_none(body)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        vault = session.vault

        def make(transaction: Transaction) -> dict[str, Any]:
            named = _name_credentials(transaction, account_id, {CARD: card, PIN: pin, DURESS: duress_pin}, now)
            made = create_person(transaction, vault, account_id, body | named, now)
            return _row(transaction, vault, made, named)

        row = session.write(make)
    show(row, json)


@app.command()
def update(
    person: PersonArgument,
    first_name: FirstNameOption = None,
    last_name: LastNameOption = None,
    email: EmailOption = None,
    card: CardOption = None,
    pin: PinOption = None,
    duress_pin: DuressOption = None,
    group: GroupsOption = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take them out of all groups.")] = False,
    role: RolesOption = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take away all roles but reservations'.")] = False,
    valid_from: FromOption = None,
    valid_to: ToOption = None,
    enabled: EnabledOption = None,
    field: FieldsOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a person; groups and roles replace those they have."""
    body = _other_fields(field) | given(
        first_name=first_name,
        last_name=last_name,
        email=email,
        group_ids=group,
        role_ids=role,
        valid_from=valid_from,
        valid_to=valid_to,
        enabled=enabled,
    )
    _blank_is_none(body)
    unset(body, group_ids=no_groups, role_ids=no_roles)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        vault = session.vault

        def change(transaction: Transaction) -> dict[str, Any]:
            named = _name_credentials(transaction, account_id, {CARD: card, PIN: pin, DURESS: duress_pin}, now)
            changed = update_person(transaction, vault, account_id, person, body | named, now)
            return _row(transaction, vault, changed, named)

        with naming("person", person):
            row = session.write(change)
    show(row, json)


@app.command()
def delete(
    person: PersonArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a person: their access ends at once, and so do their reservations."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("person", person):
            session.write(lambda transaction: delete_person(transaction, account_id, person, now))
    show({"deleted": person}, json)


@app.command()
def forgive(
    person: PersonArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Forgive a person for anti-passback: they may pass as if no door had seen them yet."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("person", person):
            session.write(lambda transaction: forgive_person(transaction, account_id, person, now))
    show({"forgiven": person}, json)


@app.command()
def standing(
    person: PersonArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """See which doors have confirmed what holds of a person now, and since when; and which may still open for them."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("person", person):
            asked = session.read(lambda transaction: ask_standing(transaction, account_id, person, now))
    found = judge(asked)
    if json:
        print_json(to_builtins(standing_body(found)))
        return
    typer.echo(f"{found.person.name} ({found.person.status})")
    show([_standing_row(door) for door in found.doors], json)


def _standing_row(door: DoorStanding) -> dict[str, Any]:
    return {
        "channel": door.place.id,
        "name": door.place.name,
        "rights": door.rights,
        "status": door.status,
        "confirmed_at": format_optional(door.confirmed_at),
        "changed_at": format_optional(door.changed_at),
        "may_open_until": "never ends" if door.without_limit else format_optional(door.may_open_until),
    }


def _other_fields(texts: list[str] | None) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid({"field": [f"must be NAME=VALUE, not {text!r}"]})
        body[name] = value
    return body


def _blank_is_none(body: dict[str, Any]) -> None:
    for name in ("valid_from", "valid_to"):
        if body.get(name) == "":
            body[name] = None


def _name_credentials(
    transaction: Transaction, account_id: int, values: Mapping[str, str | None], now: int
) -> dict[str, str]:
    """The credentials that were given, by kind, under the names that they have in a person's body. Raises Invalid.

    They are of the account's first type of each kind; the type of duress PINs is made with the first of them.
    """
    types = list_types(transaction, account_id)
    named: dict[str, str] = {}
    for kind, value in values.items():
        if value is not None:
            slug = next((found.slug for found in types if found.kind == kind), None)
            if slug is None and kind == DURESS:
                slug = create_type(transaction, account_id, {"label": "Duress PIN", "kind": DURESS}, now).slug
            if slug is None:
                raise Invalid({kind: ["can't be given: the account has no credential type of this kind"]})
            named[slug] = value
    return named


def _row(transaction: Transaction, vault: Vault, person: Person, named: Collection[str]) -> dict[str, Any]:
    """The person, with those of their credentials that this command gave them: a random PIN must be read somewhere."""
    held = list_credentials(transaction, vault, person.account_id, [person.id])
    return row_of(person) | {found.slug: found.value for found in held if found.slug in named}
