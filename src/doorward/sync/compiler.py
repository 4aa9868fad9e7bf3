"""Compile an account's configuration into what its doors decide from."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast

from doorward.channels.tables import SIMULATED
from doorward.credentials.choosing import lookup, shown_value
from doorward.db.unit_of_work import Transaction
from doorward.decision.shifts import Rule, Timetable
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    DoorState,
    Grant,
    Membership,
    Passback,
    Person,
    Presence,
    Snapshot,
)
from doorward.decision.values import normal_value
from doorward.kit.crypto import Vault
from doorward.kit.timestamps import EARLIEST
from doorward.shifts.rules import rule_of
from doorward.sync import rows

_HOUR_MS: Final = 3_600_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Controls:
    """What operators have set at a channel and the hardware that it drives; times in milliseconds."""

    account_id: int
    driver: str
    pulse_ms: int
    held_open_ms: int
    unlocked: bool
    unlocked_until: int | None
    card_lockdown: bool
    rex_lockdown: bool
    aux_lockdown: bool
    held_open_warning_ms: int = 0
    rex_held_ms: int = 0
    relock_on_open: bool = False
    controller_id: int | None = None
    unit: int = 1
    card_format: str | None = None
    serial_number: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the server itself drives the door: it is simulated, and no controller has enrolled for it."""
        return self.controller_id is None and self.driver == SIMULATED

    def state(self, presence: Mapping[int, Presence]) -> DoorState:
        """The door as the server knows it to be set; whether it is tampered with only the door knows."""
        return DoorState(
            card_lockdown=self.card_lockdown,
            aux_lockdown=self.aux_lockdown,
            rex_lockdown=self.rex_lockdown,
            unlocked=self.unlocked,
            unlocked_until=self.unlocked_until,
            presence=presence,
        )


@dataclass(frozen=True, slots=True)
class CompiledChannel:
    """A channel ready to decide."""

    snapshot: Snapshot
    controls: Controls


class Timetables:
    """The shifts of one account, each read at most once for each site that uses it."""

    def __init__(self, shifts: Iterable[rows.ShiftRow], holidays: Iterable[rows.HolidayRow]) -> None:
        self._rules: dict[int, tuple[str, Rule]] = {}
        self._made: dict[tuple[int, int, str], Timetable] = {}
        self.add(shifts)
        everywhere: set[int] = set()
        by_site: dict[int, set[int]] = defaultdict(set)
        for holiday in holidays:
            day = date.fromisoformat(holiday.day).toordinal() - _EPOCH
            (everywhere if holiday.site_id is None else by_site[holiday.site_id]).add(day)
        self._everywhere = frozenset(everywhere)
        self._by_site = {site_id: frozenset(days | everywhere) for site_id, days in by_site.items()}

    def add(self, shifts: Iterable[rows.ShiftRow]) -> None:
        """Add shifts that came later, or have changed."""
        for shift in shifts:
            read = (shift.name, rule_of(shift))
            if self._rules.get(shift.id, read) != read:
                self.forget([shift.id])
            self._rules[shift.id] = read

    def __contains__(self, shift_id: int) -> bool:
        """Whether the shift is known."""
        return shift_id in self._rules

    def at_site(self, shift_id: int, site_id: int, zone: str) -> tuple[Timetable, str]:
        """A known shift as it runs at a site, and its name."""
        name, rule = self._rules[shift_id]
        key = (shift_id, site_id, zone)
        timetable = self._made.get(key)
        if timetable is None:
            days = self._by_site.get(site_id, self._everywhere)
            timetable = self._made[key] = Timetable(rule, zone, days)
        return timetable, name

    def forget(self, shift_ids: Iterable[int]) -> None:
        """Drop shifts that are gone or changed."""
        gone = set(shift_ids)
        for shift_id in gone:
            self._rules.pop(shift_id, None)
        if gone:
            self._made = {key: made for key, made in self._made.items() if key[0] not in gone}


def read_people(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_ids: Collection[int] | None = None,
    *,
    ends_after: int = EARLIEST,
) -> list[tuple[Person, tuple[Credential, ...]]]:
    """People with the roles they hold and the credentials they have; all of the account, or some.

    Of group reservations those that end after an instant.
    """
    if person_ids is None:
        presented = transaction.all(rows.CREDENTIALS, account_id=account_id)
    else:
        presented = transaction.all(rows.SOME_CREDENTIALS, account_id=account_id, ids=_listed(person_ids))
    credentials: dict[int, list[Credential]] = defaultdict(list)
    for person_id, kind, stored in presented:
        value = shown_value(vault, account_id, kind, stored)
        credentials[person_id].append(Credential(kind, normal_value(kind, value) or value))
    return [
        (person, tuple(credentials.get(person.id, ())))
        for person in read_holders(transaction, account_id, person_ids, ends_after=ends_after)
    ]


