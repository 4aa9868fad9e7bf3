"""Drivers, guarded: what one of them raises stops nobody else, and it is begun anew with growing patience.

A door's orders are carried out only after what has happened is written down (Hand).
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection
from typing import Final, Protocol, runtime_checkable

import structlog

from doorward.drivers.base import Capabilities, DeviceEvent, Driver, Feedback, Health, Mode, Sink

_log = structlog.get_logger("doorward.controller")

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_GOOD_AFTER_S: Final = 60.0
"""A driver that has run for so long begins with little patience again."""
_TRIED_ANEW_AFTER_S: Final = 60.0
_BEGUN_ANEW_AFTER_S: Final = 600.0
_NOTHING_KNOWN: Final = Capabilities()
_jitter: Final = secrets.SystemRandom()


def wait_before(attempt: int) -> float:
    """How many seconds to wait before the next try, after so many failures: up to twice as long each time."""
    return _jitter.uniform(0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(attempt, 10)))


# What some drivers of boards can, beside what all can.


@runtime_checkable
class LocksDown(Protocol):
    """Keeps a board from admitting by itself."""

    async def lock_down(self, channel_id: int, *, cards: bool, rex: bool) -> tuple[str, ...]:
        """Gives a sentence for what the board cannot do. Raises OSError."""
        ...


@runtime_checkable
class SetsPulse(Protocol):
    """Has to know for how long a board is to release its lock."""

    def set_pulse(self, channel_id: int, milliseconds: int) -> None:
        """Say so."""
        ...


@runtime_checkable
class Confirms(Protocol):
    """Lets the limit of staleness count on the board."""

    def confirm(self, channel_id: int, at: int) -> None:
        """What apply() was given is known to be right at a later instant, too."""
        ...


@runtime_checkable
class Relocks(Protocol):
    """A driver whose boards can end unlock mode by themselves."""

    def relock_at(self, channel_id: int, at: int | None) -> None:
        """When it ends: said before set_mode(), and again whenever that is another instant."""
        ...


class Unit:
    """A driver and the channels that are its. Used from one event loop."""

    def __init__(
        self,
        name: str,
        build: Callable[[], Driver],
        sink: Sink,
        on_lost: Callable[["Unit", str], None],
        on_back: Callable[["Unit"], None],
    ) -> None:
        self.name = name
        self.channel_ids: set[int] = set()
        self.driver: Driver | None = None
        self.problem: str | None = None
        """Why there is no driver."""
        self._build = build
        self._sink = sink
        self._on_lost = on_lost
        self._on_back = on_back
        self._capabilities = _NOTHING_KNOWN
        self._failures = 0
        self._started_at = 0.0
        self._dark_since: float | None = None
        self._restart: asyncio.TimerHandle | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the hardware can do, as far as known."""
        return self._capabilities

    def start(self) -> None:
        """Begin, or begin anew after a failure; what fails is tried again."""
        self._restart = None
        loop = asyncio.get_running_loop()
        try:
            driver = self._build()
            driver.start(self._on_event)
            self._capabilities = driver.capabilities
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one driver, the others go on
            self._fail(error)
            return
        self.driver, self.problem, self._started_at = driver, None, loop.time()
        self._on_back(self)

    def stop(self) -> None:
        """End it; locks stay as they are."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        driver, self.driver = self.driver, None
        if driver is not None:
            try:
                driver.stop()
            except Exception:  # noqa: BLE001 - it is given up in any case
                _log.exception("a driver could not be stopped", driver=self.name)

    def order(self, give: Callable[[Driver], None]) -> None:
        """Let the driver do something; nothing happens while there is none, and nothing later."""
        driver = self.driver
        if driver is None:
            return
        try:
            give(driver)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def health(self) -> Health:
        """How the devices are; a driver that cannot say is begun anew."""
        found: list[Health] = []
        self.order(lambda driver: found.append(driver.health()))
        if found:
            return found[0]
        return Health(dict.fromkeys(self.channel_ids, False), (self.problem or "the driver does not run",))

    def watch(self) -> None:
        """Look how the devices are: where none answers for long they are tried anew, then the driver is."""
        driver, now = self.driver, asyncio.get_running_loop().time()
        if driver is None:
            return
        online = self.health().online
        if any(online.values()) or not online:
            self._dark_since = None
        elif self._dark_since is None:
            self._dark_since = now
        elif now - self._dark_since > _BEGUN_ANEW_AFTER_S:
            self._dark_since = None
            _log.warning("none of a driver's devices answers: it is begun anew", driver=self.name)
            self.stop()
            self.start()
        elif now - self._dark_since > _TRIED_ANEW_AFTER_S:
            self.order(lambda driver: driver.recover())

    def forget(self, channel_id: int) -> None:
        """The channel is no longer to be driven: its lock is left locked."""
        self.channel_ids.discard(channel_id)
        self.order(lambda driver: driver.forget(channel_id))

    def _on_event(self, event: DeviceEvent) -> None:
        self._sink(event)

    def _fail(self, error: Exception) -> None:
        was_there = self.driver is not None
        loop = asyncio.get_running_loop()
        if was_there and loop.time() - self._started_at > _GOOD_AFTER_S:
            self._failures = 0
        self._failures += 1
        self.problem = f"{type(error).__name__}: {error}"
        _log.error("a driver failed and is begun anew", driver=self.name, reason=self.problem, exc_info=error)
        self.stop()
        self._restart = loop.call_later(wait_before(self._failures), self.start)
        if was_there:
            self._on_lost(self, self.problem)


class Hand:
    """What a door gives its orders to. They are kept until flush(): first it is written down why."""

    def __init__(self, channel_id: int, unit: Unit | None = None) -> None:
        self._channel_id = channel_id
        self._orders: deque[Callable[[Driver], None]] = deque()
        self._mode: Mode = "controlled"
        self.unit = unit
        self.is_locked_down = False
        """Whether cards are: a board that cannot be told so otherwise is to hold its lock locked."""
        self.relocks_at: int | None = None
        """When unlock mode ends: a board that can ends it by itself."""

    @property
    def capabilities(self) -> Capabilities:
        """What the hardware can do."""
        return _NOTHING_KNOWN if self.unit is None else self.unit.capabilities

    def flush(self) -> None:
        """Carry out what was ordered, in order."""
        while self._orders:
            order = self._orders.popleft()
            if self.unit is not None:
                self.unit.order(order)

    def drop(self) -> None:
        """Forget what was ordered."""
        self._orders.clear()

    # As drivers have it.

    def start(self, sink: Sink) -> None:
        """Nothing: the unit starts the driver."""

    def stop(self) -> None:
        """Nothing: the unit stops the driver."""

    def health(self) -> Health:
        """How the devices are."""
        return Health() if self.unit is None else self.unit.health()

    def recover(self) -> None:
        """Begin anew with devices that do not answer."""
        self._orders.append(lambda driver: driver.recover())

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock."""
        self._orders.append(lambda driver: driver.unlock(channel_id, milliseconds, command_id))

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock."""
        self._mode = mode

        def hold(driver: Driver) -> None:
            if isinstance(driver, Relocks):
                driver.relock_at(channel_id, self.relocks_at)
            decides = driver.capabilities.decides_locally and not isinstance(driver, LocksDown)
            driver.set_mode(channel_id, "locked" if decides and self.is_locked_down else mode)

        self._orders.append(hold)

    def lock_down(self, is_locked_down: bool) -> None:
        """Cards are locked down, or are not any more."""
        if is_locked_down != self.is_locked_down:
            self.is_locked_down = is_locked_down
            self.set_mode(self._channel_id, self._mode)

    def relock_at(self, at: int | None) -> None:
        """When unlock mode ends; None: not by itself. It may change while the lock is held open."""
        if at != self.relocks_at:
            self.relocks_at = at

            def end(driver: Driver) -> None:
                if isinstance(driver, Relocks):
                    driver.relock_at(self._channel_id, at)

            self._orders.append(end)

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Show what became of somebody."""
        self._orders.append(lambda driver: driver.feedback(channel_id, feedback))

    def forget(self, channel_id: int) -> None:
        """The channel is no longer to be driven."""
        self._orders.append(lambda driver: driver.forget(channel_id))


def channels_of(units: Collection[Unit]) -> set[int]:
    """Every channel that has hardware."""
    return {channel_id for unit in units for channel_id in unit.channel_ids}
