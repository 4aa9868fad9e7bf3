"""Lockdown of a whole site or account in one transaction `[ours]`: all its doors, or none.

The number of statements does not depend on that of the doors, and each door has a note of its own: so the doors follow
at once, and nothing of people is read anew for it. The notes come last, for whoever notes holds up other changes.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import bindparam, update

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.confirming import DoorConfirmation, confirmations
from doorward.channels.listing import Seen, all_to_command
from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.kit.errors import BadRequest, Forbidden
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.sites.service import get_site

DEFAULTS: Final[Mapping[str, bool]] = {"card_lockdown": True, "rex_lockdown": False, "aux_lockdown": True}
"""What a lockdown locks down unless it says otherwise: leaving stays possible (behaviour.md, "Channels")."""

_NOTHING: Final = dict.fromkeys(DEFAULTS, False)

_SET: Final = Query[None](
    update(channels)
    .where(one_of(channels.c.id, "ids"))
    .values({name: bindparam(name) for name in DEFAULTS} | {"updated_at": bindparam("now")})
)


class Outcome(NamedTuple):
    """The channels as they are now, by id, how many of them have changed, and whether each door goes by what is set.

    None of those that have changed can have confirmed it yet.
    """

    channels: list[Seen]
    changed: int
    doors: list[DoorConfirmation]


def read_flags(body: object) -> dict[str, bool]:
    """What a body wants locked down: DEFAULTS but for what it says itself. Raises Invalid."""
    fields = StructuredFields(body)
    given = {name: fields.boolean(name) for name in DEFAULTS}
    fields.check()
    return {name: DEFAULTS[name] if flag is None else flag for name, flag in given.items()}


def lock_down(
    transaction: Transaction,
    account_id: int,
    body: object,
    now: int,
    *,
    site_id: int | None = None,
    by: Principal | None = None,
) -> Outcome:
    """Lock down all doors of a site, or of the account without one: cards and auxiliary inputs, or what the body says.

    Raises NotFound for the site, Forbidden for the account to a user who is limited to sites, Invalid, or BadRequest
    for a body that wants nothing locked down.
    """
    flags = read_flags(body)
    if not any(flags.values()):
        raise BadRequest("There is nothing to lock down: every flag is false")
    return _set(transaction, account_id, flags, now, site_id, by)


def lift(
    transaction: Transaction, account_id: int, now: int, *, site_id: int | None = None, by: Principal | None = None
) -> Outcome:
    """Lift the lockdown of all doors of a site, or of the account without one. Raises as lock_down() does."""
    return _set(transaction, account_id, _NOTHING, now, site_id, by)


def _set(
    transaction: Transaction,
    account_id: int,
    flags: dict[str, bool],
    now: int,
    site_id: int | None,
    by: Principal | None,
) -> Outcome:
    if site_id is not None:
        get_site(transaction, account_id, site_id, by=by)
    elif by is not None and by.site_limited:
        raise Forbidden
    found = all_to_command(transaction, account_id, site_id)
    doors = confirmations(transaction, account_id, site_id)
    done = {seen.channel.id: done for seen in found if (done := _done(seen, flags)) is not None}
    if done:
        transaction.run(_SET, ids=str(list(done)), now=now, **{name: int(flag) for name, flag in flags.items()})
        audit.record_many(transaction, account_id, "channel", done.values(), now)
        code = EventCode.LOCKDOWN_SET if any(flags.values()) else EventCode.LOCKDOWN_CLEARED
        by_whom = ("by", f"By {audit.actor_name(transaction)}.")
        record_at(transaction, account_id, code, done, now, now, reasons=(by_whom,))
        changes.note_each(transaction, account_id, now, channel_ids=done)
    return Outcome(
        [_as_set(seen, flags, now) if seen.channel.id in done else seen for seen in found],
        len(done),
        [door._replace(is_confirmed=door.is_confirmed and door.id not in done) for door in doors],
    )


def _done(seen: Seen, flags: Mapping[str, bool]) -> audit.Done | None:
    """What the audit log says of one door; None if nothing changes there."""
    before = {name: getattr(seen.channel, name) for name in flags}
    names = [name for name in flags if before[name] != flags[name]]
    if not names:
        return None
    was, is_now = {name: before[name] for name in names}, {name: flags[name] for name in names}
    return audit.Done(audit.CHANGED, seen.channel.id, was, is_now)


def _as_set(seen: Seen, flags: dict[str, bool], now: int) -> Seen:
    """The door has not heard of it yet."""
    channel = seen.channel._replace(
        card_lockdown=flags["card_lockdown"],
        rex_lockdown=flags["rex_lockdown"],
        aux_lockdown=flags["aux_lockdown"],
        updated_at=now,
    )
    behind_since = seen.standing.behind_since or now
    return seen._replace(channel=channel, standing=seen.standing._replace(behind_since=behind_since))
