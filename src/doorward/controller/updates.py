"""How what a channel has been told becomes what it is told now: an Update checked and compiled, in a thread.

Then it is taken over, on the event loop and in one go (Replica.take): no decision waits for it. It is kept after that,
so that a disk which is slow or full holds up no revocation; until it is, `Replica.unsaved` says what the disk lacks.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from doorward.controller.replica import Prepared, Replica, Rules, compiled
from doorward.controller.store import Change, Store, StoreFailed
from doorward.decision.snapshot import Directory
from doorward.link import records
from doorward.link.content import Content
from doorward.link.messages import Update
from doorward.link.records import PersonRecord, RecordRefused

_ON_THE_LOOP: Final = 100
"""So many people are changed in place; with more, a new directory takes the place of the old one."""


class NotFitting(Exception):
    """An Update cannot be applied; the text says why. `is_question`: it says nothing, to find out what is there."""

    def __init__(self, text: str, *, is_question: bool = False) -> None:
        super().__init__(text)
        self.is_question = is_question


def prepare(replica: Replica, store: Store, parts: Sequence[Update], at: int, in_place: bool = True) -> Prepared:
    """For a thread: check all parts of an Update against what is there, and compile them.

    Raises NotFitting or Damaged; nothing has changed in either case. What the disk does not give at this moment is
    NotFitting: then everything is told, for which nothing has to be read. `at`: the instant by the door's clock.
    `in_place`: whether a few people may be changed in the directory that is there; not where somebody reads it for
    longer than a moment.
    """
    update = parts[-1]
    is_whole = update.before is None
    if not is_whole and update.before != replica.digest:
        raise NotFitting("it changes something else than what is here", is_question=_is_question(parts))
    try:
        prepared = _prepare(replica, store, parts, is_whole=is_whole, at=at)
    except RecordRefused as error:
        raise NotFitting(str(error)) from None
    except StoreFailed as error:
        raise NotFitting(f"what is here cannot be read from the disk: {error}") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise NotFitting(f"it says what cannot be: {type(error).__name__}") from None
    if not is_whole and (not in_place or len(prepared.put) + len(prepared.gone) > _ON_THE_LOOP):
        directory = _directory(replica.snapshot.directory, prepared.put, prepared.gone)
        prepared = prepared._replace(directory=directory, put=())
    return prepared


def _prepare(replica: Replica, store: Store, parts: Sequence[Update], *, is_whole: bool, at: int) -> Prepared:
    update, there = parts[-1], _Records(store, replica)
    content = Content() if is_whole else replica.content.copy()
    told = _read(parts, None if is_whole else there)
    put, gone = told.put, told.gone
    if not is_whole:
        for person_id, raw in there.some(sorted(gone | put.keys())).items():
            content.remove(person_id, raw)
    for person_id, (_, raw) in put.items():
        content.add(person_id, raw)
    gone.difference_update(put)
    if told.channel is not None:
        content.set_channel(told.channel)
        rules = compiled(replica.id, told.channel)
    elif is_whole or replica.record is None:
        raise NotFitting("it does not say what the channel is")
    else:
        rules = Rules(replica.record, replica.snapshot.channel, replica.snapshot.grants)
    if content.digest() != update.after:
        raise NotFitting("what would come of it is not what the server has")
    _warm(rules, at)
    records_put = {person_id: raw for person_id, (_, raw) in put.items()}
    unsaved = there.with_what_is_lacking(Change(update.version, at, told.channel, records_put, gone, is_whole))
    people = [record for record, _ in put.values()]
    if is_whole:
        return Prepared(update.version, content, rules, _directory(Directory(), people, ()), (), (), unsaved)
    return Prepared(update.version, content, rules, None, people, gone, unsaved)


class _Told(NamedTuple):
    put: dict[int, tuple[PersonRecord, bytes]]
    gone: set[int]
    channel: bytes | None


def _read(parts: Sequence[Update], there: "_Records | None") -> _Told:
    """All parts of an Update as one; buckets mean those who are `there`."""
    put: dict[int, tuple[PersonRecord, bytes]] = {}
    gone: set[int] = set()
    pieces: list[bytes] = []
    for part in parts:
        if part.buckets is not None and there is not None:
            gone.update(there.in_buckets(*part.buckets))
        gone.update(part.gone)
        if part.channel is not None:
            pieces.append(part.channel)
        for raw in part.people:
            record = records.decode_person(raw)
            put[record.id] = (record, raw)
    return _Told(put, gone, b"".join(pieces) if pieces else None)


class _Records:
    """What a channel has been told as records: on the disk, and what the disk has not taken."""

    def __init__(self, store: Store, replica: Replica) -> None:
        self._store = store
        self._id = replica.id
        self._unsaved = replica.unsaved

    def some(self, person_ids: Sequence[int]) -> dict[int, bytes]:
        unsaved = self._unsaved
        if unsaved is None:
            return self._store.some_people(self._id, person_ids)
        found = {person_id: unsaved.put[person_id] for person_id in person_ids if person_id in unsaved.put}
        if not unsaved.is_whole:
            gone = set(unsaved.gone)
            rest = [person_id for person_id in person_ids if person_id not in found and person_id not in gone]
            found |= self._store.some_people(self._id, rest)
        return found

    def in_buckets(self, buckets: int, numbers: Iterable[int]) -> set[int]:
        wanted, unsaved = set(numbers), self._unsaved
        if buckets < 1:
            raise RecordRefused("there is no such number of buckets")
        found: set[int] = set()
        if unsaved is None or not unsaved.is_whole:
            found.update(self._store.ids_in_buckets(self._id, buckets, wanted))
        if unsaved is not None:
            found.difference_update(unsaved.gone)
            found.update(person_id for person_id in unsaved.put if person_id % buckets in wanted)
        return found

    def with_what_is_lacking(self, change: Change) -> Change:
        """What is to be kept by now: a change, and what the disk has not taken before it."""
        if self._unsaved is None or change.is_whole:
            return change
        before = self._unsaved
        put = {**before.put, **change.put}
        for person_id in change.gone:
            put.pop(person_id, None)
        gone = {*before.gone, *change.gone} - put.keys()
        record = change.record if change.record is not None else before.record
        return Change(change.version, change.at, record, put, gone, before.is_whole)


def dismantle(directory: Directory) -> None:
    """For a thread: let go of a large directory bit by bit; at once, it would hold everybody else up."""
    for person_id in list(directory.people):
        directory.remove(person_id)


def _is_question(parts: Sequence[Update]) -> bool:
    return all(
        part.channel is None
        and not part.people
        and not part.gone
        and part.buckets is None
        and part.before == part.after
        for part in parts
    )


def _directory(left: Directory, put: Iterable[PersonRecord], gone: Collection[int]) -> Directory:
    """Everybody of a directory but those who are gone, with those who are put."""
    directory = Directory()
    for person_id in left.people:
        if person_id not in gone:
            directory.take_over(person_id, left)
    for record in put:
        directory.put(*records.person_of(record))
    return directory


def _warm(rules: Rules, at: int) -> None:
    """Do the calendar arithmetic that the first decisions would have to wait for."""
    for shift in (rules.channel.auto_unlock, *(grant.shift for grant in rules.grants.values())):
        if shift is not None:
            try:
                shift.open_at(at)
            except Exception:  # noqa: BLE001, S112 - a rule that raises denies when it is asked
                continue