def read_holders(
    transaction: Transaction, account_id: int, person_ids: Collection[int] | None = None, *, ends_after: int
) -> list[Person]:
    """The same people with their roles alone, those who are deleted first."""
    if person_ids is None:
        found = transaction.all(rows.PEOPLE, account_id=account_id)
        held = transaction.all(rows.PERSON_ROLES, account_id=account_id)
        reserved = transaction.all(rows.RESERVED_ROLES, account_id=account_id, ends_after=ends_after)
    else:
        ids = _listed(person_ids)
        found = transaction.all(rows.SOME_PEOPLE, account_id=account_id, ids=ids)
        held = transaction.all(rows.SOME_PERSON_ROLES, account_id=account_id, ids=ids)
        reserved = transaction.all(rows.SOME_RESERVED_ROLES, account_id=account_id, ids=ids, ends_after=ends_after)
    roles: dict[int, list[int]] = defaultdict(list)
    for person_id, role_id in held:
        roles[person_id].append(role_id)
    memberships = _memberships(reserved)
    return [
        person_of(row, frozenset(roles.get(row.id, ())), memberships.get(row.id, ()))
        for row in sorted(found, key=lambda row: row.deleted_at is None)
    ]


def _memberships(reserved: Iterable[rows.ReservedRole]) -> dict[int, tuple[Membership, ...]]:
    """By person."""
    roles: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for row in reserved:
        roles[row.person_id, row.start, row.end, row.group_reservation_id].append(row.role_id)
    found: dict[int, tuple[Membership, ...]] = {}
    for person_id, start, end, reservation_id in sorted(roles):
        given = Membership(roles[person_id, start, end, reservation_id], start, end)
        found[person_id] = (*found.get(person_id, ()), given)
    return found


def person_of(row: rows.PersonRow, roles: Collection[int], memberships: tuple[Membership, ...]) -> Person:
    """A person with the roles that they hold, without their credentials."""
    status: Literal["active", "disabled", "deleted"] = "active" if row.enabled else "disabled"
    if row.deleted_at is not None:
        status = "deleted"
    name = f"{row.first_name} {row.last_name}".strip()
    return Person(row.id, name, status, row.valid_from, row.valid_to, roles, frozenset(), memberships)


def _listed(ids: Collection[int]) -> str:
    return str(sorted(ids))


def grant_at(row: rows.GrantRow, channel: rows.ChannelRow, timetables: Timetables) -> Grant | None:
    """A role as it admits at a channel; None if its shift is missing, so that it admits nobody."""
    if row.shift_id is None:
        return Grant(row.role_id, row.role_name, None, "")
    if row.shift_id not in timetables:
        return None
    timetable, shift_name = timetables.at_site(row.shift_id, channel.site_id, channel.zone)
    return Grant(row.role_id, row.role_name, timetable, shift_name)


def compile_channel(
    row: rows.ChannelRow,
    grants: Mapping[int, Grant],
    directory: Directory,
    timetables: Timetables,
    version: int,
) -> CompiledChannel:
    """One channel, ready to decide."""
    auto_unlock = None
    if row.auto_unlock_shift_id is not None and row.auto_unlock_shift_id in timetables:
        auto_unlock = timetables.at_site(row.auto_unlock_shift_id, row.site_id, row.zone)[0]
    passback = None
    if row.passback_mode is not None:
        passback = Passback(cast(Literal["hard", "soft", "timed"], row.passback_mode), row.passback_minutes)
    channel = Channel(
        id=row.id,
        name=row.name,
        zone=row.zone,
        accepts=frozenset(json.loads(row.accepts)),
        two_factor=row.two_factor != 0,
        second_factor_ms=row.second_factor_ms,
        auto_unlock=auto_unlock,
        passback=passback,
        area_from=row.area_from_id,
        area_to=row.area_to_id,
        staleness_ms=None if row.staleness_hours is None else row.staleness_hours * _HOUR_MS,
        first_person_in=row.first_person_in != 0,
        two_person=row.two_person != 0,
        two_person_ms=row.two_person_ms,
    )
    controls = Controls(
        account_id=row.account_id,
        driver=row.driver,
        pulse_ms=row.pulse_ms,
        held_open_ms=row.held_open_ms,
        unlocked=row.mode == "unlock",
        unlocked_until=row.relock_at,
        card_lockdown=row.card_lockdown != 0,
        rex_lockdown=row.rex_lockdown != 0,
        aux_lockdown=row.aux_lockdown != 0,
        held_open_warning_ms=row.held_open_warning_ms,
        rex_held_ms=row.rex_held_ms,
        relock_on_open=row.relock_on_open != 0,
        controller_id=row.controller_id,
        unit=row.unit,
        card_format=row.card_format,
        serial_number=row.serial_number,
    )
    return CompiledChannel(Snapshot(channel, directory, grants, version), controls)


