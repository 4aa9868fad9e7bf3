"""Where people are, as far as this controller knows: by its own doors, and by what the server says of other doors."""

from collections.abc import Iterable

import msgspec

from doorward.decision.snapshot import Presence

_NEVER = 0


class Whereabouts:
    """Used from one event loop. `presences` is read at each decision."""

    def __init__(self) -> None:
        self.presences: dict[int, Presence] = {}
        self._moved_here: dict[int, int] = {}
        """The index of the event by which somebody moved at one of our own doors."""
        self._unsaved: set[int] = set()

    def restore(self, kept: dict[int, bytes]) -> None:
        """As it was kept."""
        for person_id, raw in kept.items():
            area, since = msgspec.msgpack.decode(raw, type=tuple[int | None, int])
            self.presences[person_id] = Presence(area, since)

    def move(self, person_id: int, presence: Presence, index: int) -> None:
        """Somebody went through one of our doors; `index`: of the event that says so."""
        known = self.presences.get(person_id)
        if known is None or known.since <= presence.since:
            self.presences[person_id] = presence
            self._moved_here[person_id] = index
            self._unsaved.add(person_id)

    def told(self, people: Iterable[tuple[int, int | None, int]], *, everyone: bool, recorded: int) -> None:
        """The server says where people went; since 0: that is not known any more.

        `everyone`: nobody else is known to be anywhere, but for those whose moves here are not `recorded` yet.
        """
        named = set()
        for person_id, area, since in people:
            named.add(person_id)
            known = self.presences.get(person_id)
            if since == _NEVER:
                self._forget(person_id)
            elif known is None or known.since <= since:
                self.presences[person_id] = Presence(area, since)
                self._moved_here.pop(person_id, None)
                self._unsaved.add(person_id)
        if everyone:
            for person_id in self.presences.keys() - named:
                if self._moved_here.get(person_id, 0) <= recorded:
                    self._forget(person_id)

    def unsaved(self) -> dict[int, bytes | None]:
        """What is to be kept; it counts as kept from then on."""
        changed, self._unsaved = self._unsaved, set()
        return {person_id: self._encoded(person_id) for person_id in changed}

    def save_again(self, person_ids: Iterable[int]) -> None:
        """It could not be kept."""
        self._unsaved.update(person_ids)

    def _forget(self, person_id: int) -> None:
        self.presences.pop(person_id, None)
        self._moved_here.pop(person_id, None)
        self._unsaved.add(person_id)

    def _encoded(self, person_id: int) -> bytes | None:
        presence = self.presences.get(person_id)
        return None if presence is None else msgspec.msgpack.encode((presence.area, presence.since))
