"""Channels: doors, what they accept, and the mode they are in (behaviour.md, "Channels").

Whatever changes what is set at a door goes through save(): it is logged, recorded as events, and noted for the door.
"""

from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, delete, select

from doorward.accounts.service import get_account
from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.channel import CHANNELS, Channel, new_mac_address, read_channel
from doorward.channels.tables import channels
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record
from doorward.kit.errors import NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.shifts.tables import shifts
from doorward.sites.access import sites_of
from doorward.sites.sight import require_channel
from doorward.sites.tables import areas, sites
from doorward.users.tables import user_sites

__all__ = [
    "Channel",
    "create_channel",
    "delete_channel",
    "get_channel",
    "list_channels",
    "save",
    "tell",
    "update_channel",
    "usable_shift",
]

_OF_ACCOUNT: Final = channels.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, channels.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*CHANNELS.columns).where(_OF_ACCOUNT).order_by(channels.c.id), CHANNELS.of)
_ONE: Final = Query(select(*CHANNELS.columns).where(_THIS_ONE), CHANNELS.of)
_TO_CHANGE: Final = Query(select(*CHANNELS.columns).where(_THIS_ONE).with_for_update(key_share=True), CHANNELS.of)
_SAME_UNIT: Final = Query(
    select(channels.c.id).where(
        _OF_ACCOUNT,
        channels.c.mac_address == bindparam("the_address"),
        channels.c.unit == bindparam("the_unit"),
        channels.c.id != bindparam("the_id"),
    ),
    number,
)
_OF_CONTROLLER_BEYOND: Final = Query(
    select(channels.c.id)
    .where(
        _OF_ACCOUNT,
        channels.c.mac_address == bindparam("the_address"),
        channels.c.site_id.not_in(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("the_user"))),
    )
    .limit(1),
    number,
)
_AREAS_OF_SITE: Final = Query(
    select(areas.c.id).where(areas.c.account_id == bindparam("account_id"), areas.c.site_id == bindparam("the_site")),
    number,
)
_REMOVE: Final = Query[None](delete(channels).where(channels.c.id == bindparam("the_id")))

_SITES: Final = Owned(sites)
_AREAS: Final = Owned(areas)
# A reservation's shift goes with its reservation: no door may be in its way.
_LASTING_SHIFTS: Final = Owned(shifts, shifts.c.starts_at.is_(None))


def create_channel(
    transaction: Transaction, account_id: int, body: object, now: int, by: Principal | None = None
) -> Channel:
    """A new channel: `name`, `site_id`, and any other field of Channel. Raises Invalid.

    `by` whom, where that matters: a user who is limited to sites puts doors there only.
    """
    fields = StructuredFields(body)
    nothing = Channel(0, account_id, 0, "", "", new_mac_address(), now, now)
    wanted = _read(transaction, fields, nothing, now, by)
    fields.check()
    created = wanted._replace(id=require(transaction.one(CHANNELS.add, **CHANNELS.params(wanted))))
    audit.created(transaction, account_id, "channel", created, now)
    _record(transaction, nothing, created, now)
    changes.note(transaction, account_id, now, channel_id=created.id)
    return created


def update_channel(
    transaction: Transaction, account_id: int, channel_id: int, body: object, now: int, by: Principal | None = None
) -> Channel:
    """Change what is given. Raises NotFound or Invalid."""
    require_channel(transaction, by, channel_id)
    fields = StructuredFields(body)
    before = _to_change(transaction, account_id, channel_id)
    wanted = _read(transaction, fields, before.as_of(now), now, by)
    fields.check()
    return save(transaction, before, wanted, now)


def delete_channel(
    transaction: Transaction, account_id: int, channel_id: int, now: int, by: Principal | None = None
) -> None:
    """Remove a channel, also from the roles that name it; its events stay. Raises NotFound."""
    require_channel(transaction, by, channel_id)
    gone = _to_change(transaction, account_id, channel_id)
    transaction.run(_REMOVE, the_id=channel_id)
    audit.deleted(transaction, account_id, "channel", gone, now)
    changes.note(transaction, account_id, now, channel_id=channel_id)


def save(transaction: Transaction, before: Channel, wanted: Channel, now: int) -> Channel:
    """Store a channel that has been read for change; gives it as it is then."""
    after = wanted._replace(updated_at=now)
    transaction.run(CHANNELS.change, the_id=after.id, **CHANNELS.params(after))
    audit.changed(transaction, after.account_id, "channel", before, after, now)
    _record(transaction, before.as_of(now), after, now)
    # At another site shifts run by another zone and other holidays: that concerns everybody who has a right here.
    has_moved = after.site_id != before.site_id
    changes.note(transaction, after.account_id, now, channel_id=None if has_moved else after.id)
    return after


