"""How Doorward's server grows: the two endpoints, start-up and memory, with more people and more channels."""

import asyncio
import sys
import tempfile
import time

import msgspec

from benchmarks.http import Peer, Row, Settings, measure
from benchmarks.running import rss_mb, running
from doorward.demo.account import prepare_demo
from doorward.settings import load

PEOPLE = (1_000, 10_000, 100_000)
CHANNELS = (10, 100, 1_000)


class Memory(msgspec.Struct, frozen=True):
    """A server that has started and serves nobody: its resident memory, and the time from start to ready."""

    account: str
    rss_mb: float
    seconds: float


def doorward(people: int = 2_000, channels: int = 50, name: str | None = None) -> Peer:
    """Doorward as a peer, on an account of this size."""
    sizes = ("--people", str(people), "--channels", str(channels))
    return Peer(name or f"{people:,} people, {channels:,} channels", (*_command("{dir}"), *sizes))


def endpoints(settings: Settings) -> list[Row]:
    """Both endpoints on accounts of several sizes, beside each other; ratios refer to the smallest account."""
    sizes = [(people, CHANNELS[1]) for people in PEOPLE] + [(PEOPLE[1], count) for count in (CHANNELS[0], CHANNELS[2])]
    return measure([doorward(*size) for size in sizes], settings)


def memory() -> list[Memory]:
    """The server's memory with the example account, and with a large one."""
    with tempfile.TemporaryDirectory() as folder:
        made = prepare_demo(load(data_dir=f"{folder}/demo", environment={}))
        example = ("--serve-as-is", "--token", made.token)
        peers = [
            Peer("example account: 60 people, 8 channels", (*_command(f"{folder}/demo"), *example)),
            doorward(PEOPLE[2], CHANNELS[2]),
        ]
        return [asyncio.run(_memory(peer)) for peer in peers]


def _command(data_dir: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "benchmarks.peers.doorward_server", "--port", "{port}", "--data-dir", data_dir)


async def _memory(peer: Peer) -> Memory:
    began = time.perf_counter()
    async with running(peer) as (_, session):
        seconds = time.perf_counter() - began
        await asyncio.sleep(2)
        return Memory(peer.name, rss_mb(session), seconds)
