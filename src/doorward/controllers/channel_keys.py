"""The encryption keys of channels, as the link uses them: which one a session opens with, and how one is replaced."""

import secrets
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, null, select, update

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import Vault
from doorward.link import keys

NO_KEY: Final = b""
"""The key of a channel that has none: then the link's own protects its box."""


class StoredKeys(NamedTuple):
    """A channel's keys as they are stored, encrypted, and which controller serves it."""

    channel_id: int
    account_id: int
    name: str
    controller_id: int | None
    current: str | None
    pending: str | None


class Opening(NamedTuple):
    """The key that a channel's box opens with, and the one it is to have."""

    key: bytes
    wanted: bytes
    is_promoted: bool
    """The controller has the pending key already: it is the current one from now on."""


_COLUMNS: Final = (
    channels.c.id,
    channels.c.account_id,
    channels.c.name,
    channels.c.controller_id,
    channels.c.encryption_key,
    channels.c.pending_encryption_key,
)
_SOME: Final = Query(select(*_COLUMNS).where(one_of(channels.c.id, "ids")).order_by(channels.c.id), StoredKeys)
_OF_CONTROLLER: Final = Query(
    select(*_COLUMNS).where(channels.c.controller_id == bindparam("the_controller")).order_by(channels.c.id), StoredKeys
)
_TO_CHANGE: Final = Query(
    select(*_COLUMNS).where(one_of(channels.c.id, "ids")).order_by(channels.c.id).with_for_update(key_share=True),
    StoredKeys,
)
_PROMOTE: Final = Query[None](
    update(channels)
    .where(channels.c.id == bindparam("the_id"), channels.c.pending_encryption_key == bindparam("the_pending"))
    .values(encryption_key=channels.c.pending_encryption_key, pending_encryption_key=null())
)
_ASSIGN: Final = Query[None](
    update(channels)
    .where(channels.c.id == bindparam("the_id"))
    .values(
        controller_id=bindparam("the_controller"),
        encryption_key=bindparam("the_key"),
        pending_encryption_key=null(),
        updated_at=bindparam("now"),
    )
)


def of_controller(transaction: Transaction, controller_id: int) -> list[StoredKeys]:
    """The channels that a controller serves, by id."""
    return transaction.all(_OF_CONTROLLER, the_controller=controller_id)


def of_channels(
    transaction: Transaction, channel_ids: Collection[int], *, to_change: bool = False
) -> dict[int, StoredKeys]:
    """Those of the channels that are there; `to_change` them, nobody else may until the commit."""
    found = transaction.all(_TO_CHANGE if to_change else _SOME, ids=str(sorted(channel_ids)))
    return {stored.channel_id: stored for stored in found}


def assign(transaction: Transaction, channel_id: int, controller_id: int | None, sealed: str | None, now: int) -> None:
    """Let a controller serve a channel, or none, with this (encrypted) key."""
    transaction.run(_ASSIGN, the_id=channel_id, the_controller=controller_id, the_key=sealed, now=now)


def promote(transaction: Transaction, channel_id: int, pending: str) -> bool:
    """The door uses its pending key; nothing happens if by now another one is pending."""
    return transaction.run(_PROMOTE, the_id=channel_id, the_pending=pending) == 1


def new_key(vault: Vault, account_id: int, channel_id: int) -> tuple[str, str]:
    """Another key, in hex, and encrypted."""
    key = secrets.token_hex(keys.KEY_BYTES)
    return key, vault.encrypt(key, _context(account_id, channel_id))


def revealed(vault: Vault, stored: StoredKeys, sealed: str | None) -> bytes:
    """One of a channel's keys, NO_KEY for none. Raises SecretKeyError if the installation's key is another one."""
    if sealed is None:
        return NO_KEY
    return bytes.fromhex(vault.decrypt(sealed, _context(stored.account_id, stored.channel_id)))


def opening(current: bytes, pending: bytes, held: Iterable[str]) -> Opening:
    """How a session begins with a controller that holds keys with these fingerprints.

    One that has none of ours, or has keys while we have none, opens with no key and is given ours.
    """
    known = set(held)
    if pending and keys.fingerprint(pending) in known:
        return Opening(pending, pending, True)
    wanted = pending or current
    if current and keys.fingerprint(current) in known:
        return Opening(current, wanted, False)
    return Opening(NO_KEY, wanted, False)


def fingerprint(key: bytes) -> str | None:
    """By which both ends know a key; None for none."""
    return keys.fingerprint(key) if key else None


def _context(account_id: int, channel_id: int) -> str:
    """As channels.commands.key_context() has it."""
    return f"channel:{account_id}:{channel_id}"
