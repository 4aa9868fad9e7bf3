"""An alarm, and what becomes of it as events tell of more: pure, so that it can be read and tested by itself."""

from typing import Final, NamedTuple

from doorward.alarms.kinds import ACKNOWLEDGED, OPEN, Kind

_MOST: Final = 2**31 - 1


class Alarm(NamedTuple):
    """What is or was wrong at a door, and who saw to it. Instants are milliseconds UTC."""

    id: int
    account_id: int
    kind: str
    state: str
    channel_id: int
    channel_name: str | None
    times: int
    """How many events raised it."""
    first_event_id: int
    last_event_id: int
    """Of those that raised it."""
    over_event_id: int | None
    raised_at: int
    """By the door's clock, as are the two that follow."""
    last_at: int
    over_at: int | None
    """Since when it is no longer so at the door; None: it lasts, or no event will say that it is over."""
    is_replayed: bool
    """What raised it last was told later than it happened."""
    assignee_id: int | None
    acknowledged_at: int | None
    acknowledged_by_id: int | None
    acknowledged_by_name: str | None
    closed_at: int | None
    closed_by_id: int | None
    closed_by_name: str | None
    created_at: int
    updated_at: int


class Happened(NamedTuple):
    """An event of those that alarms are about, at a channel. `at` is by the door's clock."""

    event_id: int
    account_id: int
    channel_id: int
    channel_name: str | None
    code: int
    at: int
    is_replayed: bool
    reasons: frozenset[str]
    """Their codes."""


def first(kind: Kind, happened: Happened, now: int) -> Alarm:
    """The alarm that an event raises where there is none of the kind; without an id yet."""
    return Alarm(
        id=0,
        account_id=happened.account_id,
        kind=kind.value,
        state=OPEN,
        channel_id=happened.channel_id,
        channel_name=happened.channel_name,
        times=1,
        first_event_id=happened.event_id,
        last_event_id=happened.event_id,
        over_event_id=None,
        raised_at=happened.at,
        last_at=happened.at,
        over_at=None,
        is_replayed=happened.is_replayed,
        assignee_id=None,
        acknowledged_at=None,
        acknowledged_by_id=None,
        acknowledged_by_name=None,
        closed_at=None,
        closed_by_id=None,
        closed_by_name=None,
        created_at=now,
        updated_at=now,
    )


def again(alarm: Alarm, happened: Happened, now: int) -> Alarm:
    """The same is told once more. What was acknowledged is open again if it was over by then, or is of duress."""
    found = alarm._replace(
        times=min(alarm.times + 1, _MOST),
        last_event_id=happened.event_id,
        raised_at=min(alarm.raised_at, happened.at),
        last_at=max(alarm.last_at, happened.at),
        is_replayed=happened.is_replayed,
        updated_at=now,
    )
    if alarm.over_at is not None and happened.at < alarm.over_at:
        return found  # told late, of a time before the end
    if alarm.state == ACKNOWLEDGED and (alarm.over_at is not None or alarm.kind == Kind.DURESS):
        found = found._replace(state=OPEN, acknowledged_at=None, acknowledged_by_id=None, acknowledged_by_name=None)
    return found._replace(over_at=None, over_event_id=None)


def over(alarm: Alarm, at: int, now: int, event_id: int | None = None) -> Alarm:
    """It is no longer so at the door; what is told late, of a time before it was so, says nothing of that."""
    if alarm.over_at is not None or at < alarm.last_at:
        return alarm
    return alarm._replace(over_at=at, over_event_id=event_id, updated_at=now)
