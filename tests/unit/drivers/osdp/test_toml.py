"""The tables of a controller's configuration become lines and readers, or an error that names the field."""

import pickle
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.decision.card_formats import CARD_FORMATS
from doorward.drivers.osdp.config import (
    DeviceKey,
    Input,
    OsdpConfig,
    OsdpConfigError,
    Output,
    Reader,
    SerialLine,
    TcpLine,
)
from doorward.drivers.osdp.keying import kept_key
from doorward.drivers.osdp.toml import key_path, osdp_config

HOWTO = Path(__file__).parents[4] / "docs/howto/osdp-readers.md"
KEY, OTHER = "000102030405060708090a0b0c0d0e0f", "f0e0d0c0b0a090807060504030201000"

SMALL = f"""
[[bus]]
transport = "serial"
device = "/dev/ttyUSB0"

[[bus.reader]]
channel = 7
address = 1
key = "{KEY}"
format = "H10301"
"""


def read(text: str, directory: Path | None = None) -> OsdpConfig:
    return osdp_config(tomllib.loads(text), directory)


def test_the_least_that_must_be_said() -> None:
    (bus,) = read(SMALL).buses
    assert bus.name == "/dev/ttyUSB0"
    assert bus.line == SerialLine("/dev/ttyUSB0", 9600)
    assert bus.readers == (Reader(7, 1, CARD_FORMATS["H10301"]),)
    assert bus.readers[0].lock is None
    assert bus.devices[0].key == DeviceKey.from_hex(KEY)


def test_everything_that_can_be_said() -> None:
    config = read(
        f"""
        other = "is somebody else's"
        [[bus]]
        driver = "osdp"
        name = "cellar"
        transport = "tcp"
        host = "10.0.0.9"
        port = 4001
        [[bus.reader]]
        channel = 7
        address = 1
        key = "{KEY}"
        format = "c1k35s"
        facility = "ignored"
        keypad = false
        led = false
        buzzer = false
        lock = {{ module = 9, output = 2 }}
        contact = {{ module = 9, input = 0, open = "inactive" }}
        rex = {{ input = 1 }}
        [[bus.module]]
        address = 9
        key = "{OTHER}"
        """
    )
    (bus,) = config.buses
    assert (bus.name, bus.line) == ("cellar", TcpLine("10.0.0.9", 4001))
    assert bus.readers == (
        Reader(
            7,
            1,
            CARD_FORMATS["C1k35s"],
            "ignored",
            keypad=False,
            led=None,
            buzzer=False,
            lock=Output(9, 2),
            contact=Input(9, 0, is_active=False),
            rex=Input(1, 1),
        ),
    )
    assert [device.address for device in bus.devices] == [1, 9]
    assert config.reader(7) == (bus, bus.readers[0])
    assert config.reader(8) is None
    assert bus.readers[0].addresses == {1, 9}


def test_no_lines_are_no_lines() -> None:
    assert read("") == OsdpConfig(())


@pytest.mark.parametrize(
    ("change", "by", "field"),
    [
        ('transport = "serial"', 'transport = "ethernet"', "bus[0].transport must be one of serial, tcp"),
        ('transport = "serial"', "", "bus[0].transport must be a text"),
        ('device = "/dev/ttyUSB0"', "device = 3", "bus[0].device must be a text"),
        ('device = "/dev/ttyUSB0"', 'device = "x"\nbaud = 1200', "bus[0].baud must be a number from 9600"),
        ('device = "/dev/ttyUSB0"', 'device = "x"\nbaud = 14400', "bus[0].baud must be one of 9600, 19200"),
        ('device = "/dev/ttyUSB0"', 'device = "x"\nparity = "even"', "bus[0].parity is not known"),
        ('device = "/dev/ttyUSB0"', 'device = "x"\ndriver = "wiegand"', "bus[0].driver must be one of osdp"),
        ("channel = 7", "channel = 0", "bus[0].reader[0].channel must be a number from 1"),
        ("channel = 7", "channel = true", "bus[0].reader[0].channel must be a number from 1"),
        ("channel = 7", "", "bus[0].reader[0].channel must be a number"),
        ("address = 1", "address = 127", "bus[0].reader[0].address must be a number from 0 to 126"),
        ('format = "H10301"', 'format = "W26"', "bus[0].reader[0].format is not known: there is no card format 'W26'"),
        ('format = "H10301"', "", "bus[0].reader[0].format must be a text"),
        ('format = "H10301"', 'format = "H10301"\nfacility = "x"', "bus[0].reader[0].facility must be one of kept"),
        ('format = "H10301"', 'format = "H10301"\nlock = 1', "bus[0].reader[0].lock must be a table"),
        ('format = "H10301"', 'format = "H10301"\nlock = {}', "bus[0].reader[0].lock.output must be a number"),
        (
            'format = "H10301"',
            'format = "H10301"\nlock = { output = 0, time = 3 }',
            "bus[0].reader[0].lock.time is not known; known are module, output",
        ),
        (
            'format = "H10301"',
            'format = "H10301"\nlock = { module = 5, output = 0 }',
            "bus[0].module 5 is not a device on this line",
        ),
        (
            'format = "H10301"',
            'format = "H10301"\ncontact = { input = 0, open = "yes" }',
            "bus[0].reader[0].contact.open must be one of active, inactive",
        ),
        (f'key = "{KEY}"', 'key = "123"', "bus[0].reader[0].key must be 32 hexadecimal digits"),
        (f'key = "{KEY}"', f'key = "{"30" * 16}"', "bus[0].reader[0].key is a key that everybody knows"),
        (
            f'key = "{KEY}"',
            'key = "303132333435363738393a3b3c3d3e3f"',
            "bus[0].reader[0].key is a key that everybody knows",
        ),
        (f'key = "{KEY}"', f'key = "{KEY}"\nkey_file = "a"', "bus[0].reader[0].key must not be there beside key_file"),
        ("[[bus.reader]]", "[[bus.reader]]\nled = -1", "bus[0].reader[0].led must be a number"),
        ("[[bus.reader]]", "[[bus.reader]]\nbuzzer = 1", "bus[0].reader[0].buzzer must be true or false"),
    ],
)
def test_what_is_wrong_is_named(change: str, by: str, field: str) -> None:
    assert change in SMALL
    with pytest.raises(OsdpConfigError) as raised:
        read(SMALL.replace(change, by))
    assert str(raised.value).startswith(field)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (SMALL, "channel 7 has two readers"),
        (
            SMALL.replace("channel = 7", "channel = 8"),
            "bus SerialLine(device='/dev/ttyUSB0', baud=9600) is there twice",
        ),
        (
            f'[[bus.reader]]\nchannel = 8\naddress = 1\nkey = "{OTHER}"\nformat = "H10301"',
            "bus[0].address 1 is that of",
        ),
        (f'[[bus.reader]]\nchannel = 8\naddress = 2\nkey = "{KEY}"\nformat = "H10301"', "bus[0].key is that of two"),
        ('[[bus]]\ntransport = "serial"\ndevice = "x"', "bus[1] has neither a reader nor a module"),
    ],
)
def test_what_does_not_go_together_is_named(more: str, problem: str) -> None:
    with pytest.raises(OsdpConfigError) as raised:
        read(SMALL + "\n" + more)
    assert str(raised.value).startswith(problem)


