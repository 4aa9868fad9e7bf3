"""The configuration is taken as it is meant, or refused with the name of what is wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from doorward.drivers.esp_rfid.config import EspRfidConfig, EspRfidConfigError, esp_rfid_config

WHOLE = """
host = "broker.example"
username = "doorward"
password = "correct horse"
tls = true
ca_file = "broker-ca.pem"
topic = "/doors"
silent_s = 75

[devices.front-door]
channels = [12]

[devices.gate]
channels = [0, 14]
topic = "/doors/a1b2c3"
pulse_ms = 3000
uid = "bytes"
card = "reversed"
"""


def table(**changes: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "devices": {"front-door": {"channels": [12]}}} | changes


def refusal(**changes: Any) -> EspRfidConfigError:
    with pytest.raises(EspRfidConfigError) as caught:
        esp_rfid_config(table(**changes))
    return caught.value


def test_a_whole_table_is_understood() -> None:
    config = esp_rfid_config(tomllib.loads(WHOLE))
    front, gate = config.devices
    assert (config.host, config.port, config.username, config.tls) == ("broker.example", 8883, "doorward", True)
    assert (front.hostname, front.topic, front.doors) == ("front-door", "/doors", ((0, 12),))
    assert (gate.topic, gate.doors, gate.pulse_ms, gate.uid) == ("/doors/a1b2c3", ((1, 14),), 3_000, "bytes")
    assert config.silent_s == 75.0


def test_the_example_of_the_documentation_is_understood() -> None:
    page = (Path(__file__).parents[4] / "docs/howto/esp-rfid.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    config = esp_rfid_config(tomllib.loads(example)["esp_rfid"])
    assert [device.hostname for device in config.devices] == ["front-door", "gate"]


def test_what_is_left_out_has_a_value_that_suits_the_firmware() -> None:
    config = esp_rfid_config(table())
    assert (config.port, config.devices[0].topic, config.devices[0].uid) == (1883, "/esprfid", "decimal")


def test_the_password_is_in_no_description_of_the_configuration() -> None:
    config = esp_rfid_config(tomllib.loads(WHOLE))
    assert config.password == "correct horse"
    assert "correct horse" not in f"{config!r} {config}"
    assert isinstance(config, EspRfidConfig)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": None}, "esp_rfid.host"),
        ({"host": "two words"}, "esp_rfid.host"),
        ({"host": 5}, "esp_rfid.host"),
        ({"port": 0}, "esp_rfid.port"),
        ({"port": True}, "esp_rfid.port"),
        ({"port": "1883"}, "esp_rfid.port"),
        ({"tls": "yes"}, "esp_rfid.tls"),
        ({"ca_file": "ca.pem"}, "esp_rfid.ca_file"),
        ({"password": "secret"}, "esp_rfid.username"),
        ({"topic": "doors/#"}, "esp_rfid.topic"),
        ({"topic": "doors/+/x"}, "esp_rfid.topic"),
        ({"silent_s": 0}, "esp_rfid.silent_s"),
        ({"silent_s": float("nan")}, "esp_rfid.silent_s"),
        ({"clock_tolerance_s": 3_600}, "esp_rfid.clock_tolerance_s"),
        ({"devices": {}}, "esp_rfid.devices"),
        ({"devices": None}, "esp_rfid.devices"),
        ({"devices": []}, "esp_rfid.devices"),
        ({"devices": {"front door": {"channels": [1]}}}, "esp_rfid.devices.front door"),
        ({"devices": {"a": 12}}, "esp_rfid.devices.a"),
        ({"devices": {"a": {}}}, "esp_rfid.devices.a.channels"),
        ({"devices": {"a": {"channels": []}}}, "esp_rfid.devices.a.channels"),
        ({"devices": {"a": {"channels": [0]}}}, "esp_rfid.devices.a.channels"),
        ({"devices": {"a": {"channels": [1, 2, 3, 4, 5]}}}, "esp_rfid.devices.a.channels"),
        ({"devices": {"a": {"channels": [1, -2]}}}, "esp_rfid.devices.a.channels[1]"),
        ({"devices": {"a": {"channels": [1, True]}}}, "esp_rfid.devices.a.channels[1]"),
        ({"devices": {"a": {"channels": [1]}, "b": {"channels": [1]}}}, "esp_rfid.devices.b.channels"),
        ({"devices": {"a": {"channels": [1], "uid": "octal"}}}, "esp_rfid.devices.a.uid"),
        ({"devices": {"a": {"channels": [1], "card": "reversed"}}}, "esp_rfid.devices.a.card"),
        ({"devices": {"a": {"channels": [1], "uid": "bytes", "card": "facility"}}}, "esp_rfid.devices.a.card"),
        ({"devices": {"a": {"channels": [1], "pulse_ms": 1}}}, "esp_rfid.devices.a.pulse_ms"),
        ({"devices": {"a": {"channels": [1], "chanel": 3}}}, "esp_rfid.devices.a.chanel"),
        ({"hots": "x"}, "esp_rfid.hots"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    error = refusal(**changes)
    assert error.field == field
    assert str(error).startswith(field)


def test_firmware_1_is_refused_and_the_reason_given() -> None:
    error = refusal(devices={"a": {"channels": [1], "firmware": 1}})
    assert error.field == "esp_rfid.devices.a.firmware"
    assert "acknowledges nothing" in str(error)


def test_a_password_crosses_a_network_in_clear_only_if_somebody_has_said_so() -> None:
    login = {"username": "doorward", "password": "secret"}
    assert refusal(host="broker.example", **login).field == "esp_rfid.tls"
    assert esp_rfid_config(table(host="broker.example", password_in_clear=True, **login)).password == "secret"
    assert esp_rfid_config(table(host="127.0.0.1", **login)).password == "secret"


def test_no_error_repeats_the_password() -> None:
    for changes in ({"host": "broker.example", "password": "secret"}, {"password": ["secret"]}):
        assert "secret" not in str(refusal(username="doorward", **changes))
