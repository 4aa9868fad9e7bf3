"""A channel on the wire: the contract's fields in the contract's order; our own settings apart from them."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from doorward.changes.reports import ChannelSync
from doorward.channels.channel import Channel
from doorward.channels.listing import Seen
from doorward.kit.timestamps import format_instant, format_optional

Status = Literal["online", "offline", "pending_encryption"]
Mode = Literal["normal", "unlock"]
Kind = Literal["card", "pin", "aux", "apple", "google"]
Driver = Literal["simulated", "osdp", "uhppote", "esp_rfid"]
MacAddress = Annotated[str, Meta(pattern="^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")]


class ChannelSyncBody(Struct, frozen=True, gc=False):
    """Whether the door has confirmed what the database has."""

    status: ChannelSync
    last_sync_completed_at: str | None


class State(Struct, frozen=True, gc=False):
    """Whether it is so."""

    state: bool


class LockdownBody(Struct, frozen=True, gc=False):
    """What is locked down, in words and one by one."""

    message: str
    card_lockdown: State
    rex_lockdown: State
    aux_lockdown: State


class LockdownInput(Struct, frozen=True, omit_defaults=True):
    """What to lock down."""

    card_lockdown: bool | None = True
    rex_lockdown: bool | None = False
    aux_lockdown: bool | None = True


class ModeBody(Struct, frozen=True, gc=False):
    """`change_stamp` is when it was last changed."""

    description: Mode
    relock_at: str | None
    change_stamp: str | None


class AutoUnlockBody(Struct, frozen=True, gc=False):
    """The shift in which the door stands unlocked."""

    id: int
    name: str


class ChannelBody(Struct, frozen=True, gc=False):
    """A channel as the contract has it."""

    id: int
    name: str
    mac_address: MacAddress
    status: Status
    unit: int
    model: str | None
    model_long: str
    serial_number: str | None
    card_format: str | None
    pin_format: str | None
    freescale_version: str | None
    pic_version: str | None
    reader_device_class_name: str | None
    site_id: int | None
    updated_at: str
    created_at: str
    sync: ChannelSyncBody
    lockdown: LockdownBody | None
    mode: ModeBody
    auto_unlock: AutoUnlockBody | None


class SettingsBody(Struct, frozen=True, gc=False):
    """What is set at a channel beyond the contract; durations in milliseconds.

    `staleness_hours` null: the door decides without its server for as long as it must. `held_open_warning_ms` is how
    long before the alarm the reader warns; it and `rex_held_ms`, after which a button that is held is told of, are 0
    for never. `relock_on_open` ends a release when the door opens, `first_person_in` lets the shift of auto-unlock
    begin with the first person admitted in it, `two_person` wants two people within `two_person_ms`. `controller_id`
    is the controller that has enrolled for the door; without one, a simulated door is the server's own.
    `encryption_key_pending`: the door is to use a new key and has not done so yet, be it there or not.
    """

    driver: Driver
    accepts: list[Kind]
    two_factor: bool
    second_factor_ms: int
    pulse_ms: int
    held_open_ms: int
    staleness_hours: int | None
    passback_mode: Literal["hard", "soft", "timed"] | None
    passback_minutes: int
    area_from_id: int | None
    area_to_id: int | None
    held_open_warning_ms: int
    rex_held_ms: int
    relock_on_open: bool
    first_person_in: bool
    two_person: bool
    two_person_ms: int
    controller_id: int | None
    encryption_key_pending: bool


class ConfiguredChannelBody(ChannelBody, frozen=True, gc=False):
    """A channel with our own settings, as our own operations answer."""

    settings: SettingsBody


_MODELS: Final = {
    "simulated": ("Simulated", "Door without hardware, simulated"),
    "osdp": ("OSDP", "Reader on an OSDP bus"),
    "uhppote": ("UHPPOTE", "UHPPOTE board"),
    "esp_rfid": ("esp-rfid", "esp-rfid board"),
}
_YES: Final = State(True)
_NO: Final = State(False)


def channel_body(seen: Seen, now: int) -> ChannelBody:
    """A channel as it is now."""
    channel, standing = seen.channel.as_of(now), seen.standing
    model, model_long = _model(channel)
    return ChannelBody(
        channel.id,
        channel.name,
        channel.mac_address,
        _status(seen, now),
        channel.unit,
        model,
        model_long,
        channel.serial_number,
        channel.card_format,
        channel.pin_format,
        None,
        None,
        channel.reader_device_class_name,
        channel.site_id,
        format_instant(channel.updated_at),
        format_instant(channel.created_at),
        ChannelSyncBody(standing.sync(now), format_optional(standing.synced_at)),
        _lockdown(channel),
        ModeBody(
            "unlock" if channel.mode == "unlock" else "normal",
            format_optional(channel.relock_at),
            format_optional(channel.mode_changed_at),
        ),
        _auto_unlock(seen),
    )


def configured_body(seen: Seen, now: int) -> ConfiguredChannelBody:
    """The same with our own settings."""
    plain = structs.asdict(channel_body(seen, now))
    return ConfiguredChannelBody(**plain, settings=settings_body(seen))


def settings_body(seen: Seen) -> SettingsBody:
    """Our own settings of a channel."""
    channel = seen.channel
    return SettingsBody(
        channel.driver,  # type: ignore[arg-type]  # the service lets no others in
        list(channel.accepts),  # type: ignore[arg-type]  # the service lets no other kinds in
        channel.two_factor,
        channel.second_factor_ms,
        channel.pulse_ms,
        channel.held_open_ms,
        channel.staleness_hours,
        channel.passback_mode,  # type: ignore[arg-type]  # as above
        channel.passback_minutes,
        channel.area_from_id,
        channel.area_to_id,
        channel.held_open_warning_ms,
        channel.rex_held_ms,
        channel.relock_on_open,
        channel.first_person_in,
        channel.two_person,
        channel.two_person_ms,
        channel.controller_id,
        seen.has_pending_key,
    )


def _status(seen: Seen, now: int) -> Status:
    """A door that is not there is offline, whatever it is yet to be told (docs/decisions/0025)."""
    if not seen.standing.is_online(now):
        return "offline"
    return "pending_encryption" if seen.has_pending_key else "online"


def _model(channel: Channel) -> tuple[str | None, str]:
    model, words = _MODELS.get(channel.driver, (None, "Controller"))
    return channel.model or model, channel.model or words


def _lockdown(channel: Channel) -> LockdownBody | None:
    if not channel.locked_down:
        return None
    flags = (channel.card_lockdown, channel.rex_lockdown, channel.aux_lockdown)
    card, rex, aux = (_YES if flag else _NO for flag in flags)
    return LockdownBody(lockdown_message(*flags), card, rex, aux)


def lockdown_message(card: bool, rex: bool, aux: bool) -> str:
    """What is locked down, as a sentence."""
    told = [
        word for flag, word in ((card, "cards and PINs"), (aux, "auxiliary inputs"), (rex, "requests to exit")) if flag
    ]
    listed = f"{', '.join(told[:-1])} as well as {told[-1]}" if len(told) > 1 else told[0]
    return f"{listed[0].upper()}{listed[1:]} are rejected at this door"


def _auto_unlock(seen: Seen) -> AutoUnlockBody | None:
    shift_id = seen.channel.auto_unlock_shift_id
    return None if shift_id is None else AutoUnlockBody(shift_id, seen.auto_unlock_name or "")
