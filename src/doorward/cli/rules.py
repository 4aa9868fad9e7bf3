"""`doorward rule list | create | test | rotate-secret | delete`."""

import asyncio
from typing import Annotated, Any

import typer

from doorward.cli.output import show
from doorward.cli.rows import given, naming, row_of
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session
from doorward.cli.shifts import read_windows
from doorward.db.unit_of_work import Transaction
from doorward.notification_rules.rule import CALL_BACK, KINDS, NotificationRule
from doorward.notification_rules.senders import senders_of_rules
from doorward.notification_rules.service import create_rule, delete_rule, list_rules, rotate_secret
from doorward.notification_rules.testing import begin_tests, send_tests
from doorward.webhooks.dispatching import Dispatcher

app = typer.Typer(help="Notification rules: what is told to whom when something happens.", no_args_is_help=True)

RuleArgument = Annotated[int, typer.Argument(metavar="RULE", help="The rule's id.")]

_COLUMNS = ("id", "name", "active", "event_codes", "conditions", "actions")
_KIND_NAMES = {number: kind for kind, number in KINDS.items()}


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the rules, oldest first."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_rules(transaction, account_id))
    show([_row(rule, json=json) for rule in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    event: Annotated[
        list[int] | None, typer.Option("--event", help="An event code, such as 33; may be given several times.")
    ] = None,
    post: Annotated[
        list[str] | None, typer.Option("--post", metavar="URL", help="Post events there, signed; several times.")
    ] = None,
    email: Annotated[
        list[str] | None, typer.Option("--email", metavar="ADDRESS", help="Send mail there; several times.")
    ] = None,
    slack: Annotated[
        list[str] | None,
        typer.Option("--slack", metavar="URL", help="The incoming webhook of a chat; several times."),
    ] = None,
    console: Annotated[bool, typer.Option("--console", help="Show operators a notification.")] = False,
    channel: Annotated[
        list[int] | None, typer.Option("--channel", help="Only at this channel; may be given several times.")
    ] = None,
    group: Annotated[
        list[int] | None, typer.Option("--group", help="Only of people in this group; may be given several times.")
    ] = None,
    window: Annotated[
        list[str] | None,
        typer.Option("--window", help='Only at these local times: "mon-fri 22:00-06:00"; several times.'),
    ] = None,
    include_replayed: Annotated[
        bool, typer.Option("--include-replayed", help="Also what a door tells more than five minutes late.")
    ] = False,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a rule; if it posts, print the secret by which that is signed, which is not to be seen again."""
    actions: list[dict[str, object]] = [{"kind": "post", "url": url} for url in post or ()]
    actions += [{"kind": "email", "addresses": email}] if email else []
    actions += [{"kind": "slack", "url": url} for url in slack or ()]
    actions += [{"kind": "console"}] if console else []
    body = given(
        name=name,
        match_event_codes=event or [],
        match_controller_ids=channel,
        match_group_ids=group,
        match_times=read_windows(window or ()),
        include_replayed=include_replayed,
    )
    body["actions"] = actions
    with open_session(database, data_dir) as session:
        account_id, now, vault = session.account(account).id, session.clock.now(), session.vault

        def act(transaction: Transaction) -> tuple[NotificationRule, str | None]:
            made = create_rule(transaction, vault, account_id, body, now)
            posts = any(action.type == CALL_BACK for action in made.actions)
            return made, rotate_secret(transaction, vault, account_id, made.id, now) if posts else None

        made, secret = session.write(act)
    show({**_row(made, json=json), "secret": secret}, json)


@app.command("test")
def send_test(
    rule: RuleArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Do each action of a rule now, for a test, and print what came of it; exit code 1 if one did not arrive."""
    with open_session(database, data_dir) as session:
        account_id, now, settings = session.account(account).id, session.clock.now(), session.settings
        allow, mail = settings.outbound_allow, settings.mail_server
        senders = senders_of_rules(session.database, session.vault, session.clock, allow, mail)
        dispatcher = Dispatcher(session.database, session.clock, senders)
        with naming("rule", rule):
            begun = session.write(lambda tx: begin_tests(tx, account_id, rule, dispatcher.next_test_lease, now))
        tested = asyncio.run(send_tests(dispatcher, begun))
    show([row_of(each) for each in tested], json, ("kind", "delivery_id", "delivered", "status", "error", "took_ms"))
    if not all(each.delivered for each in tested):
        raise typer.Exit(1)


@app.command("rotate-secret")
def rotate(
    rule: RuleArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Replace the secret by which what a rule posts is signed, and print it; the old one is good for another day."""
    with open_session(database, data_dir) as session:
        account_id, now, vault = session.account(account).id, session.clock.now(), session.vault
        with naming("rule", rule):
            secret = session.write(lambda transaction: rotate_secret(transaction, vault, account_id, rule, now))
    show({"id": rule, "secret": secret}, json)


@app.command()
def delete(
    rule: RuleArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a rule, with what was still to be told by it."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("rule", rule):
            session.write(lambda transaction: delete_rule(transaction, account_id, rule, now))
    show({"deleted": rule}, json)


def _row(rule: NotificationRule, *, json: bool) -> dict[str, Any]:
    """A rule as it is shown; people need no JSON."""
    row = row_of(rule)
    if not json:
        row["conditions"] = "; ".join(f"{each.type} {each.value}" for each in rule.conditions)
        row["actions"] = "; ".join(f"{_KIND_NAMES[each.type]} {each.data}".strip() for each in rule.actions)
    return row
