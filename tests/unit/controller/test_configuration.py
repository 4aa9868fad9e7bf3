"""The configuration file: which hardware for which channels; what is wrong is refused by name."""

from pathlib import Path

import pytest

from doorward.controller.configuration import InvalidConfiguration, read_configuration
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import FixedClock

OSDP = """
[[bus]]
name = "lobby"
transport = "serial"
device = "/dev/ttyUSB0"

[[bus.reader]]
channel = 5
address = 1
format = "H10301"
key = "000102030405060708090a0b0c0d0e0f"
"""
UHPPOTE = """
[uhppote]
[[uhppote.board]]
serial = 405419896
address = "127.0.0.1:60000"
doors = { 1 = 17, 2 = 18 }
"""
ESP_RFID = """
[esp_rfid]
host = "127.0.0.1"
[esp_rfid.devices.north]
channels = [30]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hardware.toml"
    path.write_text(text)
    return path


def test_each_driver_has_its_channels(tmp_path: Path) -> None:
    plan = read_configuration(written(tmp_path, "[simulated]\nchannels = [1, 2]\n" + OSDP + UHPPOTE + ESP_RFID))
    assert not plan.simulates
    assert {unit.name: set(unit.channel_ids) for unit in plan.units} == {
        "simulated": {1, 2},
        "bus lobby": {5},
        "uhppote": {17, 18},
        "esp_rfid": {30},
    }
    drivers = [unit.build(FixedClock(0)) for unit in plan.units]
    assert isinstance(drivers[0], SimulatedDriver)
    assert [type(driver).__name__ for driver in drivers[1:]] == ["OsdpDriver", "UhppoteDriver", "EspRfidDriver"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("simulated = 3", "simulated must be a table"),
        ("[simulated]\nchannels = [0]", "simulated.channels must be a list of channel ids"),
        ("[simulated]\nchannels = [true]", "simulated.channels must be a list of channel ids"),
        ("[simulated]\nchanels = [1]", "simulated.chanels is not known"),
        ("[simulation]", "simulation is not known; it may have simulated, bus, uhppote, esp_rfid"),
        ("[simulated]\nchannels = [5]\n" + OSDP, "channel 5 is in simulated and in bus lobby"),
        (OSDP.replace("address = 1", "address = 200"), "bus[0].reader[0].address"),
        (OSDP.replace("H10301", "H9"), "bus[0].reader[0].format"),
        (UHPPOTE.replace("405419896", '"x"'), "uhppote.board[0].serial"),
        (ESP_RFID.replace("[30]", '"30"'), "esp_rfid.devices.north.channels"),
        ("uhppote = 1", "uhppote must be a table"),
        ("esp_rfid = 1", "esp_rfid must be a table"),
        ("[", "it is no TOML"),
        ("a = 1\na = 2", "it is no TOML"),
    ],
)
def test_what_is_wrong_is_refused_with_the_field(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidConfiguration) as raised:
        read_configuration(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value).strip()


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(InvalidConfiguration, match=str(path)):
            read_configuration(path)
    path = tmp_path / "large.toml"
    path.write_bytes(b"# \n" * 400_000)
    with pytest.raises(InvalidConfiguration, match="too large"):
        read_configuration(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidConfiguration, match="no TOML"):
        read_configuration(path)
