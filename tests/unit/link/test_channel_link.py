"""Whatever happens on either side, a controller ends up with what the server has, and is told everything seldom."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.controller.replica import untold
from doorward.controller.store import About, Store
from doorward.controller.updates import prepare
from doorward.controllers.channel_keys import Opening, StoredKeys
from doorward.controllers.channel_link import MOST_COMPLAINTS, ChannelLink
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Grant
from doorward.link import content as sums
from doorward.link import keys, messages
from doorward.link.frames import MOST_BYTES, Session
from doorward.link.messages import Admit, Applied, Held, NewKey, NotApplied, Taken, Update
from tests.support.link_client import Channel
from tests.unit.link.account import CHANNELS, PEOPLE, World

PROFILE = settings.get_profile("link")
DOOR = 1
STEPS = st.sampled_from(("change", "change", "work", "send", "send", "answer", "answer", "cut", "damage", "time"))


class Ends:
    """Both ends of one channel, with what is on the way between them."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        for person_id in PEOPLE:
            self.world.person(person_id)
        self.controller = Channel(DOOR)
        self.version, self.now = 1, 0.0
        self.on_the_way: list[Update] = []
        self.told_everything = 0
        self.applies = True
        self.link = self._connect()
        self.world.projection._sink = lambda channel_id, ids: self.link.note(ids) if channel_id == DOOR else None

    def _connect(self) -> ChannelLink:
        held = Held(DOOR, self.controller.version, self.controller.digest, ())
        self.on_the_way, self.controller.parts = [], []
        stored = StoredKeys(DOOR, 1, "Door", 1, None, None)
        return ChannelLink(stored, Opening(b"", b"", False), held, is_anew=False)

    def do(self, step: str) -> None:
        match step:
            case "change":
                self.world.change()
                self.world.served = set(CHANNELS)
                self.world.projection.note_channels(CHANNELS)
                self.version += 1
            case "work":
                self.world.projection.work(inf)
            case "send":
                self.send()
            case "answer":
                self.answer()
            case "cut":
                self.link = self._connect()
            case "damage" if self.controller.record is not None:
                self.controller.people.pop(next(iter(self.controller.people), 0), None)
                self.controller.content.add(99, b"what it has is not what it believes")
            case "time":
                self.now += 1.0

    def send(self) -> None:
        for message in self.link.messages(self.world.projection, self.version, self.now, 0):
            if isinstance(message, Update):
                self.on_the_way.append(message)

    def answer(self) -> None:
        """The controller takes what is on the way, as far as there is anything."""
        while self.on_the_way:
            update = self.on_the_way.pop(0)
            self.controller.parts = [*self.controller.parts, update] if update.part else [update]
            if update.part < update.parts - 1:
                continue
            parts, self.controller.parts = self.controller.parts, []
            self.told_everything += update.before is None
            if self.controller.fits(update) and self.controller.apply(parts):
                self.link.taken(Taken(self.controller.version, self.controller.digest), self.now)
                if self.applies:
                    self.link.applied(Applied(self.controller.version, self.controller.digest), self.now)
                continue
            own = self.controller.content
            packed = sums.packed(own.sums(sums.buckets_for(own.people)))
            channel = sums.packed([own.channel])
            self.link.not_applied(NotApplied(update.version, "no", packed, channel), self.now)

    def settle(self) -> None:
        """Let everything come to rest; something changes once more, if only the version."""
        self.version += 1
        for _ in range(8):
            self.world.projection.work(inf)
            self.now += 100.0
            self.send()
            self.answer()

    def same(self) -> bool:
        content = self.world.projection.content(DOOR)
        return content is not None and content.digest() == self.controller.digest


@settings(PROFILE, max_examples=100)
@given(st.integers(0, 1 << 32), st.lists(STEPS, max_size=40))
def test_both_ends_have_the_same_in_the_end(seed: int, steps: list[str]) -> None:
    ends = Ends(seed)
    for step in steps:
        ends.do(step)
    ends.settle()
    assert ends.same()
    assert ends.controller.version == ends.link.version == ends.link.applied_version == ends.version
    assert not ends.link.changed


@settings(PROFILE)
@given(st.integers(0, 1 << 32), st.lists(STEPS.filter(lambda step: step not in ("damage", "cut")), max_size=40))
def test_who_stays_connected_is_told_everything_once(seed: int, steps: list[str]) -> None:
    ends = Ends(seed)
    ends.settle()
    for step in steps:
        ends.do(step)
    ends.settle()
    assert ends.same()
    assert ends.told_everything == 1


