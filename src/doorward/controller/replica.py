"""What a channel has been told, in memory and on the disk: the same on both, and the same as the server believes.

What changes it is prepared elsewhere (updates.py) and taken over on the event loop in one go, so that no decision is
made by half of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from doorward.controller.setting import Setting
from doorward.controller.store import About, Change, Kept, Store
from doorward.decision.snapshot import Channel, Directory, Grant, Snapshot
from doorward.link import content as sums
from doorward.link import records
from doorward.link.content import Content
from doorward.link.records import ChannelRecord, PersonRecord, RecordRefused

_UNTOLD_PULSE_MS: Final = 5_000
_UNTOLD_HELD_OPEN_MS: Final = 30_000


class Rules(NamedTuple):
    """A channel without its people: as it was told, and as the engine takes it."""

    record: ChannelRecord
    channel: Channel
    grants: Mapping[int, Grant]


class Prepared(NamedTuple):
    """An Update that has been checked and compiled."""

    version: int
    content: Content
    rules: Rules
    directory: Directory | None
    """The new one; None: the old one with `put` and without `gone`."""
    put: Sequence[PersonRecord]
    gone: Collection[int]
    unsaved: Change | None
    """What is to be kept of it, and of what was not kept before; None: it is from the disk."""


class State(NamedTuple):
    """A channel's content as it was at a time; `number` counts what it was told."""

    number: int
    version: int
    digest: bytes


@dataclass
class Replica:
    """One channel's content."""

    id: int
    about: About
    snapshot: Snapshot
    setting: Setting
    version: int = 0
    content: Content = field(default_factory=Content)
    record: ChannelRecord | None = None
    unsaved: Change | None = None
    """What decides but is not kept yet."""
    number: int = 0
    kept: State | None = None
    """What is on the disk; None: nothing."""
    losses: int = 0
    """How often what was on the disk has been lost."""

    @property
    def digest(self) -> bytes:
        """The digest of all of it; empty if the server is to tell everything."""
        return self.content.digest() if self.content.channel else b""

    @property
    def state(self) -> State:
        """What it is now."""
        return State(self.number, self.version, self.digest)

    @property
    def name(self) -> str:
        """What the channel is called."""
        return self.snapshot.channel.name

    @property
    def is_told(self) -> bool:
        """Whether the channel has been told anything; else it denies everybody by name."""
        return self.record is not None

    @property
    def driver(self) -> str:
        """What kind of hardware operators say stands there."""
        return self.about.driver if self.record is None else self.record.driver

    def take(self, prepared: Prepared) -> None:
        """Decide by what has been prepared from now on."""
        directory = prepared.directory
        if directory is None:
            directory = self.snapshot.directory
            for person_id in prepared.gone:
                directory.remove(person_id)
            for person in prepared.put:
                directory.put(*records.person_of(person))
        record, channel, grants = prepared.rules
        self.snapshot = Snapshot(channel, directory, grants, prepared.version)
        self.setting = setting_of(record)
        self.version, self.content, self.record = prepared.version, prepared.content, record
        self.unsaved, self.number = prepared.unsaved, self.number + 1
        if self.unsaved is None:
            self.kept = self.state

    def untell(self) -> None:
        """What is on the disk is lost: the server is to tell everything anew, and till then this is decided by."""
        self.version, self.content, self.unsaved, self.kept = 0, Content(), None, None
        self.losses += 1


def untold(channel_id: int, about: About) -> Replica:
    """A channel that has been told nothing: it denies everybody by name (29) and lets everybody out."""
    # The limit of staleness is what makes the engine say that contact with the server is missing.
    channel = Channel(channel_id, about.name or f"Channel {channel_id}", "UTC", frozenset(), staleness_ms=0)
    setting = Setting(pulse_ms=_UNTOLD_PULSE_MS, held_open_ms=_UNTOLD_HELD_OPEN_MS)
    return Replica(channel_id, about, Snapshot(channel, Directory(), {}), setting)


def load(store: Store, kept: Kept) -> Replica:
    """A channel as it was kept. Raises StoreFailed, Damaged or RecordRefused."""
    replica = untold(kept.id, kept.about)
    if kept.record is None:
        return replica
    rules = compiled(kept.id, kept.record)
    content, directory = Content(), Directory()
    content.set_channel(kept.record)
    for person_id, raw in store.people(kept.id):
        content.add(person_id, raw)
        directory.put(*records.person_of(records.decode_person(raw)))
    replica.take(Prepared(kept.version, content, rules, directory, (), (), None))
    return replica


def bucket_sums(replica: Replica) -> tuple[bytes, bytes]:
    """What the server compares to find out who differs: the sums of the buckets, and the channel's own digest."""
    content = replica.content
    packed = sums.packed(content.sums(sums.buckets_for(content.people)))
    return packed, sums.packed([content.channel])


def setting_of(record: ChannelRecord) -> Setting:
    """What operators have set, as the door takes it."""
    return Setting(**msgspec.structs.asdict(record.setting))


def compiled(channel_id: int, raw: bytes) -> Rules:
    """A channel's record compiled. Raises RecordRefused, whatever the record says."""
    record = records.decode_channel(raw)
    if record.id != channel_id:
        raise RecordRefused("it is about another channel")
    try:
        channel, grants = records.channel_of(record)
    except RecordRefused:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the record says that cannot be, the door goes on as before
        raise RecordRefused(f"a channel cannot be made of it: {type(error).__name__}") from None
    return Rules(record, channel, grants)
