"""How a controller is met: it proves that it has the link's key, and says what it has of its channels."""

import os
from typing import Final, NamedTuple

from doorward.controllers import channel_keys, contact
from doorward.controllers.channel_keys import Opening, StoredKeys
from doorward.controllers.channel_link import ChannelLink
from doorward.controllers.contact import Condition
from doorward.controllers.enrolment import link_context
from doorward.controllers.wire import Peer, Wire
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.crypto import Vault
from doorward.kit.fields import LARGEST_ID
from doorward.kit.text import InvalidText, clean
from doorward.link import frames, keys, messages
from doorward.link.frames import CONTROL
from doorward.link.handshake import HandshakeFailed, Responder
from doorward.link.messages import Hello
from doorward.link.records import RECORD_FORMAT

_MOST_STARTS: Final = 16


class Proven(NamedTuple):
    """A controller that is who it says it is, and its first message."""

    peer: Peer
    crypto: frames.Session
    hello: Hello


class Connected(NamedTuple):
    """It is on record that it has connected."""

    last_sequence: int
    links: dict[int, ChannelLink]
    condition: Condition
    is_removed: bool
    is_forked: bool
    told_until: int
    """The number of the last event that had happened when it connected."""


async def prove(database: Database, vault: Vault, wire: Wire, address: str) -> Proven:
    """Find out who is at the other end; nothing is believed before the first sealed message opens.

    Raises HandshakeFailed, FrameRefused, Unreadable, WireClosed or DatabaseUnavailable.
    """
    responder = Responder(await wire.receive())
    the_id = responder.controller_id
    found = None
    if 0 < the_id <= LARGEST_ID:
        found = await database.read(lambda transaction: contact.link_key(transaction, the_id))
    # An unknown controller is answered as every other: its first sealed message does not open.
    secret = os.urandom(keys.KEY_BYTES)
    if found is not None:
        secret = bytes.fromhex(vault.decrypt(found.sealed, link_context(the_id)))
    answer, crypto = responder.session(secret)
    await wire.send(answer)
    box, content = crypto.open(await wire.receive())
    hello = messages.decode_from_controller(content)
    if found is None or box != CONTROL or not isinstance(hello, Hello):
        raise HandshakeFailed("the first message is no greeting")
    return Proven(Peer(the_id, found.account_id, address), crypto, hello)


async def connect(database: Database, vault: Vault, proven: Proven, now: int) -> Connected:
    """Put on record that it is there, and open a box for each of its channels. Raises DatabaseUnavailable."""
    peer, crypto, hello = proven
    held = {each.channel_id: each for each in hello.channels}
    condition = Condition(hello.at - now, hello.spool_length)
    starts = tuple(_plain(start) for start in hello.starts[-_MOST_STARTS:])
    greeting = contact.Greeting(_plain(hello.software), peer.address, condition, starts)

    def write(transaction: Transaction) -> tuple[contact.Connection | None, list[tuple[StoredKeys, Opening]]]:
        connection = contact.connected(transaction, peer.controller_id, greeting, now)
        if connection is None:
            return None, []
        opened = []
        for stored in channel_keys.of_controller(transaction, peer.controller_id):
            own = held.get(stored.channel_id)
            current = channel_keys.revealed(vault, stored, stored.current)
            pending = channel_keys.revealed(vault, stored, stored.pending)
            opening = channel_keys.opening(current, pending, () if own is None else own.keys)
            if opening.is_promoted and stored.pending is not None:
                channel_keys.promote(transaction, stored.channel_id, stored.pending)
            opened.append((stored, opening))
        # Before anything is confirmed to them, be the session as short as it may.
        ids = [stored.channel_id for stored, _ in opened]
        contact.seen(transaction, [each for each in ids if each not in held or held[each].is_driven], now)
        return connection, opened

    connection, opened = await database.write(write)
    links: dict[int, ChannelLink] = {}
    for stored, opening in opened:
        crypto.use_key(stored.channel_id, opening.key)
        links[stored.channel_id] = ChannelLink(
            stored, opening, held.get(stored.channel_id), is_anew=hello.record_format != RECORD_FORMAT
        )
    last, is_forked = connection or (0, False)
    # Of a controller that has lost its count the events are numbered on from what is on record.
    told_until = hello.next_sequence - 1 + hello.spool_length
    told_until = told_until if told_until >= last else last + hello.spool_length
    return Connected(last, links, condition, connection is None, is_forked, told_until)


def _plain(text: str) -> str:
    try:
        return clean(text).strip()
    except InvalidText:
        return ""