def read_presence(
    transaction: Transaction, account_id: int, person_ids: Collection[int] | None = None
) -> dict[int, Presence]:
    """Where the people of an account, or some of them, were last seen to go."""
    if person_ids is None:
        found = transaction.all(rows.PRESENCES, account_id=account_id)
    else:
        found = transaction.all(rows.SOME_PRESENCES, account_id=account_id, ids=_listed(person_ids))
    return {row.person_id: Presence(row.area_id, row.since) for row in found if not is_forgiven(row)}


def is_forgiven(row: rows.PresenceRow) -> bool:
    """Whether the person has been forgiven since they were last seen to go anywhere: they may stand anywhere."""
    return row.forgiven_at is not None and row.since <= row.forgiven_at


def holders_of(transaction: Transaction, vault: Vault, account_id: int, credentials: Iterable[Credential]) -> set[int]:
    """Who has one of these credentials."""
    normals = [(kind, normal_value(kind, value)) for kind, value in credentials]
    indexes = [lookup(vault, account_id, kind, normal) for kind, normal in normals if normal is not None]
    ids: set[int] = set()
    for index in indexes:
        ids.update(transaction.all(rows.HOLDERS, account_id=account_id, the_lookup=index))
    return ids


def compile_for(
    transaction: Transaction,
    vault: Vault,
    channel_id: int,
    credentials: Iterable[Credential],
    person_ids: Iterable[int],
) -> CompiledChannel | None:
    """One channel with only those people that a question is about: the holders of credentials, and people by id.

    The answer is the same as with everybody, and costs the same whatever their number. None if there is no such
    channel.
    """
    found = transaction.one(rows.SOME_CHANNELS, ids=str([channel_id]))
    if found is None:
        return None
    account_id = found.account_id
    ids = {*person_ids, *holders_of(transaction, vault, account_id, credentials)}
    directory = Directory()
    for person, held in read_people(transaction, vault, account_id, ids):
        directory.put(person, held)
    return _compile_with(transaction, [found], directory)[channel_id]


def compile_some(
    transaction: Transaction, account_id: int, channel_ids: Collection[int], person_ids: Collection[int], *, at: int
) -> dict[int, CompiledChannel]:
    """Some channels of an account with some people, who have no credentials here: for decide_person at the instant.

    A few statements, whatever the numbers. Ids that name nothing of the account are left out.
    """
    directory = Directory()
    for person in read_holders(transaction, account_id, person_ids, ends_after=at):
        directory.put(person, ())
    found = transaction.all(rows.SOME_CHANNELS, ids=_listed(channel_ids))
    return _compile_with(transaction, [row for row in found if row.account_id == account_id], directory, ends_after=at)


def _compile_with(
    transaction: Transaction, channels: Sequence[rows.ChannelRow], directory: Directory, *, ends_after: int = EARLIEST
) -> dict[int, CompiledChannel]:
    """Channels of one account with the roles, shifts and holidays that matter for the people in the directory."""
    if not channels:
        return {}
    account_id = channels[0].account_id
    held: set[int] = set()
    for person in directory.people.values():
        held.update(person.roles, *(membership.roles for membership in person.memberships))
    granted = transaction.all(
        rows.SOME_GRANTS_AT_CHANNELS,
        account_id=account_id,
        ids=_listed([row.id for row in channels]),
        role_ids=_listed(held),
        ends_after=ends_after,
    )
    wanted = {row.shift_id for row in granted} | {row.auto_unlock_shift_id for row in channels}
    shift_ids = [shift_id for shift_id in wanted if shift_id is not None]
    timetables = Timetables(
        transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=_listed(shift_ids)),
        transaction.all(rows.HOLIDAYS, account_id=account_id),
    )
    by_id = {row.id: row for row in channels}
    grants: dict[int, dict[int, Grant]] = defaultdict(dict)
    for given in granted:
        grant = grant_at(given, by_id[given.channel_id], timetables)
        if grant is not None:
            grants[given.channel_id][given.role_id] = grant
    return {row.id: compile_channel(row, grants[row.id], directory, timetables, 0) for row in channels}
