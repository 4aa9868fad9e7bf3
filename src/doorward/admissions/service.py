"""A door released once from afar: asked for, taken up by the door's process, answered (behaviour.md, "Admissions").

A request is taken up at most once, and only while it is young; whatever goes wrong after that, it is not tried again: a
door must not open late. What nobody has answered is over after two minutes, whether or not anybody writes that down.
"""

from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Select, and_, bindparam, insert, or_, select, update

from doorward.admissions.tables import admission_requests
from doorward.audit import service as audit
from doorward.channels.listing import Seen, get_seen
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.decision.engine import decide_person
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.events.service import Event, record, record_all
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.sites.sight import require_channel
from doorward.sync.compiler import compile_some, read_presence

TOPIC: Final = "admissions"
"""What a transaction signals when it has asked for an admission."""

ADMITTED: Final = "admit"
DENIED: Final = "admit_denied"
"""As what the audit log knows what was asked of a channel: accepted, whatever the door does then, or refused."""

TAKEN_UP_WITHIN_MS: Final = 10_000
"""After this nobody takes a request up: whoever stood at the door may have gone."""
ANSWERED_WITHIN_MS: Final = 120_000
_SWEPT_AT_ONCE: Final = 500
_TAKEN_UP_AT_ONCE: Final = 100

Status = Literal["pending", "admitted", "denied", "offline", "timeout"]


class Admission(NamedTuple):
    """A request for an admission; its id is that of the event that recorded it. Instants are milliseconds UTC."""

    id: int
    account_id: int
    channel_id: int
    channel_name: str
    person_id: int | None
    person_name: str | None
    user_id: int | None
    status: Status
    requested_at: int
    claimed_at: int | None
    completed_at: int | None

    def as_of(self, now: int) -> "Admission":
        """The request with what time has done to it."""
        over_at = self.requested_at + ANSWERED_WITHIN_MS
        if self.status == "pending" and over_at <= now:
            return self._replace(status="timeout", completed_at=over_at)
        return self


_COLUMNS: Final = tuple(admission_requests.c[name] for name in Admission._fields)
_ADD: Final = Query[None](
    insert(admission_requests).values(
        {name: bindparam(name, type_=admission_requests.c[name].type) for name in Admission._fields}
    )
)
_ALL: Final[Select[Any]] = select(*_COLUMNS)
_ONE: Final = Query(
    _ALL.where(
        admission_requests.c.id == bindparam("the_id"), admission_requests.c.account_id == bindparam("account_id")
    ),
    Admission,
)
_WAITING: Final = Query(
    select(admission_requests.c.id)
    .where(
        admission_requests.c.status == "pending",
        admission_requests.c.claimed_at.is_(None),
        admission_requests.c.requested_at >= bindparam("since"),
        one_of(admission_requests.c.channel_id, "channel_ids"),
    )
    .order_by(admission_requests.c.requested_at)
    .limit(_TAKEN_UP_AT_ONCE),
    number,
)
_CLAIM: Final = Query(
    update(admission_requests)
    .where(
        admission_requests.c.id == bindparam("the_id"),
        admission_requests.c.status == "pending",
        admission_requests.c.claimed_at.is_(None),
        admission_requests.c.requested_at >= bindparam("since"),
    )
    .values(claimed_at=bindparam("now"))
    .returning(*_COLUMNS),
    Admission,
)
_STILL_THERE: Final = Query(select(channels.c.id).where(channels.c.id == bindparam("the_channel")), number)
_COMPLETE: Final = Query[None](
    update(admission_requests)
    .where(
        admission_requests.c.id == bindparam("the_id"),
        # Also one that was given up meanwhile: what has happened at the door is the truth.
        or_(
            admission_requests.c.status == "pending",
            admission_requests.c.status == "timeout",
            and_(admission_requests.c.status == "offline", admission_requests.c.claimed_at.is_not(None)),
        ),
    )
    .values(status=bindparam("the_status"), completed_at=bindparam("at"))
)
_LATE: Final = and_(admission_requests.c.status == "pending", admission_requests.c.requested_at <= bindparam("before"))
_ANY_OVERDUE: Final = Query(select(admission_requests.c.id).where(_LATE).limit(1), number)
_OVERDUE: Final = Query(
    _ALL.where(_LATE)
    .order_by(admission_requests.c.requested_at)
    .limit(_SWEPT_AT_ONCE)
    # Several processes may sweep, and a door may just be answering.
    .with_for_update(skip_locked=True),
    Admission,
)


class NotInNormalMode(Exception):
    """The door stands unlocked: there is nothing to release."""

    def __init__(self, seen: Seen) -> None:
        super().__init__("the channel is not in normal mode")
        self.seen = seen


def request_admission(transaction: Transaction, principal: Principal, channel_id: int, now: int) -> Admission:
    """Ask for the door to be released once. Raises NotFound or NotInNormalMode."""
    seen = get_seen(transaction, principal, channel_id)
    if seen.channel.as_of(now).mode != "normal":
        raise NotInNormalMode(seen)
    return _request(transaction, principal, seen, None, None, now)


def decide_admission(
    transaction: Transaction, principal: Principal, channel_id: int, person_id: int, now: int
) -> Verdict:
    """Whether the person may pass, as far as the database knows: the door decides again. Raises NotFound for either."""
    require_channel(transaction, principal, channel_id)
    account_id = principal.account_id
    compiled = compile_some(transaction, account_id, [channel_id], [person_id], at=now).get(channel_id)
    person = None if compiled is None else compiled.snapshot.directory.people.get(person_id)
    if compiled is None or person is None or person.status == "deleted":
        raise NotFound
    state = compiled.controls.state(read_presence(transaction, account_id, [person_id]))
    return decide_person(compiled.snapshot, state, person_id, now)


