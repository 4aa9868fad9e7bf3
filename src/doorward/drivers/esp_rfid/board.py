"""What one board knows, and how it is brought to know what it is to know."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

from doorward.drivers.esp_rfid.cards import MOST_UID_CHARACTERS
from doorward.drivers.esp_rfid.compile import Plan, compile_board
from doorward.drivers.esp_rfid.conversation import MOST_LISTED, BoardSilent, Conversation
from doorward.drivers.esp_rfid.messages import Record
from doorward.drivers.esp_rfid.spans import DoorRights
from doorward.kit.clock import Clock

_MOST_PASSES: Final = 10
_LIST_AGAIN_MS: Final = 24 * 3_600_000
_AGAIN_MS: Final = 5_000


class Board:
    """Keeps a board's list of users as the rights at its doors and the time demand.

    The whole list is Doorward's: whoever is put on it by other means is taken off when the list is next looked at,
    which is whenever the board connects, and once a day.
    """

    def __init__(self, conversation: Conversation, clock: Clock, tolerance_s: float) -> None:
        self.talk = conversation
        self.problem: str | None = None
        self._clock = clock
        self._tolerance_s = tolerance_s
        self._rights: dict[int, DoorRights] = {}
        self._locked: set[int] = set()
        self._is_outdated = False
        """Whether what is being written is by a plan that lets in whom a lockdown keeps out, or the other way round."""
        self._is_ours = False
        self._known: dict[str, Record | None] | None = None
        """By uid; a record None: not known for certain; None altogether: nothing is known of the list."""
        self._listed_at: int | None = None
        self._fault: str | None = None
        self._one_pass = asyncio.Lock()
        self._due = asyncio.Event()
        self._is_to_be_asked = False
        self._wake_at: int | None = None

    def set_rights(self, index: int, rights: DoorRights | None) -> None:
        """From now on these are admitted at a relay; None: nobody."""
        if rights is not None:
            self._rights[index], self._is_ours = rights, True
        else:
            self._rights.pop(index, None)
        self._due.set()

    def confirm(self, index: int, at: int) -> None:
        """What is admitted at a relay was still right at this instant."""
        rights = self._rights.get(index)
        if rights is not None and at > rights.confirmed_at:
            self._rights[index] = replace(rights, confirmed_at=at)
            self._due.set()

    def set_locked(self, index: int, is_locked: bool) -> None:
        """Nobody is admitted at a relay, whatever the rights are; or as the rights are, again."""
        if is_locked == (index in self._locked):
            return
        if is_locked:
            self._locked.add(index)
            self._is_ours = True
        else:
            self._locked.discard(index)
        self._is_outdated = True
        self._due.set()

    def came(self) -> None:
        """The board is there, perhaps after a time in which anything may have happened to its list."""
        self._listed_at = None
        self._due.set()

    def ask(self) -> None:
        """Find out, when there is nothing better to do, whether the board is there."""
        self._is_to_be_asked = True
        self._due.set()

    def tick(self) -> None:
        """Do what time demands; called every half second or so."""
        is_over = self._wake_at is not None and self._wake_at <= self._clock.now()
        if is_over or self.talk.clock_fault != self._fault:
            self._wake_at, self._fault = None, self.talk.clock_fault
            self._due.set()

    def plan(self) -> Plan:
        """What the board is to know now."""
        rights = {index: right for index, right in self._rights.items() if index not in self._locked}
        return compile_board(self.talk.device, rights, self._clock.now(), self._tolerance_s, self.talk.clock_fault)

    async def work(self) -> None:
        """Bring the board up to date whenever something has changed; until it is cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            # What goes wrong is said in `problem` and `talk.reason`; it is begun again when the board is heard.
            with contextlib.suppress(OSError):
                if self._is_to_be_asked:
                    try:
                        await self.talk.ask()
                    finally:
                        self._is_to_be_asked = False
                if self._is_ours and self.talk.is_online:
                    await self.bring_up_to_date()

    async def bring_up_to_date(self) -> Plan:
        """Let the board know what it is to know; gives that. Raises OSError if it does not answer."""
        async with self._one_pass:
            try:
                if self._known is None or self._is_list_due():
                    await self._take_stock()
                plan = await self._write()
            except OSError as error:
                self.problem, self._wake_at = str(error), self._clock.now() + _AGAIN_MS
                raise
            self.problem, self._wake_at = None, plan.wake_at
            return plan

    def _is_list_due(self) -> bool:
        return self._listed_at is None or self._clock.now() - self._listed_at >= _LIST_AGAIN_MS

    async def _write(self) -> Plan:
        for _ in range(_MOST_PASSES):
            self._is_outdated = False
            plan, known, now_s = self.plan(), self._known, self._clock.now() // 1_000
            if known is None or (known and not plan.users):
                await self._forget_all()
                continue
            gone = [uid for uid in known if uid not in plan.users]
            behind = [uid for uid, user in plan.users.items() if not user.is_met_by(known.get(uid), now_s)]
            if not gone and not behind:
                return plan
            for uid in gone:
                if self._is_outdated:
                    break
                known[uid] = None
                await self.talk.deletuid(uid)
                del known[uid]
            # Who is known already may lose something by it: that comes before anybody gains something.
            for uid in sorted(behind, key=lambda uid: uid not in known):
                if self._is_outdated:
                    break
                user, known[uid] = plan.users[uid], None
                await self.talk.adduser(uid, user.name, user.record)
                known[uid] = user.record
        raise BoardSilent(f"{self.talk.device.hostname} does not keep up with the changes")

    async def _take_stock(self) -> None:
        """Find out what the board knows.

        The list may come with gaps. What is missing there is written again. But of a board about which nothing is
        known, a user whom the list has left out would stay for ever: so it is only believed if nobody is missing who
        should be there; else the board begins anew with an empty list.
        """
        listed, wanted = await self.talk.users(), self.plan().users
        is_strange = len(listed) >= MOST_LISTED or any(len(uid) > MOST_UID_CHARACTERS for uid in listed)
        is_new = self._known is None
        if is_strange or (is_new and (not wanted or any(uid not in listed for uid in wanted))):
            await self._forget_all()
        else:
            before = self._known or {}
            doubtful: dict[str, Record | None] = {uid: None for uid in before if uid not in listed | wanted}
            self._known = doubtful | listed
        self._listed_at = self._clock.now()

    async def _forget_all(self) -> None:
        self._known = None
        await self.talk.deletusers()
        self._known = {}