def test_only_the_version_is_told_now_and_then() -> None:
    ends = Ends(1)
    ends.settle()
    sent = []
    for _ in range(20):
        ends.version += 1
        ends.now += 0.05
        ends.send()
        sent.append(len(ends.on_the_way))
        ends.answer()
    assert sum(sent) == 4, "each quarter of a second"
    content = ends.world.projection.content(DOOR)
    wait = ends.link.waits_for(ends.version, ends.now, content)
    assert wait is not None
    assert 0 <= wait <= 0.25


def test_an_update_that_is_under_way_holds_the_next_one_back() -> None:
    ends = Ends(2)
    ends.settle()
    ends.world.grants[DOOR] = {1: Grant(1, "Role", None, "")}
    ends.world.projection.note_channels([DOOR])
    ends.world.projection.work(inf)
    ends.send()
    first = len(ends.on_the_way)
    assert first
    ends.do("change")
    ends.world.projection.work(inf)
    ends.send()
    assert len(ends.on_the_way) == first
    assert ends.link.waits_for(ends.version, ends.now, ends.world.projection.content(DOOR)) is None


@pytest.mark.parametrize("buckets", [b"", b"x", bytes(16 * 3), bytes(16 * 8192), bytes(15)])
def test_a_controller_that_answers_with_nonsense_is_told_everything(buckets: bytes) -> None:
    ends = Ends(3)
    ends.settle()
    ends.controller.people.clear()
    ends.controller.content.add(99, b"something else")
    ends.link = ends._connect()
    ends.send()
    [question] = ends.on_the_way
    assert question.before == question.after
    ends.on_the_way.clear()
    ends.link.not_applied(NotApplied(question.version, "no", buckets, b""), ends.now)
    ends.settle()
    assert ends.same()


def test_who_takes_nothing_at_all_is_left_alone_for_a_while() -> None:
    ends = Ends(4)
    ends.controller.takes_nothing = True
    ends.world.projection.work(inf)
    ends.send()
    ends.answer()
    assert ends.told_everything == 1
    assert ends.link.waits_for(ends.version, ends.now, ends.world.projection.content(DOOR)) == 60.0
    ends.now += 61
    ends.controller.takes_nothing = False
    ends.settle()
    assert ends.same()


def test_nothing_else_is_sent_while_a_key_is_being_replaced_and_late_admissions_never() -> None:
    ends = Ends(5)
    ends.settle()
    link, projection = ends.link, ends.world.projection
    link.admit(Admit(1, None, until=10))
    link.admit(Admit(2, None, until=30))
    assert list(link.messages(projection, ends.version, ends.now, 20)) == [Admit(2, None, until=30)]
    link.admit(Admit(3, None, until=30))
    link.wanted_key = b"k" * 32
    assert list(link.messages(projection, ends.version, ends.now, 20)) == [NewKey(b"k" * 32)]
    assert list(link.messages(projection, ends.version, ends.now, 20)) == []
    assert link.use_next_key("another") is None
    used = link.use_next_key(keys.fingerprint(b"k" * 32))
    assert used is not None
    assert used.key == b"k" * 32
    assert list(link.messages(projection, ends.version, ends.now, 20)) == [Admit(3, None, until=30)]


def rules_change(ends: Ends, name: str) -> None:
    """Something about the channel itself, as a lockdown is."""
    ends.world.grants[DOOR] = {1: Grant(1, name, None, "")}
    ends.world.projection.note_channels([DOOR])
    ends.world.projection.work(inf)
    ends.version += 1


def test_what_is_taken_and_not_yet_applied_holds_up_nothing_that_follows() -> None:
    ends = Ends(6)
    ends.settle()
    confirmed = ends.link.applied_version
    ends.applies = False
    told = []
    for name in ("Role", "Another", "A third"):
        rules_change(ends, name)
        ends.send()
        told += ends.on_the_way
        ends.answer()
        assert ends.same()
    assert [update.version for update in told] == [ends.version - 2, ends.version - 1, ends.version]
    assert (ends.link.applied_version, ends.link.version) == (confirmed, ends.version)
    # A board has what came first by now, and only then the rest.
    assert ends.link.applied(Applied(told[0].version, told[0].after), ends.now) is True
    assert ends.link.applied_version == told[0].version
    assert ends.link.applied(Applied(told[2].version, told[2].after), ends.now) is True
    assert ends.link.applied_version == ends.version
    assert ends.link.applied(Applied(told[1].version, told[1].after), ends.now) is None, "that is over"
    assert ends.link.applied_version == ends.version


