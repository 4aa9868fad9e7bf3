"""A UHPPOTE board made of numbers: it answers on UDP with the real wire format, and decides as the real boards do.

Written from the public protocol, not from the driver: the messages of uhppoted/uhppote-core (messages/*.go, of which
test_uhppote_board.py has golden bytes) and what uhppoted/uhppote-simulator (simulator/UT0311L04/actions.go) records of
how real controllers behave, above all: a card on a time profile that is not defined is granted, and so is one on a
profile that is linked to one that is not. Both ends of a segment are open, and three zeroed segments are open at 00:00.

What is not known of real boards and assumed here: a task and a door control set one and the same mode; setting a door
to be shut ends a release for good; a task whose minute the clock jumps over is not run.
"""

import asyncio
import struct
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from ipaddress import IPv4Address
from typing import Final, cast

from tests.support.uhppote_wire import (
    ADD_TASK,
    BUTTON,
    BUTTON_REFUSED,
    CLEAR_PROFILES,
    CLEAR_TASKS,
    CLOSED,
    CONTROLLED,
    DELETE_CARD,
    DELETE_CARDS,
    DELETED,
    DOOR,
    EPOCH,
    GET_CARD,
    GET_CARD_BY_INDEX,
    GET_CARDS,
    GET_DOOR,
    GET_EVENT,
    GET_PROFILE,
    GET_STATUS,
    GET_TIME,
    LENGTH,
    MAGIC,
    NEWEST,
    NO_PRIVILEGE,
    NONE,
    OK,
    OPEN,
    OPEN_DOOR,
    OPENED,
    OUT_OF_HOURS,
    OVERWRITTEN,
    PUT_CARD,
    RECORD_SPECIAL,
    REFRESH_TASKS,
    RELEASED,
    SET_DOOR,
    SET_LISTENER,
    SET_PROFILE,
    SET_SHUT,
    SET_TIME,
    SHUT,
    SWIPE,
    SWITCHED_ON,
    UNKNOWN_CARD,
    WARNING,
    BoardCard,
    BoardProfile,
    BoardTask,
    Recorded,
    bcd,
    date_bytes,
    minute_bytes,
    read_date,
    read_minute,
    read_number,
)


@dataclass
class DoorOfBoard:
    mode: int = CONTROLLED
    delay_s: int = 5
    is_open: bool = False
    released_until: datetime = EPOCH


