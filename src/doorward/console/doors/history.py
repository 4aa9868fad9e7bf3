"""What happened lately, at a door or at all that a user sees, and who changed a door last."""

import json
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, or_, select

from doorward.audit.service import Entry
from doorward.audit.tables import audit_log
from doorward.channels.tables import channels
from doorward.console.doors.reading import AT_SITE
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING, EventCode
from doorward.decision.wording import event_label
from doorward.events.listing import StoredEvent
from doorward.events.tables import event_chains, events
from doorward.oauth.principal import Principal
from doorward.reports.codes import DENIED
from doorward.sites.sight import VISIBLE, visible_to

_SEARCHED: Final = 20_000
"""So far back in the record it is looked for what happened at some of the doors."""
_CHANGES: Final = 5


class Line(NamedTuple):
    """An event as a line: `kind` gives its colour (page.state), with an icon and a word."""

    id: int
    position: int
    at: int
    kind: str
    icon: str
    word: str
    text: str
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    reason: str
    is_replayed: bool


class Changed(NamedTuple):
    """What somebody changed of a door: the names of what is no longer the same, or what was done."""

    at: int
    who: str
    words: str


_BAD: Final = frozenset(
    {EventCode.DOOR_FORCED, EventCode.TAMPER_DETECTED, EventCode.DURESS, EventCode.REMOTE_ADMISSION_DENIED}
)
_LATE: Final = frozenset(
    {
        EventCode.DOOR_HELD_OPEN,
        EventCode.CONTACT_LOST,
        EventCode.CONTROLLER_OFFLINE,
        EventCode.CONTACT_FAULT,
        EventCode.POWER_LOST,
        EventCode.EVENTS_LOST,
        EventCode.CLOCK_WRONG,
        EventCode.REX_HELD,
        EventCode.REMOTE_ADMISSION_TIMED_OUT,
    }
)
_LOCKDOWN: Final = frozenset({EventCode.LOCKDOWN_SET, EventCode.LOCKDOWN_CLEARED})
_UNLOCKING: Final = frozenset({EventCode.UNLOCK_MODE_SET, EventCode.AUTO_UNLOCK_BEGAN, EventCode.AUTO_UNLOCK_CHANGED})
_LOCKING: Final = frozenset({EventCode.NORMAL_MODE_SET, EventCode.AUTO_UNLOCK_ENDED, EventCode.RELOCKED_ON_TIME})
_KINDS: Final = (
    (frozenset({*ADMITTING, EventCode.REMOTE_ADMISSION_DONE}), ("good", "circle-check", "Admitted")),
    (DENIED, ("bad", "circle-x", "Denied")),
    (_BAD, ("bad", "alert-triangle", "Alarm")),
    (_LATE, ("late", "clock-exclamation", "Attention")),
    (_LOCKDOWN, ("lockdown", "shield-lock", "Lockdown")),
    (_UNLOCKING, ("plain", "lock-open", "Unlocked")),
    (_LOCKING, ("plain", "lock", "Locked")),
)
_OTHER: Final = ("plain", "circle-dot", "Note")

_COLUMNS: Final = (events.c.position, *(events.c[name] for name in StoredEvent._fields))


def _line(position: int, *columns: Any) -> Line:
    event = StoredEvent(*columns)
    kind, icon, word = next((look for codes, look in _KINDS if event.event_code in codes), _OTHER)
    reasons = [each["text"] for each in json.loads(event.reasons)]
    return Line(
        event.id,
        position,
        event.occurred_at,
        kind,
        icon,
        word,
        event_label(event.event_code, event.channel_name or "A door", event.person_name),
        event.channel_id,
        event.channel_name,
        event.person_id,
        event.person_name,
        reasons[0] if reasons else "",
        bool(event.is_replayed),
    )


_AT_DOOR: Final = Query(
    select(*_COLUMNS)
    .where(events.c.channel_id == bindparam("channel_id"), events.c.account_id + 0 == bindparam("account_id"))
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(bindparam("most")),
    _line,
)
_last = (
    select(func.coalesce(func.max(event_chains.c.position), 0))
    .where(event_chains.c.account_id == bindparam("account_id"))
    .scalar_subquery()
)
_RECENT: Final = Query(
    select(*_COLUMNS)
    .where(
        events.c.account_id == bindparam("account_id"),
        events.c.position > _last - _SEARCHED,
        or_(
            bindparam("everywhere") == 1,
            events.c.channel_id.in_(select(channels.c.id).where(VISIBLE, AT_SITE)),
        ),
    )
    .order_by(events.c.position.desc())
    .limit(bindparam("most")),
    _line,
)


def latest_events(transaction: Transaction, account_id: int, most: int, *, channel_id: int) -> list[Line]:
    """The last events at a door that the user has been found to see, newest first."""
    return transaction.all(_AT_DOOR, account_id=account_id, channel_id=channel_id, most=most)


def recent_events(transaction: Transaction, principal: Principal, site_id: int | None, most: int) -> list[Line]:
    """The last events on record that the user sees, of a site or of all; what was recorded last comes first."""
    everywhere = site_id is None and not principal.site_limited
    return transaction.all(
        _RECENT, everywhere=int(everywhere), the_site=site_id or 0, most=most, **visible_to(principal)
    )


_CHANGED: Final = Query(
    select(*(audit_log.c[name] for name in Entry._fields))
    .where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == "channel",
        audit_log.c.resource_id == bindparam("channel_id"),
    )
    .order_by(audit_log.c.id.desc())
    .limit(bindparam("most")),
    Entry,
)
_ACTIONS: Final = {
    "create": "added it",
    "admit": "opened it",
    "admit_denied": "asked to open it, which was refused",
    "key_regenerated": "made a new encryption key",
    "key_removed": "removed its encryption key",
}


def latest_changes(transaction: Transaction, account_id: int, channel_id: int) -> list[Changed]:
    """Who changed a door last, and what."""
    entries = transaction.all(_CHANGED, account_id=account_id, channel_id=channel_id, most=_CHANGES)
    return [Changed(entry.at, _who(entry), _words(entry)) for entry in entries]


def _who(entry: Entry) -> str:
    """Somebody's name without their address, which is in the log."""
    name = (entry.user_name or "").partition(" <")[0].strip()
    return "The server" if name in ("", "system") else name


def _words(entry: Entry) -> str:
    known = _ACTIONS.get(entry.action)
    if known is not None:
        return known
    after = json.loads(entry.after) if entry.after else {}
    names = [name.removesuffix("_id").removesuffix("_ms").replace("_", " ") for name in after if name != "updated_at"]
    if entry.action == "update" and names:
        return f"changed {', '.join(names)}"
    return entry.action.replace("_", " ")
