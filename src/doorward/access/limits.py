"""Limits of staleness that doors may still go by: whoever is cut off knows nothing of a limit that was set since.

The audit log knows what each limit was before it was changed.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.audit.service import CHANGED
from doorward.audit.tables import audit_log
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction

_FIELD: Final = "staleness_hours"


class _Changed(NamedTuple):
    channel_id: int
    at: int
    before: int | None


def _changed(channel_id: int, at: int, before: str) -> _Changed:
    return _Changed(channel_id, at, json.loads(before)[_FIELD])


_CHANGED: Final = Query(
    select(audit_log.c.resource_id, audit_log.c.at, audit_log.c.before).where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == "channel",
        one_of(audit_log.c.resource_id, "ids"),
        audit_log.c.at >= bindparam("since"),
        audit_log.c.action == CHANGED,
        audit_log.c.before.contains(f'"{_FIELD}": '),
    ),
    _changed,
)


def limits_before(transaction: Transaction, account_id: int, since: Mapping[int, int]) -> dict[int, list[int | None]]:
    """By channel, in hours, the limits that were replaced at an instant or later (None: never); in one statement."""
    found: dict[int, list[int | None]] = defaultdict(list)
    if since:
        ids, earliest = str(sorted(since)), min(since.values())
        for each in transaction.all(_CHANGED, account_id=account_id, ids=ids, since=earliest):
            if each.at >= since[each.channel_id]:
                found[each.channel_id].append(each.before)
    return found