def test_one_table_in_place_of_many_is_refused() -> None:
    with pytest.raises(OsdpConfigError, match=r"bus\[0\]\.reader must be an array of tables"):
        read(SMALL.replace("[[bus.reader]]", "[bus.reader]"))


def test_two_doors_do_not_share_a_lock() -> None:
    lock = "lock = { module = 9, output = 0 }"
    reader = '[[bus.reader]]\nchannel = {0}\naddress = {0}\nformat = "H10301"\n' + lock.replace("{", "{{").replace(
        "}", "}}"
    )
    text = '[[bus]]\ntransport = "serial"\ndevice = "x"\n' + "\n".join(reader.format(one) for one in (1, 2))
    with pytest.raises(OsdpConfigError, match="output 0 drives the locks of two channels"):
        read(text + "\n[[bus.module]]\naddress = 9")


def test_more_devices_than_a_line_can_have_are_refused() -> None:
    readers = "".join(f'[[bus.reader]]\nchannel = {n + 1}\naddress = {n}\nformat = "H10301"\n' for n in range(33))
    with pytest.raises(OsdpConfigError, match="more than 32 devices"):
        read('[[bus]]\ntransport = "serial"\ndevice = "x"\n' + readers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["transport", "device", "reader", "module", "channel", "address", "format", "key", "led", "lock", "input", "host"]
)


@given(st.dictionaries(st.just("bus"), JSON | st.lists(st.dictionaries(FIELDS, JSON, max_size=6), max_size=2)))
def test_whatever_is_in_the_file_is_read_or_refused_by_name(table: dict[str, object]) -> None:
    try:
        osdp_config(table)
    except OsdpConfigError as error:
        named = str(error)
    else:
        named = "nothing is wrong"
    assert named


# Keys.


def test_a_key_is_not_shown_by_accident() -> None:
    key = DeviceKey.from_hex(KEY)
    config = read(SMALL)
    assert KEY not in repr(config)
    assert repr(key) == str(key) == "DeviceKey(…)"
    assert str(key.reveal()) not in repr(config)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_key_is_kept_before_it_is_used_and_is_the_same_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "front.key"
    key = kept_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_key(path) == key
    assert kept_key(tmp_path / "other.key") != key
    table = tomllib.loads(SMALL.replace(f'key = "{KEY}"', 'key_file = "front.key"'))
    config = osdp_config(table, tmp_path)
    assert config.buses[0].devices[0].key == key
    assert key_path(table, config.buses[0], 1, tmp_path) == path
    assert key_path(table, config.buses[0], 2, tmp_path) is None


def test_a_device_whose_key_file_is_not_there_has_no_key_yet(tmp_path: Path) -> None:
    (bus,) = read(SMALL.replace(f'key = "{KEY}"', 'key_file = "front.key"'), tmp_path).buses
    assert bus.devices[0].key is None


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "front.key"
    path.write_text(KEY)
    path.chmod(0o640)
    with pytest.raises(OsdpConfigError, match=r"bus\[0\]\.reader\[0\]\.key_file may be read by others"):
        read(SMALL.replace(f'key = "{KEY}"', 'key_file = "front.key"'), tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no key", b"00" * 16])
def test_a_key_file_with_something_else_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "front.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(OsdpConfigError, match=r"bus\[0\]\.reader\[0\]\.key_file"):
        read(SMALL.replace(f'key = "{KEY}"', 'key_file = "front.key"'), tmp_path)


# The page.


def test_the_configuration_in_the_how_to_is_understood(tmp_path: Path) -> None:
    blocks = HOWTO.read_text().split("```toml\n")[1:]
    assert blocks
    for block in blocks:
        config = read(block.partition("```")[0], tmp_path)
        assert config.buses
