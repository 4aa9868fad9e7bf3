"""What the channels of controllers are to be told, kept up as people and channels change (docs/decisions/0018).

Of each channel there are its own record and the sums of its people's (link.content). A person who changes costs that
person at their own channels, a channel that changes the people whose roles come or go there; everybody, only where a
channel is new or a whole account may have changed. Whatever may be much is done in slices on the event loop.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import Final, NamedTuple
from weakref import WeakSet

from doorward.decision.snapshot import Directory
from doorward.link.content import Content
from doorward.link.records import encode
from doorward.sync.compiler import CompiledChannel
from doorward.sync.known import Capture, Known, known_of, record_of

_BETWEEN_LOOKS: Final = 32
"""So many people are counted between looks at the time."""
_AT_ONCE: Final = 256
"""So many people whose roles come or go at a channel are settled at once; if they are more, it is counted anew."""


class Some(NamedTuple):
    """Some people as they are at a moment; None for whom the account has not, or who has no role."""

    here: frozenset[int]
    people: list[tuple[int, Known | None]]


Sink = Callable[[int, Collection[int]], None]
"""Told of a channel whose record, or the records of whose people (by id), are not what they were."""


@dataclass(slots=True)
class _Counting:
    """The people of a channel, being counted as they were when that began; `touched` may be others by now."""

    capture: Capture
    people: Iterator[Known]
    content: Content
    touched: dict[int, Known | None]


@dataclass(slots=True)
class _Channel:
    record: bytes
    here: frozenset[int]
    content: Content | None = None
    """None while it is being counted."""
    counting: _Counting | None = None
    largest: int = 1
    """No record of a person that it has been told of was longer."""

    def replace(self, person_id: int, before: bytes | None, after: bytes | None) -> bool:
        """A person's record is another one; gives whether it is."""
        if self.content is None or before == after:
            return False
        if before is not None:
            self.content.remove(person_id, before)
        if after is not None:
            self.content.add(person_id, after)
            self.largest = max(self.largest, len(after))
        return True


