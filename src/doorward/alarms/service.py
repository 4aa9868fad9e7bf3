"""What operators do about alarms: acknowledge, close, note, assign. Whoever comes second is told what the first did."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, select

from doorward.alarms.alarm import Alarm
from doorward.alarms.kinds import ACKNOWLEDGED, CLOSED, OPEN
from doorward.alarms.raising import ALARMS
from doorward.alarms.tables import alarm_notes, alarms
from doorward.audit import service as audit
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import PERMISSIONS
from doorward.sites.sight import accessible_channels
from doorward.users.service import get_user

ALARM: Final = "alarm"
ACT: Final = "account.alarm"
"""The scope, and the permission, to act on alarms."""
MOST_NOTES: Final = 1000


class AlreadyDone(Conflict):
    """409: somebody was quicker; `alarm_id` is that of the alarm, which is the answer's body."""

    def __init__(self, alarm: Alarm) -> None:
        who = alarm.closed_by_name if alarm.state == CLOSED else alarm.acknowledged_by_name
        super().__init__(f"The alarm has been {alarm.state} by {who}")
        self.alarm_id = alarm.id


class Note(NamedTuple):
    """What somebody wrote about an alarm; `user_id` None: on the command line."""

    id: int
    user_id: int | None
    user_name: str
    text: str
    created_at: int


_TO_CHANGE: Final = Query(
    select(*ALARMS.columns)
    .where(and_(alarms.c.account_id == bindparam("account_id"), alarms.c.id == bindparam("the_id")))
    .with_for_update(),
    ALARMS.of,
)
_ADD_NOTE: Final = Query(
    insert(alarm_notes)
    .values(
        {name: bindparam(name) for name in ("account_id", "alarm_id", "user_id", "user_name", "text", "created_at")}
    )
    .returning(alarm_notes.c.id),
    number,
)
_NOTES: Final = Query(
    select(*(alarm_notes.c[name] for name in Note._fields))
    .where(alarm_notes.c.account_id == bindparam("account_id"), alarm_notes.c.alarm_id == bindparam("the_alarm"))
    .order_by(alarm_notes.c.id),
    Note,
)
_COUNT_NOTES: Final = Query(select(func.count()).where(alarm_notes.c.alarm_id == bindparam("the_alarm")), number)
_SITE_OF: Final = Query(
    select(channels.c.site_id).where(
        channels.c.account_id == bindparam("account_id"), channels.c.id == bindparam("the_channel")
    ),
    number,
)


def acknowledge(
    transaction: Transaction, account_id: int, alarm_id: int, body: object, now: int, *, by: Principal | None = None
) -> Alarm:
    """Somebody sees to it: `note`, optionally. Raises NotFound, Invalid, or AlreadyDone if somebody did before."""
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, alarm_id, by)
    text = fields.notes("note")
    fields.check()
    if found.state != OPEN:
        raise AlreadyDone(found)
    wanted = _acknowledged(transaction, found, now, by)
    return _write(transaction, found, wanted, text, now, by)


def close(
    transaction: Transaction, account_id: int, alarm_id: int, body: object, now: int, *, by: Principal | None = None
) -> Alarm:
    """It has been seen to: `note`, optionally. One that is open is acknowledged with that.

    Whether it is over at the door makes no difference: what happens there again raises another. Raises NotFound,
    Invalid, or AlreadyDone if it is closed.
    """
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, alarm_id, by)
    text = fields.notes("note")
    fields.check()
    if found.state == CLOSED:
        raise AlreadyDone(found)
    wanted = _acknowledged(transaction, found, now, by) if found.state == OPEN else found
    user_id, name = _who(transaction, by)
    wanted = wanted._replace(state=CLOSED, closed_at=now, closed_by_id=user_id, closed_by_name=name)
    return _write(transaction, found, wanted, text, now, by)