def request_admission_of(
    transaction: Transaction, principal: Principal, channel_id: int, verdict: Verdict, now: int
) -> Admission | None:
    """Ask for the door to be released for a person whom decide_admission() admits; else record that it does not.

    Raises NotFound.
    """
    seen = get_seen(transaction, principal, channel_id)
    if verdict.admitted:
        return _request(transaction, principal, seen, verdict.person_id, verdict.person_name, now)
    reasons = (*reasons_of(verdict), _by_whom(transaction))
    _log(transaction, seen, DENIED, verdict.person_id, verdict.person_name, now)
    _record(transaction, seen, EventCode.REMOTE_ADMISSION_DENIED, verdict.person_id, verdict.person_name, reasons, now)
    return None


def get_admission(transaction: Transaction, principal: Principal, admission_id: int, now: int) -> Admission:
    """One request as it is now. Raises NotFound, also to a user who is limited to sites and does not see the door."""
    found = transaction.one(_ONE, the_id=admission_id, account_id=principal.account_id)
    if found is None:
        raise NotFound
    if principal.site_limited:
        require_channel(transaction, principal, found.channel_id)
    return found.as_of(now)


def waiting(transaction: Transaction, channel_ids: Collection[int], since: int, now: int) -> list[int]:
    """The requests for these channels that may still be taken up, oldest first; `since`: none that was made before.

    Whoever asks can reach these doors: a request that nobody can carry out is nobody's to take up.
    """
    if not channel_ids:
        return []
    return transaction.all(_WAITING, channel_ids=str(sorted(channel_ids)), since=_young(since, now))


def claim(transaction: Transaction, admission_id: int, since: int, now: int) -> Admission | None:
    """Take a request up, for this process alone; None if another has, or if it is too late."""
    return transaction.one(_CLAIM, the_id=admission_id, since=_young(since, now), now=now)


def complete(transaction: Transaction, admission_id: int, status: Status, at: int) -> None:
    """Write down what became of a request; recording the event is the caller's."""
    transaction.run(_COMPLETE, the_id=admission_id, the_status=status, at=at)


def overdue(transaction: Transaction, now: int) -> bool:
    """Whether there is anything to sweep."""
    return transaction.one(_ANY_OVERDUE, before=now - ANSWERED_WITHIN_MS) is not None


def sweep(transaction: Transaction, now: int) -> int:
    """Give up the requests that nobody has answered, some hundreds at a time; gives their number."""
    overdue = transaction.all(_OVERDUE, before=now - ANSWERED_WITHIN_MS)
    events = []
    for one in overdue:
        over = one.as_of(now)
        complete(transaction, one.id, "timeout", over.completed_at or now)
        still = transaction.one(_STILL_THERE, the_channel=one.channel_id)
        events.append(event_of(one, EventCode.REMOTE_ADMISSION_TIMED_OUT, now, channel_id=still))
    record_all(transaction, events, now)
    return len(overdue)


def event_of(admission: Admission, code: EventCode, at: int, *, channel_id: int | None) -> Event:
    """What is to be recorded of a request if its door says nothing itself; `channel_id` None: the door is gone."""
    return Event(
        admission.account_id,
        code,
        at,
        channel_id=channel_id,
        channel_name=admission.channel_name,
        person_id=admission.person_id,
        person_name=admission.person_name,
    )


def _young(since: int, now: int) -> int:
    return max(since, now - TAKEN_UP_WITHIN_MS)


def _request(
    transaction: Transaction,
    principal: Principal,
    seen: Seen,
    person_id: int | None,
    person_name: str | None,
    now: int,
) -> Admission:
    channel = seen.channel
    _log(transaction, seen, ADMITTED, person_id, person_name, now)
    by_whom = (_by_whom(transaction),)
    code = EventCode.REMOTE_ADMISSION_REQUESTED
    event_id = _record(transaction, seen, code, person_id, person_name, by_whom, now)
    offline = not seen.standing.is_online(now)
    made = Admission(
        event_id,
        principal.account_id,
        channel.id,
        channel.name,
        person_id,
        person_name,
        principal.user_id,
        "offline" if offline else "pending",
        now,
        None,
        now if offline else None,
    )
    transaction.run(_ADD, **made._asdict())
    if offline:
        _record(transaction, seen, EventCode.CONTROLLER_OFFLINE, person_id, person_name, (), now)
    else:
        transaction.signal(TOPIC)
    return made


def _log(
    transaction: Transaction, seen: Seen, action: str, person_id: int | None, person_name: str | None, now: int
) -> None:
    """Who asked for whom, in the audit log: an admission for nobody in particular has no person."""
    channel = seen.channel
    for_whom = {"person_id": person_id, "person_name": person_name}
    audit.record(transaction, channel.account_id, action, "channel", channel.id, now, after=for_whom)


def _record(
    transaction: Transaction,
    seen: Seen,
    code: EventCode,
    person_id: int | None,
    person_name: str | None,
    reasons: tuple[tuple[str, str], ...],
    now: int,
) -> int:
    channel = seen.channel
    event = Event(channel.account_id, code, now, channel.id, channel.name, person_id, person_name, reasons=reasons)
    return record(transaction, event, now)


def _by_whom(transaction: Transaction) -> tuple[str, str]:
    return ("by", f"By {audit.actor_name(transaction)}.")
