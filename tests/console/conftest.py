"""The console of the example account; one Chromium of each worker, one house of each module."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import shared_chromium
from tests.support.console import Console, House, build_house, serving

expect.set_options(timeout=20_000)
"""What is to come comes at once; where four tests share two processors, that may take a while."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with shared_chromium() as found:
        yield found


@pytest.fixture(scope="session")
def model_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house to copy, built once for all workers: passwords take long to hash."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "model-house"
    folder.mkdir(exist_ok=True)
    kept = folder / "house"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(msgspec.json.encode(build_house(folder / "data"), enc_hook=str))
    return msgspec.json.decode(kept.read_bytes(), type=House, dec_hook=lambda kind, value: kind(value))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, model_house: House) -> House:
    """A house of the module's own; nothing serves it yet."""
    data_dir: Path = tmp_path_factory.mktemp("console") / "data"
    shutil.copytree(model_house.data_dir, data_dir)
    made = {**model_house.made, "data_dir": str(data_dir)}
    return replace(model_house, data_dir=data_dir, made=made)


@pytest.fixture(scope="module")
def console(house: House, browser: Browser) -> Iterator[Console]:
    with serving(house, browser) as found:
        yield found
