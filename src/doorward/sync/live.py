"""Snapshots that follow the database: compiled once, then changed by what the log of changes names.

A change to a person costs that person; a change to a role costs the channels it names. What may touch everybody (a
group's roles, an import, holidays, a site's zone) compiles the account's channels again, at once, and reads its people
anew in the background, so that nothing which comes after it waits: a lockdown, a revocation. Until they are there,
whoever a decision is about is read for it (`look_at`).

Reading is done in the database's time, applying on the event loop, in one go, so that a decision sees a configuration
before or after a change, never between.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

import structlog

from doorward.changes import service as changes
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.codes import DURESS, PIN
from doorward.decision.snapshot import Credential, Directory, Person, Presence
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.sync import rows
from doorward.sync.account import AccountSnapshots, Changed, Delta, Overdue
from doorward.sync.compiler import CompiledChannel, Timetables, holders_of, read_people

_log = structlog.get_logger("doorward.doors")

_CHANGES_AT_ONCE: Final = 500
_OVER_FOR_MS: Final = 86_400_000
"""Group reservations are left out of snapshots once they have been over for a day: no door's clock is that wrong."""
_AGAIN_S: Final = 0.5
"""How long people who could not be read are left alone."""

Moved = Callable[[int, int], None]
"""Told of an account and of a person there whose whereabouts are not what they were."""


