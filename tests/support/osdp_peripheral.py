"""OSDP peripherals made of libosdp, any number on one line, in a process of their own.

`running_peripherals` starts them behind a pseudo-terminal or a TCP port. A test tells them what somebody does (`card`,
`keys`, `inputs`, `tamper`) and looks at what they were told to do (`commands`). The process can be stopped, continued
and killed like a reader that is unplugged.

They are libosdp's own peripheral side, so that the protocol is not our reading of it; what lies around it here (the
relay's timer, the line) is ours.
"""

import importlib
import json
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from doorward.decision.card_formats import card_format, encode
from doorward.drivers.osdp.config import Bus, Device, DeviceKey, OsdpConfig, Reader, SerialLine, TcpLine


@dataclass(frozen=True)
class Peripheral:
    """One device. `key` in hex; None: it is in install mode. The counts are what it says it can do."""

    address: int
    key: str | None
    outputs: int = 2
    inputs: int = 2
    lamps: int = 1
    has_buzzer: bool = True
    refuses: tuple[int, ...] = ()
    """libosdp's numbers of commands that it answers with osdp_NAK."""


@dataclass(frozen=True)
class Told:
    """A command that a device has got, and when by the clock that all processes share (CLOCK_MONOTONIC)."""

    address: int
    at: float
    command: dict[str, Any]

    @property
    def kind(self) -> str:
        return {1: "output", 2: "led", 3: "buzzer", 5: "keyset", 9: "status"}.get(self.command["command"], "other")


@dataclass
class Peripherals:
    """The devices of one line, from the test's side."""

    devices: Sequence[Peripheral]
    line: SerialLine | TcpLine
    process: subprocess.Popen[bytes]
    told: list[Told] = field(default_factory=list)
    _states: deque[dict[str, Any]] = field(default_factory=deque)

    # What somebody does.

    def card(self, address: int, format_name: str, facility: int | None, number: int) -> float:
        """Hold a card to the reader; gives the instant."""
        layout = card_format(format_name)
        return self.bits(address, layout.bits, encode(layout, facility, number))

    def bits(self, address: int, bits: int, raw: int) -> float:
        """Hold a card with these bits to the reader."""
        data = (raw << (-bits % 8)).to_bytes((bits + 7) // 8)
        event = {"event": 1, "reader_no": 0, "format": 1, "direction": 0, "length": bits, "data": data.hex()}
        return self._event(address, event)

    def keys(self, address: int, keys: bytes) -> float:
        """Press keys of the keypad, as the bytes that it reports."""
        return self._event(address, {"event": 2, "reader_no": 0, "data": keys.hex()})

    def inputs(self, address: int, *values: int) -> float:
        """Let the inputs have these states, which it reports."""
        return self._order({"do": "inputs", "address": address, "values": list(values)})

    def housing(self, address: int, *, tamper: bool = False, power_failure: bool = False) -> float:
        """Open its housing, or take its mains away."""
        return self._order({"do": "housing", "address": address, "values": [int(tamper), int(power_failure)]})

    def restart(self, address: int) -> float:
        """Take its power away for an instant: it knows its key, and nothing else."""
        return self._order({"do": "restart", "address": address})

    def mute(self, address: int, *, is_mute: bool = True) -> float:
        """Let one device not hear what it is asked."""
        return self._order({"do": "mute", "address": address, "values": [int(is_mute)]})

    # What they are told to do.

    def commands(self, kind: str, address: int | None = None) -> list[Told]:
        """The commands of a kind so far, oldest first."""
        return [told for told in list(self.told) if told.kind == kind and address in (None, told.address)]

    def state(self, address: int, within: float = 5.0) -> dict[str, Any]:
        """{"released": [by output], "secure": bool, "key": hex or None}, as the device is now."""
        before = len(self._states)
        self._order({"do": "state", "address": address})
        end = time.monotonic() + within
        while len(self._states) == before:
            assert time.monotonic() < end, "the peripherals do not answer"
            time.sleep(0.005)
        return self._states[-1]

    # What befalls the process.

    def pause(self) -> None:
        """Unplug them all: they hear nothing and say nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Plug them in again, as they were."""
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the process; the line is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    # How.

    def config(self, readers: Sequence[Reader], name: str = "line") -> OsdpConfig:
        """A driver's configuration that fits these devices."""
        devices = tuple(
            Device(one.address, None if one.key is None else DeviceKey.from_hex(one.key)) for one in self.devices
        )
        return OsdpConfig((Bus(name, self.line, devices, tuple(readers)),))

    def _event(self, address: int, event: dict[str, object]) -> float:
        return self._order({"do": "event", "address": address, "event": event})

    def _order(self, order: dict[str, object]) -> float:
        assert self.process.stdin is not None
        now = time.monotonic()
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return now

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError, OSError):
            for line in self.process.stdout:
                said = json.loads(line)
                if "command" in said:
                    self.told.append(Told(said["address"], said["at"], said["command"]))
                elif "state" in said:
                    self._states.append(said["state"])


