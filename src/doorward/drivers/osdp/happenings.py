"""What a line's thread tells of its devices; the driver makes events of channels of it."""

from dataclasses import dataclass

from doorward.drivers.osdp.lock import Result
from doorward.drivers.osdp.reading import CardBits


@dataclass(frozen=True, slots=True)
class Up:
    """The device is in service: its secure channel stands. `problems` are sentences about what is not as configured."""

    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Down:
    """The device is not in service, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CardHeld:
    """A card was held to it."""

    card: CardBits


@dataclass(frozen=True, slots=True)
class KeysHit:
    """Keys of its keypad: digits, `*` and `#`."""

    keys: str


@dataclass(frozen=True, slots=True)
class InputsAre:
    """The state of all its inputs, by number: 0 inactive, 1 active, else the wire is faulty."""

    values: bytes


@dataclass(frozen=True, slots=True)
class OutputsAre:
    """The state of all its outputs, by number."""

    values: bytes


@dataclass(frozen=True, slots=True)
class HousingIs:
    """Whether its housing is open, and whether it has power."""

    is_tampered: bool
    is_powered: bool


@dataclass(frozen=True, slots=True)
class ReleaseEnded:
    """What became of a release of one of its outputs that had an id."""

    output: int
    result: Result


Happening = Up | Down | CardHeld | KeysHit | InputsAre | OutputsAre | HousingIs | ReleaseEnded


@dataclass(frozen=True, slots=True)
class Told:
    """A happening of one device, and when, by the wall clock in milliseconds."""

    address: int
    at: int
    what: Happening
