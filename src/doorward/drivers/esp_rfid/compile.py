"""From the rules of the doors at one board to the users that the board is to know.

The board knows a user by the uid of a card: for each relay whether it is released, and one stretch of time. It has no
shifts. So a user carries the stretch that runs now, or else the next one; when it ends the board shuts the person out
by itself, whether or not anybody is there to tell it what comes then. What the board would admit beyond the rules is
left out, and said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Channel, Person
from doorward.drivers.esp_rfid.cards import uid_of
from doorward.drivers.esp_rfid.config import Device
from doorward.drivers.esp_rfid.messages import NEVER_S, Record
from doorward.drivers.esp_rfid.spans import RULE_ERRORS, DoorRights, Span, SpanFinder

MOST_CARDS: Final = 1_000
"""What the firmware's authors have tried (CHANGELOG.md of 0.3); it keeps a file for each in a few hundred kilobytes."""

_NAMED: Final = 3


class Wanted(NamedTuple):
    """A user as the board is to know it."""

    name: str
    record: Record
    slack_s: int
    """So much earlier may the board's record end; 0 where the end is a rule's and not only ours."""

    def is_met_by(self, found: Record | None, now_s: int) -> bool:
        """Whether what the board has will do: never more than is wanted, and not much less."""
        record = self.record
        if found is None or found.doors != record.doors:
            return False
        if not record.until - self.slack_s <= found.until <= record.until:
            return False
        if record.since == 0 or record.since > now_s:
            return found.since == record.since
        return 0 < found.since <= now_s


@dataclass(slots=True)
class Plan:
    """What is to be on a board from one instant on, until `wake_at`; None: until there is another snapshot."""

    users: dict[str, Wanted] = field(default_factory=dict)
    refused: dict[int, list[str]] = field(default_factory=dict)
    """By channel, a sentence for each thing that is left out."""
    wake_at: int | None = None

    def wake(self, at: int | None) -> None:
        """Look again at this instant, or earlier."""
        if at is not None:
            self.wake_at = at if self.wake_at is None else min(self.wake_at, at)


class _Holder(NamedTuple):
    person: Person
    spans: dict[int, Span]
    """By the relay's index."""


def compile_board(
    device: Device, rights: Mapping[int, DoorRights], at: int, tolerance_s: float, clock_fault: str | None
) -> Plan:
    """Plan what a board knows from the instant `at` on.

    `rights` by the relay's index; a relay without any is released for nobody. `clock_fault`: what is wrong with the
    board's clock; rights that end are not handed to such a board.
    """
    plan = Plan()
    holders: dict[str, _Holder] = {}
    for index, channel_id in device.doors:
        plan.refused[channel_id] = []
        if index in rights:
            _collect(device, index, rights[index], at, plan.refused[channel_id], holders)
    writer = _Writer(device, at, tolerance_s, clock_fault, {index: right.slack_ms for index, right in rights.items()})
    for uid, holder in sorted(holders.items()):
        writer.write(plan, uid, holder)
    writer.say_what_is_left_out(plan)
    return plan


def _collect(
    device: Device, index: int, rights: DoorRights, at: int, refused: list[str], holders: dict[str, _Holder]
) -> None:
    """Add the cards that are admitted at one door, and say what is not represented."""
    channel, directory = rights.snapshot.channel, rights.snapshot.directory
    if channel.auto_unlock is not None:
        refused.append("Auto-unlock is not on the board: it is done by commands, as long as the controller reaches it")
    why_nobody = _why_nobody(channel)
    if why_nobody is not None:
        refused.append(f"Nobody is on the board: {why_nobody}")
        return
    finder = SpanFinder(rights, at)
    unnamed, unread = [], []
    for value, person in directory.by_kind.get(CARD, {}).items():
        if CARD not in channel.accepts or not finder.concerns(person):
            continue
        uid = uid_of(value, device.uid, device.card)
        if uid is None:
            unnamed.append(person.name)
            continue
        try:
            span = finder.find(person, value)
        except RULE_ERRORS:
            unread.append(person.name)
            continue
        if span is not None:
            holders.setdefault(uid, _Holder(person, {})).spans[index] = span
    others = sum(
        sum(1 for person in directory.by_kind.get(kind, {}).values() if finder.concerns(person))
        for kind in channel.accepts - {CARD}
    )
    refused += _sentences(unnamed, "{} cannot be told to the board: the number is not of its reader's format", "card")
    refused += _sentences(unread, "{} is left out: the rules cannot be read", "card")
    if others:
        refused.append(
            f"{_count(others, 'credential')} of other kinds cannot be told to the board: it knows cards only"
        )


