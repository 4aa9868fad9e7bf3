"""Whatever happens on either side, a controller ends up with what the server has, and is told everything seldom."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.controllers.channel_keys import Opening, StoredKeys
from doorward.controllers.channel_link import ChannelLink
from doorward.decision.snapshot import Grant
from doorward.link import content as sums
from doorward.link import keys
from doorward.link.messages import Admit, Applied, Held, NewKey, NotApplied, Update
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
                self.link.applied(Applied(self.controller.version, self.controller.digest))
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
    assert ends.controller.version == ends.link.version == ends.version
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
