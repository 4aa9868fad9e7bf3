"""What is on record, read from the database itself: also while no server runs, and whatever the API would say."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.changes.reports import REPORTS, STANDING, Standing
from doorward.changes.tables import changes
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Presence
from doorward.decision.wording import event_label
from doorward.events.tables import events
from doorward.sync.compiler import read_presence
from doorward.sync.tables import channel_reports


class Recorded(NamedTuple):
    """An event that is on record. `sequence` is its controller's own number."""

    id: int
    code: EventCode
    channel_id: int | None
    channel_name: str | None
    person_name: str | None
    reasons: tuple[tuple[str, str], ...]
    at: int
    controller_id: int | None
    sequence: int | None
    is_replayed: bool

    @property
    def label(self) -> str:
        """The event as a sentence."""
        return event_label(self.code, self.channel_name or "A door", self.person_name)


class Tally(NamedTuple):
    """How complete the record is of what controllers have told."""

    recorded: int
    lost: int
    doubled: int
    replayed: int


class _Report(NamedTuple):
    channel_id: int
    last_seen_at: int
    version: int


def _recorded(*row: object) -> Recorded:
    event_id, code, channel_id, channel_name, person_name, reasons, at, controller_id, sequence, replayed = row
    told = tuple((str(each["code"]), str(each["text"])) for each in json.loads(str(reasons)))
    return Recorded(
        _whole(event_id),
        EventCode(_whole(code)),
        _optional(channel_id),
        None if channel_name is None else str(channel_name),
        None if person_name is None else str(person_name),
        told,
        _whole(at),
        _optional(controller_id),
        _optional(sequence),
        bool(replayed),
    )


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 - as the column is declared
    return value


def _optional(value: object) -> int | None:
    return None if value is None else _whole(value)


_EVENTS: Final = Query(
    select(
        *(events.c.id, events.c.event_code, events.c.channel_id, events.c.channel_name, events.c.person_name),
        *(events.c.reasons, events.c.occurred_at, events.c.controller_id, events.c.sequence, events.c.is_replayed),
    )
    .where(events.c.account_id == bindparam("account_id"), events.c.id > bindparam("after"))
    .order_by(events.c.id),
    _recorded,
)
_REPORTS: Final = Query(
    select(channel_reports.c.channel_id, channel_reports.c.last_seen_at, channel_reports.c.version), _Report
)
_NEWEST: Final = Query(
    select(func.coalesce(func.max(changes.c.id), 0)).where(changes.c.account_id == bindparam("account_id")), number
)
_STANDING: Final = Query(select(*STANDING).select_from(REPORTS).where(channels.c.id == bindparam("the_id")), Standing)
_LAST_SEQUENCE: Final = Query(
    select(controllers.c.last_sequence).where(controllers.c.id == bindparam("the_id")), number
)


class Record:
    """Reads what the product has written down. It writes nothing."""

    def __init__(self, database: Database, account_id: int) -> None:
        self._database = database
        self._account_id = account_id

    def events(self, after: int = 0) -> list[Recorded]:
        """The events recorded after one of this id, in the order in which they were recorded."""
        return self._database.read_now(
            lambda transaction: transaction.all(_EVENTS, account_id=self._account_id, after=after)
        )

    def is_confirmed(self, channel_ids: Collection[int]) -> bool:
        """Whether these doors have confirmed the newest change."""

        def read(transaction: Transaction) -> bool:
            newest = transaction.one(_NEWEST, account_id=self._account_id) or 0
            versions = {report.channel_id: report.version for report in transaction.all(_REPORTS)}
            return all(versions.get(channel_id, -1) >= newest for channel_id in channel_ids)

        return self._database.read_now(read)

    def standing(self, channel_id: int) -> Standing:
        """How a door stands to the database."""
        found = self._database.read_now(lambda transaction: transaction.one(_STANDING, the_id=channel_id))
        return Standing(None, None, None, None) if found is None else found

    def last_sequence(self, controller_id: int) -> int:
        """The number of a controller's last event that is on record."""
        return self._database.read_now(lambda tx: tx.one(_LAST_SEQUENCE, the_id=controller_id)) or 0

    def presence(self) -> dict[int, Presence]:
        """Where people were last seen to go, by person id."""
        return self._database.read_now(lambda transaction: read_presence(transaction, self._account_id))


def tally(everything: Sequence[Recorded], of_the_day: Sequence[Recorded], told: Mapping[int, int]) -> Tally:
    """How many events are missing and how many are there twice; `told`: how many each controller has told of.

    `of_the_day`: those that are not of the site's making.
    """
    lost = doubled = 0
    for controller_id, number_told in told.items():
        sequences = [event.sequence for event in everything if event.controller_id == controller_id]
        doubled += len(sequences) - len(set(sequences))
        lost += len(set(range(1, number_told + 1)).difference(sequences))
    return Tally(len(of_the_day), lost, doubled, sum(event.is_replayed for event in of_the_day))