def _why_nobody(channel: Channel) -> str | None:
    """Why the board would admit by any card whom the rules of the door do not admit by it alone."""
    if channel.two_factor:
        return "it cannot be trusted to ask for a card and a PIN"
    if channel.two_person:
        return "it cannot wait for a second person"
    if channel.passback is not None and channel.passback.mode != "soft":
        return "it does not know where people are, so that it cannot refuse pass-back"
    return None


class _Writer:
    """Turns spans into the one record that the board can hold of a card."""

    def __init__(
        self, device: Device, at: int, tolerance_s: float, clock_fault: str | None, slack_ms: Mapping[int, int]
    ) -> None:
        self._device = device
        self._at = at
        # A board whose clock is slow by what is tolerated admits at once, too; one that has lost the time does not.
        self._since_now_s = at // 1_000 - int(tolerance_s) - 1
        self._clock_fault = clock_fault
        self._slack_ms = slack_ms
        self._without_first: dict[int, list[str]] = {}
        self._ending: list[str] = []
        self._too_many: list[str] = []

    def write(self, plan: Plan, uid: str, holder: _Holder) -> None:
        first = holder.spans.get(0)
        if first is None:
            # The firmware releases no relay for whom it does not release the first, and the first for all others.
            for index in holder.spans:
                self._without_first.setdefault(index, []).append(holder.person.name)
            return
        running = {
            index: span
            for index, span in holder.spans.items()
            if span.start <= first.start and (span.end is None or first.start < span.end)
        }
        for index, span in holder.spans.items():
            plan.wake(span.start if index not in running else span.end)
        end = min((span.end for span in running.values() if span.end is not None), default=None)
        is_now = first.start <= self._at
        begins_s = -(-first.start // 1_000)
        if end is None:
            since, until, slack_ms = (0 if is_now else begins_s), NEVER_S, 0
        else:
            since = self._since_now_s if is_now else begins_s
            until = min(end // 1_000, NEVER_S) - 1
            is_soft = all(span.is_soft for span in running.values() if span.end == end)
            slack_ms = min(self._slack_ms[index] for index in running) if is_soft else 0
            if until < since:
                return
            if self._clock_fault is not None:
                self._ending.append(holder.person.name)
                return
        if len(plan.users) >= MOST_CARDS:
            self._too_many.append(holder.person.name)
            return
        doors = tuple(index in running for index in range(len(self._device.channels)))
        # The board knows people by number: it needs no name, and its web page is no place for one.
        plan.users[uid] = Wanted(f"p{holder.person.id}", Record(doors, since, until), slack_ms // 1_000)

    def say_what_is_left_out(self, plan: Plan) -> None:
        fault = f"{{}} is left out, because the right ends: {self._clock_fault}"
        for index, channel_id in self._device.doors:
            refused = plan.refused[channel_id]
            text = "{} is left out: the board releases no relay for whom it does not release the first"
            refused += _sentences(self._without_first.get(index, []), text, "card")
            refused += _sentences(self._ending, fault, "card")
            refused += _sentences(self._too_many, f"{{}} is left out: the board holds {MOST_CARDS} cards", "card")


def _sentences(names: list[str], text: str, noun: str) -> Iterator[str]:
    if names:
        named = ", ".join(sorted(names)[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        sentence = text.format(f"{_count(len(names), noun)} ({named})")
        yield sentence if len(names) == 1 else sentence.replace(" is left out", " are left out")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
