"""An esp-rfid board as the firmware 2.0 behaves (esprfid/esp-rfid: src/mqtt.esp, src/rfid.esp, src/main.cpp, door.esp).

Written from the firmware, not from the driver: nothing of the driver is used here. It speaks MQTT 3.1.1 with a session
that ends with the connection, subscribes at QoS 2, publishes at QoS 0, and says that it has connected before it
subscribes. It keeps a user as the whole message that brought it. Its clock is the one it is given, in whole seconds.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiomqtt import Client, MqttError, ProtocolVersion

from doorward.kit.clock import Clock

UID_BUFFER = 20
ALWAYS, ADMIN = 1, 99


class EspRfidDevice:
    """One board. Use it in `async with device.powered():`, or `await device.power(True)`."""

    def __init__(
        self,
        port: int,
        clock: Clock,
        *,
        hostname: str = "front-door",
        topic: str = "/esprfid",
        ip: str = "192.168.1.40",
        relays: int = 1,
        pulse_ms: int = 300,
        login: tuple[str, str] = ("board", "board-password"),
    ) -> None:
        self.hostname = hostname
        self.topic = topic
        self.ip = ip
        self.users: dict[str, str] = {}
        self.commands: list[dict[str, Any]] = []
        """Every command that it has carried out."""
        self.reconnect_s = 0.05
        self.clock_error_s = 0
        self.has_time = True
        self.lists_at_most = 1_000_000
        """Its buffers hold so many users of a list; the others it drops."""
        self.is_deaf = False
        """It takes commands no longer, though its connection stays (its loop hangs, say)."""
        self._login = (port, *login)
        self._clock = clock
        self.relays = relays
        self._pulse_s = pulse_ms / 1_000
        self._released_until = [0.0] * relays
        self.releases = 0
        """How many times a relay was told to release."""
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self.connected = asyncio.Event()
        self.on_command: Callable[[dict[str, Any]], None] = lambda _: None
        self.after_command: Callable[[], None] = lambda: None

    # What an installer does.

    async def power(self, is_on: bool) -> None:
        """Plug it in or out; its users are in flash memory."""
        if is_on and self._task is None:
            self._task = asyncio.create_task(self._run())
            await asyncio.wait_for(self.connected.wait(), 5)
        elif not is_on and self._task is not None:
            self._task.cancel()
            while not (await asyncio.wait((self._task,), timeout=1))[0]:
                self._task.cancel()  # wait_for(), which aiomqtt uses, can lose a cancellation before Python 3.12
            self._task = None
            self._released_until = [0.0] * self.relays

    @asynccontextmanager
    async def powered(self) -> AsyncIterator["EspRfidDevice"]:
        """Plugged in for the block."""
        await self.power(True)
        try:
            yield self
        finally:
            await self.power(False)

    async def reboot(self, *, loses_users: bool = False) -> None:
        """Off and on again, perhaps with its file system formatted."""
        await self.power(False)
        if loses_users:
            self.users.clear()
        await self.power(True)

    # What somebody at the door does.

    async def present(self, uid: str) -> bool:
        """Hold a card to the reader; whether a relay is released."""
        words, name = self.verdict(uid)
        released = [index for index, word in enumerate(words) if word in ("Always", "Admin")]
        for index in released:
            self._release(index)
        said = words if released and self.relays > 1 else words[0]
        await self._publish_access("false" if name == "Unknown" else "true", said, name, uid)
        return bool(released)

    async def press_button(self) -> None:
        """Leave by the button: the board releases its first relay by itself."""
        self._release(0)
        await self._publish_access("true", "Always", "Button", " ")

    async def move_door(self, is_open: bool) -> None:
        """Open or close the door."""
        text = "Door Open" if is_open else "Door Closed"
        await self.say({"type": "INFO", "src": "door", "desc": text, "data": "", "cmd": "event"} | self._stamp())

    def is_released(self, index: int = 0) -> bool:
        """Whether the relay is released now."""
        return asyncio.get_running_loop().time() < self._released_until[index]

    def verdict(self, uid: str) -> tuple[list[str], str]:
        """What the board decides about a uid now, by relay if it comes to that, and the user's name (rfidProcess)."""
        if uid not in self.users:
            return ["Denied"], "Unknown"
        try:
            user = json.loads(self.users[uid])
        except ValueError:
            return ["Disabled"], ""
        name, kind, now = str(user.get("user")), _number(user.get("acctype")), self._now()
        if kind == ADMIN:
            return ["Admin"] * self.relays, name
        if kind != ALWAYS:
            return ["Disabled"], name
        if _number(user.get("validuntil")) < now or _number(user.get("validsince")) > now:
            return ["Expired"], name
        kinds = [kind, *(_number(user.get(f"acctype{index + 1}")) for index in range(1, self.relays))]
        return ["Always" if each == ALWAYS else "Disabled" for each in kinds], name

    # What it says.

    async def heartbeat(self) -> None:
        """Say that it is alive."""
        await self.say({"type": "heartbeat", "uptime": 999} | self._stamp() | {"ip": self.ip})

    async def say(self, message: object, topic: str | None = None) -> None:
        """Publish anything."""
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        with contextlib.suppress(MqttError):
            if self._client is not None:
                await self._client.publish(topic or f"{self.topic}/send", payload, qos=0)

    async def _publish_access(self, known: str, words: object, name: str, uid: str) -> None:
        said = {"type": "access", "isKnown": known, "access": words, "username": name, "uid": uid}
        await self.say(said | {"pincode": "", "doorName": "door"} | self._stamp())

    def _stamp(self) -> dict[str, Any]:
        return {"time": self._now(), "hostname": self.hostname}

    def _now(self) -> int:
        return self._clock.now() // 1_000 + self.clock_error_s if self.has_time else 17

    def _release(self, index: int) -> None:
        self.releases += 1
        self._released_until[index] = asyncio.get_running_loop().time() + self._pulse_s

    # What it is told.

    async def _run(self) -> None:
        port, username, password = self._login
        while True:
            with contextlib.suppress(MqttError):
                client = Client(
                    "127.0.0.1",
                    port,
                    username=username,
                    password=password,
                    identifier=self.hostname,
                    protocol=ProtocolVersion.V311,
                    clean_session=True,
                    keepalive=15,
                    timeout=2,
                )
                async with client:
                    self._client = client
                    try:
                        await self.say({"type": "boot", "uptime": "0"} | self._stamp() | {"ip": self.ip})
                        await client.subscribe(f"{self.topic}/cmd", qos=2)
                        self.connected.set()
                        async for message in client.messages:
                            if not self.is_deaf and isinstance(message.payload, bytes):
                                await self._take(message.payload)
                                self.after_command()
                    finally:
                        self._client = None
                        self.connected.clear()
            await asyncio.sleep(self.reconnect_s)

    async def _take(self, payload: bytes) -> None:
        try:
            command = json.loads(payload)
        except ValueError:
            return
        if not isinstance(command, dict) or command.get("doorip") != self.ip:
            return
        self.commands.append(command)
        self.on_command(command)
        kind, uid = command.get("cmd"), str(command.get("uid", ""))[: UID_BUFFER - 1]
        if kind in ("opendoor", "open"):
            await self._publish_access("true", "Always", "MQTT", " ")
            for index in range(self.relays) if kind == "opendoor" else (int(command["door"]),):
                self._release(index)
        elif kind == "getuserlist":
            for user in list(self.users.values())[: self.lists_at_most]:
                await self.say(user.encode())
        elif kind in ("adduser", "deletuid", "deletusers"):
            self._write(kind, uid, payload.decode())
            await self.say({"type": kind, "ip": self.ip, "hostname": self.hostname})

    def _write(self, kind: str, uid: str, message: str) -> None:
        if kind == "adduser":
            self.users[uid] = message
        elif kind == "deletuid":
            self.users.pop(uid, None)
        else:
            self.users.clear()

    def written(self) -> list[str]:
        """The commands that have changed the list, by name, without those that changed nothing on purpose."""
        kinds = ("adduser", "deletuid", "deletusers")
        return [each["cmd"] for each in self.commands if each["cmd"] in kinds and each.get("uid") != "-"]


def _number(value: object) -> int:
    """As ArduinoJson reads a number: also out of text, and 0 where there is none."""
    try:
        return int(str(value))
    except ValueError:
        return 0
