"""What a process keeps going beside what it is asked."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Chore: TypeAlias = tuple[str, Callable[[], Awaitable[None]]]
"""Its name for the log, and what is done until it is cancelled."""
