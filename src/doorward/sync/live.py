"""Snapshots that follow the database: compiled once, then changed by what the log of changes names.

A change to a person costs that person; a change to a role costs the channels it names; only what touches everybody (a
group's roles, a shift, holidays, a site's zone) compiles an account again. Reading is done in the database's time,
applying on the event loop, in one go, so that a decision sees a configuration before or after a change, never between.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from doorward.changes import service as changes
from doorward.db.unit_of_work import Database, Transaction
from doorward.decision.snapshot import Credential, Directory, Grant, Person, Presence
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.sync import rows
from doorward.sync.compiler import CompiledChannel, Timetables, compile_channel, grant_at, read_people, read_presence

_CHANGES_AT_ONCE: Final = 500
_OVER_FOR_MS: Final = 86_400_000
"""Group reservations are left out of snapshots once they have been over for a day: no door's clock is that wrong."""


@dataclass
class AccountSnapshots:
    """Everything compiled of one account."""

    account_id: int
    directory: Directory
    timetables: Timetables
    rows: dict[int, rows.ChannelRow]
    grants: dict[int, dict[int, Grant]]
    """By channel, then by role."""
    role_channels: dict[int, set[int]]
    role_shifts: dict[int, int]
    presence: dict[int, Presence]
    compiled: dict[int, CompiledChannel] = field(default_factory=dict)

    def compile(self, channel_ids: Iterable[int], version: int) -> None:
        """Put together the channels anew; cheap: what they consist of is there."""
        for channel_id in channel_ids:
            self.compiled[channel_id] = compile_channel(
                self.rows[channel_id], self.grants.get(channel_id, {}), self.directory, self.timetables, version
            )


@dataclass
class Delta:
    """What has been read of changes, to be applied at once."""

    cursor: int
    more: bool = False
    accounts: dict[int, AccountSnapshots] = field(default_factory=dict)
    """Accounts to replace."""
    people: dict[int, list[tuple[Person, tuple[Credential, ...]]]] = field(default_factory=dict)
    channels: dict[int, list[rows.ChannelRow]] = field(default_factory=dict)
    touched_channels: dict[int, set[int]] = field(default_factory=dict)
    touched_roles: dict[int, set[int]] = field(default_factory=dict)
    grants: dict[int, list[rows.GrantRow]] = field(default_factory=dict)
    shifts: dict[int, list[rows.ShiftRow]] = field(default_factory=dict)


