"""What a device is told to do, and the lamps and tones that stand for what became of somebody."""

from dataclasses import dataclass
from typing import Final, Literal

from doorward.drivers.base import Feedback
from doorward.drivers.osdp.library import Library

Switching = Literal["off", "on", "pulse"]
Query = Literal["local", "inputs"]

LONGEST_PULSE: Final = 255
"""In tenths of a second: libosdp's Python part keeps 8 bits of an output's time."""

_CONTROL_CODES: Final[dict[Switching, int]] = {"off": 1, "on": 2, "pulse": 5}
"""IEC 60839-11-5, osdp_OUT: permanently off and permanently on, both ending a timed operation; on for a time."""


@dataclass(frozen=True, slots=True)
class SwitchOutput:
    """Switch a relay; a pulse ends by itself after `tenths` tenths of a second, whatever becomes of us."""

    number: int
    switching: Switching
    tenths: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.tenths <= LONGEST_PULSE or (self.switching == "pulse" and not self.tenths):
            raise ValueError(f"a pulse of {self.tenths} tenths of a second is not possible")

    def told(self, library: Library) -> dict[str, object]:
        """The command as libosdp takes it."""
        return {
            "command": library.CMD_OUTPUT,
            "output_no": self.number,
            "control_code": _CONTROL_CODES[self.switching],
            "timer_count": self.tenths,
        }


@dataclass(frozen=True, slots=True)
class LightLamp:
    """Show a colour for a while, then what the lamp showed before. Times in tenths of a second."""

    number: int
    colour: Literal["green", "red", "amber"]
    tenths: int
    on: int = 10
    off: int = 0

    def told(self, library: Library) -> dict[str, object]:
        """The command as libosdp takes it."""
        colours = {"green": library.LED_COLOR_GREEN, "red": library.LED_COLOR_RED, "amber": library.LED_COLOR_AMBER}
        return {
            "command": library.CMD_LED,
            "reader": 0,
            "led_number": self.number,
            "temporary": True,
            "control_code": 2,
            "on_count": self.on,
            "off_count": self.off,
            "on_color": colours[self.colour],
            "off_color": library.LED_COLOR_NONE,
            "timer_count": self.tenths,
        }


@dataclass(frozen=True, slots=True)
class Beep:
    """Sound the buzzer some times. Times in tenths of a second."""

    times: int
    on: int = 1
    off: int = 1

    def told(self, library: Library) -> dict[str, object]:
        """The command as libosdp takes it."""
        return {
            "command": library.CMD_BUZZER,
            "reader": 0,
            "control_code": 2,
            "on_count": self.on,
            "off_count": self.off,
            "rep_count": self.times,
        }


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a state that is otherwise only reported when it changes."""

    query: Query

    def told(self, library: Library) -> dict[str, object]:
        """The command as libosdp takes it."""
        kinds = {"local": library.STATUS_REPORT_LOCAL, "inputs": library.STATUS_REPORT_INPUT}
        return {"command": library.CMD_STATUS, "type": kinds[self.query]}


Command = SwitchOutput | LightLamp | Beep | Ask


def signals(feedback: Feedback, led: int | None, buzzer: bool) -> list[Command]:
    """How a reader shows it: green and one beep, red and three; amber while something more is wanted, or is wrong."""
    lamps = {
        "granted": LightLamp(led or 0, "green", 30),
        "denied": LightLamp(led or 0, "red", 20, on=2, off=2),
        "wait": LightLamp(led or 0, "amber", 100, on=5, off=5),
        "warning": LightLamp(led or 0, "amber", 100, on=1, off=1),
    }
    beeps = {
        "granted": Beep(1),
        "denied": Beep(3),
        "wait": Beep(2),
        "warning": Beep(10, on=5, off=5),
    }
    commands: list[Command] = []
    if led is not None:
        commands.append(lamps[feedback])
    if buzzer:
        commands.append(beeps[feedback])
    return commands
