"""`doorward channel list | create | update | delete`."""

from typing import Annotated, Any

import typer

from doorward.channels.service import create_channel, delete_channel, list_channels, update_channel
from doorward.cli.output import show
from doorward.cli.rows import given, naming, row_of, unset
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, open_session

app = typer.Typer(help="Channels: doors.", no_args_is_help=True)

ChannelArgument = Annotated[int, typer.Argument(metavar="CHANNEL", help="The channel's id.")]
MacOption = Annotated[str | None, typer.Option("--mac-address", help="The controller's; made up if there is none.")]
UnitOption = Annotated[int | None, typer.Option("--unit", help="Which of its controller's channels this is.")]
AcceptsOption = Annotated[
    list[str] | None,
    typer.Option("--accepts", help="card, pin, aux, apple or google; may be given several times."),
]
TwoFactorOption = Annotated[
    bool | None, typer.Option("--two-factor/--no-two-factor", help="Whether it takes a card and a PIN.")
]
SecondFactorOption = Annotated[int | None, typer.Option("--second-factor-ms", help="How long the second may take.")]
PulseOption = Annotated[int | None, typer.Option("--pulse-ms", help="How long the lock is released.")]
HeldOpenOption = Annotated[int | None, typer.Option("--held-open-ms", help="How long the door may stand open.")]
StalenessOption = Annotated[
    int | None, typer.Option("--staleness-hours", help="How long it decides without its server; 0: for ever.")
]
ModeOption = Annotated[str | None, typer.Option("--mode", help="normal or unlock.")]
RelockOption = Annotated[
    str | None, typer.Option("--relock-at", help="When it locks by itself: ISO 8601, local without offset.")
]
LockdownOption = Annotated[
    bool | None,
    typer.Option("--lockdown/--no-lockdown", help="Cards, PINs and inputs refused; leaving stays possible."),
]
CardLockdownOption = Annotated[bool | None, typer.Option("--card-lockdown/--no-card-lockdown")]
AuxLockdownOption = Annotated[bool | None, typer.Option("--aux-lockdown/--no-aux-lockdown")]
RexLockdownOption = Annotated[
    bool | None, typer.Option("--rex-lockdown/--no-rex-lockdown", help="Whether even leaving is refused.")
]
AutoUnlockOption = Annotated[
    int | None, typer.Option("--auto-unlock-shift", help="The id of a shift in which it stands unlocked; 0: none.")
]
PassbackOption = Annotated[str | None, typer.Option("--passback-mode", help='hard, soft or timed; "" for none.')]
MinutesOption = Annotated[int | None, typer.Option("--passback-minutes", help="For the mode timed.")]
AreaFromOption = Annotated[int | None, typer.Option("--area-from", help="The area it leads from; 0: outside.")]
WarningOption = Annotated[
    int | None, typer.Option("--held-open-warning-ms", help="How long before that alarm the reader warns; 0: never.")
]
RexHeldOption = Annotated[
    int | None, typer.Option("--rex-held-ms", help="After which a held exit button is told of; 0: never.")
]
RelockOnOpenOption = Annotated[
    bool | None, typer.Option("--relock-on-open/--no-relock-on-open", help="Whether a release ends with the opening.")
]
FirstPersonOption = Annotated[
    bool | None,
    typer.Option("--first-person-in/--no-first-person-in", help="Whether auto-unlock awaits the first person."),
]
TwoPersonOption = Annotated[bool | None, typer.Option("--two-person/--no-two-person", help="Whether it takes two.")]
TwoPersonMsOption = Annotated[int | None, typer.Option("--two-person-ms", help="How long the second person may take.")]
DriverOption = Annotated[str | None, typer.Option("--driver", help="simulated, osdp, uhppote or esp_rfid.")]
ModelOption = Annotated[str | None, typer.Option("--model", help='What the hardware is called; "" for none.')]
SerialOption = Annotated[str | None, typer.Option("--serial-number", help="The board's or reader's; \"\" for none.")]
CardFormatOption = Annotated[str | None, typer.Option("--card-format", help='Such as H10301; "" for none.')]
PinFormatOption = Annotated[str | None, typer.Option("--pin-format", help='How the keypad sends keys; "" for none.')]
ReaderOption = Annotated[str | None, typer.Option("--reader", help='What the reader is called; "" for none.')]
AreaToOption = Annotated[int | None, typer.Option("--area-to", help="The area it leads to; 0: outside.")]

_COLUMNS = ("id", "name", "site_id", "mode", "card_lockdown", "accepts", "two_factor")
_NONE_IS_ZERO = ("staleness_hours", "auto_unlock_shift_id", "area_from_id", "area_to_id")


