"""What is compiled of one account, and what has been read of changes to it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from doorward.decision.snapshot import Credential, Directory, Grant, Person, Presence, Snapshot
from doorward.sync.compiler import CompiledChannel, Timetables, compile_channel, grant_at, is_forgiven
from doorward.sync.rows import ChannelRow, GrantRow, PresenceRow, ShiftRow


class Changed(NamedTuple):
    """What of an account has been found changed; None: anybody, any channel. Perhaps nothing but the version."""

    account_id: int
    people: frozenset[int] | None
    channels: frozenset[int] | None


@dataclass
class AccountSnapshots:
    """Everything compiled of one account."""

    account_id: int
    directory: Directory
    timetables: Timetables
    rows: dict[int, ChannelRow]
    grants: dict[int, dict[int, Grant]]
    """By channel, then by role."""
    role_channels: dict[int, set[int]]
    role_shifts: dict[int, int]
    presence: dict[int, Presence]
    forgiven: dict[int, int] = field(default_factory=dict)
    """When somebody was last forgiven: what doors tell later of an earlier time does not undo it."""
    compiled: dict[int, CompiledChannel] = field(default_factory=dict)

    def compile(self, channel_ids: Iterable[int], version: int) -> None:
        """Put together the channels anew; cheap: what they consist of is there."""
        for channel_id in channel_ids:
            self.compiled[channel_id] = compile_channel(
                self.rows[channel_id], self.grants.get(channel_id, {}), self.directory, self.timetables, version
            )

    def know(self, directory: Directory, version: int) -> None:
        """Let every channel know these people instead of those before."""
        self.directory = directory
        for channel_id, known in self.compiled.items():
            snapshot = Snapshot(known.snapshot.channel, directory, known.snapshot.grants, version)
            self.compiled[channel_id] = CompiledChannel(snapshot, known.controls)

    def add_grants(self, granted: Iterable[GrantRow]) -> None:
        """Let roles admit at channels; those at channels that are not there are left out."""
        for row in granted:
            channel = self.rows.get(row.channel_id)
            if channel is None:
                continue
            grant = grant_at(row, channel, self.timetables)
            if grant is not None:
                self.grants[row.channel_id][row.role_id] = grant
                self.role_channels[row.role_id].add(row.channel_id)
                if row.shift_id is not None:
                    self.role_shifts[row.role_id] = row.shift_id

    def apply_channels_and_roles(self, delta: "Delta") -> set[int]:
        """Take over what has been read of some channels and roles; gives the channels that are not as they were."""
        touched = set(delta.touched_channels.get(self.account_id, ()))
        for channel_id in touched:
            self.rows.pop(channel_id, None)
            self.compiled.pop(channel_id, None)
            self.grants.pop(channel_id, None)
        self.rows.update({row.id: row for row in delta.channels.get(self.account_id, ())})
        self.timetables.add(delta.shifts.get(self.account_id, ()))
        gone = delta.touched_roles.get(self.account_id, set())
        for role_id in gone:
            for channel_id in self.role_channels.pop(role_id, set()):
                touched.add(channel_id)
                self.grants[channel_id] = {
                    known: grant for known, grant in self.grants[channel_id].items() if known not in gone
                }
        granted = delta.grants.get(self.account_id, [])
        self._forget_shifts(gone, granted)
        touched.update(row.channel_id for row in granted)
        self.add_grants(granted)
        self.compile((channel_id for channel_id in touched if channel_id in self.rows), delta.cursor)
        return touched

    def follow(self, whereabouts: Iterable[PresenceRow]) -> list[int]:
        """Take over where people are, or that they have been forgiven; what doors know is newer if it happened later.

        It may not be on record yet. Gives who is not where they were.
        """
        moved: list[int] = []
        for row in whereabouts:
            known = self.presence.get(row.person_id)
            if row.forgiven_at is not None:
                self.forgiven[row.person_id] = row.forgiven_at
            if row.forgiven_at is not None and is_forgiven(row):
                if known is not None and known.since <= row.forgiven_at:
                    del self.presence[row.person_id]
                    moved.append(row.person_id)
            elif known is None or known.since < row.since:
                self.presence[row.person_id] = Presence(row.area_id, row.since)
                moved.append(row.person_id)
        return moved

    def _forget_shifts(self, gone: Iterable[int], granted: Iterable[GrantRow]) -> None:
        """Let go of the shifts that went with a reservation's role: nothing else uses them."""
        still = {row.role_id for row in granted}
        freed = {self.role_shifts.pop(known) for known in gone if known not in still and known in self.role_shifts}
        used = {row.auto_unlock_shift_id for row in self.rows.values()}
        self.timetables.forget(freed.difference(self.role_shifts.values(), used))


@dataclass
class Overdue:
    """An account whose people are to be read anew. Notes and states of the database are known by ids of the log."""

    first: int
    """No later than the first note that asks for it."""
    last: int
    put: dict[int, int] = field(default_factory=dict)
    """Who has been read meanwhile, alone, and as of when."""
    directory: Directory | None = None
    """The people, when they have been read."""
    as_of: int = -1
    reading: asyncio.Task[None] | None = None


@dataclass
class Delta:
    """What has been read of changes, to be applied at once."""

    cursor: int
    more: bool = False
    noted: set[int] = field(default_factory=set)
    """Accounts that have been noted at all."""
    accounts: dict[int, AccountSnapshots] = field(default_factory=dict)
    """Accounts to replace."""
    wide: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Accounts whose people may all have changed, by the first and the last note that says so."""
    people: dict[int, list[tuple[Person, tuple[Credential, ...]]]] = field(default_factory=dict)
    presence: dict[int, list[PresenceRow]] = field(default_factory=dict)
    channels: dict[int, list[ChannelRow]] = field(default_factory=dict)
    touched_channels: dict[int, set[int]] = field(default_factory=dict)
    touched_roles: dict[int, set[int]] = field(default_factory=dict)
    grants: dict[int, list[GrantRow]] = field(default_factory=dict)
    shifts: dict[int, list[ShiftRow]] = field(default_factory=dict)
