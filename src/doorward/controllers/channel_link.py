"""One channel in one session: what its controller has, and what it is still to be told.

What has changed is kept as a state, not as a queue of messages: when something can be sent, it is worked out what
that is. So a controller that takes nothing costs no more than the ids of the people who have changed, and one that is
slow is told of ten changes at once. Of Updates one at a time is under way: until the controller has taken it. That it
is on its disk and its board it says when it is; nothing waits for that (docs/decisions/0034).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from math import inf
from typing import Final, Literal, NamedTuple

from doorward.controllers import channel_keys
from doorward.controllers.channel_keys import NO_KEY, Opening, StoredKeys
from doorward.kit.crypto import Vault
from doorward.link import keys
from doorward.link.content import MOST_BUCKETS, Content, differing
from doorward.link.messages import MOST_PEOPLE, Admit, Applied, Held, NewKey, NotApplied, Taken, Update
from doorward.sync.known import Capture, Known
from doorward.sync.projection import AccountProjection

_MOST_BYTES_AT_ONCE: Final = 1024 * 1024
"""A part of an Update is about this long at most."""
_MOST_CHANGED: Final = 20_000
"""If more people have changed, everything is told anew."""
_VERSION_EVERY_S: Final = 0.25
"""Where only the version is another one it is told so often at most: it changes with every change of the account."""
_AGAIN_AFTER_S: Final = 60.0
"""What does not take everything is told it again after so long."""
_LONGEST_AGAIN_S: Final = 60.0
"""Who answers wrongly is told everything again at once the first time, later ever more seldom up to this."""
_MOST_UNAPPLIED: Final = 1_000
"""So many different states that a controller has taken and not applied are remembered."""
ANSWERED_WITHIN_S: Final = 120.0
MOST_COMPLAINTS: Final = 20
"""So many different ones of a channel are put on record in an hour: a controller may think of ever other ones."""
_COMPLAINED_AGAIN_S: Final = 3_600.0
_FORGIVEN_AFTER_S: Final = 600.0
"""So long after its last wrong answer it is told everything at once again."""
_BETWEEN_BREATHS: Final = 256
"""So many people are encoded, or looked at, in one go."""
_BUCKET_BYTES: Final = 16

_Kind = Literal["question", "changes", "buckets", "everything"]
_Complaint = tuple[tuple[str, str], ...]
"""Codes and sentences."""


class Outstanding(NamedTuple):
    """An Update that the controller has neither taken nor refused."""

    kind: _Kind
    version: int
    digest: bytes
    sent_at: float


class InUse(NamedTuple):
    """The key of a channel's box by now, and the pending key on record that it was, encrypted; None: it was none."""

    key: bytes
    pending: str | None


class _Answered(NamedTuple):
    """What a controller has that did not have what the server has."""

    buckets: bytes
    channel_digest: bytes


Breath = None
"""What is given between messages where putting them together takes long: let others have their turn."""


