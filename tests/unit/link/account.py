"""An account that changes at random, and what its channels are to be told."""

from random import Random

from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Membership, Person, Snapshot
from doorward.sync.compiler import CompiledChannel, Controls
from doorward.sync.projection import AccountProjection

ROLES, CHANNELS, PEOPLE = range(1, 7), range(1, 5), range(1, 40)


class World:
    """An account that changes at random, its projection, and whose records it says have changed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.directory = Directory()
        self.grants: dict[int, dict[int, Grant]] = {channel_id: {} for channel_id in CHANNELS}
        self.served = set(CHANNELS)
        self.projection = AccountProjection(lambda: self.directory, self.compiled, self.sink)
        self.changed: dict[int, set[int]] = {channel_id: set(PEOPLE) for channel_id in CHANNELS}
        for channel_id in CHANNELS:
            self.projection.add_channel(channel_id)

    def compiled(self, channel_id: int) -> CompiledChannel | None:
        if channel_id not in self.served:
            return None
        channel = Channel(channel_id, f"Door {channel_id}", "UTC", frozenset({"card"}))
        controls = Controls(1, "osdp", 5000, 30_000, False, None, False, False, False, controller_id=1)
        return CompiledChannel(Snapshot(channel, self.directory, self.grants[channel_id]), controls)

    def sink(self, channel_id: int, person_ids: object) -> None:
        assert isinstance(person_ids, set | tuple | frozenset)
        self.changed[channel_id].update(person_ids)

    def person(self, person_id: int) -> None:
        some = [role_id for role_id in ROLES if self.random.random() < 0.3]
        memberships = (Membership((self.random.choice(ROLES),), 0, 10),) if self.random.random() < 0.3 else ()
        name = f"Person {person_id} {self.random.randint(0, 2)}"
        person = Person(person_id, name, "active", None, None, some, frozenset(), memberships)
        self.directory.put(person, [Credential("card", str(self.random.randint(1, 60)))])

    def change(self) -> None:
        """One thing changes, and is noted as the snapshots of the process would note it."""
        match self.random.choice(("person", "person", "person", "channel", "gone", "everybody", "nothing")):
            case "person":
                person_id = self.random.choice(PEOPLE)
                self.person(person_id)
                self.projection.note([person_id])
            case "channel":
                channel_id = self.random.choice(CHANNELS)
                self.grants[channel_id] = {
                    role_id: Grant(role_id, f"Role {role_id}", None, "")
                    for role_id in ROLES
                    if self.random.random() < 0.5
                }
                self.projection.note_channels([channel_id])
            case "gone":
                channel_id = self.random.choice(CHANNELS)
                self.served ^= {channel_id}
                self.projection.note_channels([channel_id])
                if channel_id in self.served:
                    self.projection.add_channel(channel_id)
                    self.changed[channel_id] = set(PEOPLE)
            case "everybody":
                self.directory = Directory()
                for person_id in PEOPLE:
                    if self.random.random() < 0.8:
                        self.person(person_id)
                self.projection.note_everybody()
