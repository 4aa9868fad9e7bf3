"""From a card at an OSDP reader to the command that releases the lock: many readers on one line.

    python -m benchmarks.osdp [--readers 16] [--cards 200] [--rounds 3] [--line pty|tcp]

The readers are libosdp's own peripherals, in one process of their own behind a pseudo-terminal (or a TCP port), with
the secure channel on. At a moment that has nothing to do with the polling a card is held to one of them; the time ends
when that reader gets the command for its output. There is no baud rate: add what the bytes take on a real line. Peers,
in turns, `rounds` times:

- Doorward: the OSDP driver on an event loop, with the decision engine deciding.
- libosdp's loop: the library's `ControlPanel` with its own thread (20 ms), its queue of events, and no deciding.
"""

import argparse
import asyncio
import importlib
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import msgspec

from doorward.decision.card_formats import card_format
from doorward.decision.codes import CARD
from doorward.decision.engine import decide
from doorward.decision.snapshot import Channel, Credential, Directory, DoorState, Grant, Person, Snapshot
from doorward.drivers.base import CredentialRead, DeviceEvent
from doorward.drivers.osdp.config import DeviceKey, Output, Reader, SerialLine
from doorward.drivers.osdp.driver import OsdpDriver
from doorward.kit.clock import SystemClock
from tests.support.osdp_peripheral import Peripheral, Peripherals, new_key, running_peripherals

_ROLE = 1
_PULSE_MS = 1_000
_SETTLE_S = 20.0


class Row(msgspec.Struct, frozen=True):
    """One peer's times in milliseconds, all rounds together."""

    peer: str
    cards: int
    median: float
    p95: float
    worst: float
    cpu: float
    """The processor time that the driver's side took, as a share of one core."""


def measure(readers: int, cards: int, rounds: int, line: Literal["pty", "tcp"] = "pty") -> list[Row]:
    """Run the peers in turns. Every peer starts with the same readers and the same order of cards."""
    times: dict[str, list[float]] = {name: [] for name in _PEERS}
    busy: dict[str, list[float]] = {name: [] for name in _PEERS}
    for turn in range(rounds):
        for name, peer in _PEERS.items():
            devices = [Peripheral(address, new_key()) for address in range(readers)]
            with running_peripherals(devices, line) as there, peer(there):
                _await_all(there)
                began, used = time.monotonic(), time.process_time()
                times[name] += _hold_cards(there, cards, random.Random(turn))  # noqa: S311 - not a secret
                busy[name].append((time.process_time() - used) / (time.monotonic() - began))
    return [
        Row(
            name,
            len(taken),
            statistics.median(taken),
            statistics.quantiles(taken, n=20)[-1],
            max(taken),
            statistics.mean(busy[name]),
        )
        for name, taken in times.items()
    ]


def _hold_cards(there: Peripherals, cards: int, order: random.Random) -> list[float]:
    taken = []
    for _ in range(cards):
        address = order.randrange(len(there.devices))
        time.sleep(order.uniform(0.12, 0.25))
        before = len(there.told)
        held_at = there.card(address, "H10301", 1, 100 + address)
        taken.append(1000 * (_release_of(there, address, before) - held_at))
    return taken


def _release_of(there: Peripherals, address: int, before: int) -> float:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for told in list(there.told[before:]):
            if told.kind == "output" and told.address == address and told.command["control_code"] == 5:
                return told.at
        time.sleep(0.002)
    raise TimeoutError(f"the card at reader {address} released nothing")


def _await_all(there: Peripherals) -> None:
    """Until every reader is in service and quiet."""
    end = time.monotonic() + _SETTLE_S
    while not all(there.state(device.address)["secure"] for device in there.devices):
        if time.monotonic() > end:
            raise TimeoutError("not all readers came into service")
        time.sleep(0.1)
    time.sleep(1.0)