class AccountProjection:
    """The channels of an account that controllers serve. Used from one event loop."""

    def __init__(
        self, directory: Callable[[], Directory], compiled: Callable[[int], CompiledChannel | None], sink: Sink
    ) -> None:
        """`directory` gives the account's people as they are, `compiled` a channel, if it is a controller's."""
        self._directory = directory
        self._compiled = compiled
        self._sink = sink
        self._people: dict[int, Known] = {}
        self._by_role: dict[int, set[int]] = defaultdict(set)
        self._channels: dict[int, _Channel] = {}
        self._at_role: dict[int, set[int]] = defaultdict(set)
        self._captures: WeakSet[Capture] = WeakSet()
        self._noted: set[int] = set()
        self._named: dict[int, None] = {}
        self._anybody: Iterator[int] | None = None
        self.note_everybody()

    # What may have changed.

    def note(self, person_ids: Iterable[int]) -> None:
        """These people may have changed. They come before whatever else there is to do."""
        self._named.update(dict.fromkeys(person_ids))

    def note_everybody(self) -> None:
        """Anybody may have changed."""
        self._anybody = chain(list(self._directory().people), list(self._people))
        for channel in self._channels.values():
            channel.counting = None  # it would have to be corrected for too many

    def note_channels(self, channel_ids: Iterable[int] | None = None) -> None:
        """These channels may have changed, or all that are here; they come before people."""
        self._noted.update(self._channels if channel_ids is None else self._channels.keys() & set(channel_ids))

    def add_channel(self, channel_id: int) -> None:
        """Keep up what a channel is to be told from now on."""
        self._noted.add(channel_id)

    @property
    def is_settled(self) -> bool:
        """Whether everything that has been noted is in what the channels are to be told."""
        return not self._noted and not self._named and self._anybody is None

    @property
    def has_work(self) -> bool:
        """Whether there is anything to do, be it counting the people of a new channel."""
        return not self.is_settled or any(channel.content is None for channel in self._channels.values())

    def work(self, until: float) -> None:
        """Do some of what there is to do, until about an instant of perf_counter()."""
        while self._noted:
            self._settle_channel(self._noted.pop())
            if perf_counter() >= until:
                return
        while self._named:
            self._settle(self._named.popitem()[0])
            if perf_counter() >= until:
                return
        for person_id in self._anybody or ():
            self._settle(person_id)
            if perf_counter() >= until:
                return
        self._anybody = None
        for channel_id, channel in self._channels.items():
            while channel.content is None:
                self._count_some(channel_id, channel)
                if perf_counter() >= until:
                    return

    # What there is to be told.

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._channels or channel_id in self._noted

    @property
    def channel_ids(self) -> frozenset[int]:
        """The channels whose telling is kept up."""
        return frozenset(self._channels.keys() | self._noted)

    def content(self, channel_id: int) -> Content | None:
        """The sums of what the channel is to be told; None: they are not there (yet)."""
        channel = self._channels.get(channel_id)
        return None if channel is None else channel.content

    def record(self, channel_id: int) -> bytes:
        """The channel's own record."""
        return self._channels[channel_id].record

    def largest(self, channel_id: int) -> int:
        """How long the longest record of a person is there, or has been."""
        return self._channels[channel_id].largest

    def concerns(self, channel_id: int, person_id: int) -> bool:
        """Whether the channel is told of a person."""
        known, channel = self._people.get(person_id), self._channels.get(channel_id)
        return known is not None and channel is not None and not channel.here.isdisjoint(known.roles())

    def some(self, channel_id: int, person_ids: Iterable[int]) -> Some:
        """What a channel is to be told of these people at this moment."""
        known = [(person_id, self._people.get(person_id)) for person_id in person_ids]
        return Some(self._channels[channel_id].here, known)

    def capture(self, channel_id: int) -> Capture:
        """Everybody of whom a channel is told, as of this moment; there are as many as its content says."""
        return self._capture(self._channels[channel_id].here)

    def _capture(self, here: frozenset[int]) -> Capture:
        made = Capture(here, self._people, self._by_role)
        self._captures.add(made)
        return made

    # How it is kept up.

    def _settle_channel(self, channel_id: int) -> None:
        compiled, channel = self._compiled(channel_id), self._channels.get(channel_id)
        if compiled is None:
            self._remove_channel(channel_id)
            return
        here, record = frozenset(compiled.snapshot.grants), encode(record_of(compiled))
        if channel is None:
            self._channels[channel_id] = _Channel(record, here)
            for role_id in here:
                self._at_role[role_id].add(channel_id)
            return
        affected = self._change_roles(channel_id, channel, here)
        if record == channel.record and not affected:
            return
        channel.record = record
        if channel.content is not None:
            channel.content.set_channel(record)
        self._sink(channel_id, affected)

    def _remove_channel(self, channel_id: int) -> None:
        """It is no controller's any more."""
        channel = self._channels.pop(channel_id, None)
        for role_id in () if channel is None else channel.here:
            _leave(self._at_role, role_id, channel_id)

    def _settle(self, person_id: int) -> None:
        """Let the channels of one person be told what they are now."""
        before, after = self._people.get(person_id), known_of(self._directory(), person_id)
        if before == after:
            return
        for capture in self._captures or ():
            capture.keep(person_id, before)
        roles_before = set() if before is None else before.roles()
        roles_after = set() if after is None else after.roles()
        for role_id in roles_before - roles_after:
            _leave(self._by_role, role_id, person_id)
        for role_id in roles_after - roles_before:
            self._by_role[role_id].add(person_id)
        if after is None:
            self._people.pop(person_id, None)
        else:
            self._people[person_id] = after
        self._tell_channels(person_id, before, after, roles_before | roles_after)

    def _tell_channels(self, person_id: int, before: Known | None, after: Known | None, roles: set[int]) -> None:
        # Most channels know the same roles of one person, and are told the same.
        told: dict[frozenset[int], tuple[bytes | None, bytes | None]] = {}
        for channel_id in set().union(*(self._at_role.get(role_id, ()) for role_id in roles)):
            channel = self._channels[channel_id]
            if channel.content is None:
                if channel.counting is not None:
                    channel.counting.touched.setdefault(person_id, before)
                self._sink(channel_id, (person_id,))
                continue
            kept = channel.here.intersection(roles)
            if kept not in told:
                told[kept] = (
                    None if before is None else before.record(kept),
                    None if after is None else after.record(kept),
                )
            if channel.replace(person_id, *told[kept]):
                self._sink(channel_id, (person_id,))

    def _change_roles(self, channel_id: int, channel: _Channel, here: frozenset[int]) -> Collection[int]:
        """Other roles admit at a channel; gives the people who hold one that has come or gone."""
        changed = channel.here ^ here
        if not changed:
            return ()
        affected: set[int] = set().union(*(self._by_role.get(role_id, ()) for role_id in changed))
        if len(affected) > _AT_ONCE:
            channel.content = None
        channel.counting = None
        for person_id in affected if channel.content is not None else ():
            known = self._people[person_id]
            channel.replace(person_id, known.record(channel.here), known.record(here))
        for role_id in channel.here - here:
            _leave(self._at_role, role_id, channel_id)
        for role_id in here - channel.here:
            self._at_role[role_id].add(channel_id)
        channel.here = here
        return affected

    def _count_some(self, channel_id: int, channel: _Channel) -> None:
        """Count some of a channel's people; when all are counted, those who have changed meanwhile are put right."""
        counting = channel.counting
        if counting is None:
            capture = self._capture(channel.here)
            counting = channel.counting = _Counting(capture, capture.people(), Content(), {})
        for _ in range(_BETWEEN_LOOKS):
            known = next(counting.people, None)
            if known is None:
                break
            record = known.record(channel.here)
            if record is not None:
                counting.content.add(known.person.id, record)
                channel.largest = max(channel.largest, len(record))
        else:
            return
        channel.content, channel.counting = counting.content, None
        channel.content.set_channel(channel.record)
        for person_id, before in counting.touched.items():
            after = self._people.get(person_id)
            channel.replace(
                person_id,
                None if before is None else before.record(channel.here),
                None if after is None else after.record(channel.here),
            )
        self._sink(channel_id, ())


def _leave(by_role: dict[int, set[int]], role_id: int, the_id: int) -> None:
    """Reservations make roles that are gone tomorrow: nothing is kept of them."""
    by_role[role_id].discard(the_id)
    if not by_role[role_id]:
        del by_role[role_id]