class LiveSnapshots:
    """The compiled channels of every account, kept up to date. Used from one event loop."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        """`on_ready` is called when there is something for advance() to take over; as when_ready() has it."""
        self._database = database
        self._vault = vault
        self._clock = clock
        self._on_ready = [on_ready]
        self._on_change: list[Callable[[Changed], None]] = []
        self._on_move: list[Moved] = []
        self._accounts: dict[int, AccountSnapshots] = {}
        self._of_channel: dict[int, int] = {}
        self._cursor = -1
        self.as_of = 0
        """An instant: every change that was committed up to then is known, if not everything that it touches."""
        self._refreshing = asyncio.Lock()
        self._overdue: dict[int, Overdue] = {}
        self._wanted: set[Credential] = set()

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back, on the event loop, when there is something for advance() to take over."""
        self._on_ready.append(callback)

    def when_changed(self, callback: Callable[[Changed], None]) -> None:
        """Call back, on the event loop, whenever something has changed and is there to be looked at."""
        self._on_change.append(callback)

    def when_moved(self, callback: Moved) -> None:
        """Call back, on the event loop, when somebody has gone from one area to another, or is forgiven."""
        self._on_move.append(callback)

    def move(self, account_id: int, person_id: int, to: Presence) -> None:
        """Somebody has gone somewhere, unless they have gone elsewhere or been forgiven since: so it is told again."""
        presence = self.presence(account_id)
        known = presence.get(person_id)
        if to.since <= self._accounts[account_id].forgiven.get(person_id, -1):
            self._tell_of_moves(account_id, [person_id])
        elif known is None or known.since <= to.since:
            presence[person_id] = to
            self._tell_of_moves(account_id, [person_id])

    async def refresh(self) -> bool:
        """Catch up with the database, wholly; gives whether anything had changed."""
        changed = await self.advance()
        while reading := [each.reading for each in self._overdue.values() if each.reading is not None]:
            await asyncio.wait(reading)
            changed = await self.advance() or changed
        return changed

    async def advance(self) -> bool:
        """Catch up with the database but for what is read in the background; gives whether anything had changed."""
        changed = False
        async with self._refreshing:
            more, began = True, self._clock.now()
            wanted, self._wanted = self._wanted, set()
            while more:
                delta = await self._database.read(lambda transaction: self._read(transaction, wanted))
                changed = changed or delta.cursor != self._cursor
                self._apply(delta)
                more = delta.more
            self.as_of = began
            for account_id in list(self._overdue):
                changed = self._take_over(account_id) or changed
        return changed

    def look_at(self, *credentials: Credential) -> None:
        """Let the next advance() know those well who have these credentials: a decision is about them."""
        self._wanted.update(credentials)

    async def close(self) -> None:
        """End what is going on in the background."""
        reading = [each.reading for each in self._overdue.values() if each.reading is not None]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

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

    def account(self, account_id: int) -> AccountSnapshots | None:
        """Everything of an account as of the last refresh; None if there is none of this id."""
        return self._accounts.get(account_id)

    def version_of(self, account_id: int) -> int:
        """The last change that is in the account's snapshots, with all before it."""
        overdue = self._overdue.get(account_id)
        return self._cursor if overdue is None else overdue.first - 1

    def is_overdue(self, account_id: int) -> bool:
        """Whether people of the account have still to be read again."""
        return account_id in self._overdue

    @property
    def version(self) -> int:
        """The last change that is in the snapshots, with all before it."""
        return min((each.first - 1 for each in self._overdue.values()), default=self._cursor)

    def _read(self, transaction: Transaction, wanted: Collection[Credential]) -> Delta:
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
        delta.noted.update(by_account)
        for account_id, of_account in by_account.items():
            self._read_changes(transaction, account_id, of_account, delta)
        for account_id in delta.wide.keys() | self._overdue.keys() if wanted else ():
            holders = self._read_holders(transaction, account_id, wanted)
            delta.people.setdefault(account_id, []).extend(holders)
        return delta

    def _read_changes(
        self, transaction: Transaction, account_id: int, found: list[changes.Change], delta: Delta
    ) -> None:
        person_ids = {change.person_id for change in found if change.person_id is not None}
        role_ids = {change.role_id for change in found if change.role_id is not None}
        channel_ids = {change.channel_id for change in found if change.channel_id is not None}
        before = self._accounts.get(account_id)
        if before is None:
            delta.accounts[account_id] = self._read_account(transaction, account_id, delta.cursor)
            return
        if person_ids:
            # A person's row is never removed: one who is deleted is read as deleted.
            delta.people[account_id] = self._read_people(transaction, account_id, person_ids)
            listed = str(sorted(person_ids))
            delta.presence[account_id] = transaction.all(rows.SOME_PRESENCES, account_id=account_id, ids=listed)
        wide = [change.id for change in found if change[2:] == (None, None, None)]
        if wide:
            delta.wide[account_id] = (wide[0], wide[-1])
            delta.accounts[account_id] = self._read_account(transaction, account_id, delta.cursor, before)
            return
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

    def _read_account(
        self, transaction: Transaction, account_id: int, version: int, before: AccountSnapshots | None = None
    ) -> AccountSnapshots:
        """The account as it is; with the people as they were `before`, if it was known."""
        directory = self._read_directory(transaction, account_id) if before is None else before.directory
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
            {} if before is None else before.presence,
            {} if before is None else before.forgiven,
        )
        if before is None:
            account.follow(transaction.all(rows.WHEREABOUTS, account_id=account_id))
        account.add_grants(transaction.all(rows.GRANTS, account_id=account_id))
        account.compile(account.rows, version)
        return account

    def _read_directory(self, transaction: Transaction, account_id: int) -> Directory:
        directory = Directory()
        for person, credentials in self._read_people(transaction, account_id):
            directory.put(person, credentials)
        return directory

    def _read_holders(
        self, transaction: Transaction, account_id: int, credentials: Collection[Credential]
    ) -> list[tuple[Person, tuple[Credential, ...]]]:
        """Who has one of these credentials, and who was known to have it."""
        person_ids = holders_of(transaction, self._vault, account_id, credentials)
        # What is typed may have been somebody's duress PIN.
        typed = [Credential(DURESS, value) for kind, value in credentials if kind == PIN]
        person_ids.update(*map(self._accounts[account_id].directory.holders, [*credentials, *typed]))
        return self._read_people(transaction, account_id, person_ids)

    def _read_people(
        self, transaction: Transaction, account_id: int, person_ids: Collection[int] | None = None
    ) -> list[tuple[Person, tuple[Credential, ...]]]:
        ends_after = self._clock.now() - _OVER_FOR_MS
        return read_people(transaction, self._vault, account_id, person_ids, ends_after=ends_after)

    def _apply(self, delta: Delta) -> None:
        for account_id, account in delta.accounts.items():
            before = self._accounts.get(account_id)
            if before is not None:
                for channel_id in before.rows:
                    self._of_channel.pop(channel_id, None)
            self._accounts[account_id] = account
            self._of_channel.update(dict.fromkeys(account.rows, account_id))
        for account_id, (first, last) in delta.wide.items():
            overdue = self._overdue.setdefault(account_id, Overdue(first, last))
            overdue.last = last
            if overdue.reading is None:
                self._begin_reading(account_id, overdue)
        self._apply_people(delta)
        touched = {
            account_id: self._apply_channels_and_roles(account_id, delta)
            for account_id in delta.touched_channels.keys() | delta.touched_roles.keys()
        }
        self._cursor = delta.cursor
        for account_id in delta.noted | delta.accounts.keys() | delta.people.keys():
            people = frozenset(person.id for person, _ in delta.people.get(account_id, ()))
            is_new = account_id in delta.accounts
            self._tell(
                Changed(
                    account_id,
                    None if is_new and account_id not in delta.wide else people,
                    None if is_new else frozenset(touched.get(account_id, ())),
                )
            )

    def _apply_channels_and_roles(self, account_id: int, delta: Delta) -> set[int]:
        account = self._accounts[account_id]
        touched = account.apply_channels_and_roles(delta)
        for channel_id in touched:
            if channel_id in account.rows:
                self._of_channel[channel_id] = account_id
            else:
                self._of_channel.pop(channel_id, None)
        return touched

    def _tell(self, changed: Changed) -> None:
        for callback in self._on_change:
            try:
                callback(changed)
            except Exception:  # noqa: BLE001 - whoever listens, the doors go on
                _log.exception("who follows the configuration failed", account=changed.account_id)

    def _tell_of_moves(self, account_id: int, person_ids: Iterable[int]) -> None:
        for person_id in person_ids:
            for callback in self._on_move:
                callback(account_id, person_id)

    def _apply_people(self, delta: Delta) -> None:
        for account_id, people in delta.people.items():
            directory = self._accounts[account_id].directory
            for person, credentials in people:
                directory.put(person, credentials)
            if account_id in self._overdue:
                self._overdue[account_id].put.update((person.id, delta.cursor) for person, _ in people)
        for account_id, whereabouts in delta.presence.items():
            self._tell_of_moves(account_id, self._accounts[account_id].follow(whereabouts))

    def _begin_reading(self, account_id: int, overdue: Overdue) -> None:
        overdue.reading = asyncio.create_task(self._read_anew(account_id, overdue))

    async def _read_anew(self, account_id: int, overdue: Overdue) -> None:
        """Read everybody of an account, as often as it takes."""

        def read(transaction: Transaction) -> tuple[Directory, int]:
            as_of = changes.last(transaction)
            return self._read_directory(transaction, account_id), as_of

        while overdue.directory is None:
            try:
                overdue.directory, overdue.as_of = await self._database.read(read)
            except DatabaseUnavailable as error:
                _log.warning("an account's people have to be read again", reason=str(error))
                await asyncio.sleep(_AGAIN_S)
            except Exception:  # noqa: BLE001 - whatever it is, the doors must not go without them for ever
                _log.exception("an account's people cannot be read")
                await asyncio.sleep(_AGAIN_S)
        for ready in self._on_ready:
            ready()

    def _take_over(self, account_id: int) -> bool:
        """Replace an account's people by those who have been read, if the rest is no older than they are."""
        overdue, account = self._overdue[account_id], self._accounts[account_id]
        directory, as_of = overdue.directory, overdue.as_of
        if directory is None or as_of > self._cursor:
            return False
        for person_id, read_at in overdue.put.items():
            if read_at > as_of:
                directory.take_over(person_id, account.directory)
        account.know(directory, self._cursor)
        self._settle(account_id, overdue)
        self._tell(Changed(account_id, None, frozenset()))
        return True

    def _settle(self, account_id: int, overdue: Overdue) -> None:
        as_of = overdue.as_of
        if overdue.last <= as_of:
            del self._overdue[account_id]
        else:
            # Another note has come after what was read.
            self._overdue[account_id] = again = Overdue(as_of + 1, overdue.last)
            self._begin_reading(account_id, again)
