"""What operators tell a door: its mode, lockdown, auto-unlock, its key (contract, the commands on channels).

Each gives the channel as it is then. A command that changes nothing is done, and leaves no event behind.
"""

import secrets
from typing import Final

from sqlalchemy import bindparam, null, update

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.channel import Channel, read_channel
from doorward.channels.listing import Seen, get_seen
from doorward.channels.lockdown import read_flags
from doorward.channels.service import save, tell, usable_shift
from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.kit.crypto import Vault
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.shifts.service import get_shift

_KEY_BYTES: Final = 32

_SET_PENDING_KEY: Final = Query[None](
    update(channels)
    .where(channels.c.id == bindparam("the_id"))
    .values(pending_encryption_key=bindparam("the_key"), updated_at=bindparam("now"))
)
_REMOVE_KEYS: Final = Query[None](
    update(channels)
    .where(
        channels.c.id == bindparam("the_id"),
        channels.c.encryption_key.is_not(None) | channels.c.pending_encryption_key.is_not(None),
    )
    .values(encryption_key=null(), pending_encryption_key=null(), updated_at=bindparam("now"))
)


class Refused(Exception):
    """The door will not do it; nothing has been changed."""

    def __init__(self, seen: Seen) -> None:
        super().__init__("the command cannot be done")
        self.seen = seen


class NoSuchShift(Exception):
    """No door can unlock by this shift: there is none, or it is a reservation's."""

    def __init__(self, shift_id: int) -> None:
        super().__init__(f"No shift found for shift_id - {shift_id}")


def lockdown(transaction: Transaction, principal: Principal, channel_id: int, body: object, now: int) -> Seen:
    """Lock down cards and auxiliary inputs, or what the body says. Raises NotFound, Invalid, or Refused for nothing."""
    flags = read_flags(body)
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    if not any(flags.values()):
        raise Refused(seen)
    wanted = seen.channel.as_of(now)._replace(
        card_lockdown=flags["card_lockdown"], rex_lockdown=flags["rex_lockdown"], aux_lockdown=flags["aux_lockdown"]
    )
    return _set(transaction, seen, wanted, now)


def unlockdown(transaction: Transaction, principal: Principal, channel_id: int, now: int) -> Seen:
    """Lift the lockdown. Raises NotFound."""
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    wanted = seen.channel.as_of(now)._replace(card_lockdown=False, rex_lockdown=False, aux_lockdown=False)
    return _set(transaction, seen, wanted, now)


def unlock(transaction: Transaction, principal: Principal, channel_id: int, body: object, now: int) -> Seen:
    """Hold the door unlocked until `relock_at`, or until it is told otherwise. Raises NotFound or Invalid."""
    given = StructuredFields(body)
    relock_at = body.get("relock_at") if isinstance(body, dict) and "relock_at" in given else None
    fields = StructuredFields({"mode": "unlock", "relock_at": relock_at})
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    wanted = read_channel(fields, seen.channel.as_of(now), principal.zone, now)
    fields.check()
    return _set(transaction, seen, wanted, now)


def normal(transaction: Transaction, principal: Principal, channel_id: int, now: int) -> Seen:
    """Let the door decide about everybody again. Raises NotFound."""
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    before = seen.channel.as_of(now)
    wanted = before if before.mode == "normal" else before._replace(mode="normal", relock_at=None, mode_changed_at=now)
    return _set(transaction, seen, wanted, now)


def auto_unlock(transaction: Transaction, principal: Principal, channel_id: int, body: object, now: int) -> Seen:
    """Let the door stand unlocked while the shift `shift_id` runs; without one, no more.

    Raises NotFound, Invalid or NoSuchShift.
    """
    fields = StructuredFields(body)
    shift_id = fields.identity("shift_id")
    fields.check()
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    account_id = principal.account_id
    if shift_id is not None and not usable_shift(transaction, account_id, shift_id):
        raise NoSuchShift(shift_id)
    name = None if shift_id is None else get_shift(transaction, account_id, shift_id).name
    wanted = seen.channel.as_of(now)._replace(auto_unlock_shift_id=shift_id)
    return _set(transaction, seen._replace(auto_unlock_name=name), wanted, now)


def regenerate_key(transaction: Transaction, vault: Vault, principal: Principal, channel_id: int, now: int) -> Seen:
    """Make a new key for the door, which is pending until the door uses it. Raises NotFound."""
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    sealed = vault.encrypt(secrets.token_hex(_KEY_BYTES), key_context(seen.channel))
    transaction.run(_SET_PENDING_KEY, the_id=channel_id, the_key=sealed, now=now)
    return _told(transaction, seen._replace(has_pending_key=True), EventCode.KEY_REGENERATED, now)


def remove_key(transaction: Transaction, principal: Principal, channel_id: int, now: int) -> Seen:
    """Let the door go on without a key. Raises NotFound."""
    seen = get_seen(transaction, principal, channel_id, to_command=True)
    if not transaction.run(_REMOVE_KEYS, the_id=channel_id, now=now):
        return seen
    return _told(transaction, seen._replace(has_pending_key=False), EventCode.KEY_REMOVED, now)


def key_context(channel: Channel) -> str:
    """What binds a channel's encrypted key to its place (Vault.encrypt)."""
    return f"channel:{channel.account_id}:{channel.id}"


def _set(transaction: Transaction, seen: Seen, wanted: Channel, now: int) -> Seen:
    if wanted == seen.channel:
        return seen
    return _behind(seen._replace(channel=save(transaction, seen.channel, wanted, now)), now)


def _told(transaction: Transaction, seen: Seen, code: EventCode, now: int) -> Seen:
    """Of keys, the log says that they have changed and by whom; never what they are."""
    channel = seen.channel._replace(updated_at=now)
    audit.record(transaction, channel.account_id, code.name.lower(), "channel", channel.id, now)
    tell(transaction, channel, code, now)
    changes.note(transaction, channel.account_id, now, channel_id=channel.id)
    return _behind(seen._replace(channel=channel), now)


def _behind(seen: Seen, now: int) -> Seen:
    """The door has not heard of it yet."""
    return seen._replace(standing=seen.standing._replace(behind_since=seen.standing.behind_since or now))