@contextmanager
def _doorward(there: Peripherals) -> Iterator[None]:
    layout = card_format("H10301")
    readers = [Reader(1 + one.address, one.address, layout, lock=Output(one.address, 0)) for one in there.devices]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    driver = OsdpDriver(there.config(readers), SystemClock())
    snapshots = {reader.channel_id: _snapshot(reader) for reader in readers}

    def sink(event: DeviceEvent) -> None:
        if isinstance(event, CredentialRead):
            verdict = decide(snapshots[event.channel_id], DoorState(), event.presented, event.device_time)
            if verdict.admitted:
                driver.unlock(event.channel_id, _PULSE_MS)
            driver.feedback(event.channel_id, "granted" if verdict.admitted else "denied")

    async def start() -> None:
        driver.start(sink)

    asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield
    finally:
        driver.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _snapshot(reader: Reader) -> Snapshot:
    directory = Directory()
    directory.put(
        Person(1, "Somebody", "active", None, None, (_ROLE,), frozenset({CARD})),
        [Credential(CARD, f"1:{100 + reader.address}")],
    )
    channel = Channel(reader.channel_id, "Door", "Europe/Berlin", frozenset({CARD}))
    return Snapshot(channel, directory, {_ROLE: Grant(_ROLE, "Everybody", None, "")})


class _DeviceFile:
    """The line for libosdp's own loop, as its documentation has it: whatever is there, for all readers."""

    def __init__(self, device: str) -> None:
        self.id = 1
        self._fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def read(self, most: int) -> bytes:
        """What is there."""
        try:
            return os.read(self._fd, most)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        """Send it."""
        return os.write(self._fd, data)

    def flush(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


@contextmanager
def _plain_libosdp(there: Peripherals) -> Iterator[None]:
    osdp: Any = importlib.import_module("osdp")
    if not isinstance(there.line, SerialLine):
        raise SystemExit("libosdp's loop is only measured on a pseudo-terminal")
    file = _DeviceFile(there.line.device)
    infos = [
        osdp.PDInfo(
            one.address, file, scbk=DeviceKey.from_hex(one.key or "").reveal(), flags=[osdp.LibFlag.EnforceSecure]
        )
        for one in there.devices
    ]
    panel = osdp.ControlPanel(infos, log_level=osdp.LogLevel.Emergency)
    is_over = threading.Event()

    def release(address: int) -> None:
        while not is_over.is_set():
            event = panel.get_event(address, timeout=1)
            if event is not None and event["event"] == osdp.Event.CardRead:
                command = {"command": osdp.Command.Output, "output_no": 0, "control_code": 5, "timer_count": 10}
                panel.submit_command(address, command)

    panel.start()
    waiting = [threading.Thread(target=release, args=(one.address,)) for one in there.devices]
    for thread in waiting:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in waiting:
            thread.join(10)
        panel.stop()
        file.close()


_PEERS: dict[str, Callable[[Peripherals], Any]] = {"Doorward": _doorward, "libosdp's loop": _plain_libosdp}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="Card to lock over OSDP.")
    parser.add_argument("--readers", type=int, default=16)
    parser.add_argument("--cards", type=int, default=200, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--line", choices=["pty", "tcp"], default="pty")
    chosen = parser.parse_args()
    if chosen.line == "tcp":
        del _PEERS["libosdp's loop"]
    rows = measure(chosen.readers, chosen.cards, chosen.rounds, chosen.line)
    sys.stdout.write(f"{chosen.readers} readers on one line ({chosen.line}), card to output, milliseconds\n")
    sys.stdout.write(f"{'':16} {'cards':>6} {'median':>8} {'p95':>8} {'worst':>8} {'core':>6}\n")
    for row in rows:
        sys.stdout.write(
            f"{row.peer:16} {row.cards:6} {row.median:8.1f} {row.p95:8.1f} {row.worst:8.1f} {row.cpu:6.0%}\n"
        )


if __name__ == "__main__":
    main()