def test_a_content_that_is_applied_is_so_for_each_version_that_has_it() -> None:
    ends = Ends(7)
    ends.settle()
    ends.applies = False
    rules_change(ends, "Role")
    ends.send()
    [update] = ends.on_the_way
    ends.answer()
    for _ in range(3):
        ends.version, ends.now = ends.version + 1, ends.now + 1
        ends.send()
        ends.answer()
    assert ends.link.applied(Applied(update.version, update.after), ends.now)
    assert ends.link.applied_version == ends.version


def test_who_always_answers_wrongly_is_told_everything_ever_more_seldom() -> None:
    ends = Ends(8)
    ends.settle()
    everything = 0
    for _ in range(600):
        ends.now += 0.5
        ends.send()
        whole = [update for update in ends.on_the_way if update.before is None and update.part == 0]
        everything += len(whole)
        ends.on_the_way.clear()
        if whole or not ends.link.outstanding:
            ends.link.taken(Taken(ends.version, b"something else"), ends.now)
    assert 6 <= everything <= 12, "in five minutes"
    ends.settle()
    assert ends.same(), "once it is right again it is believed again"


def test_who_answered_wrongly_long_ago_is_told_everything_at_once_again() -> None:
    """A lockdown may be in it."""
    ends = Ends(11)
    ends.settle()
    for after, wait in ((0, 0.0), (100, 1.0), (100, 2.0), (3_600, 0.0), (100, 1.0)):
        ends.now += after
        ends.link.taken(Taken(ends.version, b"something else"), ends.now)
        content = ends.world.projection.content(DOOR)
        assert ends.link.waits_for(ends.version, ends.now, content) == wait
        ends.now += 10
        ends.send()
        ends.answer()
    assert ends.same()


def test_who_complains_of_ever_other_things_is_on_record_with_a_few_an_hour() -> None:
    link = Ends(12).link
    assert link.complain((("not_applied", "no"),), 0.0)
    assert not link.complain((("not_applied", "no"),), 1.0)
    said = [link.complain((("not_applied", str(number)),), 2.0) for number in range(1_000)]
    assert sum(said) == MOST_COMPLAINTS - 1
    assert link.complain((("not_applied", "later"),), 3_700.0)


def test_an_applied_that_was_never_told_is_not_believed_and_told_everything_with_patience() -> None:
    ends = Ends(9)
    ends.settle()
    for wait in (None, 1.0, 2.0, 4.0):
        assert ends.link.applied(Applied(1 << 40, bytes(16)), ends.now) is False
        content = ends.world.projection.content(DOOR)
        assert ends.link.waits_for(ends.version, ends.now, content) == (wait or 0.0)
        ends.now += 100
        ends.send()
        ends.answer()
    assert ends.link.applied_version == ends.version


def test_a_door_with_tens_of_thousands_of_reservations_is_told_its_rules_in_pieces() -> None:
    """Each reservation is a role with a shift of its own in the channel's record, which no frame would hold."""
    ends = Ends(10)
    ends.settle()
    hour, everything = 3_600_000, ends.told_everything
    ends.world.grants[DOOR] |= {
        number: Grant(
            number,
            f"Reservation {number}",
            Timetable(Stretch(number * hour, number * hour + hour), "Europe/London"),
            f"Reservation {number}",
        )
        for number in range(1_000, 62_000)
    }
    ends.world.projection.note_channels([DOOR])
    ends.world.projection.work(inf)
    ends.send()
    updates = list(ends.on_the_way)
    session = Session(b"secret", b"transcript", "to controller")
    session.use_key(DOOR, b"")
    frames = [session.seal(DOOR, messages.encode(update)) for update in updates]
    assert sum(map(len, frames)) > MOST_BYTES
    assert max(map(len, frames)) < MOST_BYTES // 2
    assert [update.parts for update in updates] == [len(updates)] * len(updates)
    assert ends.link.outstanding is not None
    assert ends.link.outstanding.digest == updates[0].after
    ends.answer()
    assert ends.same()
    assert ends.told_everything == everything
    assert ends.controller.record == ends.world.projection.record(DOOR)
    # As a controller puts it together.
    replica, store = untold(DOOR, About("Door", "simulated")), Store(None, bytes(32))
    ends.link = ChannelLink(StoredKeys(DOOR, 1, "Door", 1, None, None), Opening(b"", b"", False), None, is_anew=False)
    told = [each for each in ends.link.messages(ends.world.projection, ends.version, ends.now, 0) if each is not None]
    replica.take(prepare(replica, store, [each for each in told if isinstance(each, Update)], 0))
    assert replica.digest == updates[0].after
    assert len(replica.snapshot.grants) >= 61_000
    store.close()
