"""A GET of what webhooks tell of: answered, and taken as the acknowledgement that it is."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.webhooks.acknowledging import acknowledge, acknowledged_by
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Parameter
from doorward.wire.responses import encoded_response

ACKNOWLEDGING: Final = (
    Parameter("callback", {"type": "string"}, "The webhook that told of it; taken as it comes."),
    Parameter(
        "ack_token",
        {"type": "string"},
        "Acknowledges the webhook that told of it. The application that was told acknowledges also without.",
    ),
)


async def read_and_acknowledge(
    request: Request[Any, Any, Any],
    resource_types: Sequence[str],
    resource_id: int,
    read: Callable[[Transaction], bytes],
) -> ASGIResponse:
    """Answer with what `read` gives, once it is noted that webhooks of the resource have arrived.

    Raises what `read` raises; who asks for something that is gone has understood that it is.
    """
    context, principal = context_of(request), principal_of(request)
    token = request.query_params.get("ack_token")

    def look(transaction: Transaction) -> tuple[bytes | None, list[int]]:
        told = acknowledged_by(transaction, context.vault, principal, resource_types, resource_id, token)
        try:
            return read(transaction), told
        except NotFound:
            return None, told

    body, told = await context.database.read(look)
    if told:
        now = context.clock.now()
        await context.database.write(lambda transaction: acknowledge(transaction, told, now))
    if body is None:
        raise NotFound
    return encoded_response(body)
