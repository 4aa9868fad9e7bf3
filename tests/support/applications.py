"""The API's routes, put together once for all the servers that a test process starts one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp

from doorward.api.app import create_app, join
from doorward.wire.context import Context

_idle: list[Litestar] = []


@contextmanager
def application(context: Context, **options: Any) -> Iterator[ASGIApp]:
    """The application as create_app() makes it. Those that are served at the same time have nothing in common."""
    joined = _idle.pop() if _idle else join()
    yield create_app(context, joined, **options)
    # One whose test has failed is not used again: its server may still run.
    _idle.append(joined)