@app.command("list")
def list_all(
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """List the channels."""
    with open_session(database, data_dir) as session:
        account_id = session.account(account).id
        found = session.read(lambda transaction: list_channels(transaction, account_id))
    show([row_of(channel) for channel in found], json, _COLUMNS)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    site: Annotated[int, typer.Option("--site", help="The id of the site.")],
    mac_address: MacOption = None,
    unit: UnitOption = None,
    accepts: AcceptsOption = None,
    two_factor: TwoFactorOption = None,
    second_factor_ms: SecondFactorOption = None,
    pulse_ms: PulseOption = None,
    held_open_ms: HeldOpenOption = None,
    staleness_hours: StalenessOption = None,
    auto_unlock_shift: AutoUnlockOption = None,
    passback_mode: PassbackOption = None,
    passback_minutes: MinutesOption = None,
    area_from: AreaFromOption = None,
    area_to: AreaToOption = None,
    held_open_warning_ms: WarningOption = None,
    rex_held_ms: RexHeldOption = None,
    relock_on_open: RelockOnOpenOption = None,
    first_person_in: FirstPersonOption = None,
    two_person: TwoPersonOption = None,
    two_person_ms: TwoPersonMsOption = None,
    driver: DriverOption = None,
    model: ModelOption = None,
    serial_number: SerialOption = None,
    card_format: CardFormatOption = None,
    pin_format: PinFormatOption = None,
    reader: ReaderOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Create a channel."""
    body = _body(
        name=name,
        site_id=site,
        mac_address=mac_address,
        unit=unit,
        accepts=accepts,
        two_factor=two_factor,
        second_factor_ms=second_factor_ms,
        pulse_ms=pulse_ms,
        held_open_ms=held_open_ms,
        staleness_hours=staleness_hours,
        auto_unlock_shift_id=auto_unlock_shift,
        passback_mode=passback_mode,
        passback_minutes=passback_minutes,
        area_from_id=area_from,
        area_to_id=area_to,
        held_open_warning_ms=held_open_warning_ms,
        rex_held_ms=rex_held_ms,
        relock_on_open=relock_on_open,
        first_person_in=first_person_in,
        two_person=two_person,
        two_person_ms=two_person_ms,
        driver=driver,
        model=model,
        serial_number=serial_number,
        card_format=card_format,
        pin_format=pin_format,
        reader_device_class_name=reader,
    )
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        made = session.write(lambda transaction: create_channel(transaction, account_id, body, now))
    show(row_of(made), json)


@app.command()
def update(
    channel: ChannelArgument,
    name: Annotated[str | None, typer.Option("--name")] = None,
    site: Annotated[int | None, typer.Option("--site", help="The id of the site.")] = None,
    mac_address: MacOption = None,
    unit: UnitOption = None,
    accepts: AcceptsOption = None,
    two_factor: TwoFactorOption = None,
    second_factor_ms: SecondFactorOption = None,
    pulse_ms: PulseOption = None,
    held_open_ms: HeldOpenOption = None,
    staleness_hours: StalenessOption = None,
    mode: ModeOption = None,
    relock_at: RelockOption = None,
    lockdown: LockdownOption = None,
    card_lockdown: CardLockdownOption = None,
    aux_lockdown: AuxLockdownOption = None,
    rex_lockdown: RexLockdownOption = None,
    auto_unlock_shift: AutoUnlockOption = None,
    passback_mode: PassbackOption = None,
    passback_minutes: MinutesOption = None,
    area_from: AreaFromOption = None,
    area_to: AreaToOption = None,
    held_open_warning_ms: WarningOption = None,
    rex_held_ms: RexHeldOption = None,
    relock_on_open: RelockOnOpenOption = None,
    first_person_in: FirstPersonOption = None,
    two_person: TwoPersonOption = None,
    two_person_ms: TwoPersonMsOption = None,
    driver: DriverOption = None,
    model: ModelOption = None,
    serial_number: SerialOption = None,
    card_format: CardFormatOption = None,
    pin_format: PinFormatOption = None,
    reader: ReaderOption = None,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a channel."""
    body = _lockdown(lockdown) | _body(
        name=name,
        site_id=site,
        mac_address=mac_address,
        unit=unit,
        accepts=accepts,
        two_factor=two_factor,
        second_factor_ms=second_factor_ms,
        pulse_ms=pulse_ms,
        held_open_ms=held_open_ms,
        staleness_hours=staleness_hours,
        mode=mode,
        relock_at=relock_at,
        card_lockdown=card_lockdown,
        aux_lockdown=aux_lockdown,
        rex_lockdown=rex_lockdown,
        auto_unlock_shift_id=auto_unlock_shift,
        passback_mode=passback_mode,
        passback_minutes=passback_minutes,
        area_from_id=area_from,
        area_to_id=area_to,
        held_open_warning_ms=held_open_warning_ms,
        rex_held_ms=rex_held_ms,
        relock_on_open=relock_on_open,
        first_person_in=first_person_in,
        two_person=two_person,
        two_person_ms=two_person_ms,
        driver=driver,
        model=model,
        serial_number=serial_number,
        card_format=card_format,
        pin_format=pin_format,
        reader_device_class_name=reader,
    )
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("channel", channel):
            changed = session.write(lambda transaction: update_channel(transaction, account_id, channel, body, now))
    show(row_of(changed), json)


@app.command()
def delete(
    channel: ChannelArgument,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a channel, also from the roles that name it."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        with naming("channel", channel):
            session.write(lambda transaction: delete_channel(transaction, account_id, channel, now))
    show({"deleted": channel}, json)


def _body(**options: Any) -> dict[str, Any]:
    body = given(**options)
    nothing = {name: True for name in _NONE_IS_ZERO if body.get(name) == 0}
    unset(body, **nothing, passback_mode=body.get("passback_mode") == "")
    return body


def _lockdown(wanted: bool | None) -> dict[str, bool]:
    """As the API's defaults: leaving stays possible (behaviour.md, "Channels")."""
    if wanted is None:
        return {}
    return {"card_lockdown": wanted, "aux_lockdown": wanted, "rex_lockdown": False}
