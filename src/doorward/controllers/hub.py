"""The controllers that are connected to this process: they are met, told what changes, heard, and let go.

Several processes may serve one database. Each has its own sessions; that a controller has connected elsewhere is seen
by the instant of its last session, which is on record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final

import structlog

from doorward.admissions import service as admissions
from doorward.changes import service as changes
from doorward.controllers import channel_keys, contact, remote_admissions, told
from doorward.controllers.channel_keys import StoredKeys
from doorward.controllers.channel_link import ChannelLink, InUse
from doorward.controllers.gathering import Gathering
from doorward.controllers.meeting import connect, prove
from doorward.controllers.projections import Projections
from doorward.controllers.reporting import UNRECORDED_MS, Reporting
from doorward.controllers.service import TOPIC
from doorward.controllers.session import Refused, Session
from doorward.controllers.strangers import Strangers
from doorward.controllers.told import Source
from doorward.controllers.wire import Peer, Wire, WireClosed
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.snapshot import Presence
from doorward.kit.chores import Chore
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.link.frames import FrameRefused
from doorward.link.handshake import HandshakeFailed
from doorward.link.messages import Told, Unreadable, Welcome
from doorward.sync.account import Changed
from doorward.sync.live import LiveSnapshots
from doorward.sync.projection import AccountProjection

_log = structlog.get_logger("doorward.link")

PROVEN_WITHIN_S: Final = 5.0
"""Who connects has so long to prove who it is."""
_FOLLOW_EVERY_S: Final = 0.5
"""How soon a change made by another process is noticed; this process's own are noticed at once."""
_GATHER_S: Final = 0.02
_LOOK_EVERY_S: Final = 2.0
_GONE_WITHIN_S: Final = 3.0
_FRESHEN_AT_MOST_S: Final = 0.3
_FORK_SAID_EVERY_S: Final = 600.0


