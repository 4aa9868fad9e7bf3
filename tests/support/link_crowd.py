"""Many controllers at once, each of one channel: enrolled without HTTP, connected from one event loop.

They keep the digest of what they are told and nothing else: what is measured with them is the server.
`python -m tests.support.link_crowd URL FILE` connects those in a file, prints a line when all have been told, and then
one for each message that changes people: channel, instant by time.monotonic().
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from doorward.controllers.enrolment import Request, create_code, enrol
from doorward.db.unit_of_work import Database, Transaction, require
from doorward.kit.crypto import Vault
from doorward.link import frames, keys, messages, records
from doorward.link.frames import CONTROL
from doorward.link.handshake import Initiator
from doorward.link.messages import Applied, Beat, Held, Hello, NewKey, Taken, Update, Welcome

BEATS_EVERY_S = messages.SPEAKS_EVERY_MS / 1000


class Card(msgspec.Struct):
    """What a controller has when it has enrolled."""

    controller_id: int
    link_key: bytes
    channel_id: int
    key: bytes


def enrol_each(database: Database, vault: Vault, account_id: int, channel_ids: list[int], now: int) -> list[Card]:
    """A controller for each of the channels, in one transaction."""

    def one(transaction: Transaction, channel_id: int) -> Card:
        code = create_code(transaction, vault, account_id, {"channel_ids": [channel_id]}, now).code
        private_key, nonce = keys.new_private_key(), os.urandom(keys.NONCE_BYTES)
        public_key = keys.public_key_of(private_key)
        asked = Request(
            code.lookup, public_key, nonce, keys.proof(code, public_key, nonce), f"Controller {channel_id}", "crowd"
        )
        done = require(enrol(transaction, vault, asked, "127.0.0.1", now))
        agreed = keys.agree(code, private_key, done.public_key, nonce + done.nonce)
        told = msgspec.json.decode(keys.open_once(agreed.answer_key, done.sealed))
        return Card(done.controller_id, agreed.link_key, channel_id, bytes.fromhex(told["channels"][0]["key"]))

    return database.write_now(lambda transaction: [one(transaction, each) for each in channel_ids])


class Member:
    """One connected controller."""

    def __init__(self, card: Card, on_people: Callable[[int, float], None]) -> None:
        self.card = card
        self.version = 0
        self.digest = b""
        self.bytes_received = 0
        self.messages_received = 0
        self._on_people = on_people
        self._crypto: frames.Session | None = None

    async def run(self, base_url: str) -> None:
        """Connect, and do as one is told; again, if the server has too many at its door."""
        while True:
            try:
                await self._session(base_url)
            except ConnectionClosed:
                await asyncio.sleep(random.uniform(0.1, 0.5))

    async def _session(self, base_url: str) -> None:
        address = f"ws{base_url.removeprefix('http')}/api/3/controllers/link"
        async with connect(
            address, compression=None, max_size=frames.MOST_BYTES, ping_interval=None, proxy=None, open_timeout=60
        ) as socket:
            initiator = Initiator(self.card.controller_id, self.card.link_key)
            await socket.send(initiator.offer)
            self._crypto = initiator.session(await _bytes(socket))
            held = Held(self.card.channel_id, self.version, self.digest, (keys.fingerprint(self.card.key),))
            now = int(time.time() * 1000)
            await self._send(socket, CONTROL, Hello("crowd", now, records.RECORD_FORMAT, (held,), 1, 0))
            beating = asyncio.create_task(self._beat(socket))
            try:
                while True:
                    await self._take(socket, await _bytes(socket))
            finally:
                beating.cancel()

    async def _beat(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(BEATS_EVERY_S)
            await self._send(socket, CONTROL, Beat(int(time.time() * 1000), 0))

    async def _take(self, socket: ClientConnection, raw: bytes) -> None:
        assert self._crypto is not None
        self.bytes_received += len(raw)
        self.messages_received += 1
        box, content = self._crypto.open(raw)
        match messages.decode_from_server(content):
            case Welcome():
                self._crypto.use_key(self.card.channel_id, self.card.key)
            case Update() as update:
                assert update.before in (None, self.digest), "it changes something else than what is here"
                if update.part < update.parts - 1:
                    return
                if update.people:
                    self._on_people(self.card.channel_id, time.monotonic())
                self.version, self.digest = update.version, update.after
                await self._send(socket, box, Taken(self.version, self.digest))
                await self._send(socket, box, Applied(self.version, self.digest))
            case NewKey():
                raise AssertionError("nobody asked for another key")
            case _:
                pass

    async def _send(self, socket: ClientConnection, box: int, message: Any) -> None:
        assert self._crypto is not None
        await socket.send(self._crypto.seal(box, messages.encode(message)))


async def _bytes(socket: ClientConnection) -> bytes:
    raw = await socket.recv()
    assert isinstance(raw, bytes)
    return raw


async def _main(base_url: str, cards: list[Card]) -> None:
    def say(channel_id: int, at: float) -> None:
        sys.stdout.write(f"{channel_id} {at}\n")

    members = [Member(card, say) for card in cards]
    tasks = [asyncio.create_task(member.run(base_url)) for member in members]
    while not all(member.version for member in members):
        failed = [task for task in tasks if task.done()]
        for task in failed:
            task.result()
        await asyncio.sleep(0.05)
    sys.stdout.write("ready\n")
    sys.stdout.flush()

    async def flush() -> None:
        while True:
            await asyncio.sleep(0.2)
            sys.stdout.flush()

    await asyncio.gather(flush(), *tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], msgspec.msgpack.decode(Path(sys.argv[2]).read_bytes(), type=list[Card])))
