"""Doors on simulated hardware in a time of their own, as a controller drives them: what these tests share."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from doorward.controller.door import Door, DoorMemory, Fact, Setting
from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Person, Presence, Presented, Snapshot
from doorward.drivers.base import DeviceEvent
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.drivers.simulated.site import SimulatedSite
from doorward.kit.clock import Clock

NOW: Final = 1_772_442_000_000  # Monday 2026-03-02 09:00 in London
SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

SETTING: Final = Setting(pulse_ms=5_000, held_open_ms=30_000)
CHANNEL: Final = Channel(1, "Front door", "Europe/London", frozenset({"card", "pin", "aux"}))

ADA, BEN, CLEO, DAN = 7, 8, 9, 10
PEOPLE: Final = {
    ADA: ("Ada Lovelace", {"card": "1234", "pin": "4711", "duress": "4712", "aux": "AB12"}),
    BEN: ("Ben Oduya", {"card": "5678", "pin": "5511", "duress": "5512"}),
    CLEO: ("Cleo Card", {"card": "9012"}),
    DAN: ("Dan Disabled", {"card": "3456", "pin": "3311", "duress": "3312"}),
}


class Site:
    """One door of which everything can be changed, its people, and what has happened at it."""

    def __init__(
        self,
        setting: Setting = SETTING,
        at: int = NOW,
        driver: Callable[[Clock], SimulatedDriver] = SimulatedDriver,
        **rules: Any,
    ) -> None:
        self.hardware = SimulatedSite(at, driver)
        self.driver = self.hardware.driver
        self.facts: list[Fact] = []
        self.presence: dict[int, Presence] = {}
        self.directory = Directory()
        for person_id, (name, held) in PEOPLE.items():
            self.put(person_id, name, held, status="disabled" if person_id == DAN else "active")
        self.grants = {1: Grant(1, "Members", None, "")}
        snapshot = Snapshot(replace(CHANNEL, **rules), self.directory, self.grants)
        self.door = Door(self.driver, self.facts.append, snapshot, setting)
        self.driver.start(self.hear)
        self.run(0)

    def put(self, person_id: int, name: str, held: dict[str, str], status: Any = "active") -> None:
        person = Person(person_id, name, status, None, None, frozenset({1}), frozenset())
        self.directory.put(person, [Credential(kind, value) for kind, value in held.items()])

    def hear(self, event: DeviceEvent) -> None:
        first = len(self.facts)
        self.door.handle(event, self.presence, self.now)
        for fact in self.facts[first:]:
            if fact.moved_to is not None and fact.verdict is not None and fact.verdict.person_id is not None:
                self.presence[fact.verdict.person_id] = fact.moved_to

    # What happens.

    @property
    def now(self) -> int:
        return self.hardware.now

    def run(self, milliseconds: int) -> None:
        """Let time pass; the door does what time demands at the very instants."""
        self.until(self.now + milliseconds)

    def until(self, instant: int) -> None:
        self.hardware.run(instant, [self.door])

    def card(self, value: str) -> None:
        self.driver.present(1, Presented(Credential("card", value)))

    def show(self, person_id: int, kind: str = "card") -> None:
        """Hold something of somebody's to the reader; a PIN as a reader reports it that sends all of its digits."""
        value = PEOPLE[person_id][1][kind]
        self.driver.present(1, Presented(Credential("pin" if kind == "duress" else kind, value)))

    def keys(self, keys: str) -> None:
        self.driver.press_keys(1, keys)

    def rex(self) -> None:
        self.driver.press_rex(1)

    def open(self) -> None:
        self.driver.move(1, True)

    def close(self) -> None:
        self.driver.move(1, False)

    def set(self, **changes: Any) -> None:
        """Operators change what is set."""
        self.door.update(self.door.snapshot, replace(self.door.setting, **changes), self.now)

    def rule(self, **rules: Any) -> None:
        """The channel's own rules are changed."""
        snapshot = replace(self.door.snapshot, channel=replace(self.door.snapshot.channel, **rules))
        self.door.update(snapshot, self.door.setting, self.now)

    def restart(self, down: int = 0, at_end: Callable[[], None] = lambda: None, known: bool = True) -> DoorMemory:
        """End the controller, and start another that knows what this one knew; the hardware goes on meanwhile."""
        memory = self.door.memory()
        self.driver.stop()
        self.hardware.run(self.now + down, [])
        at_end()
        snapshot, setting = self.door.snapshot, self.door.setting
        self.door = Door(self.driver, self.facts.append, snapshot, setting, memory if known else None)
        self.driver.start(self.hear)
        self.run(0)
        return memory

    # What has come of it.

    @property
    def codes(self) -> list[int]:
        return [int(fact.code) for fact in self.facts]

    def take(self) -> list[int]:
        """The codes of what has happened since this was asked last."""
        codes = self.codes
        self.facts.clear()
        return codes

    def at_code(self, code: int) -> list[int]:
        """The instants of an event, from the beginning."""
        return [fact.at - NOW for fact in self.facts if fact.code == code]

    def who(self, code: int) -> list[int | None]:
        return [fact.verdict.person_id if fact.verdict else None for fact in self.facts if fact.code == code]

    def reasons(self, code: int) -> list[list[str]]:
        """The reasons of each event of a code."""
        found = [fact.verdict for fact in self.facts if fact.code == code]
        return [[str(reason.code) for reason in verdict.reasons] if verdict else [] for verdict in found]

    @property
    def released(self) -> bool:
        return self.driver.is_released(1)

    @property
    def lock(self) -> list[tuple[int, bool]]:
        """What the lock has done: milliseconds from NOW, and whether it was released."""
        return [(at - NOW, released) for at, released in self.driver.outputs(1)]

    @property
    def shown(self) -> list[tuple[int, str]]:
        """What the reader has shown: milliseconds from NOW."""
        return [(at - NOW, feedback) for at, feedback in self.driver.shown(1)]

    @property
    def last_shown(self) -> str | None:
        return self.driver.door(1).last_feedback


def instant(text: str) -> int:
    """An instant in ISO 8601."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