def tell(transaction: Transaction, channel: Channel, code: EventCode, now: int) -> None:
    """Record what somebody has told the door, and who."""
    by_whom = ("by", f"By {audit.actor_name(transaction)}.")
    record(
        transaction,
        Event(channel.account_id, code, now, channel_id=channel.id, channel_name=channel.name, reasons=(by_whom,)),
        now,
    )


def usable_shift(transaction: Transaction, account_id: int, shift_id: int) -> bool:
    """Whether a door can unlock by this shift: it is the account's, and not of a reservation, with which it goes."""
    return not _LASTING_SHIFTS.missing(transaction, account_id, (shift_id,))


def get_channel(transaction: Transaction, account_id: int, channel_id: int) -> Channel:
    """One channel. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=channel_id)
    if found is None:
        raise NotFound
    return found


def list_channels(transaction: Transaction, account_id: int) -> list[Channel]:
    """The account's channels, by id."""
    return transaction.all(_ALL, account_id=account_id)


def _to_change(transaction: Transaction, account_id: int, channel_id: int) -> Channel:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=channel_id)
    if found is None:
        raise NotFound
    return found


def _record(transaction: Transaction, before: Channel, after: Channel, now: int) -> None:
    """An event for each thing that operators set at the door, where it has changed."""
    if (after.mode, after.relock_at) != (before.mode, before.relock_at):
        unlocked = after.mode == "unlock"
        tell(transaction, after, EventCode.UNLOCK_MODE_SET if unlocked else EventCode.NORMAL_MODE_SET, now)
    if _lockdown(after) != _lockdown(before):
        tell(transaction, after, EventCode.LOCKDOWN_SET if after.locked_down else EventCode.LOCKDOWN_CLEARED, now)
    if after.auto_unlock_shift_id != before.auto_unlock_shift_id:
        tell(transaction, after, EventCode.AUTO_UNLOCK_CHANGED, now)


def _lockdown(channel: Channel) -> tuple[bool, bool, bool]:
    return channel.card_lockdown, channel.rex_lockdown, channel.aux_lockdown


def _read(
    transaction: Transaction, fields: StructuredFields, before: Channel, now: int, by: Principal | None
) -> Channel:
    account = get_account(transaction, before.account_id)
    wanted = read_channel(fields, before, ZoneInfo(account.time_zone), now)
    if wanted.site_id != before.site_id:
        _SITES.check_one(transaction, account.id, fields, "site_id", wanted.site_id)
        limit = sites_of(transaction, by)
        if limit is not None and wanted.site_id not in limit and "site_id" not in fields.errors:
            fields.complain("site_id", "Not found for this account")
    if wanted.auto_unlock_shift_id != before.auto_unlock_shift_id:
        _LASTING_SHIFTS.check_one(transaction, account.id, fields, "auto_unlock_shift_id", wanted.auto_unlock_shift_id)
    _check_areas(transaction, fields, wanted)
    if (wanted.mac_address, wanted.unit) != (before.mac_address, before.unit):
        _check_unit(transaction, fields, wanted, by)
    return wanted


def _check_areas(transaction: Transaction, fields: StructuredFields, wanted: Channel) -> None:
    """A door leads from one area of its site to another."""
    for name in ("area_from_id", "area_to_id"):
        area_id = getattr(wanted, name)
        if area_id is None:
            continue
        _AREAS.check_one(transaction, wanted.account_id, fields, name, area_id)
        of_site = transaction.all(_AREAS_OF_SITE, account_id=wanted.account_id, the_site=wanted.site_id)
        if name not in fields.errors and "site_id" not in fields.errors and area_id not in of_site:
            fields.complain(name, "must be an area of the channel's site")


def _check_unit(transaction: Transaction, fields: StructuredFields, wanted: Channel, by: Principal | None) -> None:
    """Two channels of one controller are two units of it; and a controller of other sites is not the user's.

    Which of its units are free there is not said, either.
    """
    transaction.serialize(f"units {wanted.account_id}")
    if by is not None and by.site_limited:
        beyond = transaction.one(
            _OF_CONTROLLER_BEYOND,
            account_id=wanted.account_id,
            the_address=wanted.mac_address,
            the_user=by.user_id,
        )
        if beyond is not None:
            fields.complain("mac_address", "Beyond the sites that you are limited to: a controller of others has it")
            return
    same = transaction.one(
        _SAME_UNIT,
        account_id=wanted.account_id,
        the_address=wanted.mac_address,
        the_unit=wanted.unit,
        the_id=wanted.id,
    )
    if same is not None:
        fields.complain("unit" if "unit" in fields else "mac_address", "is already in use on your account")
