"""Fetch an address that somebody else has chosen, reaching nothing that is not theirs to reach.

The name is resolved here, every address it has is judged, and the connection is made to an address that was judged:
there is no second look-up that could give another answer. Redirects are not followed, proxies and credentials of the
environment are not used, and both the time and what is read are bounded.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import httpcore
import httpx

from doorward.outbound.addresses import Network, may_reach, networks
from doorward.outbound.names import names

TIMEOUT_S: Final = 10.0
LONGEST_URL: Final = 2048
_CONNECT_S: Final = 4.0
_MOST_ADDRESSES: Final = 4
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
"""A name, in IDNA's ASCII form, or an address."""
_PORTS: Final = {"http": 80, "https": 443}


class OutboundError(Exception):
    """The request was not answered. `reason` may be shown to whoever chose the address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutboundRefused(OutboundError):
    """The address is none that may be asked; nothing has been sent."""


class OutboundFailed(OutboundError):
    """There was no answer, or not in time."""


class Fetched(NamedTuple):
    """An answer of any status. The names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool
    """False if the body was longer than the limit, where it is cut off."""


async def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    allow: tuple[str, ...] = (),
    limit_bytes: int,
    timeout_s: float = TIMEOUT_S,
) -> Fetched:
    """One request, over a connection of its own; `allow` are networks (CIDR) beyond what is public.

    The time is that of the whole exchange, looking up the name included. Raises OutboundRefused or OutboundFailed.
    """
    target = _read(url)
    guarded = _Guarded(networks(allow))
    tls = await _tls() if target.scheme == "https" else None
    sent = [(b"Host", target.netloc), (b"Accept-Encoding", b"identity"), (b"Connection", b"close")]
    sent += [(name.encode("ascii"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=guarded) as pool,
            pool.stream(method, _as_given(target), headers=sent, content=body) as answer,
        ):
            read, complete = await _read_body(answer, limit_bytes)
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return Fetched(answer.status, found, read, complete)
    except TimeoutError:
        raise OutboundFailed(f"did not answer within {timeout_s:g} seconds") from None
    except (httpcore.NetworkError, httpcore.TimeoutException, ssl.SSLError, OSError) as error:
        raise OutboundFailed(f"could not be reached: {_plain(error)}") from None
    except httpcore.ProtocolError:
        raise OutboundFailed("did not answer as HTTP has it") from None


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """How servers are verified. It takes some milliseconds to make: not on an event loop."""
    return httpx.create_ssl_context()


async def _tls() -> ssl.SSLContext:
    made = tls_context.cache_info().currsize > 0
    return tls_context() if made else await asyncio.to_thread(tls_context)


def _read(url: str) -> httpx.URL:
    """A URL that may be asked, read once and for all. Raises OutboundRefused."""
    if len(url) > LONGEST_URL:
        raise OutboundRefused(f"is too long (at most {LONGEST_URL} characters)")
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise OutboundRefused("is not a URL") from None
    if target.scheme not in _PORTS or not target.host:
        raise OutboundRefused("must be an http or https URL")
    if target.userinfo:
        raise OutboundRefused("must not have a user name or password in it")
    if not _HOST.fullmatch(target.raw_host) or not 0 < (target.port or _PORTS[target.scheme]) < 65536:
        raise OutboundRefused("is not a URL")
    return target


def _as_given(target: httpx.URL) -> httpcore.URL:
    port = target.port or _PORTS[target.scheme]
    return httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=port, target=target.raw_path)


async def _read_body(answer: httpcore.Response, limit_bytes: int) -> tuple[bytes, bool]:
    pieces = bytearray()
    async for piece in answer.aiter_stream():
        pieces += piece
        if len(pieces) > limit_bytes:
            return bytes(pieces[:limit_bytes]), False
    return bytes(pieces), True


def _plain(error: Exception) -> str:
    """An error as a reason, without what only this machine knows, such as its own addresses."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate does not hold ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        cause = cause.__cause__ or cause.__context__
    return "the connection failed"


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connections to judged addresses only. TLS and the Host header are not its business: they keep the name."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._judged(host, port)
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, _CONNECT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def _judged(self, host: str, port: int) -> list[str]:
        """The addresses of a host. Raises OutboundRefused if it has only one that may not be reached."""
        try:
            addresses = await names().addresses(host, port)
        except (OSError, UnicodeError):
            raise OutboundFailed("could not be reached: its name is not known") from None
        if not addresses or not all(may_reach(address, self._allowed) for address in addresses):
            raise OutboundRefused("leads to an address that is not public")
        return addresses[:_MOST_ADDRESSES]