@dataclass
class UhppoteBoard:
    """The board. `now` tells the true time in ms UTC; the board's own clock is that and an offset, as it was set."""

    serial: int
    now: Callable[[], int]
    size: int = 256
    """How many events it keeps."""
    cards: dict[int, BoardCard] = field(default_factory=dict)
    profiles: dict[int, BoardProfile] = field(default_factory=dict)
    tasks: list[BoardTask] = field(default_factory=list)
    doors: dict[int, DoorOfBoard] = field(default_factory=lambda: {door: DoorOfBoard() for door in (1, 2, 3, 4)})
    events: list[Recorded] = field(default_factory=list)
    offset_ms: int = 0
    listener: tuple[str, int] | None = None
    records_special: bool = False
    log: list[bytes] = field(default_factory=list)
    """Every request that it acted upon."""
    is_on: bool = True
    answers_left: int | None = None
    """It falls silent when this is used up, and does nothing any more."""
    is_last_answer_lost: bool = False
    """The request that comes when the answers are used up is acted upon all the same: only its answer gets lost."""
    bad_profiles: set[int] = field(default_factory=set)
    """Ids that it says to have stored, and has not."""
    most_cards: int | None = None
    _added: list[BoardTask] = field(default_factory=list)
    _slots: list[int] = field(default_factory=list)
    _run_until: datetime | None = None
    _transport: asyncio.DatagramTransport | None = None

    # What the board's own clock shows, and what happens by it.

    @property
    def time(self) -> datetime:
        return EPOCH + timedelta(milliseconds=(self.now() + self.offset_ms) // 1000 * 1000)

    def set_time(self, shown: datetime) -> None:
        self.run_tasks()
        self.offset_ms = (shown - EPOCH) // timedelta(milliseconds=1) - self.now()
        self._run_until = self.time

    def run_tasks(self) -> None:
        """Run the tasks whose minute has come since they were last run."""
        until, since = self.time, self._run_until
        self._run_until = until
        if since is None or until <= since or not self.tasks:
            return
        due = []
        for number, task in enumerate(self.tasks):
            day = max(since.date(), task.first)
            while day <= min(until.date(), task.last):
                at = datetime.combine(day, time(task.minute // 60, task.minute % 60), UTC)
                if task.weekdays[day.weekday()] and since < at <= until:
                    due.append((at, number))
                day += timedelta(days=1)
        for _, number in sorted(due):
            task = self.tasks[number]
            if task.task in (0, 1, 2):
                self.doors[task.door].mode = {0: CONTROLLED, 1: OPEN, 2: SHUT}[task.task]

    # How it decides.

    def decide(self, number: int, door: int, at: datetime | None = None) -> tuple[bool, int]:
        """Whether a card is granted at a door at a moment of the board's own clock, and the reason's code."""
        at = self.time if at is None else at
        card = self.cards.get(number)
        if card is None:
            return False, UNKNOWN_CARD
        if card.first is None or card.last is None or not card.first <= at.date() <= card.last:
            return False, OUT_OF_HOURS
        permission = card.doors[door - 1]
        if not 1 <= permission <= 254:
            return False, NO_PRIVILEGE
        if permission > 1 and not self._is_in_profile(permission, at):
            return False, OUT_OF_HOURS
        if self.doors[door].mode == SHUT:
            return False, SET_SHUT
        return True, OK

    def admits(self, number: int, door: int, at: datetime | None = None) -> bool:
        """Whether somebody with this card can pass: granted, or the door stands open for all."""
        return self.doors[door].mode == OPEN or self.decide(number, door, at)[0]

    def _is_in_profile(self, profile_id: int, at: datetime) -> bool:
        seen: set[int] = set()
        while 2 <= profile_id <= 254 and profile_id not in seen:
            seen.add(profile_id)
            profile = self.profiles.get(profile_id)
            if profile is None or profile.is_open(at):
                return True
            profile_id = profile.link
        return False

    def is_released(self, door: int) -> bool:
        state = self.doors[door]
        return state.mode == OPEN or (state.mode == CONTROLLED and self._true_time() < state.released_until)

    def _true_time(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.now())

    # What somebody at the door does.

    def swipe(self, number: int, door: int) -> bool:
        self.run_tasks()
        is_granted, reason = self.decide(number, door)
        if is_granted:
            self._release(door)
        self.record(SWIPE, reason, door, card=number, is_granted=is_granted)
        return is_granted

    def press(self, door: int) -> bool:
        self.run_tasks()
        is_let_out = self.doors[door].mode != SHUT
        if is_let_out:
            self._release(door)
        if self.records_special:
            kind, reason = (DOOR, BUTTON) if is_let_out else (WARNING, BUTTON_REFUSED)
            self.record(kind, reason, door, card=1, is_granted=is_let_out)
        return is_let_out

    def move(self, door: int, is_open: bool) -> None:
        self.doors[door].is_open = is_open
        if self.records_special:
            self.record(DOOR, OPENED if is_open else CLOSED, door, card=8, is_granted=True)

    def switch_on(self) -> None:
        self.is_on = True
        self.record(WARNING, SWITCHED_ON, 0, card=0, is_granted=False)

    def _release(self, door: int) -> None:
        state = self.doors[door]
        if state.mode != SHUT:
            until = self._true_time() + timedelta(seconds=state.delay_s)
            state.released_until = max(state.released_until, until)

    def record(self, kind: int, reason: int, door: int, *, card: int, is_granted: bool) -> None:
        index = self.events[-1].index + 1 if self.events else 1
        self.events.append(Recorded(index, kind, reason, is_granted, door, card, self.time))
        del self.events[: -self.size]
        if self.listener is not None and self.is_on and self._transport is not None:
            self._transport.sendto(self.status_packet(), self.listener)

    # What it is asked over the network.

    def receive(self, packet: bytes) -> bytes | None:
        """The answer to a request, or None. What is no request for this board is ignored."""
        if len(packet) != LENGTH or packet[0] != 0x17 or not self.is_on:
            return None
        if read_number(packet, 4) not in (0, self.serial):
            return None
        is_silent = self.answers_left == 0
        if is_silent and not self.is_last_answer_lost:
            return None
        if self.answers_left is not None and not is_silent:
            self.answers_left -= 1
        self.run_tasks()
        self.log.append(packet)
        answer = self._act(packet)
        if is_silent:
            self.is_last_answer_lost = False
            return None
        return answer

    def _act(self, packet: bytes) -> bytes | None:
        act = _ACTS.get(packet[1])
        body = None if act is None else act(self, packet)
        return None if body is None else self._answer(packet[1], body)

    def _set_time(self, packet: bytes) -> bytes:
        self.set_time(datetime.strptime(packet[8:15].hex(), "%Y%m%d%H%M%S").replace(tzinfo=UTC))
        return packet[8:15]

    def _get_time(self, _: bytes) -> bytes:
        return bcd(self.time.strftime("%Y%m%d%H%M%S"))

    def _put_card(self, packet: bytes) -> bytes:
        number = read_number(packet, 8)
        if number not in self.cards:
            if self.most_cards is not None and len(self.cards) >= self.most_cards:
                return b"\x00"
            self._place(number)
        doors = (packet[20], packet[21], packet[22], packet[23])
        pin = int.from_bytes(packet[24:27], "little")
        self.cards[number] = BoardCard(number, read_date(packet, 12), read_date(packet, 16), doors, pin, packet[27])
        return b"\x01"

    def _place(self, number: int) -> None:
        """A card takes the place of one that was deleted."""
        if DELETED in self._slots:
            self._slots[self._slots.index(DELETED)] = number
        else:
            self._slots.append(number)

    def _delete_card(self, packet: bytes) -> bytes:
        number = read_number(packet, 8)
        if self.cards.pop(number, None) is None:
            return b"\x00"
        self._slots[self._slots.index(number)] = DELETED
        return b"\x01"

    def _delete_cards(self, packet: bytes) -> bytes:
        is_meant = read_number(packet, 8) == MAGIC
        if is_meant:
            self.cards, self._slots = {}, []
        return bytes([is_meant])

    def _count_cards(self, _: bytes) -> bytes:
        return struct.pack("<L", len(self.cards))

    def _get_card(self, packet: bytes) -> bytes:
        return self._card_bytes(read_number(packet, 8))

    def _get_card_by_index(self, packet: bytes) -> bytes:
        index = read_number(packet, 8)
        return self._card_bytes(self._slots[index - 1]) if 1 <= index <= len(self._slots) else NONE

    def _card_bytes(self, number: int) -> bytes:
        card = self.cards.get(number)
        if card is None:
            return struct.pack("<L", number) if number == DELETED else NONE
        dates = date_bytes(card.first) + date_bytes(card.last)
        last = card.pin.to_bytes(3, "little") + bytes([card.firstcard])
        return struct.pack("<L", card.number) + dates + bytes(card.doors) + last

    def _set_profile(self, packet: bytes) -> bytes:
        profile_id = packet[8]
        is_stored = 2 <= profile_id <= 254
        if is_stored and profile_id not in self.bad_profiles:
            self.profiles[profile_id] = BoardProfile(
                read_date(packet, 9),
                read_date(packet, 13),
                tuple(bool(flag) for flag in packet[17:24]),
                tuple((read_minute(packet, at), read_minute(packet, at + 2)) for at in (24, 28, 32)),
                packet[36],
            )
        return bytes([is_stored])

    def _get_profile(self, packet: bytes) -> bytes:
        profile = self.profiles.get(packet[8])
        if profile is None:
            return b""
        segments = b"".join(minute_bytes(first) + minute_bytes(last) for first, last in profile.segments)
        dates = date_bytes(profile.first) + date_bytes(profile.last)
        return bytes([packet[8]]) + dates + bytes(profile.weekdays) + segments + bytes([profile.link])

    def _clear_profiles(self, packet: bytes) -> bytes:
        is_meant = read_number(packet, 8) == MAGIC
        if is_meant:
            self.profiles = {}
        return bytes([is_meant])

    def _add_task(self, packet: bytes) -> bytes:
        first, last = read_date(packet, 8), read_date(packet, 12)
        if first is None or last is None:
            return b"\x00"
        weekdays = tuple(bool(flag) for flag in packet[16:23])
        self._added.append(BoardTask(first, last, weekdays, read_minute(packet, 23), packet[25], packet[26]))
        return b"\x01"

    def _clear_tasks(self, packet: bytes) -> bytes:
        is_meant = read_number(packet, 8) == MAGIC
        if is_meant:
            self.tasks, self._added = [], []
        return bytes([is_meant])

    def _refresh_tasks(self, packet: bytes) -> bytes:
        is_meant = read_number(packet, 8) == MAGIC
        if is_meant:
            self.tasks, self._added = self.tasks + self._added, []
        return bytes([is_meant])

    def _open_door(self, packet: bytes) -> bytes | None:
        state = self.doors.get(packet[8])
        if state is None:
            return None
        if state.mode == SHUT:
            return b"\x00"
        self._release(packet[8])
        self.record(DOOR, RELEASED, packet[8], card=0, is_granted=True)
        return b"\x01"

    def _set_door(self, packet: bytes) -> bytes | None:
        state = self.doors.get(packet[8])
        if state is not None:
            state.mode, state.delay_s = packet[9], packet[10]
            if state.mode == SHUT:
                state.released_until = EPOCH
        return self._get_door(packet)

    def _get_door(self, packet: bytes) -> bytes | None:
        state = self.doors.get(packet[8])
        return None if state is None else bytes([packet[8], state.mode, state.delay_s])

    def _record_special(self, packet: bytes) -> bytes:
        self.records_special = packet[8] == 1
        return b"\x01"

    def _set_listener(self, packet: bytes) -> bytes:
        port = struct.unpack_from("<H", packet, 12)[0]
        self.listener = (str(IPv4Address(packet[8:12])), port) if port else None
        return b"\x01"

    def _get_event(self, packet: bytes) -> bytes:
        wanted = read_number(packet, 8)
        if not self.events:
            return b""
        first, last = self.events[0].index, self.events[-1].index
        wanted = {0: first, NEWEST: last}.get(wanted, wanted)
        if wanted < first:
            return struct.pack("<LB", wanted, OVERWRITTEN)
        if wanted > last:
            return b""
        return self._event_bytes(self.events[bisect_left(self.events, wanted, key=lambda one: one.index)])

    @staticmethod
    def _event_bytes(event: Recorded) -> bytes:
        head = struct.pack("<LBBBB", event.index, event.type, event.is_granted, event.door, 1)
        return head + struct.pack("<L", event.card) + bcd(event.at.strftime("%Y%m%d%H%M%S")) + bytes([event.reason])

    def _get_status(self, _: bytes) -> bytes:
        return self.status_packet()[8:]

    def status_packet(self) -> bytes:
        """How the board is, with its last event: the answer to get-status, and what it sends of itself."""
        body = bytearray(self._answer(GET_STATUS, self._event_bytes(self.events[-1]) if self.events else b""))
        body[28:32] = bytes(self.doors[door].is_open for door in (1, 2, 3, 4))
        body[37:40] = bcd(self.time.strftime("%H%M%S"))
        body[49] = sum(1 << (door - 1) for door in (1, 2, 3, 4) if self.is_released(door))
        body[51:54] = bcd(self.time.strftime("%y%m%d"))
        return bytes(body)

    def _answer(self, code: int, body: bytes) -> bytes:
        return (bytes([0x17, code, 0, 0]) + struct.pack("<L", self.serial) + body).ljust(LENGTH, b"\x00")

    # The network.

    @property
    def address(self) -> str:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["UhppoteBoard"]:
        """Answer on a port of 127.0.0.1 until the block ends."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Port(self), local_addr=("127.0.0.1", 0))
        try:
            yield self
        finally:
            self._transport.close()
            self._transport = None


_ACTS: Final[dict[int, Callable[[UhppoteBoard, bytes], bytes | None]]] = {
    GET_STATUS: UhppoteBoard._get_status,
    SET_TIME: UhppoteBoard._set_time,
    GET_TIME: UhppoteBoard._get_time,
    OPEN_DOOR: UhppoteBoard._open_door,
    PUT_CARD: UhppoteBoard._put_card,
    DELETE_CARD: UhppoteBoard._delete_card,
    DELETE_CARDS: UhppoteBoard._delete_cards,
    GET_CARDS: UhppoteBoard._count_cards,
    GET_CARD: UhppoteBoard._get_card,
    GET_CARD_BY_INDEX: UhppoteBoard._get_card_by_index,
    SET_DOOR: UhppoteBoard._set_door,
    GET_DOOR: UhppoteBoard._get_door,
    SET_PROFILE: UhppoteBoard._set_profile,
    CLEAR_PROFILES: UhppoteBoard._clear_profiles,
    RECORD_SPECIAL: UhppoteBoard._record_special,
    SET_LISTENER: UhppoteBoard._set_listener,
    GET_PROFILE: UhppoteBoard._get_profile,
    CLEAR_TASKS: UhppoteBoard._clear_tasks,
    ADD_TASK: UhppoteBoard._add_task,
    REFRESH_TASKS: UhppoteBoard._refresh_tasks,
    GET_EVENT: UhppoteBoard._get_event,
}


class _Port(asyncio.DatagramProtocol):
    def __init__(self, board: UhppoteBoard) -> None:
        self._board = board
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._board.receive(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
