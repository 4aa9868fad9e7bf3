"""What a channel is told, as values with one canonical encoding: its rules and settings, and its people.

Whoever holds no role at a channel is not in what it is told. The encoding is compared byte for byte and hashed
(doorward.link.content): equal values must encode equally, so everything that has no order is sorted.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from doorward.decision.shifts import Rule, Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, Grant, Membership, Passback, Person

_STATUSES: Final = ("active", "disabled", "deleted")

RECORD_FORMAT: Final = 1
"""Both ends must speak of the same: a controller that knows another is told everything anew."""


class WeeklyRecord(msgspec.Struct, frozen=True, array_like=True):
    """A rule that repeats each week: (days, start, end) in minutes of the local day."""

    windows: tuple[tuple[tuple[int, ...], int, int], ...]
    first_day: int | None
    last_day: int | None
    holidays: Literal["ignore", "replace"]


class ShiftRecord(msgspec.Struct, frozen=True, array_like=True):
    """A shift as it runs at the channel's site: weekly, or one stretch [start, end) of instants."""

    zone: str
    weekly: WeeklyRecord | None
    stretch: tuple[int, int] | None
    holidays: tuple[int, ...]
    """Days since 1970-01-01; empty where the rule does not ask."""


class GrantRecord(msgspec.Struct, frozen=True, array_like=True):
    """A role that admits here; `shift` is an index into the channel's shifts, none: at any time."""

    role_id: int
    role_name: str
    shift: int | None
    shift_name: str


class SettingRecord(msgspec.Struct, frozen=True):
    """What operators have set at the door; instants and durations in milliseconds."""

    pulse_ms: int
    held_open_ms: int
    unlocked: bool = False
    unlocked_until: int | None = None
    card_lockdown: bool = False
    rex_lockdown: bool = False
    aux_lockdown: bool = False
    held_open_warning_ms: int = 0
    rex_held_ms: int = 0
    relock_on_open: bool = False


class Hardware(NamedTuple):
    """What stands at the channel, as operators have written it down."""

    driver: str = "simulated"
    unit: int = 1
    card_format: str | None = None
    serial_number: str | None = None


class ChannelRecord(msgspec.Struct, frozen=True):
    """A channel without its people."""

    id: int
    name: str
    zone: str
    accepts: tuple[str, ...]
    setting: SettingRecord
    two_factor: bool = False
    second_factor_ms: int = 10_000
    first_person_in: bool = False
    two_person: bool = False
    two_person_ms: int = 10_000
    passback: tuple[Literal["hard", "soft", "timed"], int] | None = None
    area_from: int | None = None
    area_to: int | None = None
    staleness_ms: int | None = None
    auto_unlock: int | None = None
    """An index into `shifts`."""
    shifts: tuple[ShiftRecord, ...] = ()
    grants: tuple[GrantRecord, ...] = ()
    driver: str = "simulated"
    unit: int = 1
    card_format: str | None = None
    serial_number: str | None = None


class PersonRecord(msgspec.Struct, frozen=True, array_like=True):
    """Somebody who has a role here, or will for a time: only the roles that this channel knows."""

    id: int
    name: str
    status: int
    valid_from: int | None
    valid_to: int | None
    roles: tuple[int, ...]
    credentials: tuple[tuple[str, str], ...]
    memberships: tuple[tuple[tuple[int, ...], int, int], ...] = ()


class RecordRefused(ValueError):
    """A record that says what cannot be, such as a shift that is not there."""


_encoder: Final = msgspec.msgpack.Encoder()
_people: Final = msgspec.msgpack.Decoder(PersonRecord)
_channels: Final = msgspec.msgpack.Decoder(ChannelRecord)


def encode(record: ChannelRecord | PersonRecord) -> bytes:
    """The record's one encoding."""
    return _encoder.encode(record)


def decode_person(raw: bytes) -> PersonRecord:
    """Raises RecordRefused."""
    try:
        read = _people.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordRefused(f"a person cannot be read: {error}") from None
    if not 0 <= read.status < len(_STATUSES):
        raise RecordRefused("a person is of no known status")
    return read


def decode_channel(raw: bytes) -> ChannelRecord:
    """Raises RecordRefused."""
    try:
        return _channels.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordRefused(f"a channel cannot be read: {error}") from None