class ChannelLink:
    """Used from one event loop; instants are of its clock."""

    def __init__(self, stored: StoredKeys, opening: Opening, held: Held | None, *, is_anew: bool) -> None:
        """`held`: what the controller said that it has; `is_anew`: it is to be told everything whatever it has."""
        self.id = stored.channel_id
        self.name = stored.name
        self.account_id = stored.account_id
        self.is_driven = held is None or held.is_driven
        self.key = opening.key
        """The key of the channel's box."""
        self.wanted_key = opening.wanted
        self.next_key: bytes | None = None
        """The key that the controller has been given; nothing is sent in the box until it uses it."""
        self.stored = stored
        self.changed: set[int] = set()
        """People whose records may not be what the controller has."""
        self.outstanding: Outstanding | None = None
        self.has_passback = False
        self._complaints: set[_Complaint] = set()
        """What has been put on record of what it does not take."""
        self._complained_since = -inf
        self.version = 0 if held is None else held.version
        """The last one that the controller has taken."""
        self.applied_version = 0
        """The last one of which it has said in this session that it is on its disk and its board."""
        self.is_begun = False
        self._digest: bytes | None = None if held is None or is_anew or held.version <= 0 else held.digest or None
        self._next_pending: str | None = None
        # The channel has no key any more, and the controller was not there when it was removed.
        self._is_key_to_forget = held is not None and bool(held.keys) and opening.wanted == NO_KEY
        self._record: bytes | None = None
        self._taken: dict[bytes, int] = {}
        """What has been taken and may not be applied yet: by digest, the last version that it is the content of."""
        self._wrong_answers = 0
        self._answered_wrongly_at = -inf
        self._answered: _Answered | None = None
        self._admits: deque[Admit] = deque()
        self.too_late: list[int] = []
        """Requests that could not be sent in time."""
        self._is_sending = False
        self._as_of: int | None = None
        self._sent_at = 0.0
        self._not_before = 0.0

    def take_keys(self, vault: Vault, stored: StoredKeys) -> None:
        """What is on record of the channel by now: its keys, and what it is called."""
        if (stored.current, stored.pending) != (self.stored.current, self.stored.pending):
            self.wanted_key = channel_keys.revealed(vault, stored, stored.pending or stored.current)
        self.stored, self.name = stored, stored.name

    def admit(self, request: Admit) -> None:
        """To be sent once, after what else the door is to know."""
        self._admits.append(request)

    def unsent(self) -> list[int]:
        """The requests for admissions that were not sent, and are not to be any more."""
        requests = [*self.too_late, *(admit.request_id for admit in self._admits)]
        self.too_late.clear()
        self._admits.clear()
        return requests

    def note(self, person_ids: Iterable[int]) -> None:
        """These people may not be any more what the controller has."""
        if self._digest is not None or self.outstanding is not None:
            self.changed.update(person_ids)

    @property
    def is_open(self) -> bool:
        """Whether anything may be sent in the box at this moment."""
        return self.next_key is None and not self._is_sending

    def messages(
        self, projection: AccountProjection, version: int, now: float, clock_now: int, as_of: int | None = None
    ) -> Iterator[Update | Admit | NewKey | None]:
        """What is to be sent now, in its order; None is a Breath. Whoever begins to send it sends all of it.

        `version`: the account's, as far as everything of it is in the projection; `as_of`: up to which instant it is.
        """
        if not self.is_open:
            return
        if self.wanted_key != self.key or self._is_key_to_forget:
            self._is_key_to_forget = False
            self.next_key, self._next_pending = self.wanted_key, self.stored.pending
            yield NewKey(self.wanted_key)
            return
        self._is_sending, self._as_of = True, as_of
        try:
            if (content := projection.content(self.id)) is not None and self.waits_for(version, now, content) == 0.0:
                yield from self._update(projection, content, version, now)
            while self._admits:
                if clock_now >= self._admits[0].until:
                    self.too_late.append(self._admits.popleft().request_id)
                else:
                    yield self._admits.popleft()
        finally:
            self._is_sending = False

    def is_told(self, content: Content | None) -> bool:
        """Whether all of this has been sent, to be taken in its order."""
        sent = self._digest if self.outstanding is None else self.outstanding.digest
        return content is not None and self.is_begun and self._answered is None and content.digest() == sent

    def is_agreed(self, content: Content | None) -> bool:
        """Whether all of this is on the controller's disk and its board, and it has said so in this session."""
        is_applied = self.outstanding is None and self.applied_version >= self.version
        return self.is_told(content) and is_applied and self.is_open and not self._admits

    def waits_for(self, version: int, now: float, content: Content | None) -> float | None:
        """In how many seconds there is an Update to send, 0 for now; None: there is none for all that is known."""
        if content is None or self.outstanding is not None:
            return None
        if now < self._not_before:
            return self._not_before - now
        if not self.is_begun or self._digest is None or self._answered is not None:
            return 0.0
        if content.digest() != self._digest:
            return 0.0
        if version == self.version:
            return None
        return max(0.0, self._sent_at + _VERSION_EVERY_S - now)

    def taken(self, message: Taken, now: float) -> bool:
        """The controller says what it goes by now; gives whether that is what it was told."""
        sent, self.outstanding = self.outstanding, None
        if sent is None or (message.version, message.digest) != (sent.version, sent.digest):
            self._tell_again(now)
            return False
        self.version, self._digest = sent.version, sent.digest
        self._taken.pop(sent.digest, None)
        self._taken[sent.digest] = sent.version
        if len(self._taken) > _MOST_UNAPPLIED:
            del self._taken[next(iter(self._taken))]
        return True

    def applied(self, message: Applied, now: float) -> bool | None:
        """It says what is on its disk and its board; gives whether it has taken that. None: that is not known any more.

        What it has taken holds for every version with the same content, so that versions alone need not be applied.
        """
        version = self._taken.get(message.digest)
        if version is None:
            if message.version < self.version:
                return None
            self.outstanding = None
            self._tell_again(now)
            return False
        self.applied_version = max(version, self.applied_version)
        self._taken = {digest: taken for digest, taken in self._taken.items() if taken >= version}
        return True

    def not_applied(self, message: NotApplied, now: float) -> bool:
        """The controller has something else than was believed; gives False if it takes nothing at all."""
        sent, self.outstanding = self.outstanding, None
        if sent is None or message.version != sent.version:
            self._tell_again(now)
            return True
        if sent.kind == "question":
            self._answered = _Answered(message.buckets, message.channel_digest)
            return True
        if sent.kind == "everything":
            self.give_up(now)
            return False
        self._tell_again(now)
        return True

    def give_up(self, now: float) -> None:
        """It cannot be told; it is tried again, as a whole, when that may have changed."""
        self.outstanding = None
        self._tell_everything()
        self._not_before = now + _AGAIN_AFTER_S

    def complain(self, complaint: _Complaint, now: float) -> bool:
        """It does not take something; gives whether that is to be put on record: once, and of many a few an hour."""
        if complaint in self._complaints:
            return False
        if len(self._complaints) >= MOST_COMPLAINTS:
            if now - self._complained_since < _COMPLAINED_AGAIN_S:
                return False
            self._complaints.clear()
        if not self._complaints:
            self._complained_since = now
        self._complaints.add(complaint)
        return True

    def use_next_key(self, fingerprint: str) -> InUse | None:
        """The controller uses the key that it was given: gives that. None: it was given none, or another."""
        key = self.next_key
        if key is None or fingerprint not in ({keys.fingerprint(key)} if key else {"", keys.fingerprint(NO_KEY)}):
            return None
        self.key, self.next_key = key, None
        return InUse(key, self._next_pending)

    def _tell_again(self, now: float) -> None:
        """Tell everything, for the ends do not agree. Who never agrees is not to cost the server that all the time."""
        if self._digest is None and now < self._not_before:
            return  # it will be
        if now - self._answered_wrongly_at > _FORGIVEN_AFTER_S:
            self._wrong_answers = 0
        self._answered_wrongly_at = now
        if self._wrong_answers:
            self._not_before = now + min(_LONGEST_AGAIN_S, 2.0 ** (self._wrong_answers - 1))
        self._wrong_answers = min(self._wrong_answers + 1, 10)
        self._tell_everything()

    def _tell_everything(self) -> None:
        self._digest, self._answered = None, None
        self.changed.clear()

    def _update(
        self, projection: AccountProjection, content: Content, version: int, now: float
    ) -> Iterator[Update | None]:
        self._sent_at = now
        digest, record = content.digest(), projection.record(self.id)
        if self._digest is not None and not self.is_begun:
            self.is_begun = True
            self.changed.clear()
            self._record = record
            # Of a controller that has something else this finds out what; whoever has it confirms the version.
            kind: _Kind = "changes" if self._digest == digest else "question"
            self.outstanding = Outstanding(kind, version, digest, now)
            yield Update(version, digest, digest, as_of=self._as_of)
            return
        self.is_begun = True
        if self._digest is None or len(self.changed) > _MOST_CHANGED:
            yield from self._everything(projection, content, version, now)
        elif self._answered is not None:
            yield from self._buckets(projection, content, self._answered, version, now)
        else:
            told = record if record != self._record else None
            self._record = record
            here, people = projection.some(self.id, self.changed)
            self.changed.clear()
            self.outstanding = Outstanding("changes", version, digest, now)
            first = Update(version, self._digest, digest, told, as_of=self._as_of)
            yield from _parts(first, here, iter(people), len(people), projection.largest(self.id))

    def _everything(
        self, projection: AccountProjection, content: Content, version: int, now: float
    ) -> Iterator[Update | None]:
        digest, record = content.digest(), projection.record(self.id)
        self.changed.clear()
        self._answered, self._record = None, record
        self.outstanding = Outstanding("everything", version, digest, now)
        captured = projection.capture(self.id)
        first = Update(version, None, digest, record, as_of=self._as_of)
        yield from _parts(first, captured.here, _each(captured), content.people, projection.largest(self.id))

    def _buckets(
        self, projection: AccountProjection, content: Content, answered: _Answered, version: int, now: float
    ) -> Iterator[Update | None]:
        """Who is in the buckets that differ; everything, if that is no more."""
        count = len(answered.buckets) // _BUCKET_BYTES
        wanted = _wanted(content, answered.buckets, count)
        if wanted is None:
            yield from self._everything(projection, content, version, now)
            return
        digest, record = content.digest(), projection.record(self.id)
        self.changed.clear()
        self._answered, self._record = None, record
        before, self.outstanding = self._digest, Outstanding("buckets", version, digest, now)
        told = record if int.from_bytes(answered.channel_digest, "big") != content.channel else None
        largest, captured = projection.largest(self.id), projection.capture(self.id)
        people: list[tuple[int, Known | None]] = []
        for index, (person_id, known) in enumerate(_each(captured)):
            if person_id % count in wanted:
                people.append((person_id, known))
            if index % _BETWEEN_BREATHS == _BETWEEN_BREATHS - 1:
                yield Breath
        first = Update(version, before, digest, told, buckets=(count, tuple(sorted(wanted))), as_of=self._as_of)
        yield from _parts(first, captured.here, iter(people), len(people), largest)


