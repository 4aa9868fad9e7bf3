"""What a UHPPOTE board keeps, and how it is written on the wire: 64 bytes, dates and times as binary-coded decimals."""

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

LENGTH: Final = 64
MAGIC: Final = 0x55AAAA55
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

GET_STATUS: Final = 0x20
SET_TIME: Final = 0x30
GET_TIME: Final = 0x32
OPEN_DOOR: Final = 0x40
PUT_CARD: Final = 0x50
DELETE_CARD: Final = 0x52
DELETE_CARDS: Final = 0x54
GET_CARDS: Final = 0x58
GET_CARD: Final = 0x5A
GET_CARD_BY_INDEX: Final = 0x5C
SET_DOOR: Final = 0x80
GET_DOOR: Final = 0x82
SET_PROFILE: Final = 0x88
CLEAR_PROFILES: Final = 0x8A
RECORD_SPECIAL: Final = 0x8E
SET_LISTENER: Final = 0x90
GET_PROFILE: Final = 0x98
CLEAR_TASKS: Final = 0xA6
ADD_TASK: Final = 0xA8
REFRESH_TASKS: Final = 0xAC
GET_EVENT: Final = 0xB0

OPEN, SHUT, CONTROLLED = 1, 2, 3
SWIPE, DOOR, WARNING = 1, 2, 3

OK, NO_PRIVILEGE, SET_SHUT, OUT_OF_HOURS, UNKNOWN_CARD = 1, 6, 11, 15, 18
BUTTON, OPENED, CLOSED, SWITCHED_ON, BUTTON_REFUSED, RELEASED = 20, 23, 24, 28, 31, 44

NONE: Final = bytes(4)
DELETED: Final = 0xFFFFFFFF
NEWEST: Final = 0xFFFFFFFF
OVERWRITTEN: Final = 0xFF


def bcd(text: str) -> bytes:
    return bytes.fromhex(text)


def date_bytes(value: date | None) -> bytes:
    return NONE if value is None else bcd(value.strftime("%Y%m%d"))


def read_date(packet: bytes, offset: int) -> date | None:
    text = packet[offset : offset + 4].hex()
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def read_minute(packet: bytes, offset: int) -> int:
    text = packet[offset : offset + 2].hex()
    return int(text[:2]) * 60 + int(text[2:])


def minute_bytes(minute: int) -> bytes:
    return bcd(f"{minute // 60:02d}{minute % 60:02d}")


def read_number(packet: bytes, offset: int) -> int:
    found: int = struct.unpack_from("<L", packet, offset)[0]
    return found


@dataclass(frozen=True)
class BoardCard:
    number: int
    first: date | None
    last: date | None
    doors: tuple[int, int, int, int]
    pin: int = 0
    firstcard: int = 0


@dataclass(frozen=True)
class BoardProfile:
    first: date | None
    last: date | None
    weekdays: tuple[bool, ...]
    segments: tuple[tuple[int, int], ...]
    link: int

    def is_open(self, at: datetime) -> bool:
        today, minute = at.date(), at.hour * 60 + at.minute
        if self.first is None or self.last is None or not self.first <= today <= self.last:
            return False
        return self.weekdays[today.weekday()] and any(first <= minute <= last for first, last in self.segments)


@dataclass(frozen=True)
class BoardTask:
    first: date
    last: date
    weekdays: tuple[bool, ...]
    minute: int
    door: int
    task: int


@dataclass(frozen=True)
class Recorded:
    index: int
    type: int
    reason: int
    is_granted: bool
    door: int
    card: int
    at: datetime
