"""All people in one answer, as long as it may be, without ever holding more than a few of them in memory."""

from array import array
from collections.abc import AsyncIterator
from typing import Final

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import EARLIEST
from doorward.oauth.principal import Principal
from doorward.people.listing import Wanted, ids_of_people, people_with_ids
from doorward.people.wire import person_bodies
from doorward.wire.context import Context
from doorward.wire.responses import encoded

BATCH: Final = 100
"""So few that to encode them does not hold the event loop."""


async def stream_people(
    context: Context, principal: Principal, wanted: Wanted, address: str
) -> tuple[AsyncIterator[bytes], int]:
    """The people as the parts of one JSON array, and how many there were when it began; `address` is the server's own.

    Each batch is read for itself: who is deleted meanwhile is left out, unless those are asked for.
    """
    ids = array("q", await context.database.read(lambda transaction: ids_of_people(transaction, wanted)))
    return _parts(context, principal, wanted, ids, address), len(ids)


async def _parts(
    context: Context, principal: Principal, wanted: Wanted, ids: "array[int]", address: str
) -> AsyncIterator[bytes]:
    with_deleted = wanted.since > EARLIEST
    now = context.clock.now()
    before = b"["
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH].tolist()

        def read(transaction: Transaction, batch: list[int] = batch) -> bytes:
            found = people_with_ids(transaction, batch)
            shown = [person for person in found if with_deleted or person.deleted_at is None]
            return encoded(person_bodies(transaction, context.vault, principal, shown, now, address))[1:-1]

        part = await context.database.read(read)
        if part:
            yield before + part
            before = b","
    yield b"[]" if before == b"[" else b"]"