def new_key() -> str:
    """A key for a device, in hex."""
    return secrets.token_hex(16)


@contextmanager
def running_peripherals(
    devices: Sequence[Peripheral],
    kind: Literal["pty", "tcp"] = "pty",
    *,
    link: Path | None = None,
    port: int = 0,
    chunk: int = 0,
) -> Iterator[Peripherals]:
    """Devices on a line of their own until the block ends.

    `link`: the path that is made to point to the pseudo-terminal, as udev does for an adapter. `port` 0: any free one.
    `chunk`: how many bytes go over the line at a time, a millisecond apart; 0: as they come. A serial line brings a
    reply byte by byte.
    """
    setup = {"devices": [asdict(device) for device in devices], "kind": kind, "port": port, "chunk": chunk}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.osdp_peripheral", json.dumps(setup)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        line: SerialLine | TcpLine
        if kind == "tcp":
            line = TcpLine("127.0.0.1", ready["port"])
        else:
            link = link or Path(tempfile.mkdtemp(prefix="osdp")) / "line"
            link.unlink(missing_ok=True)
            link.symlink_to(ready["device"])
            line = SerialLine(str(link), 115200)
        peripherals = Peripherals(devices, line, process)
        threading.Thread(target=peripherals._listen, daemon=True).start()
    except BaseException:
        process.kill()
        raise
    try:
        yield peripherals
    finally:
        # First, as udev does: the next pseudo-terminal may have the same name, and must not be taken for this one.
        if link is not None:
            link.unlink(missing_ok=True)
        peripherals.stop()
        if link is not None and link.parent.name.startswith("osdp"):
            link.parent.rmdir()


# The process.


def _library(name: str) -> Any:
    return importlib.import_module(name)


class _Channel:
    """What one device hears and says. libosdp's Python part forgets half frames, so that it is given whole ones."""

    def __init__(self, say: Callable[[bytes], None]) -> None:
        self.id = 1
        self.heard: deque[bytes] = deque()
        self._say = say

    def read(self, most: int) -> bytes:
        frame = self.heard.popleft() if self.heard else b""
        if len(frame) > most:
            self.heard.appendleft(frame[most:])
        return frame[:most]

    def write(self, data: bytes) -> int:
        self._say(data)
        return len(data)

    def flush(self) -> None:
        self.heard.clear()