def person_record(person: Person, credentials: Iterable[Credential], here: Collection[int]) -> PersonRecord | None:
    """A person as a channel is told of them that knows the roles `here`; None: they do not matter there."""
    roles = tuple(role_id for role_id in person.roles if role_id in here)
    memberships = tuple(
        (kept, membership.start, membership.end)
        for membership in person.memberships
        if (kept := tuple(sorted(role_id for role_id in membership.roles if role_id in here)))
    )
    if not roles and not memberships:
        return None
    return PersonRecord(
        person.id,
        person.name,
        _STATUSES.index(person.status),
        person.valid_from,
        person.valid_to,
        tuple(sorted(roles)),
        tuple(sorted((credential.kind, credential.value) for credential in credentials)),
        tuple(sorted(memberships, key=lambda each: (each[1], each[2], each[0]))),
    )


def channel_record(
    channel: Channel, grants: Mapping[int, Grant], setting: SettingRecord, hardware: Hardware
) -> ChannelRecord:
    """A channel as it is told of itself."""
    shifts: dict[ShiftRecord, int] = {}

    def index_of(shift: Timetable | None) -> int | None:
        return None if shift is None else shifts.setdefault(_shift_record(shift), len(shifts))

    auto_unlock = index_of(channel.auto_unlock)
    granted = tuple(
        GrantRecord(grant.role_id, grant.role_name, index_of(grant.shift), grant.shift_name)
        for _, grant in sorted(grants.items())
    )
    passback = channel.passback
    return ChannelRecord(
        channel.id,
        channel.name,
        channel.zone,
        tuple(sorted(channel.accepts)),
        setting,
        channel.two_factor,
        channel.second_factor_ms,
        channel.first_person_in,
        channel.two_person,
        channel.two_person_ms,
        None if passback is None else (passback.mode, passback.minutes),
        channel.area_from,
        channel.area_to,
        channel.staleness_ms,
        auto_unlock,
        tuple(shifts),
        granted,
        hardware.driver,
        hardware.unit,
        hardware.card_format,
        hardware.serial_number,
    )


def person_of(record: PersonRecord) -> tuple[Person, tuple[Credential, ...]]:
    """The person as the engine takes them."""
    memberships = tuple(Membership(roles, start, end) for roles, start, end in record.memberships)
    status: Literal["active", "disabled", "deleted"] = _STATUSES[record.status]
    person = Person(
        record.id, record.name, status, record.valid_from, record.valid_to, record.roles, frozenset(), memberships
    )
    return person, tuple(Credential(kind, value) for kind, value in record.credentials)


def channel_of(record: ChannelRecord) -> tuple[Channel, dict[int, Grant]]:
    """The channel's rules and the roles that admit there, as the engine takes them. Raises RecordRefused."""
    try:
        timetables = [_timetable(shift) for shift in record.shifts]
        grants = {
            grant.role_id: Grant(
                grant.role_id,
                grant.role_name,
                None if grant.shift is None else timetables[_index(grant.shift)],
                grant.shift_name,
            )
            for grant in record.grants
        }
        auto_unlock = None if record.auto_unlock is None else timetables[_index(record.auto_unlock)]
    except IndexError:
        raise RecordRefused("a channel names a shift that it does not have") from None
    channel = Channel(
        id=record.id,
        name=record.name,
        zone=record.zone,
        accepts=frozenset(record.accepts),
        two_factor=record.two_factor,
        second_factor_ms=record.second_factor_ms,
        auto_unlock=auto_unlock,
        passback=None if record.passback is None else Passback(*record.passback),
        area_from=record.area_from,
        area_to=record.area_to,
        staleness_ms=record.staleness_ms,
        first_person_in=record.first_person_in,
        two_person=record.two_person,
        two_person_ms=record.two_person_ms,
    )
    return channel, grants


def _index(at: int) -> int:
    if at < 0:
        raise IndexError
    return at


def _shift_record(shift: Timetable) -> ShiftRecord:
    rule = shift.rule
    if isinstance(rule, Stretch):
        return ShiftRecord(shift.zone, None, (rule.start, rule.end), ())
    windows = tuple((tuple(sorted(window.days)), window.start, window.end) for window in rule.windows)
    weekly = WeeklyRecord(windows, rule.first_day, rule.last_day, rule.holidays)
    return ShiftRecord(shift.zone, weekly, None, tuple(sorted(shift.holidays)))


def _timetable(record: ShiftRecord) -> Timetable:
    rule: Rule
    if record.stretch is not None:
        rule = Stretch(*record.stretch)
    elif record.weekly is not None:
        weekly = record.weekly
        windows = tuple(Window(frozenset(days), start, end) for days, start, end in weekly.windows)
        rule = Weekly(windows, weekly.first_day, weekly.last_day, weekly.holidays)
    else:
        raise RecordRefused("a shift has no rule")
    return Timetable(rule, record.zone, frozenset(record.holidays))
