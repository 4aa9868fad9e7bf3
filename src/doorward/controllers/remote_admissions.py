"""Remote admissions at the doors of connected controllers: taken up once, decided, sent once, never again.

Both ends decide: the server by the database as it is at this moment, the door by what it has been told, which comes
before the request on the same connection. Where either says no, nobody is let in (docs/decisions/0015).

What cannot be answered any more is over at once: what could not be sent, and what a controller was sent in a session
before, once it has told all that had happened by then, and no answer was among it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, func, select

from doorward.admissions import service as admissions
from doorward.admissions.service import Admission
from doorward.admissions.tables import admission_requests
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.decision.codes import EventCode
from doorward.decision.engine import decide_person, decide_release
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.events.service import record
from doorward.kit.clock import Clock
from doorward.link.messages import Admit
from doorward.sync.compiler import compile_some, read_presence

_log = structlog.get_logger("doorward.link")

_AT_ONCE: Final = 100


class Waiting(NamedTuple):
    """A request that nobody has taken up."""

    id: int
    channel_id: int
    requested_at: int


_WAITING: Final = Query(
    select(admission_requests.c.id, admission_requests.c.channel_id, admission_requests.c.requested_at)
    .where(
        admission_requests.c.status == "pending",
        admission_requests.c.claimed_at.is_(None),
        admission_requests.c.requested_at >= bindparam("since"),
        one_of(admission_requests.c.channel_id, "channel_ids"),
    )
    .order_by(admission_requests.c.requested_at)
    .limit(_AT_ONCE),
    Waiting,
)
_PENDING: Final = select(*(admission_requests.c[name] for name in Admission._fields)).where(
    admission_requests.c.status == "pending"
)
_UNSENT: Final = Query(_PENDING.where(one_of(admission_requests.c.id, "ids")).with_for_update(), Admission)
_LOST: Final = Query(
    _PENDING.where(
        one_of(admission_requests.c.channel_id, "channel_ids"),
        # Nobody takes up what was asked for before a session.
        func.coalesce(admission_requests.c.claimed_at, admission_requests.c.requested_at) < bindparam("before"),
    ).with_for_update(),
    Admission,
)
_STILL_THERE: Final = Query(select(channels.c.id).where(channels.c.id == bindparam("the_channel")), number)


async def waiting(database: Database, since: Mapping[int, int], now: int) -> list[Waiting]:
    """The requests for these channels that may be taken up; `since`: by channel, none that was made before.

    Raises DatabaseUnavailable.
    """
    ids, young = str(sorted(since)), now - admissions.TAKEN_UP_WITHIN_MS
    found = await database.read(lambda tx: tx.all(_WAITING, channel_ids=ids, since=young)) if since else []
    return [each for each in found if each.requested_at >= since[each.channel_id]]


async def take_up(database: Database, clock: Clock, asked: Waiting) -> Admit | None:
    """Take a request up, and decide it: what to send, None for nothing. Whatever goes wrong, the door stays shut."""
    now = clock.now()
    try:
        return await database.write(lambda tx: _take_up(tx, asked, now))
    except DatabaseUnavailable as error:
        _log.warning("a remote admission could not be taken up", request=asked.id, reason=str(error))
    except Exception:  # noqa: BLE001 - what fails admits nobody
        _log.exception("a remote admission failed", request=asked.id)
    return None


def give_up_unsent(transaction: Transaction, request_ids: Collection[int], now: int) -> None:
    """These were not sent, and will not be: the controller was gone, or busy for too long."""
    _give_up(transaction, transaction.all(_UNSENT, ids=str(sorted(request_ids))), now)


def give_up_lost(transaction: Transaction, channel_ids: Collection[int], before: int, now: int) -> None:
    """What the doors were sent before an instant has never arrived: their controller has told all that happened."""
    _give_up(transaction, transaction.all(_LOST, channel_ids=str(sorted(channel_ids)), before=before), now)


def _give_up(transaction: Transaction, lost: Iterable[Admission], now: int) -> None:
    for each in lost:
        admissions.complete(transaction, each.id, "offline", now)
        still = transaction.one(_STILL_THERE, the_channel=each.channel_id)
        record(transaction, admissions.event_of(each, EventCode.CONTROLLER_OFFLINE, now, channel_id=still), now)


def _take_up(transaction: Transaction, asked: Waiting, now: int) -> Admit | None:
    claimed = admissions.claim(transaction, asked.id, asked.requested_at, now)
    if claimed is None:
        return None
    verdict = _decide(transaction, claimed, now)
    if verdict is not None and verdict.admitted:
        return Admit(claimed.id, claimed.person_id, claimed.requested_at + admissions.TAKEN_UP_WITHIN_MS)
    still = transaction.one(_STILL_THERE, the_channel=claimed.channel_id)
    admissions.complete(transaction, claimed.id, "denied" if still is not None else "offline", now)
    code = EventCode.REMOTE_ADMISSION_DENIED if still is not None else EventCode.CONTROLLER_OFFLINE
    event = admissions.event_of(claimed, code, now, channel_id=still)
    if verdict is not None:
        event = replace(event, reasons=tuple(reasons_of(verdict)))
    record(transaction, event, now)
    return None


def _decide(transaction: Transaction, asked: Admission, now: int) -> Verdict | None:
    """By the database as it is; None: there is no such door any more."""
    people = [] if asked.person_id is None else [asked.person_id]
    compiled = compile_some(transaction, asked.account_id, [asked.channel_id], people, at=now).get(asked.channel_id)
    if compiled is None:
        return None
    state = compiled.controls.state(read_presence(transaction, asked.account_id, people))
    if asked.person_id is None:
        return decide_release(compiled.snapshot, state, now)
    return decide_person(compiled.snapshot, state, asked.person_id, now)
