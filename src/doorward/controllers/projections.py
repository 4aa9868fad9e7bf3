"""What the channels of connected controllers are to be told, of every account, as the configuration changes."""

import asyncio
from collections.abc import Callable, Collection
from time import perf_counter
from typing import Final

from doorward.decision.snapshot import Directory
from doorward.sync.account import Changed
from doorward.sync.compiler import CompiledChannel
from doorward.sync.live import LiveSnapshots
from doorward.sync.projection import AccountProjection

_SLICE_S: Final = 0.002
"""So long the event loop is held at once."""

OnContent = Callable[[int, Collection[int]], None]
"""Told of a channel, and of whose records there are not what they were."""
OnVersion = Callable[[int], None]
"""Told of an account of which everything that has changed is in what its channels are to be told."""


class Projections:
    """Follows the snapshots of this process. Used from one event loop."""

    def __init__(self, live: LiveSnapshots, on_content: OnContent, on_version: OnVersion) -> None:
        self._live = live
        self._on_content = on_content
        self._on_version = on_version
        self._accounts: dict[int, AccountProjection] = {}
        self._versions: dict[int, int] = {}
        self._work, self._turned = asyncio.Event(), asyncio.Event()
        live.when_changed(self._note)

    def of(self, account_id: int) -> AccountProjection:
        """The channels of an account that controllers serve."""
        projection = self._accounts.get(account_id)
        if projection is None:
            projection = self._accounts[account_id] = self._new(account_id)
            self._versions[account_id] = 0
        return projection

    def version(self, account_id: int) -> int:
        """The last change of which, with all before it, everything is in what the channels are to be told."""
        return self._versions.get(account_id, 0)

    def follow(self, account_id: int, channel_id: int) -> None:
        """Keep up what a channel is to be told."""
        projection = self.of(account_id)
        if channel_id not in projection:
            projection.add_channel(channel_id)
            self._work.set()

    async def settled(self) -> None:
        """Wait until everything that is known to have changed is in what the channels are to be told."""
        while self._work.is_set() or not all(each.is_settled for each in self._accounts.values()):
            self._turned.clear()
            await self._turned.wait()

    async def keep_up(self) -> None:
        """Work out what is to be told, a little at a time, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            is_more = True
            while is_more:
                is_more = False
                for account_id in list(self._accounts):
                    is_more = self._work_on(account_id) or is_more
                self._turned.set()
                await asyncio.sleep(0)

    def _work_on(self, account_id: int) -> bool:
        """Do a little for one account; gives whether there is more."""
        projection = self._accounts[account_id]
        try:
            if projection.has_work:
                projection.work(perf_counter() + _SLICE_S)
        except Exception:
            # Half a change may be in it: it is counted anew, from nothing.
            anew = self._accounts[account_id] = self._new(account_id)
            for channel_id in projection.channel_ids:
                anew.add_channel(channel_id)
            self._work.set()
            raise
        version = self._live.version_of(account_id)
        if projection.is_settled and version != self._versions[account_id]:
            self._versions[account_id] = version
            self._on_version(account_id)
        return projection.has_work

    def _new(self, account_id: int) -> AccountProjection:
        return AccountProjection(lambda: self._directory(account_id), self._compiled, self._on_content)

    def _note(self, changed: Changed) -> None:
        projection = self._accounts.get(changed.account_id)
        if projection is None:
            return
        projection.note_channels(changed.channels)
        if changed.people is None:
            projection.note_everybody()
        else:
            projection.note(changed.people)
        self._work.set()

    def _directory(self, account_id: int) -> Directory:
        account = self._live.account(account_id)
        return Directory() if account is None else account.directory

    def _compiled(self, channel_id: int) -> CompiledChannel | None:
        compiled = self._live.channel(channel_id)
        return None if compiled is None or compiled.controls.controller_id is None else compiled
