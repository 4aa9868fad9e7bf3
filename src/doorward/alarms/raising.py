"""Alarms raised, and said to be over, by the events that are recorded: in the same transaction.

Whoever records holds the lock of the account's record, so that no two raise an alarm at the same time. Two statements
at most where nothing is wrong, whatever the number of events.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import bindparam, select, update

from doorward.alarms.alarm import Alarm, Happened, again, first, over
from doorward.alarms.kinds import CODES, Kind, ended_by, raised_by
from doorward.alarms.tables import IS_LIVE, alarms
from doorward.db.query import Query, number, one_of
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.following import Recorded
from doorward.events.tables import events

ALARMS: Final = Rows(alarms, Alarm)

_LIVE: Final = Query(
    select(*ALARMS.columns)
    .where(alarms.c.account_id == bindparam("account_id"), one_of(alarms.c.channel_id, "channel_ids"), IS_LIVE)
    .order_by(alarms.c.id)
    .with_for_update(),
    ALARMS.of,
)
_FAULT_SINCE: Final = Query(
    select(events.c.id)
    .where(
        events.c.channel_id == bindparam("the_channel"),
        events.c.occurred_at >= bindparam("since"),
        events.c.occurred_at <= bindparam("until"),
        events.c.event_code + 0 == int(EventCode.CONTACT_FAULT),
    )
    .limit(1),
    number,
)
_HEARD: Final = Query[None](
    update(alarms)
    .where(
        one_of(alarms.c.channel_id, "channel_ids"),
        IS_LIVE,
        alarms.c.kind == Kind.CONTROLLER_LOST.value,
        alarms.c.over_at.is_(None),
        alarms.c.last_at <= bindparam("now"),
    )
    .values(over_at=bindparam("now"), updated_at=bindparam("now"))
)

_Key = tuple[int, Kind]


def raise_alarms(transaction: Transaction, recorded: Sequence[Recorded], now: int) -> None:
    """Raise the alarms that some events of an account are reasons for, and mark those over that they end.

    The events are on record, and come in its order. An alarm that is over by the last of them is raised all the same:
    somebody has to hear of it.
    """
    told = [found for each in recorded if (found := _happened(each)) is not None]
    if told:
        _act_on(transaction, recorded[0].event.account_id, told, now)


def _happened(recorded: Recorded) -> Happened | None:
    """What alarms have to know of an event; None: nothing."""
    event = recorded.event
    if event.event_code not in CODES or event.channel_id is None:
        return None
    return Happened(
        recorded.id,
        event.account_id,
        event.channel_id,
        event.channel_name,
        event.event_code,
        event.occurred_at,
        event.is_replayed,
        frozenset(code for code, _ in event.reasons),
    )


def _act_on(transaction: Transaction, account_id: int, told: Sequence[Happened], now: int) -> None:
    channel_ids = str(sorted({each.channel_id for each in told}))
    before: dict[_Key, Alarm] = {
        (alarm.channel_id, Kind(alarm.kind)): alarm
        for alarm in transaction.all(_LIVE, account_id=account_id, channel_ids=channel_ids)
    }
    after = dict(before)
    for each in told:
        raised = raised_by(each.code, each.reasons)
        if raised is not None:
            found = after.get((each.channel_id, raised))
            after[each.channel_id, raised] = first(raised, each, now) if found is None else again(found, each, now)
        for kind in ended_by(each.code):
            found = after.get((each.channel_id, kind))
            if found is not None and found.over_at is None and _is_end(transaction, found, each):
                after[each.channel_id, kind] = over(found, each.at, now, each.event_id)
    _keep(transaction, before, after)


def heard_again(transaction: Transaction, channel_ids: Collection[int], now: int) -> None:
    """The controllers of these channels are there: those that were lost are no longer."""
    if channel_ids:
        transaction.run(_HEARD, channel_ids=str(sorted(channel_ids)), now=now)


def _is_end(transaction: Transaction, alarm: Alarm, happened: Happened) -> bool:
    """Whether the event ends the alarm: "normal again" is also said of a faulty contact, be the door open or not."""
    if happened.code != EventCode.DOOR_NORMAL:
        return True
    stretch = {"since": alarm.last_at, "until": happened.at}
    return transaction.one(_FAULT_SINCE, the_channel=happened.channel_id, **stretch) is None


def _keep(transaction: Transaction, before: dict[_Key, Alarm], after: dict[_Key, Alarm]) -> None:
    new = [ALARMS.params(alarm) for key, alarm in after.items() if key not in before]
    changed = [
        {**ALARMS.params(alarm), "the_id": alarm.id}
        for key, alarm in after.items()
        if key in before and alarm != before[key]
    ]
    if new:
        transaction.run_many(ALARMS.add, new)
    if changed:
        transaction.run_many(ALARMS.change, changed)
