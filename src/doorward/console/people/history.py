"""What somebody did, and who changed them: the latest of each, read by their indexes."""

from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import json
from sqlalchemy import bindparam, or_, select

from doorward.audit.tables import audit_log
from doorward.channels.tables import channels
from doorward.console.people.rows import Standing
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING, EventCode
from doorward.decision.wording import event_label
from doorward.events.tables import events
from doorward.kit.timestamps import find_zone
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites

SHOWN: Final = 8


class Happened(NamedTuple):
    """An event of theirs; `time_zone` is that of the door's site, None for the account's."""

    id: int
    event_code: int
    channel_id: int | None
    channel_name: str | None
    person_name: str | None
    occurred_at: int
    time_zone: str | None

    @property
    def label(self) -> str:
        """What happened, as the event says it."""
        return event_label(self.event_code, self.channel_name or "A door", self.person_name)

    @property
    def standing(self) -> Standing:
        """How it ended, by colour, word and icon."""
        if self.event_code in ADMITTING or self.event_code == EventCode.REMOTE_ADMISSION_DONE:
            return Standing("good", "Admitted", "circle-check")
        if self.event_code in _REFUSED:
            return Standing("bad", "Denied", "circle-x")
        return Standing("plain", "Note", "info-circle")


def zone_of(time_zone: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone of a site, or the one that holds where it has none."""
    return otherwise if time_zone is None else find_zone(time_zone)


class Changed(NamedTuple):
    """Who changed something of the person."""

    id: int
    at: int
    user_id: int | None
    user_name: str | None
    application_name: str | None
    action: str
    before: str | None
    after: str | None

    @property
    def fields(self) -> list[str]:
        """What was changed, in words; of a person who was added or deleted nothing beyond that."""
        if self.action != "update":
            return []
        names: dict[str, None] = {}
        for text in (self.before, self.after):
            names.update(dict.fromkeys(json.decode(text, type=dict) if text else ()))
        return [name.removesuffix("_ids").replace("_", " ") + ("s" if name.endswith("_ids") else "") for name in names]


_REFUSED: Final = frozenset(
    {code for code in EventCode if code.name.startswith(("REJECT_", "SECOND_FACTOR_"))}
    | {EventCode.REMOTE_ADMISSION_DENIED}
)
_EVENTS: Final = Query(
    select(
        events.c.id,
        events.c.event_code,
        events.c.channel_id,
        events.c.channel_name,
        events.c.person_name,
        events.c.occurred_at,
        sites.c.time_zone,
    )
    .select_from(
        events.outerjoin(channels, channels.c.id == events.c.channel_id).outerjoin(
            sites, sites.c.id == channels.c.site_id
        )
    )
    .where(
        events.c.person_id == bindparam("person_id"),
        or_(bindparam("site_limited") == 0, VISIBLE),
    )
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(SHOWN),
    Happened,
)
_CHANGES: Final = Query(
    select(
        audit_log.c.id,
        audit_log.c.at,
        audit_log.c.user_id,
        audit_log.c.user_name,
        audit_log.c.application_name,
        audit_log.c.action,
        audit_log.c.before,
        audit_log.c.after,
    )
    .where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == "person",
        audit_log.c.resource_id == bindparam("person_id"),
    )
    .order_by(audit_log.c.id.desc())
    .limit(SHOWN),
    Changed,
)


def events_of(transaction: Transaction, principal: Principal, person_id: int) -> list[Happened]:
    """The latest events of one of the account's people, as far as the user sees the doors."""
    if not principal.may("account.event.access.readonly"):
        return []
    return transaction.all(_EVENTS, person_id=person_id, **visible_to(principal))


def changes_of(transaction: Transaction, principal: Principal, person_id: int) -> list[Changed]:
    """The latest changes of a person, for those who may see the audit log."""
    if principal.site_limited or not principal.may("account.audit.readonly"):
        return []
    return transaction.all(_CHANGES, account_id=principal.account_id, person_id=person_id)