def _wanted(content: Content, buckets: bytes, count: int) -> frozenset[int] | None:
    """The buckets that differ; None if everything is no more than they are, or if these are none."""
    if not 1 <= count <= MOST_BUCKETS or count & (count - 1):
        return None
    try:
        found = frozenset(differing(content.sums(count), buckets))
    except ValueError:
        return None
    return None if 2 * len(found) > count else found


def _each(captured: Capture) -> Iterator[tuple[int, Known | None]]:
    return ((known.person.id, known) for known in captured.people())


def _parts(
    first: Update, here: frozenset[int], people: Iterator[tuple[int, Known | None]], count: int, largest: int
) -> Iterator[Update | None]:
    """An Update in as many parts as its people, who are `count`, and the channel's own record need."""
    at_once = max(1, min(MOST_PEOPLE, _MOST_BYTES_AT_ONCE // largest))
    own = first.channel
    pieces = 0 if own is None else -(-len(own) // _MOST_BYTES_AT_ONCE)
    parts = max(1, -(-count // at_once), pieces)
    for part in range(parts):
        told: list[bytes] = []
        gone: list[int] = []
        for index, (person_id, known) in enumerate(islice(people, at_once)):
            record = None if known is None else known.record(here)
            if record is not None:
                told.append(record)
            elif first.before is not None:
                gone.append(person_id)
            if index % _BETWEEN_BREATHS == _BETWEEN_BREATHS - 1:
                yield Breath
        begins, buckets = part * _MOST_BYTES_AT_ONCE, first.buckets if part == 0 else None
        channel = None if own is None or part >= pieces else own[begins : begins + _MOST_BYTES_AT_ONCE]
        yield Update(
            first.version,
            first.before,
            first.after,
            channel,
            tuple(told),
            tuple(gone),
            buckets,
            part,
            parts,
            first.as_of,
        )
