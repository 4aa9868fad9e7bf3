"""The webhook of an application: a signed POST that says what has changed (behaviour.md, "Application webhook").

The body tells no content, only where it is to be had, with the application's own token. After a secret was replaced two
are good for a while; the header has place for one signature (the vendor's client checks just that). So what is refused
with the new one is sent at once with the one before it: the receiver takes up the new one when it likes.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec
from msgspec import Struct

from doorward import __version__
from doorward.kit import public_ids
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.outbound.fetching import Fetched, OutboundError, fetch
from doorward.webhooks.acknowledging import ack_token
from doorward.webhooks.endpoints import secrets_of
from doorward.webhooks.queue import NO_SECRET, TEST, explained
from doorward.webhooks.sending import Delivery, Endpoint, Outcome
from doorward.webhooks.telling import CREDENTIAL
from doorward.webhooks.wire import shown_id

TIMEOUT_S: Final = 10.0
_LIMIT_BYTES: Final = 64 * 1024
_SHOWN_BYTES: Final = 400
_GONE: Final = 410
_NOT_ABOUT_THE_SIGNATURE: Final = frozenset({_GONE, 413, 429, 503})


class Told(Struct, frozen=True, gc=False):
    """One delivery on the wire, as the vendor's clients read it."""

    action: str
    resource: str
    resource_type: str
    resource_id: str
    account_id: str
    ack_token: str


class ApplicationWebhook:
    """See sending.Sender."""

    most = 20
    rests_ms = 0
    awaits_acknowledgement = True

    def __init__(self, vault: Vault, clock: Clock, base_url: Callable[[], str], allow: tuple[str, ...] = ()) -> None:
        """`base_url`: under which address clients reach the API; `allow`: networks beyond what is public."""
        self._vault = vault
        self._clock = clock
        self._base_url = base_url
        self._allow = allow

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:
        """Tell an application what has changed."""
        secrets = secrets_of(self._vault, endpoint, now)
        if not secrets:
            return Outcome(explained(NO_SECRET))
        body = msgspec.json.encode([self.told(each) for each in deliveries])
        return await post_signed(endpoint.target, body, secrets, self._clock, self._allow)

    def told(self, delivery: Delivery) -> Told:
        """A delivery as it goes out."""
        token = ack_token(self._vault, delivery.id)
        path, public_id = _place(delivery)
        return Told(
            delivery.action,
            f"{self._base_url()}{path}?ack_token={token}",
            delivery.resource_type,
            public_id,
            public_ids.encode("account", delivery.account_id),
            token,
        )


async def post_signed(url: str, body: bytes, secrets: Sequence[str], clock: Clock, allow: tuple[str, ...]) -> Outcome:
    """POST JSON with the first of the secrets; what is refused with it is sent with the next."""
    outcome = Outcome()
    for secret in secrets:
        timestamp = str(clock.now() // 1000)
        headers = {"Timestamp": timestamp, "Signature": signature(secret, timestamp, body)}
        outcome = await post(url, body, headers, clock, allow)
        if outcome.error is None or outcome.status is None or outcome.status in _NOT_ABOUT_THE_SIGNATURE:
            break
    return outcome


async def post(url: str, body: bytes, headers: Mapping[str, str], clock: Clock, allow: tuple[str, ...]) -> Outcome:
    """POST JSON, guarded; gives what became of it."""
    try:
        fetched = await fetch(
            url,
            method="POST",
            body=body,
            headers={"Content-Type": "application/json", "User-Agent": f"Doorward/{__version__}", **headers},
            allow=allow,
            limit_bytes=_LIMIT_BYTES,
            timeout_s=TIMEOUT_S,
        )
    except OutboundError as error:
        return Outcome(error.reason)
    return outcome_of(fetched, clock.now())


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `timestamp + "." + body`, in hex."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def outcome_of(fetched: Fetched, now: int) -> Outcome:
    """What an answer means: with 2xx it has arrived, with 410 nothing more is wanted, with all else it has not."""
    answer = fetched.body[:_SHOWN_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
    if 200 <= fetched.status < 300:
        return Outcome(None, fetched.status, answer)
    if 300 <= fetched.status < 400:
        error = f"was answered with {fetched.status}: a redirect is not followed"
    else:
        error = f"was answered with {fetched.status}"
    retry_after_ms = retry_after(fetched.headers.get("retry-after"), now)
    return Outcome(error, fetched.status, answer, retry_after_ms, is_gone=fetched.status == _GONE)


def retry_after(header: str | None, now: int) -> int | None:
    """The wait that a Retry-After header asks for, in milliseconds (RFC 9110, 10.2.3); None: none that can be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * 1000
    try:
        moment = parsedate_to_datetime(text)
        at = int(moment.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return max(0, at - now)


def _place(delivery: Delivery) -> tuple[str, str]:
    """Where what is told of is to be had, and its id on the wire."""
    if delivery.resource_type == TEST:
        return f"/api/3/webhook_deliveries/{delivery.id}", str(delivery.id)
    public_id = shown_id(delivery.resource_type, delivery.resource_id)
    if delivery.resource_type == CREDENTIAL:
        return f"/api/3/people/{delivery.parent_id}/credentials/{public_id}", public_id
    return f"/api/3/events/{public_id}", public_id
