"""A controller at work: what it was told and what happens at its doors, from its start to its end.

It knows no network: link.py tells it what the server says, and takes from it what the server is to know.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from doorward.controller.board_care import BoardCare
from doorward.controller.clock import SKEW_MS, DoorClock, ServerTime, monotonic_ms
from doorward.controller.content import Contents
from doorward.controller.doors import Doors
from doorward.controller.happening import Happening
from doorward.controller.identity import Identity, OwnChannel
from doorward.controller.journal import Journal, Limits
from doorward.controller.plan import Plan
from doorward.controller.replica import Replica, untold
from doorward.controller.sealing import Seal
from doorward.controller.served import Served
from doorward.controller.store import About, Damaged, StoreFailed
from doorward.controller.updates import NotFitting
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence
from doorward.kit.chores import Chore
from doorward.kit.clock import Clock, steady_time
from doorward.link.messages import Admit, Told, Update
from doorward.link.messages import Whereabouts as SaidWhereabouts

_log = structlog.get_logger("doorward.controller")

EVENTS_DIRECTORY: Final = "events"
TICK_S: Final = 0.25
"""How exactly a door does what time demands, at most this late."""
_SHORTEST_TICK_S: Final = 0.02
_SAVE_EVERY_S: Final = 1.0
_SAVE_TIME_EVERY_MS: Final = 60_000
_TRY_AGAIN_S: Final = 10.0
_WATCH_EVERY_S: Final = 5.0
_MOST_ANSWERED: Final = 1_000


class Controller:
    """Used from one event loop. `told`: is called with what has happened, once it is written down."""

    def __init__(
        self,
        identity: Identity,
        directory: Path,
        clock: Clock,
        plan: Plan | None = None,
        limits: Limits | None = None,
        told: Callable[[Sequence[Happening]], None] | None = None,
    ) -> None:
        self.identity = identity
        self.clock = clock
        self.server_time = ServerTime()
        self.contents = Contents(directory, identity.secret)
        self.journal = Journal(directory / EVENTS_DIRECTORY, Seal(identity.secret, "events"), limits)
        self.doors = Doors(self.journal, clock, plan or Plan(), told)
        self.boards = BoardCare(self.doors, self.say_kept)
        self._failures_told: set[EventCode] = set()
        self._names: list[OwnChannel] = []
        self._answered: dict[int, None] = {}
        self._is_saved = True
        self._time_saved_at: int | None = None
        """When it was kept what time it is, monotonic."""
        self._applying: asyncio.Task[None] | None = None
        self._saving: dict[int, asyncio.Task[None]] = {}
        """By channel: what writes down what it was told."""
        self.on_kept: Callable[[Served], None] | None = None
        """Called when what a channel was told before is kept, or on its board, after all."""

    @property
    def channels(self) -> dict[int, Served]:
        """The channels that are this controller's."""
        return self.doors.channels

    # From the start to the end.

    async def start(self) -> None:
        """Read what is kept and take over the doors. Each decides as before, whether or not there is a server."""
        loaded = await self.contents.open()
        self.doors.whereabouts.restore(loaded.presences)
        now = self.clock.now()
        confirmed = [kept.confirmed_at for _, kept in loaded.channels if kept.confirmed_at is not None]
        behind = 0
        if isinstance(self.clock, DoorClock):
            behind = self.clock.not_before(max([self.journal.found.latest_at, loaded.latest_at, *confirmed]))
        # A journal that has been begun anew counts from the beginning.
        until = loaded.until if loaded.until <= self.journal.last else 0
        carried = self._carried(until)
        for replica, kept in loaded.channels:
            memory, is_newer, cursor = carried.get(replica.id, (b"", False, None))
            cursors = [each for each in (cursor, kept.cursor) if each is not None]
            # Whoever has never been told anything has had no contact since it was started.
            since = (now - 1 if replica.record is None else 0) if kept.confirmed_at is None else kept.confirmed_at
            found = memory if is_newer else kept.memory or memory
            self.doors.add(self._served(replica, found, max(cursors, default=None), since))
        self.doors.start()
        self._warn_of_undriven()
        if loaded.damage is not None:
            self._say_damaged()
        if behind:
            self._say_clock(f"is {seconds(behind)} behind what has happened here, and not believed until it is set")

    async def stop(self) -> None:
        """Let go of the doors, and keep what is not kept yet. No lock moves."""
        await self.settled()
        for served in self.channels.values():
            self._save_content(served)
        if self._saving:
            await asyncio.wait(self._saving.values())
        self.doors.stop()
        for served in self.channels.values():
            served.last_to_save()
        self._time_saved_at = None
        await self.save()
        await self.journal.close()
        with suppress(StoreFailed):
            await self.contents.close()

    # Chores, each of its own.

    def chores(self) -> tuple[Chore, ...]:
        """What is to be kept going from start() to stop(), beside the link."""
        return (
            ("doors' time", self.keep_time),
            ("events", self.journal.run),
            ("what doors remember", self.keep_saved),
            ("drivers", self.keep_watch),
            ("boards", self.boards.run),
        )

    async def keep_time(self) -> None:
        """Do at each door what time demands until cancelled. It waits for nothing but the time."""
        while True:
            due = self.tick()
            wait = TICK_S if due is None else min(TICK_S, (due - self.clock.now()) / 1000)
            await asyncio.sleep(max(_SHORTEST_TICK_S, wait))

    def tick(self) -> int | None:
        """Look at the clock, and do at each door what time demands now; gives when there is more, as far as known."""
        self._watch_clock()
        return self.doors.tick()

    async def keep_saved(self) -> None:
        """Keep what doors remember until cancelled, and what the disk did not take before."""
        loop = asyncio.get_running_loop()
        again_at = loop.time()
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            await self.save()
            if loop.time() >= again_at:
                again_at = loop.time() + _TRY_AGAIN_S
                for served in list(self.channels.values()):
                    self._save_content(served)
            text = "Events are kept in memory only, and are lost if the controller ends"
            self._watch_disk(EventCode.EVENTS_LOST, self.journal.failure, text)
            text = "What the server tells is decided by, but not kept over a restart"
            self._watch_disk(EventCode.SNAPSHOT_REFUSED, self.contents.failure, text)

    async def keep_watch(self) -> None:
        """Ask drivers how they are until cancelled; one that cannot say is begun anew."""
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            for unit in self.doors.units:
                unit.watch()

    async def save(self) -> None:
        """Keep what doors remember and where people are."""
        last = self.journal.last
        channels = {each.id: found for each in self.channels.values() if (found := each.unsaved()) is not None}
        presences = self.doors.whereabouts.unsaved()
        # A clock that is put back before the next start is to gain little by it.
        saved_at, monotonic = self._time_saved_at, monotonic_ms()
        is_due = saved_at is None or monotonic - saved_at >= _SAVE_TIME_EVERY_MS
        is_due = is_due or any(noted.confirmed_at is not None for noted in channels.values())
        if channels or presences or is_due:
            try:
                await self.contents.note(channels, presences, last, self.clock.now() if is_due else None)
            except Damaged:
                await self.begin_anew()
                return
            except StoreFailed as error:
                if self._is_saved:
                    _log.warning("what doors remember cannot be kept", reason=str(error))
                self._is_saved = False
                for channel_id, unsaved in channels.items():
                    if channel_id in self.channels:
                        self.channels[channel_id].save_again(unsaved)
                self.doors.whereabouts.save_again(presences)
                return
            self._is_saved = True
            self._time_saved_at = monotonic if is_due else saved_at
        self.journal.release(last)

    def say_kept(self, served: Served) -> None:
        """What a channel was told before is kept, or on its board, after all: the server is to know."""
        if self.on_kept is not None:
            self.on_kept(served)

    # Which channels are ours.

    async def keep_channel(self, channel_id: int, about: About) -> None:
        """A channel is ours, or is known by other keys. Raises Damaged.

        What the disk does not take is asked for again after a restart.
        """
        served = self.channels.get(channel_id)
        with suppress(StoreFailed):
            await self.contents.put_channel(channel_id, about)
        if served is not None:
            served.replica.about = about
            return
        replica = untold(channel_id, about)
        self.doors.add(self._served(replica, b"", None, self.clock.now() - 1))
        self.doors.tick()
        self.doors.say_started()
        await self.save_names()

    async def forget_channel(self, channel_id: int) -> None:
        """A channel is ours no more: it is left locked, and nothing of it stays here. Raises Damaged."""
        self.channels[channel_id].replica.unsaved = None
        self.doors.remove(channel_id)
        with suppress(StoreFailed):
            await self.contents.forget(channel_id)
        await self.save_names()

    async def save_names(self) -> None:
        """Keep which channels are ours, if that has changed."""
        replicas = [served.replica for served in self.channels.values()]
        names = [OwnChannel(replica.id, replica.name, replica.driver) for replica in replicas]
        if names != self._names:
            self._names = names
            await self.contents.save_names(names)

    async def begin_anew(self) -> None:
        """What is on the disk is damaged: doors go on by what is in memory, and everything is to be told anew."""
        for served in self.channels.values():
            served.replica.untell()
        await self.contents.begin_anew((served.id, served.replica.about) for served in self.channels.values())
        self._say_damaged()

    # What the server says.

    async def apply(self, served: Served, parts: Sequence[Update]) -> None:
        """Decide by what the channel is told from now on. Raises NotFitting or Damaged.

        Once begun it is done, whatever becomes of the session. It is kept after that; `on_kept` says when.
        """
        self._applying = asyncio.create_task(self._apply(served, parts))
        await asyncio.shield(self._applying)

    @property
    def is_applying(self) -> bool:
        """Whether something is being prepared to be decided by."""
        return self._applying is not None and not self._applying.done()

    async def settled(self) -> None:
        """Wait until what has been begun is done."""
        if self._applying is not None:
            await asyncio.wait({self._applying})

    async def _apply(self, served: Served, parts: Sequence[Update]) -> None:
        now, in_place = self.clock.now(), not served.has_board
        replica, losses = served.replica, served.replica.losses
        prepared = await self.contents.prepare(replica, parts, now, in_place=in_place)
        if replica.losses != losses and parts[-1].before is not None:
            raise NotFitting("what it changes has been lost")  # the change alone is not to be kept
        before = replica.snapshot.directory
        is_new, had_unit = not replica.is_told, served.unit is not None
        replica.take(prepared)
        self._save_content(served)
        self.doors.equip(served)
        if served.unit is None and (is_new or had_unit):
            self._warn_of_undriven()
        served.update(self.clock.now())
        self.doors.say_started()
        # The driver of a board may still be reading what it was given.
        if replica.snapshot.directory is not before and not served.has_board:
            self.contents.dismantle(before)
        await self.save_names()

    def _save_content(self, served: Served) -> None:
        """Keep what a channel was told, in the background; what comes meanwhile is kept with it."""
        if served.replica.unsaved is None or served.id in self._saving or self.channels.get(served.id) is not served:
            return
        self._saving[served.id] = task = asyncio.create_task(self._keep_content(served))
        task.add_done_callback(lambda _: self._saving.pop(served.id, None))

    async def _keep_content(self, served: Served) -> None:
        try:
            while served.replica.unsaved is not None and await self.contents.save(served.replica):
                self.say_kept(served)
        except Damaged:
            await self.begin_anew()

    def admit(self, channel_id: int, asked: Admit) -> None:
        """Somebody asks from afar for a door to be released. Once, in time, or not at all."""
        served = self.channels[channel_id]
        if asked.request_id in self._answered:
            return
        self._answered[asked.request_id] = None
        while len(self._answered) > _MOST_ANSWERED:
            del self._answered[next(iter(self._answered))]
        now, at_server = self.clock.now(), self.server_time.now()
        if served.unit is None or served.unit.driver is None:
            self._deny(served, asked, ("no_hardware", "The door's hardware is not there."))
        elif at_server is None or at_server > asked.until:
            self._deny(served, asked, ("too_late", "The request came too late."))
        else:
            presences = self.doors.whereabouts.presences
            served.act(lambda door: door.admit(asked.request_id, asked.person_id, presences, now))

    def hear_whereabouts(self, said: SaidWhereabouts) -> None:
        """The server says where people went."""
        whereabouts = self.doors.whereabouts
        whereabouts.told(said.people, everyone=said.everyone, recorded=self.journal.acknowledged)

    def _deny(self, served: Served, asked: Admit, reason: tuple[str, str]) -> None:
        person = None if asked.person_id is None else served.replica.snapshot.directory.people.get(asked.person_id)
        told = Told(
            0,
            int(EventCode.REMOTE_ADMISSION_DENIED),
            self.clock.now(),
            person_id=asked.person_id,
            person_name=None if person is None else person.name,
            reasons=(reason,),
            answers=asked.request_id,
        )
        self.doors.keep([Happening(served.id, told)])

    # What is noticed.

    def confirm(self, as_of: int, behind: Collection[int] = ()) -> None:
        """The server has sent all that was changed up to an instant of its clock, but to the channels `behind`."""
        at, now = self.by_own_clock(as_of), self.clock.now()
        for served in self.channels.values():
            if at is not None and served.id not in behind:
                served.confirm(at, now)

    def by_own_clock(self, at: int) -> int | None:
        """When an instant of the server's clock was by this one; None if that is not known."""
        at_server = self.server_time.now()
        return None if at_server is None else self.clock.now() - max(0, at_server - at)

    def heard_time(self, at: int, asked_at: int) -> None:
        """The server says what time it is; `asked_at`: when it was asked, monotonic."""
        self.server_time.heard(at, asked_at)
        if isinstance(self.clock, DoorClock):
            self.clock.agree(at)
        own = self.clock.now()
        skew = self.server_time.skew(own)
        if skew is not None and self.doors.driven() and self.server_time.has_gone_wrong(own):
            self._say_clock(f"is {seconds(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the server's")

    def _watch_clock(self) -> None:
        if isinstance(self.clock, DoorClock):
            now, monotonic = self.clock.now(), self.clock.steady()
            for served in self.channels.values():
                served.count(now, monotonic)
            step = self.clock.take_step()
            if abs(step) > SKEW_MS:
                self._say_clock(f"was put {'forward' if step > 0 else 'back'} by {seconds(abs(step))}")

    def _watch_disk(self, code: EventCode, failure: str | None, consequence: str) -> None:
        """Say once that the disk fails, each time that it begins to."""
        if failure is None:
            self._failures_told.discard(code)
        elif code not in self._failures_told:
            self._failures_told.add(code)
            self.doors.note(code, ("disk_failed", f"The controller's disk fails ({failure}). {consequence}."))

    def _warn_of_undriven(self) -> None:
        undriven = self.doors.undriven()
        if undriven:
            named = [f"{served.replica.name or 'channel'} ({served.id})" for served in undriven]
            _log.warning("channels of this controller have no hardware in its configuration", channels=named)

    def _say_clock(self, what: str) -> None:
        _log.warning("the controller's clock is wrong", reason=what)
        self.doors.note(EventCode.CLOCK_WRONG, ("clock_wrong", f"The controller's clock {what}."))

    def _say_damaged(self) -> None:
        text = "What the channel had been told cannot be read any more: the server has to tell everything anew."
        self.doors.note(EventCode.SNAPSHOT_REFUSED, ("content_damaged", text), channels=self.channels.values())

    def _served(self, replica: Replica, memory: bytes, cursor: int | None, confirmed_at: int) -> Served:
        return Served(replica, self.doors.keep, memory, cursor, confirmed_at, steady_time(self.clock))

    def _carried(self, until: int) -> dict[int, tuple[bytes, bool, int | None]]:
        """What the events on the disk say beyond themselves: what doors remember, how far devices have told.

        Of what doors remember also whether it is of an event after `until`: up to that one, what is kept beside the
        events is as new or newer. So is where people are: somebody may have been forgiven since.
        """
        carried: dict[int, tuple[bytes, bool, int | None]] = {}
        for index, happening in self.journal.found.carried:
            memory, is_newer, cursor = carried.get(happening.channel_id, (b"", False, None))
            if happening.memory:
                memory, is_newer = happening.memory, index > until
            cursor = happening.cursor if happening.cursor is not None else cursor
            carried[happening.channel_id] = (memory, is_newer, cursor)
            told = happening.told
            if index <= until:
                continue
            if told.moved_to is not None and told.person_id is not None:
                self.doors.whereabouts.move(told.person_id, Presence(*told.moved_to), index)
        self.journal.found.carried.clear()
        return carried


def seconds(milliseconds: int) -> str:
    """A stretch in words: "12.5 s"."""
    return f"{milliseconds / 1000:,.1f} s"