class LiveSnapshots:
    """The compiled channels of every account, kept up to date. Used from one event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._accounts: dict[int, AccountSnapshots] = {}
        self._of_channel: dict[int, int] = {}
        self._cursor = -1
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> bool:
        """Catch up with the database; gives whether anything had changed."""
        changed = False
        async with self._refreshing:
            more = True
            while more:
                delta = await self._database.read(self._read)
                changed = changed or delta.cursor != self._cursor
                self._apply(delta)
                more = delta.more
        return changed

    def channel(self, channel_id: int) -> CompiledChannel | None:
        """A channel as of the last refresh; None if there is none of this id."""
        account_id = self._of_channel.get(channel_id)
        return None if account_id is None else self._accounts[account_id].compiled.get(channel_id)

    def channels(self) -> Iterator[CompiledChannel]:
        """Every channel as of the last refresh."""
        for account in self._accounts.values():
            yield from account.compiled.values()

    def presence(self, account_id: int) -> dict[int, Presence]:
        """Where the people of an account were last seen to go; whoever admits them keeps it up."""
        return self._accounts[account_id].presence

    @property
    def version(self) -> int:
        """The last change that is in the snapshots."""
        return self._cursor

    def _read(self, transaction: Transaction) -> Delta:
        if self._cursor < 0:
            delta = Delta(changes.last(transaction))
            for account_id in transaction.all(rows.ACCOUNT_IDS):
                delta.accounts[account_id] = self._read_account(transaction, account_id, delta.cursor)
            return delta
        found = changes.after(transaction, self._cursor, _CHANGES_AT_ONCE)
        delta = Delta(found[-1].id if found else self._cursor, more=len(found) == _CHANGES_AT_ONCE)
        by_account: dict[int, list[changes.Change]] = defaultdict(list)
        for change in found:
            by_account[change.account_id].append(change)
        for account_id, of_account in by_account.items():
            self._read_changes(transaction, account_id, of_account, delta)
        return delta

    def _read_changes(
        self, transaction: Transaction, account_id: int, found: list[changes.Change], delta: Delta
    ) -> None:
        person_ids = {change.person_id for change in found if change.person_id is not None}
        role_ids = {change.role_id for change in found if change.role_id is not None}
        channel_ids = {change.channel_id for change in found if change.channel_id is not None}
        wide = any(change[2:] == (None, None, None) for change in found)
        if wide or account_id not in self._accounts:
            delta.accounts[account_id] = self._read_account(transaction, account_id, delta.cursor)
            return
        if person_ids:
            # A person's row is never removed: one who is deleted is read as deleted.
            delta.people[account_id] = self._read_people(transaction, account_id, person_ids)
        if channel_ids:
            of_account = transaction.all(rows.SOME_CHANNELS, ids=str(sorted(channel_ids)))
            delta.channels[account_id] = [row for row in of_account if row.account_id == account_id]
            delta.touched_channels[account_id] = channel_ids
        shift_ids = {row.auto_unlock_shift_id for row in delta.channels.get(account_id, ())}
        granted: list[rows.GrantRow] = []
        if role_ids:
            granted += transaction.all(rows.SOME_GRANTS, account_id=account_id, ids=str(sorted(role_ids)))
            delta.touched_roles[account_id] = role_ids
        if channel_ids:
            # A channel may have moved to a site in another zone: its grants are read as well.
            granted += transaction.all(rows.GRANTS_AT_CHANNELS, account_id=account_id, ids=str(sorted(channel_ids)))
        if granted:
            delta.grants[account_id] = granted
            shift_ids.update(row.shift_id for row in granted)
        wanted = sorted(shift_id for shift_id in shift_ids if shift_id is not None)
        if wanted:
            delta.shifts[account_id] = transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=str(wanted))

    def _read_account(self, transaction: Transaction, account_id: int, version: int) -> AccountSnapshots:
        directory = Directory()
        for person, credentials in self._read_people(transaction, account_id):
            directory.put(person, credentials)
        timetables = Timetables(
            transaction.all(rows.SHIFTS, account_id=account_id), transaction.all(rows.HOLIDAYS, account_id=account_id)
        )
        account = AccountSnapshots(
            account_id,
            directory,
            timetables,
            {row.id: row for row in transaction.all(rows.CHANNELS, account_id=account_id)},
            defaultdict(dict),
            defaultdict(set),
            {},
            read_presence(transaction, account_id),
        )
        _add_grants(account, transaction.all(rows.GRANTS, account_id=account_id))
        account.compile(account.rows, version)
        return account

    def _read_people(
        self, transaction: Transaction, account_id: int, person_ids: Collection[int] | None = None
    ) -> list[tuple[Person, tuple[Credential, ...]]]:
        ends_after = self._clock.now() - _OVER_FOR_MS
        return read_people(transaction, self._vault, account_id, person_ids, ends_after=ends_after)

    def _apply(self, delta: Delta) -> None:
        for account_id, account in delta.accounts.items():
            before = self._accounts.get(account_id)
            if before is not None:
                # What the doors have seen meanwhile is newer than what the database had told.
                account.presence = before.presence
                for channel_id in before.rows:
                    self._of_channel.pop(channel_id, None)
            self._accounts[account_id] = account
            self._of_channel.update(dict.fromkeys(account.rows, account_id))
        for account_id, people in delta.people.items():
            directory = self._accounts[account_id].directory
            for person, credentials in people:
                directory.put(person, credentials)
        for account_id in delta.touched_channels.keys() | delta.touched_roles.keys():
            self._apply_channels_and_roles(self._accounts[account_id], delta)
        self._cursor = delta.cursor

    def _apply_channels_and_roles(self, account: AccountSnapshots, delta: Delta) -> None:
        account_id = account.account_id
        touched = set(delta.touched_channels.get(account_id, ()))
        for channel_id in touched:
            account.rows.pop(channel_id, None)
            account.compiled.pop(channel_id, None)
            account.grants.pop(channel_id, None)
            self._of_channel.pop(channel_id, None)
        for row in delta.channels.get(account_id, ()):
            account.rows[row.id] = row
            self._of_channel[row.id] = account_id
        account.timetables.add(delta.shifts.get(account_id, ()))
        gone = delta.touched_roles.get(account_id, set())
        for role_id in gone:
            for channel_id in account.role_channels.pop(role_id, set()):
                touched.add(channel_id)
                account.grants[channel_id] = {
                    known: grant for known, grant in account.grants[channel_id].items() if known not in gone
                }
        granted = delta.grants.get(account_id, [])
        _forget_shifts(account, gone, granted)
        touched.update(row.channel_id for row in granted)
        _add_grants(account, granted)
        account.compile((channel_id for channel_id in touched if channel_id in account.rows), delta.cursor)


def _add_grants(account: AccountSnapshots, granted: list[rows.GrantRow]) -> None:
    for row in granted:
        channel = account.rows.get(row.channel_id)
        if channel is None:
            continue
        grant = grant_at(row, channel, account.timetables)
        if grant is not None:
            account.grants[row.channel_id][row.role_id] = grant
            account.role_channels[row.role_id].add(row.channel_id)
            if row.shift_id is not None:
                account.role_shifts[row.role_id] = row.shift_id


def _forget_shifts(account: AccountSnapshots, gone: Iterable[int], granted: list[rows.GrantRow]) -> None:
    """Let go of the shifts that went with a reservation's role: nothing else uses them."""
    still = {row.role_id for row in granted}
    freed = {account.role_shifts.pop(known) for known in gone if known not in still and known in account.role_shifts}
    used = {row.auto_unlock_shift_id for row in account.rows.values()}
    account.timetables.forget(freed.difference(account.role_shifts.values(), used))