class Hub:
    """Used from one event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, live: LiveSnapshots) -> None:
        """`live` is shared with whoever else follows the configuration in this process."""
        self.clock = clock
        self.strangers = Strangers()
        self._database = database
        self._vault = vault
        self._live = live
        self._gathering = Gathering(database, vault, clock)
        self._sessions: dict[int, Session] = {}
        self._links: dict[int, tuple[Session, ChannelLink]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed, self._look, self._asked = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_closed = False
        self._forks_said: dict[int, float] = {}
        """Until when nothing more is put on record of controllers that come twice."""
        self._as_of: dict[int, int] = {}
        self.projections = Projections(live, self._note_content, self._note_version)
        self.reporting = Reporting(database, clock, self._sessions.values)
        live.when_changed(self._note_change)
        live.when_ready(self._changed.set)
        live.when_moved(self._note_move)

    @property
    def sessions(self) -> Collection[Session]:
        """The controllers that are connected here."""
        return self._sessions.values()

    @property
    def is_at_rest(self) -> bool:
        """Whether every connected controller has confirmed what it is to know, and all that it said is on record."""
        is_written = self.reporting.is_all_on_record and not self._tasks
        return is_written and all(session.is_at_rest for session in self._sessions.values())

    async def start(self) -> None:
        """Read the configuration, if nobody has, and listen."""
        loop = asyncio.get_running_loop()
        for topic, event in ((changes.TOPIC, self._changed), (admissions.TOPIC, self._asked), (TOPIC, self._look)):
            self._database.listen(topic, self._waking(loop, event))
        await self._live.advance()

    def chores(self) -> tuple[Chore, ...]:
        """What is to be kept going until the hub closes, by name."""
        return (
            ("controllers' configuration", self._follow),
            ("controllers' snapshots", self.projections.keep_up),
            ("controllers' confirmations", self.reporting.keep_confirming),
            ("controllers' contact", self.reporting.keep_contact),
            ("controllers' sessions", self._keep_looking),
            ("controllers' remote admissions", self._keep_admitting),
        )

    async def close(self) -> None:
        """Let the controllers connect again, elsewhere or later; no lock moves."""
        self._is_closed = True
        for session in list(self._sessions.values()):
            session.part("again")
        with suppress(TimeoutError):
            async with asyncio.timeout(_GONE_WITHIN_S):
                while self._sessions:  # noqa: ASYNC110 - sessions end by themselves, one by one
                    await asyncio.sleep(0.01)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(DatabaseUnavailable):
            await self.reporting.write_confirmed()

    async def serve(self, wire: Wire, address: str) -> None:
        """Carry on with a connection until it ends."""
        if self._is_closed:
            return
        session: Session | None = None
        try:
            with self.strangers.at_the_door(address):
                async with asyncio.timeout(PROVEN_WITHIN_S):
                    session, welcome = await self._meet(wire, address)
        except (HandshakeFailed, FrameRefused, Unreadable, TimeoutError, WireClosed) as error:
            self.strangers.turned_away(address, str(error) or type(error).__name__)
            return
        except DatabaseUnavailable as error:
            _log.warning("a controller has to try again", reason=str(error))
            return
        controller_id = session.peer.controller_id
        _log.info("a controller has connected", controller=controller_id, address=address, channels=len(session.links))
        try:
            await session.run(welcome)
        except Refused as error:
            await self._refused(session, error)
        finally:
            self._leave(session)
            _log.info("a controller's session has ended", controller=controller_id)

    # What sessions ask for: session.Services.

    def projection(self, account_id: int) -> AccountProjection:
        """What channels are to be told."""
        return self.projections.of(account_id)

    def version(self, account_id: int) -> int:
        """The last change that is wholly in it."""
        return self.projections.version(account_id)

    def as_of(self, account_id: int) -> int | None:
        """Up to which instant everything that was changed is in what channels are to be told; None: not known.

        It does not run away from what is on record of who is there: by that people are told how long a door that is cut
        off may still open (access.standing).
        """
        if self.projections.of(account_id).is_settled and not self._live.is_overdue(account_id):
            self._as_of[account_id] = self._live.as_of
        known = self._as_of.get(account_id)
        return None if known is None else min(known, self.reporting.on_record_at + UNRECORDED_MS)

    def presence(self, account_id: int) -> dict[int, Presence]:
        """Where people are."""
        return self._live.presence(account_id)

    async def record(self, peer: Peer, link: ChannelLink, events: tuple[Told, ...]) -> int:
        """Put events on record. Raises OutOfOrder or DatabaseUnavailable."""
        source = Source(peer.account_id, peer.controller_id, link.id, link.name)
        outcome = await self._gathering.record(source, events)
        for person_id, to in outcome.moves:
            self._live.move(peer.account_id, person_id, to)
        return outcome.last_sequence

    async def skip(self, peer: Peer, next_sequence: int) -> int:
        """Events before a number will never come. Raises OutOfOrder or DatabaseUnavailable."""
        return await self._database.write(
            lambda tx: told.skip_to(tx, peer.account_id, peer.controller_id, next_sequence)
        )

    def confirmed(self, peer: Peer, link: ChannelLink) -> None:
        """A channel has applied what it has been told."""
        if link.is_driven:
            self.reporting.confirmed(peer.controller_id, link.id, link.applied_version)

    def failed(self, peer: Peer, link: ChannelLink, reasons: tuple[tuple[str, str], ...]) -> None:
        """A channel does not take what it is told; the same is said once in a session, and not much an hour."""
        now, channel = self.clock.now(), (link.id, link.name)
        cleaned = tuple((code, told.plain(text) or "") for code, text in reasons[: told.MOST_REASONS])
        if link.complain(cleaned, asyncio.get_running_loop().time()):
            self._in_background(self._write(lambda tx: contact.failed(tx, peer.account_id, channel, cleaned, now)))

    def gave_up(self, requests: list[int]) -> None:
        """Requests for admissions could not be sent in time: nobody will answer them."""
        now = self.clock.now()
        if requests:
            self._in_background(self._write(lambda tx: remote_admissions.give_up_unsent(tx, requests, now)))

    def has_told(self, session: Session) -> None:
        """A controller has told all that had happened: what it was sent before and has not answered never came."""
        now, channel_ids, since = self.clock.now(), list(session.links), session.connected_at
        if channel_ids:
            self._in_background(self._write(lambda tx: remote_admissions.give_up_lost(tx, channel_ids, since, now)))

    async def in_use(self, link: ChannelLink, used: InUse) -> None:
        """A channel uses another key."""
        pending = used.pending
        if pending is not None:
            await self._write(lambda tx: channel_keys.promote(tx, link.id, pending))
        self._look.set()

    async def _meet(self, wire: Wire, address: str) -> tuple[Session, Welcome]:
        """Raises HandshakeFailed, FrameRefused, Unreadable, WireClosed or DatabaseUnavailable."""
        proven = await prove(self._database, self._vault, wire, address)
        peer, now = proven.peer, self.clock.now()
        connected = await connect(self._database, self._vault, proven, now)
        await self._live.advance()
        session = Session(self, wire, proven, connected, now)
        older = self._sessions.get(peer.controller_id)
        self._sessions[peer.controller_id] = session
        if older is not None:
            older.part("again")
        if connected.is_forked:
            self._forked(session)
        if connected.is_removed:
            session.part("removed")
        for link in connected.links.values():
            self._links[link.id] = (session, link)
            self._see_passback(session, link)
            self.projections.follow(peer.account_id, link.id)
        used = tuple((link.id, channel_keys.fingerprint(link.key)) for link in connected.links.values())
        return session, Welcome(now, used, connected.last_sequence, connected.is_forked)

    def _forked(self, session: Session) -> None:
        """Two have the same identity. They may come in turns for as long as nobody does anything about it."""
        controller_id, now = session.peer.controller_id, asyncio.get_running_loop().time()
        _log.error("a controller has been copied, or restored from a backup", controller=controller_id)
        if now < self._forks_said.get(controller_id, now):
            return
        self._forks_said = {each: until for each, until in self._forks_said.items() if until > now}
        self._forks_said[controller_id] = now + _FORK_SAID_EVERY_S
        link, account_id, at = next(iter(session.links.values()), None), session.peer.account_id, self.clock.now()
        channel = None if link is None else (link.id, link.name)
        self._in_background(self._write(lambda tx: contact.forked(tx, account_id, channel, at)))

    def _leave(self, session: Session) -> None:
        if self._sessions.get(session.peer.controller_id) is session:
            del self._sessions[session.peer.controller_id]
        for link in session.links.values():
            self.gave_up(link.unsent())
            if self._links.get(link.id, (None, None))[0] is session:
                del self._links[link.id]

    async def _refused(self, session: Session, error: Refused) -> None:
        """What came over a proven connection was not right: it is over, and on record."""
        peer, now = session.peer, self.clock.now()
        link = session.links.get(error.box) or next(iter(session.links.values()), None)
        channel = None if link is None else (link.id, link.name)
        _log.warning("a frame of a controller was refused", controller=peer.controller_id, reason=error.why)
        await self._write(
            lambda tx: contact.refused_frame(tx, peer.controller_id, peer.account_id, channel, error.why, now)
        )

    # What changes.

    def _note_content(self, channel_id: int, person_ids: Collection[int]) -> None:
        session, link = self._links.get(channel_id, (None, None))
        if session is None or link is None:
            return
        link.note(person_ids)
        if link.has_passback and person_ids:
            presence = self._live.presence(link.account_id)
            for person_id in person_ids:
                if person_id in presence:
                    session.moved(person_id)
        session.wake()

    def _note_version(self, account_id: int) -> None:
        for session in self._sessions.values():
            if session.peer.account_id == account_id:
                session.wake()

    def _note_change(self, changed: Changed) -> None:
        touched = self._links.keys() if changed.channels is None else changed.channels & self._links.keys()
        for channel_id in touched:
            session, link = self._links[channel_id]
            if link.account_id == changed.account_id:
                self._see_passback(session, link)
                self._look.set()

    def _note_move(self, account_id: int, person_id: int) -> None:
        for session in self._sessions.values():
            if session.peer.account_id == account_id:
                session.moved(person_id)

    def _see_passback(self, session: Session, link: ChannelLink) -> None:
        compiled = self._live.channel(link.id)
        had, link.has_passback = (
            link.has_passback,
            compiled is not None and compiled.snapshot.channel.passback is not None,
        )
        if link.has_passback and not had:
            session.tell_whereabouts()

    # Chores.

    async def _follow(self) -> None:
        """Follow the configuration until cancelled."""
        while True:
            with suppress(TimeoutError):  # then it is time to look anyway
                async with asyncio.timeout(_FOLLOW_EVERY_S):
                    await self._changed.wait()
            await asyncio.sleep(_GATHER_S)
            self._changed.clear()
            try:
                if self._sessions:
                    await self._live.advance()
            except DatabaseUnavailable as error:
                _log.warning("controllers decide with what they know", reason=str(error))

    async def _keep_looking(self) -> None:
        """See until cancelled which sessions have to end, and which keys to change."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._look.wait()
                await asyncio.sleep(_GATHER_S)
            self._look.clear()
            with suppress(DatabaseUnavailable):  # the log says so often enough
                await self._look_around()

    async def _look_around(self) -> None:
        if not self._sessions:
            return
        controller_ids, channel_ids = list(self._sessions), list(self._links)

        def read(transaction: Transaction) -> tuple[dict[int, contact.Contact], dict[int, StoredKeys]]:
            return contact.contacts(transaction, controller_ids), channel_keys.of_channels(transaction, channel_ids)

        seen = {session.peer.controller_id: session for session in self._sessions.values()}
        found, stored = await self._database.read(read)
        for controller_id, session in seen.items():
            known = found.get(controller_id)
            if known is None or known.removed_at is not None:
                session.part("removed")
            elif known.connected_at != session.connected_at:
                session.part("again")  # it has another session, with another process
            elif session.is_stuck:
                session.part("again")
            for link in session.links.values():
                keys_now = stored.get(link.id)
                if link.id not in channel_ids:
                    continue
                if keys_now is None or keys_now.controller_id != controller_id:
                    session.part("again")
                else:
                    link.take_keys(self._vault, keys_now)
                    session.wake()

    async def _keep_admitting(self) -> None:
        """Take up requests for remote admissions until cancelled."""
        while True:
            with suppress(TimeoutError):  # another process may have been asked
                async with asyncio.timeout(_FOLLOW_EVERY_S):
                    await self._asked.wait()
            self._asked.clear()
            since = {channel_id: session.connected_at for channel_id, (session, _) in self._links.items()}
            try:
                waiting = await remote_admissions.waiting(self._database, since, self.clock.now())
            except DatabaseUnavailable as error:
                _log.warning("remote admissions have to wait", reason=str(error))
                continue
            await asyncio.gather(*map(self._admit, waiting))

    async def _admit(self, asked: remote_admissions.Waiting) -> None:
        asked_through, _ = self._links.get(asked.channel_id, (None, None))
        admit = await remote_admissions.take_up(self._database, self.clock, asked)
        if admit is None:
            return
        # What the database has by now goes before the request, as far as it can be had at once.
        with suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(_FRESHEN_AT_MOST_S):
                await self._live.advance()
                await self.projections.settled()
        session, link = self._links.get(asked.channel_id, (None, None))
        if session is not None and session is asked_through and link is not None:
            link.admit(admit)
            session.wake()
        else:
            self.gave_up([admit.request_id])

    def _waking(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Callable[[], None]:
        def wake() -> None:
            if not self._is_closed:
                loop.call_soon_threadsafe(event.set)

        return wake

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, work: Callable[[Transaction], object]) -> None:
        """Write what nothing depends on."""
        try:
            await self._database.write(work)
        except DatabaseUnavailable as error:
            _log.warning("something about a controller could not be written", reason=str(error))
