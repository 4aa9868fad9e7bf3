"""The connection to the broker: made, kept, and made again after a pause.

Everything is sent at QoS 0 on a session that ends with the connection, is never retained and expires at the broker
after seconds: what cannot be delivered now is lost, for a command to open a door must not wait anywhere.
"""

import asyncio
import contextlib
import secrets
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Final

from aiomqtt import Client, Message, MqttError, ProtocolVersion, TLSParameters
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from doorward.drivers.esp_rfid.config import EspRfidConfig
from doorward.drivers.esp_rfid.messages import MOST_BYTES
from doorward.drivers.esp_rfid.timing import Timing

_properties: Callable[[int], Properties] = Properties  # which paho has not annotated

_EXPIRY_S: Final = 2
_MOST_WAITING: Final = 1_000
"""Messages that are received and not yet looked at; a flood beyond it is dropped."""
_REFUSED: Final = frozenset({134, 135})
"""MQTT 5, 3.2.2.2: bad user name or password; not authorized."""
_BEYOND: Final = 600
"""Doublings that reach any longest pause; 2 to the power of it still is a float."""


class BrokerLost(OSError):
    """There is no connection to the broker now."""


class _Denied(Exception):
    """The broker does not let us read a topic."""


class BrokerLink:
    """One connection at a time, by run(). `problem` says why there is none."""

    def __init__(
        self,
        config: EspRfidConfig,
        timing: Timing,
        on_message: Callable[[str, bytes], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
    ) -> None:
        self._config = config
        self._timing = timing
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._client: Client | None = None
        self._hurry = asyncio.Event()
        self._name = f"The broker {config.host}:{config.port}"
        self.problem: str | None = f"{self._name} has not been reached yet"

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return self._client is not None

    async def run(self) -> None:
        """Connect, hand on what comes, and connect again; until it is cancelled."""
        attempt = 0
        while True:
            self._hurry.clear()
            try:
                async with self._new_client() as client:
                    await self._greet(client)
                    attempt, self.problem, self._client = 0, None, client
                    self._on_up()
                    async for message in client.messages:
                        self._receive(message)
            except (MqttError, _Denied) as error:
                self.problem = self._sentence(error)
                if self._client is not None:
                    self._client = None
                    self._on_down(self.problem)
            finally:
                self._client = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause(attempt)):
                    await self._hurry.wait()
            attempt = min(attempt + 1, _BEYOND)

    def hurry(self) -> None:
        """Make the next attempt now."""
        self._hurry.set()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send a command to whoever listens now. Raises BrokerLost."""
        if self._client is None:
            raise BrokerLost(self.problem or f"{self._name} is not connected")
        properties = _properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = _EXPIRY_S
        try:
            await self._client.publish(topic, payload, qos=0, properties=properties)
        except MqttError as error:
            raise BrokerLost(self._sentence(error)) from error

    def _new_client(self) -> Client:
        config, properties = self._config, _properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = MOST_BYTES + 1_024
        return Client(
            config.host,
            config.port,
            username=config.username,
            password=config.password,
            identifier=config.client_id or f"doorward-{secrets.token_hex(6)}",
            protocol=ProtocolVersion.V5,
            clean_start=True,
            properties=properties,
            timeout=self._timing.answer_s,
            keepalive=self._timing.keep_alive_s,
            max_queued_incoming_messages=_MOST_WAITING,
            tls_params=TLSParameters(config.ca_file, cert_reqs=ssl.CERT_REQUIRED) if config.tls else None,
            socket_options=_socket_options(self._timing.answer_s),
        )

    async def _greet(self, client: Client) -> None:
        """Listen to the boards, and take away what somebody may have left at the broker for them.

        A retained command would release the lock each time that the board connects (esprfid/esp-rfid, issue 343).
        """
        topics = sorted({device.topic for device in self._config.devices})
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        granted = await client.subscribe([(f"{topic}/send", options) for topic in topics])
        for topic, code in zip(topics, [_code(reason) for reason in granted], strict=True):
            if code >= 128:
                raise _Denied(f"{topic}/send")
        for topic in topics:
            await client.publish(f"{topic}/cmd", b"", qos=0, retain=True)

    def _receive(self, message: Message) -> None:
        # What was kept by the broker is of no known age.
        if not message.retain and isinstance(message.payload, bytes):
            self._on_message(message.topic.value, message.payload)

    def _pause(self, attempt: int) -> float:
        longest = min(self._timing.first_retry_s * 2.0**attempt, self._timing.longest_retry_s)
        return longest * (0.5 + secrets.randbelow(1_000) / 2_000)

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, _Denied):
            return f"{self._name} does not let us read {error}"
        if isinstance(error, MqttConnectError):
            if _code(error.rc) in _REFUSED:
                return f"{self._name} refuses the user name or password"
            return f"{self._name} refuses the connection: {error}"
        if "certificate verify failed" in str(error).lower():
            return f"{self._name} shows a certificate that is not trusted"
        return f"{self._name} cannot be reached: {error}"


def _code(reason: int | ReasonCode | None) -> int:
    return reason.value if isinstance(reason, ReasonCode) else reason or 0


def _socket_options(answer_s: float) -> Iterable[tuple[int, int, int]]:
    yield socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # What the network does not take is thrown away, not delivered whenever the network is back.
        yield socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(answer_s * 1_000)
