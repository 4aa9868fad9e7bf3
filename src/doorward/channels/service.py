"""Channels: doors, what they accept, and the mode they are in (behaviour.md, "Channels")."""

from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, delete, select

from doorward.accounts.service import get_account
from doorward.changes import service as changes
from doorward.channels.channel import CHANNELS, Channel, new_mac_address, read_channel
from doorward.channels.tables import channels
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.shifts.tables import shifts
from doorward.sites.tables import areas, sites

__all__ = ["Channel", "create_channel", "delete_channel", "get_channel", "list_channels", "update_channel"]

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
_AREAS_OF_SITE: Final = Query(
    select(areas.c.id).where(areas.c.account_id == bindparam("account_id"), areas.c.site_id == bindparam("the_site")),
    number,
)
_REMOVE: Final = Query[None](delete(channels).where(channels.c.id == bindparam("the_id")))

_SITES: Final = Owned(sites)
_AREAS: Final = Owned(areas)
# A reservation's shift goes with its reservation: no door may be in its way.
_LASTING_SHIFTS: Final = Owned(shifts, shifts.c.starts_at.is_(None))


def create_channel(transaction: Transaction, account_id: int, body: object, now: int) -> Channel:
    """A new channel: `name`, `site_id`, and any other field of Channel. Raises Invalid."""
    fields = StructuredFields(body)
    nothing = Channel(0, account_id, 0, "", "", new_mac_address(), now, now)
    wanted = _read(transaction, fields, nothing, now)
    fields.check()
    created = wanted._replace(id=require(transaction.one(CHANNELS.add, **CHANNELS.params(wanted))))
    changes.note(transaction, account_id, now, channel_id=created.id)
    return created


def update_channel(transaction: Transaction, account_id: int, channel_id: int, body: object, now: int) -> Channel:
    """Change what is given. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    wanted = _read(transaction, fields, _to_change(transaction, account_id, channel_id), now)
    fields.check()
    wanted = wanted._replace(updated_at=now)
    transaction.run(CHANNELS.change, the_id=channel_id, **CHANNELS.params(wanted))
    changes.note(transaction, account_id, now, channel_id=channel_id)
    return wanted


def delete_channel(transaction: Transaction, account_id: int, channel_id: int, now: int) -> None:
    """Remove a channel, also from the roles that name it; its events stay. Raises NotFound."""
    _to_change(transaction, account_id, channel_id)
    transaction.run(_REMOVE, the_id=channel_id)
    changes.note(transaction, account_id, now, channel_id=channel_id)


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


def _read(transaction: Transaction, fields: StructuredFields, before: Channel, now: int) -> Channel:
    account = get_account(transaction, before.account_id)
    wanted = read_channel(fields, before, ZoneInfo(account.time_zone), now)
    if wanted.site_id != before.site_id:
        _SITES.check_one(transaction, account.id, fields, "site_id", wanted.site_id)
    if wanted.auto_unlock_shift_id != before.auto_unlock_shift_id:
        _LASTING_SHIFTS.check_one(transaction, account.id, fields, "auto_unlock_shift_id", wanted.auto_unlock_shift_id)
    _check_areas(transaction, fields, wanted)
    if (wanted.mac_address, wanted.unit) != (before.mac_address, before.unit):
        _check_unit(transaction, fields, wanted)
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


def _check_unit(transaction: Transaction, fields: StructuredFields, wanted: Channel) -> None:
    """Two channels of one controller are two units of it."""
    transaction.serialize(f"units {wanted.account_id}")
    same = transaction.one(
        _SAME_UNIT,
        account_id=wanted.account_id,
        the_address=wanted.mac_address,
        the_unit=wanted.unit,
        the_id=wanted.id,
    )
    if same is not None:
        fields.complain("unit" if "unit" in fields else "mac_address", "is already in use on your account")
