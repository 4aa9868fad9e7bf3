"""Bringing doors up to date: they follow by themselves, and somebody may ask for it (behaviour.md, "Sync")."""

from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, or_, select, update

from doorward.accounts.tables import accounts
from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.changes.reports import REPORTS, STANDING, Standing
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.events.service import Event, record
from doorward.kit.errors import TooManyRequests
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, everywhere, visible_to
from doorward.sync import pushes

EVERY_MS: Final = 60_000
_NEVER: Final = -1
_EVERY_DOOR: Final = "all doors"
"""What the events of a synchronisation speak of in place of one door's name."""


class DoorStanding(NamedTuple):
    """A door, and how it stands to the database."""

    channel_id: int
    name: str
    standing: Standing


def _door(channel_id: int, name: str, *standing: Any) -> DoorStanding:
    return DoorStanding(channel_id, name, Standing(*standing))


_DOORS: Final = Query(
    select(channels.c.id, channels.c.name, *STANDING).select_from(REPORTS).where(VISIBLE).order_by(channels.c.id), _door
)
_ASK: Final = Query[None](
    update(accounts)
    .where(
        accounts.c.id == bindparam("the_id"),
        or_(accounts.c.last_sync_at.is_(None), accounts.c.last_sync_at <= bindparam("before")),
    )
    .values(last_sync_at=bindparam("now"))
)
_LAST: Final = Query(
    select(func.coalesce(accounts.c.last_sync_at, _NEVER)).where(accounts.c.id == bindparam("the_id")), number
)


def doors_of(transaction: Transaction, principal: Principal) -> list[DoorStanding]:
    """The doors that the user sees, by id, and how each stands."""
    return transaction.all(_DOORS, **visible_to(principal))


def last_asked(transaction: Transaction, account_id: int) -> int | None:
    """When somebody last asked for the account's doors to be brought up to date."""
    at = require(transaction.one(_LAST, the_id=account_id))
    return None if at == _NEVER else at


def push(transaction: Transaction, principal: Principal, now: int) -> None:
    """Have the doors look for changes now, and record what is to be expected of them (pushes.py).

    Raises TooManyRequests within a minute of the last time; of several who ask at once, one is heard.
    """
    account_id = principal.account_id
    if not transaction.run(_ASK, the_id=account_id, before=now - EVERY_MS, now=now):
        asked_at = last_asked(transaction, account_id) or now
        raise TooManyRequests(max(1, -((now - asked_at - EVERY_MS) // 1000)))
    by_whom = (("by", f"By {audit.actor_name(transaction)}."),)
    record(transaction, _event(account_id, EventCode.SYNC_REQUESTED, now, by_whom), now)
    behind = [door for door in transaction.all(_DOORS, **everywhere(account_id)) if door.standing.sync(now) != "ok"]
    online = [door.channel_id for door in behind if door.standing.is_online(now)]
    offline = [door.channel_id for door in behind if not door.standing.is_online(now)]
    pushes.begin(transaction, account_id, online, now)
    record_at(transaction, account_id, EventCode.SYNC_CONTROLLER_OFFLINE, offline, now, now)
    if not behind:
        nothing = (("in_step", "Every door had confirmed all changes."),)
        record(transaction, _event(account_id, EventCode.SYNC_COMPLETED, now, nothing), now)
    transaction.signal(changes.TOPIC)


def _event(account_id: int, code: EventCode, now: int, reasons: tuple[tuple[str, str], ...]) -> Event:
    return Event(account_id, code, now, channel_name=_EVERY_DOOR, reasons=reasons)
