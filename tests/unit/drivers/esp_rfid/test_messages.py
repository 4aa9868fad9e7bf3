"""What is said on the wire: golden bytes of the commands, and messages as the firmware's README-MQTT.md gives them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.drivers.esp_rfid import messages
from doorward.drivers.esp_rfid.messages import NEVER_S, Access, Ack, Alive, DoorMoved, Listed, Record, read


def said(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_commands_are_written_as_the_firmware_reads_them() -> None:
    record = Record((True,), 1_772_442_000, 1_772_470_799)
    assert messages.adduser("192.168.1.40", "1234", "p7", record) == (
        b'{"cmd":"adduser","doorip":"192.168.1.40","uid":"1234","user":"p7","acctype":1,'
        b'"validsince":1772442000,"validuntil":1772470799,"pincode":""}'
    )
    assert messages.deletuid("192.168.1.40", "1234") == b'{"cmd":"deletuid","doorip":"192.168.1.40","uid":"1234"}'
    assert messages.deletusers("192.168.1.40") == b'{"cmd":"deletusers","doorip":"192.168.1.40"}'
    assert messages.getuserlist("192.168.1.40") == b'{"cmd":"getuserlist","doorip":"192.168.1.40"}'
    assert messages.opendoor("192.168.1.40", None) == b'{"cmd":"opendoor","doorip":"192.168.1.40"}'
    assert messages.opendoor("192.168.1.40", 1) == b'{"cmd":"open","doorip":"192.168.1.40","door":"1"}'


def test_each_relay_has_its_own_entry() -> None:
    found = json.loads(messages.adduser("10.0.0.1", "1", "p1", Record((True, False, True), 0, NEVER_S)))
    assert (found["acctype"], found["acctype2"], found["acctype3"], "acctype4" in found) == (1, 0, 1, False)
    assert found["validuntil"] < 1 << 32, "the firmware's unsigned long has 32 bits"


def test_a_user_is_no_longer_than_the_buffers_of_the_firmware() -> None:
    longest = messages.adduser("255.255.255.255", "9" * 19, f"p{(1 << 63) - 1}", Record((True,) * 4, NEVER_S, NEVER_S))
    assert len(longest) < 512


def test_messages_are_read_as_the_firmware_documents_them() -> None:
    where = {"ip": "192.168.1.40", "hostname": "front-door"}
    assert read(said(type="boot", time=1_772_442_000, uptime="0", **where)) == Alive(
        "front-door", "192.168.1.40", 1_772_442_000, True
    )
    assert read(said(type="heartbeat", time=1_772_442_000, uptime=999, **where)) == Alive(
        "front-door", "192.168.1.40", 1_772_442_000, False
    )
    assert read(said(type="adduser", **where)) == Ack("front-door", "adduser")
    assert read(
        said(
            type="access",
            time=1_772_442_000,
            isKnown="true",
            access="Always",
            username="p7",
            uid="1234",
            hostname="front-door",
            doorName="Front",
        )
    ) == Access("front-door", "1234", "p7", ("Always",), 1_772_442_000)
    both = said(type="access", time=5, access=["Always", "Disabled"], username="p7", uid="1", hostname="gate")
    assert read(both) == Access("gate", "1", "p7", ("Always", "Disabled"), None)
    event = {"type": "INFO", "src": "door", "data": "", "time": 1_772_442_000, "cmd": "event", "hostname": "gate"}
    assert read(said(desc="Door Open", **event)) == DoorMoved("gate", True, 1_772_442_000)
    assert read(said(desc="Door Closed", **event)) == DoorMoved("gate", False, 1_772_442_000)


def test_a_board_that_has_lost_the_time_is_not_believed_about_it() -> None:
    for lost in (0, 17, -1, None, "never", 1e9, True, NEVER_S):
        assert read(said(type="heartbeat", time=lost, ip="10.0.0.1", hostname="a")) == Alive(
            "a", "10.0.0.1", None, False
        )


def test_a_listed_user_is_ours_only_if_it_is_just_as_we_write_it() -> None:
    record = Record((True, False), 5, 9)
    assert read(messages.adduser("10.0.0.1", "1234", "p7", record)) == Listed("1234", record)
    by_hand = {"command": "userfile", "uid": "77", "user": "Eve", "acctype": 99, "validuntil": 1_608_336_000}
    assert read(said(**by_hand)) == Listed("77", None)
    assert read(said(**(by_hand | {"acctype": "1"}))) == Listed("77", None)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff\xfe",
        b"[" * 8_000,
        b'{"a":' * 2_000,
        b"9" * 8_000,
        b'{"type":"access","hostname":"a","access":[]}',
        b'{"type":"access","hostname":"a","access":["x","x","x","x","x"]}',
        b'{"type":["boot"],"hostname":"a"}',
        b'{"type":"boot","hostname":{"a":1}}',
        b'{"type":"boot","hostname":"' + b"a" * 300 + b'"}',
        b'{"type":"INFO","src":"door","desc":"Door Ajar","hostname":"a"}',
        b'{"type":"boot","hostname":"a"}' + b" " * 9_000,
        None,
        "text",
        7,
    ],
)
def test_what_is_not_understood_is_nothing(payload: object) -> None:
    assert read(payload) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(
    (
        "type",
        "hostname",
        "time",
        "ip",
        "uid",
        "username",
        "access",
        "src",
        "desc",
        "acctype",
        "validsince",
        "validuntil",
    )
)
kinds = st.sampled_from(("boot", "heartbeat", "access", "adduser", "INFO", "door", "front-door", "Door Open", "Always"))


@settings(derandomize=True, database=None, max_examples=150)
@given(st.dictionaries(names, values | kinds, max_size=8).map(json.dumps) | st.text())
def test_no_message_raises(text: str) -> None:
    read(text.encode("utf-8", "surrogatepass"))


@settings(derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(payload: bytes) -> None:
    read(payload)