def assign(
    transaction: Transaction, account_id: int, alarm_id: int, body: object, now: int, *, by: Principal | None = None
) -> Alarm:
    """Say who is to see to it: `assignee_id`, null for nobody. Raises NotFound, Invalid, or AlreadyDone if closed.

    It must be a user who can sign in, sees the door and may act on alarms.
    """
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, alarm_id, by)
    assignee_id = fields.identity("assignee_id")
    if "assignee_id" not in fields:
        fields.complain("assignee_id", REQUIRED)
    fields.check()
    if assignee_id is not None:
        _check_assignee(transaction, found, assignee_id)
    if found.state == CLOSED:
        raise AlreadyDone(found)
    return _write(transaction, found, found._replace(assignee_id=assignee_id), None, now, by)


def add_note(
    transaction: Transaction, account_id: int, alarm_id: int, body: object, now: int, *, by: Principal | None = None
) -> Note:
    """Write something down about an alarm, also about one that is closed: `text`. It stays as it is written.

    Raises NotFound or Invalid.
    """
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, alarm_id, by)
    text = fields.notes("text")
    if text is None and "text" not in fields.errors:
        fields.complain("text", REQUIRED)
    fields.check()
    return _note(transaction, found, text or "", now, by)


def notes_of(transaction: Transaction, alarm: Alarm) -> list[Note]:
    """What has been written about an alarm, oldest first."""
    return transaction.all(_NOTES, account_id=alarm.account_id, the_alarm=alarm.id)


def _to_change(transaction: Transaction, account_id: int, alarm_id: int, by: Principal | None) -> Alarm:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=alarm_id)
    if found is None or not sees(transaction, by, found):
        raise NotFound
    return found


def sees(transaction: Transaction, by: Principal | None, alarm: Alarm) -> bool:
    """Whether a user sees an alarm of their account: one who is limited to sites, those of doors there."""
    if by is None or not by.site_limited:
        return True
    seen = accessible_channels(
        transaction, [alarm.channel_id], account_id=by.account_id, user_id=by.user_id, site_limited=True
    )
    return bool(seen)


def _acknowledged(transaction: Transaction, alarm: Alarm, now: int, by: Principal | None) -> Alarm:
    user_id, name = _who(transaction, by)
    return alarm._replace(
        state=ACKNOWLEDGED, acknowledged_at=now, acknowledged_by_id=user_id, acknowledged_by_name=name
    )


def _check_assignee(transaction: Transaction, alarm: Alarm, user_id: int) -> None:
    """Raises Invalid."""
    try:
        user = get_user(transaction, alarm.account_id, user_id)
    except NotFound:
        raise Invalid({"assignee_id": ["Not found for this account"]}) from None
    site_id = transaction.one(_SITE_OF, account_id=alarm.account_id, the_channel=alarm.channel_id)
    if user.disabled_at is not None:
        raise Invalid({"assignee_id": ["is disabled"]})
    if ACT not in PERMISSIONS.get(user.role, frozenset()):
        raise Invalid({"assignee_id": ["may not act on alarms"]})
    if user.site_limited and site_id not in user.site_ids:
        raise Invalid({"assignee_id": ["does not see this door"]})


def _write(
    transaction: Transaction, before: Alarm, after: Alarm, text: str | None, now: int, by: Principal | None
) -> Alarm:
    if after != before:
        after = after._replace(updated_at=now)
        transaction.run(ALARMS.change, **{**ALARMS.params(after), "the_id": after.id})
        audit.changed(transaction, after.account_id, ALARM, before, after, now)
    if text is not None:
        _note(transaction, after, text, now, by)
    return after


def _note(transaction: Transaction, alarm: Alarm, text: str, now: int, by: Principal | None) -> Note:
    if (transaction.one(_COUNT_NOTES, the_alarm=alarm.id) or 0) >= MOST_NOTES:
        raise Invalid({"text": [f"is one too many: an alarm has at most {MOST_NOTES} notes"]})
    user_id, name = _who(transaction, by)
    made = Note(0, user_id, name, text, now)
    params = {**made._asdict(), "account_id": alarm.account_id, "alarm_id": alarm.id}
    made = made._replace(id=require(transaction.one(_ADD_NOTE, **params)))
    audit.record(transaction, alarm.account_id, "note", ALARM, alarm.id, now, after={"note_id": made.id})
    return made


def _who(transaction: Transaction, by: Principal | None) -> tuple[int | None, str]:
    return None if by is None else by.user_id, audit.actor_name(transaction)
