"""`doorward door present | state | rex | open | close` and `doorward check`."""

from typing import Annotated

import typer

from doorward.cli.session import DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.cli.verdicts import credentials_given, show_answer, show_verdict
from doorward.controller.answers import door_answer, verdict_answer
from doorward.controller.control import NobodyThere, ask
from doorward.controller.door import Door, Fact
from doorward.db.unit_of_work import Transaction
from doorward.decision.engine import decide_person
from doorward.decision.snapshot import Credential, Presence, Presented
from doorward.decision.verdict import Verdict
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.events.service import record_all
from doorward.kit.clock import FixedClock
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.timestamps import InvalidTimestamp, find_zone, parse_instant
from doorward.process.doors import not_here, setting_of
from doorward.process.record import event_of
from doorward.sync.compiler import CompiledChannel, compile_for, read_presence

app = typer.Typer(help="Doors: present credentials, look at their state.", no_args_is_help=True)

ChannelArgument = Annotated[int, typer.Argument(metavar="CHANNEL", help="The channel's id.")]
AtOption = Annotated[
    str | None,
    typer.Option("--at", help="Ask about another instant (ISO 8601; without offset, the door's local time)."),
]


@app.command()
def present(
    channel: ChannelArgument,
    card: Annotated[list[str] | None, typer.Option(help="The number of a card; may be given with --pin.")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="A PIN.")] = None,
    at: AtOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Hold credentials to a door's reader and print the verdict with its reasons.

    Without --at the door moves and the event is recorded: the running server's door, or one of this command's own.
    """
    credentials = credentials_given(card, pin)
    presented = Presented(credentials[0], credentials[1] if len(credentials) > 1 else None)
    with open_session(database, data_dir) as session:
        if at is None:
            try:
                answer = ask(
                    session.settings.control_socket,
                    {"op": "present", "channel_id": channel, "credentials": [list(entry) for entry in credentials]},
                )
            except NobodyThere:
                answer = verdict_answer(_present_here(session, channel, presented))
        else:
            compiled, presence = _compile(session, channel, credentials, [])
            instant = _instant(at, compiled)
            door = _door(compiled, instant)
            answer = verdict_answer(door.present(presented, presence, instant))
    show_verdict(answer, json)


@app.command()
def state(
    channel: ChannelArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Print the state of a door; without a running server, what is set for it."""
    with open_session(database, data_dir) as session:
        try:
            answer = ask(session.settings.control_socket, {"op": "state", "channel_id": channel})
        except NobodyThere:
            now = session.clock.now()
            compiled, _ = _compile(session, channel, [], [])
            answer = door_answer(_door(compiled, now), None, now)
    show_answer(answer, json)


def _act(channel: int, action: str, database: str | None, data_dir: str | None, json: bool) -> None:
    with open_session(database, data_dir) as session:
        try:
            answer = ask(session.settings.control_socket, {"op": "act", "channel_id": channel, "action": action})
        except NobodyThere:
            raise BadRequest("no server runs on this data directory, so there is no door to move") from None
    show_answer(answer, json)


@app.command()
def rex(
    channel: ChannelArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Press the request-to-exit button of a simulated door."""
    _act(channel, "rex", database, data_dir, json)


@app.command("open")
def open_door(
    channel: ChannelArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Open a simulated door; without leave that is by force."""
    _act(channel, "open", database, data_dir, json)


@app.command("close")
def close_door(
    channel: ChannelArgument, database: DatabaseOption = None, data_dir: DataDirOption = None, json: JsonOption = False
) -> None:
    """Close a simulated door."""
    _act(channel, "close", database, data_dir, json)


def check(
    person: Annotated[int, typer.Argument(metavar="PERSON", help="The person's id.")],
    channel: ChannelArgument,
    at: AtOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """May they, and why? Asks the engine without touching the door."""
    with open_session(database, data_dir) as session:
        compiled, presence = _compile(session, channel, [], [person])
        if person not in compiled.snapshot.directory.people:
            raise NotFound(f"there is no person {person} in the account of channel {channel}")
        instant = session.clock.now() if at is None else _instant(at, compiled)
        state = _door(compiled, instant).state(presence)
        answer = verdict_answer(decide_person(compiled.snapshot, state, person, instant))
    show_verdict(answer, json)


def _compile(
    session: Session, channel_id: int, credentials: list[Credential], person_ids: list[int]
) -> tuple[CompiledChannel, dict[int, Presence]]:
    """The channel with those whom the question is about. Raises NotFound."""
    vault = session.vault

    def read(transaction: Transaction) -> tuple[CompiledChannel, dict[int, Presence]]:
        compiled = compile_for(transaction, vault, channel_id, credentials, person_ids)
        if compiled is None:
            raise NotFound(f"there is no channel {channel_id}")
        return compiled, read_presence(transaction, compiled.controls.account_id)

    return session.read(read)


def _instant(text: str, compiled: CompiledChannel) -> int:
    try:
        return parse_instant(text, find_zone(compiled.snapshot.channel.zone))
    except InvalidTimestamp as error:
        raise BadRequest(f"--at {error}") from None


def _door(compiled: CompiledChannel, at: int) -> Door:
    """A door of this command's own, on which nothing depends."""
    return Door(SimulatedDriver(FixedClock(at)), lambda _: None, compiled.snapshot, setting_of(compiled.controls))


def _present_here(session: Session, channel_id: int, presented: Presented) -> Verdict:
    """No server controls the door: decide, and record the event as the server would."""
    credentials = [presented.first] if presented.second is None else [presented.first, presented.second]
    compiled, presence = _compile(session, channel_id, credentials, [])
    if not compiled.controls.is_local:
        raise NotFound(not_here(channel_id, compiled.controls))
    now = session.clock.now()
    facts: list[Fact] = []
    door = Door(SimulatedDriver(FixedClock(now)), facts.append, compiled.snapshot, setting_of(compiled.controls))
    verdict = door.present(presented, presence, now)
    door.give_up(now)  # nobody is left to wait for a second person
    events = [event_of(compiled.controls.account_id, fact, compiled.snapshot.channel.name) for fact in facts]
    session.write(lambda transaction: record_all(transaction, events, now))
    return verdict