class _Simulated:
    """One device, with the relay that its outputs are."""

    def __init__(
        self, config: Peripheral, say: Callable[[bytes], None], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self.config = config
        self.channel = _Channel(say)
        self.key = None if config.key is None else bytes.fromhex(config.key)
        self.is_mute = False
        self.inputs = [0] * config.inputs
        self.housing = [0, 0]
        self._tell = tell
        self.start()

    def start(self) -> None:
        osdp, osdp_sys = _library("osdp"), _library("osdp_sys")
        self.permanent = [False] * self.config.outputs
        self.timed_until = [0.0] * self.config.outputs
        able = [(osdp.Capability.CommunicationSecurity, 1, 1), (osdp.Capability.CheckCharacter, 1, 0)]
        if self.config.outputs:
            able.append((osdp.Capability.OutputControl, 1, self.config.outputs))
        if self.config.inputs:
            able.append((osdp.Capability.ContactStatusMonitoring, 1, self.config.inputs))
        if self.config.lamps:
            able.append((osdp.Capability.LEDControl, 1, self.config.lamps))
        if self.config.has_buzzer:
            able.append((osdp.Capability.AudibleControl, 1, 1))
        flags = [osdp.LibFlag.InstallMode] if self.key is None else [osdp.LibFlag.EnforceSecure]
        info = osdp.PDInfo(self.config.address, self.channel, scbk=self.key, flags=flags)
        osdp_sys.set_loglevel(0)
        self.pd = osdp_sys.PeripheralDevice(info.get(), capabilities=osdp.PDCapabilities(able).get())
        self.pd.set_command_callback(self._commanded)

    def _commanded(self, command: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        osdp = _library("osdp")
        shown = {name: value.hex() if isinstance(value, bytes) else value for name, value in command.items()}
        self._tell({"command": shown, "address": self.config.address, "at": time.monotonic()})
        kind = command["command"]
        if kind in self.config.refuses:
            return -1, None
        if kind == osdp.Command.Output:
            number, code = command["output_no"], command["control_code"]
            if code in {1, 2}:
                self.permanent[number], self.timed_until[number] = code == 2, 0.0
            elif code == 5:
                self.timed_until[number] = time.monotonic() + command["timer_count"] / 10
        elif kind == osdp.Command.Keyset:
            self.key = command["data"]
        elif kind == osdp.Command.Status:
            report = {
                osdp.StatusReportType.Input: bytes(self.inputs),
                osdp.StatusReportType.Output: bytes(map(int, self.released())),
                osdp.StatusReportType.Local: bytes(self.housing),
            }.get(command["type"], b"\0")
            return 0, _status_answer(command["type"], report)
        return 0, None

    def released(self) -> list[bool]:
        now = time.monotonic()
        return [permanent or now < until for permanent, until in zip(self.permanent, self.timed_until, strict=True)]

    def do(self, order: dict[str, Any]) -> None:
        osdp = _library("osdp")
        match order["do"]:
            case "event":
                event = dict(order["event"])
                event["data"] = bytes.fromhex(event["data"])
                self.pd.submit_event(event)
            case "inputs":
                self.inputs = order["values"]
                self._report(osdp.StatusReportType.Input, bytes(self.inputs))
            case "housing":
                self.housing = order["values"]
                self._report(osdp.StatusReportType.Local, bytes(self.housing))
            case "restart":
                self.channel.flush()
                self.start()
            case "mute":
                self.is_mute = bool(order["values"][0])
            case "state":
                key = None if self.key is None else self.key.hex()
                self._tell({"state": {"released": self.released(), "secure": bool(self.pd.is_sc_active()), "key": key}})

    def _report(self, kind: int, report: bytes) -> None:
        osdp = _library("osdp")
        self.pd.submit_event({"event": osdp.Event.Status, "type": kind, "report": report})


def _status_answer(kind: int, report: bytes) -> dict[str, Any]:
    """The answer to a question for a state.

    libosdp 3.2.9 takes it from the command that the callback gives back, but its Python part leaves the report out of
    that. A manufacturer's command lies in the same memory (osdp.h): its vendor where the kind of the report is, its
    data where the number of entries and the entries are.
    """
    return {
        "command": _library("osdp").Command.Manufacturer,
        "vendor_code": kind,
        "data": struct.pack("<i", len(report)) + report,
    }


class _Wire:
    """The line's other end, with a master on it or without."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.chunk = int(setup["chunk"])
        self.fd = -1
        self.listener: socket.socket | None = None
        self.connection: socket.socket | None = None
        if setup["kind"] == "tcp":
            self.listener = socket.create_server(("127.0.0.1", setup["port"]))
            self.ready: dict[str, object] = {"port": self.listener.getsockname()[1]}
        else:
            self.fd, self.slave = os.openpty()
            tty.setraw(self.fd)
            tty.setraw(self.slave)
            self.ready = {"device": os.ttyname(self.slave)}

    def waited(self) -> list[int]:
        listening = [] if self.listener is None else [self.listener.fileno()]
        return listening + ([] if self.fd < 0 else [self.fd])

    def receive(self, ready: list[int]) -> bytes:
        if self.listener is not None and self.listener.fileno() in ready:
            # A new master takes the place of the one before, which may not be there any more.
            if self.connection is not None:
                self.connection.close()
            self.connection, _ = self.listener.accept()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.fd = self.connection.fileno()
            return b""
        if self.fd not in ready:
            return b""
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        if not data and self.connection is not None:
            self.connection.close()
            self.connection, self.fd = None, -1
        return data

    def forget(self) -> None:
        """Drop what was sent while nobody listened: a wire does not keep it, as a pseudo-terminal does."""
        if self.connection is None:
            termios.tcflush(self.fd, termios.TCIFLUSH)

    def say(self, data: bytes) -> None:
        step = self.chunk or len(data)
        with suppress(OSError):
            for start in range(0, len(data), step):
                os.write(self.fd, data[start : start + step])
                if self.chunk:
                    time.sleep(0.001)


def _frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Whole frames of a master, with the address that they are for."""
    while True:
        start = buffer.find(0x53)
        if start < 0 or len(buffer) < start + 5:
            return
        end = start + (buffer[start + 2] | buffer[start + 3] << 8)
        if len(buffer) < end:
            return
        begin = start - 1 if start and buffer[start - 1] == 0xFF else start
        yield buffer[start + 1], bytes(buffer[begin:end])
        del buffer[:end]


def main() -> None:
    """Be the peripherals until the standard input ends."""
    setup = json.loads(sys.argv[1])
    wire = _Wire(setup)

    def tell(what: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    devices = {one["address"]: _Simulated(Peripheral(**one), wire.say, tell) for one in setup["devices"]}
    tell(wire.ready)
    stdin = sys.stdin.fileno()
    os.set_blocking(stdin, False)
    orders, heard = bytearray(), bytearray()
    plugged_in = threading.Event()
    signal.signal(signal.SIGCONT, lambda _number, _frame: plugged_in.set())
    while True:
        ready, _, _ = select.select([stdin, *wire.waited()], (), (), 0.5)
        if plugged_in.is_set():
            plugged_in.clear()
            heard.clear()
            wire.forget()
            continue
        if stdin in ready:
            read = os.read(stdin, 65536)
            if not read:
                return
            orders += read
            while b"\n" in orders:
                line, _, rest = bytes(orders).partition(b"\n")
                orders[:] = rest
                order = json.loads(line)
                devices[order["address"]].do(order)
        heard += wire.receive(ready)
        for address, frame in _frames(heard):
            device = devices.get(address)
            if device is not None and not device.is_mute:
                device.channel.heard.append(frame)
                device.pd.refresh()


if __name__ == "__main__":
    main()
