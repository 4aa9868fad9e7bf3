"""What devices are told, and where libosdp is not there."""

import subprocess
import sys

import pytest

from doorward.drivers.base import Feedback
from doorward.drivers.osdp.commands import Beep, LightLamp, SwitchOutput, signals
from doorward.drivers.osdp.library import LibosdpMissing, load


@pytest.mark.parametrize(("feedback", "colour"), [("granted", "green"), ("denied", "red"), ("wait", "amber")])
def test_lamps_have_the_colours_that_people_know(feedback: Feedback, colour: str) -> None:
    lamp, beep = signals(feedback, 0, buzzer=True)
    assert isinstance(lamp, LightLamp)
    assert isinstance(beep, Beep)
    assert lamp.colour == colour


def test_a_reader_is_not_told_to_show_what_it_has_not() -> None:
    assert signals("granted", None, buzzer=False) == []
    assert signals("granted", 2, buzzer=False) == [LightLamp(2, "green", 30)]
    assert signals("warning", None, buzzer=True) == [Beep(10, on=5, off=5)]


@pytest.mark.parametrize("tenths", [-1, 0, 256])
def test_a_pulse_that_the_device_would_not_end_in_time_cannot_be_said(tenths: int) -> None:
    with pytest.raises(ValueError, match="not possible"):
        SwitchOutput(0, "pulse", tenths)


def test_where_libosdp_is_missing_it_is_said_and_nothing_else_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "osdp_sys", None)
    with pytest.raises(LibosdpMissing, match=r"libosdp, which is not installed: pip install 'doorward\[controller\]'"):
        load()


def test_nothing_is_loaded_before_a_driver_is_started() -> None:
    program = (
        "import sys, doorward.drivers.osdp.driver, doorward.drivers.osdp.toml, doorward.drivers.osdp.keying;"
        "print([name for name in ('osdp', 'osdp_sys', 'serial') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"
