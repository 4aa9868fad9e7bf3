"""What is said on the wire: commands to a board, and what boards say, read without trusting a byte of it.

By the firmware's README-MQTT.md and `src/mqtt.esp` (esprfid/esp-rfid, version 2). A command is an object with `cmd` and
`doorip`, the address of the board that it is for, on TOPIC/cmd; a board answers and reports on TOPIC/send.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

MOST_BYTES: Final = 8_192
"""The firmware's own buffer has 2048; what is longer is not from a board."""

NEVER_S: Final = 4_102_444_800
"""2100-01-01: the board's `validuntil` of somebody whose right does not end. Fits the 32 bits of the firmware."""

NOBODY: Final = "-"
"""A uid that no card has. Deleting it changes nothing and is acknowledged: that asks a board whether it listens."""

_EARLIEST_S: Final = 1_577_836_800
"""2020-01-01: a board that says it is earlier has lost the time (it begins at 1970 and asks a time server)."""

Acknowledged = Literal["adduser", "deletuid", "deletusers"]
_ACKNOWLEDGED: Final[tuple[Acknowledged, ...]] = ("adduser", "deletuid", "deletusers")


@dataclass(frozen=True, slots=True)
class Record:
    """What a board knows of one uid: which of its relays it releases, from `since` to `until`, both inclusive, in s."""

    doors: tuple[bool, ...]
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Alive:
    """A board has connected (`is_boot`) or beats its heart."""

    hostname: str
    ip: str | None
    clock_s: int | None
    """What time the board thinks it is; None if it has lost it."""
    is_boot: bool


@dataclass(frozen=True, slots=True)
class Ack:
    """A board has carried a command out; which one of that name is not said."""

    hostname: str
    command: Acknowledged


@dataclass(frozen=True, slots=True)
class Access:
    """A card was held to the board, or its button pressed, or a command released it."""

    hostname: str
    uid: str
    username: str
    verdicts: tuple[str, ...]
    """The board's word for each relay: Always, Admin, Disabled; one alone if it does not tell them apart."""
    time_s: int | None


@dataclass(frozen=True, slots=True)
class DoorMoved:
    """The contact of a board's door."""

    hostname: str
    is_open: bool
    time_s: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One user of a board's list; it does not say which board's."""

    uid: str
    record: Record | None
    """None: not such as we write."""


Message = Alive | Ack | Access | DoorMoved | Listed


def adduser(ip: str, uid: str, name: str, record: Record) -> bytes:
    """Put a user on the board, or replace it."""
    kinds = {f"acctype{index + 1}" if index else "acctype": int(is_on) for index, is_on in enumerate(record.doors)}
    # An empty pincode asks for none, also where the board is set to ask for the others'.
    times = {"validsince": record.since, "validuntil": record.until, "pincode": ""}
    return _command("adduser", ip, {"uid": uid, "user": name} | kinds | times)


def deletuid(ip: str, uid: str) -> bytes:
    """Take a user off the board."""
    return _command("deletuid", ip, {"uid": uid})


def deletusers(ip: str) -> bytes:
    """Take everybody off the board."""
    return _command("deletusers", ip, {})


def getuserlist(ip: str) -> bytes:
    """Ask for all users, one message each; nothing marks the end."""
    return _command("getuserlist", ip, {})


def opendoor(ip: str, door: int | None) -> bytes:
    """Release the lock of one relay; without `door` of all that the board has."""
    return _command("opendoor", ip, {}) if door is None else _command("open", ip, {"door": str(door)})


def read(payload: object) -> Message | None:
    """What a message on TOPIC/send says; None for whatever is not understood. Never raises."""
    if not isinstance(payload, bytes) or len(payload) > MOST_BYTES:
        return None
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    kind, hostname = _text(found, "type"), _text(found, "hostname")
    if kind is None:
        return _listed(found)
    return None if hostname is None else _said(kind, hostname, found)


def _command(command: str, ip: str, more: Mapping[str, object]) -> bytes:
    return json.dumps({"cmd": command, "doorip": ip, **more}, separators=(",", ":")).encode()


def _said(kind: str, hostname: str, found: Mapping[str, object]) -> Message | None:
    if kind in ("boot", "heartbeat"):
        return Alive(hostname, _text(found, "ip"), _seconds(found, "time"), kind == "boot")
    if kind == "access":
        return _access(hostname, found)
    acks = (Ack(hostname, command) for command in _ACKNOWLEDGED if kind == command)
    return next(acks, None) or _event(hostname, found)


def _access(hostname: str, found: Mapping[str, object]) -> Access | None:
    verdict = found.get("access")
    verdicts = verdict if isinstance(verdict, list) else [verdict]
    if not 0 < len(verdicts) <= 4:
        return None
    words = tuple(word[:40] if isinstance(word, str) else "" for word in verdicts)
    uid, username = _text(found, "uid") or "", _text(found, "username") or ""
    return Access(hostname, uid.strip(), username, words, _seconds(found, "time"))


def _event(hostname: str, found: Mapping[str, object]) -> DoorMoved | None:
    if _text(found, "src") != "door":
        return None
    states = {"Door Open": True, "Door Closed": False}
    is_open = states.get(_text(found, "desc") or "")
    return None if is_open is None else DoorMoved(hostname, is_open, _seconds(found, "time"))


def _listed(found: Mapping[str, object]) -> Listed | None:
    uid = _text(found, "uid")
    if uid is None or "acctype" not in found:
        return None
    kinds = [found.get("acctype"), *(found[f"acctype{index}"] for index in (2, 3, 4) if f"acctype{index}" in found)]
    since, until = _whole(found, "validsince"), _whole(found, "validuntil")
    ours = since is not None and until is not None and found.get("pincode") == ""
    if not ours or not all(kind in (0, 1) and type(kind) is int for kind in kinds):
        return Listed(uid, None)
    return Listed(uid, Record(tuple(kind == 1 for kind in kinds), since or 0, until or 0))


def _text(found: Mapping[str, object], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) and len(value) <= 200 else None


def _whole(found: Mapping[str, object], name: str) -> int | None:
    value = found.get(name)
    return value if type(value) is int and 0 <= value < 1 << 32 else None


def _seconds(found: Mapping[str, object], name: str) -> int | None:
    value = found.get(name)
    if isinstance(value, str) and len(value) <= 10 and value.isascii() and value.isdigit():
        value = int(value)
    return value if type(value) is int and _EARLIEST_S <= value < NEVER_S else None
