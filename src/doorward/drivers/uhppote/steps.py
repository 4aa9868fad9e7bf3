"""In which order a board is changed: at no moment does it admit whom neither the old nor the new rules admit.

A UHPPOTE board admits a card whose time profile is not defined, and there are no transactions. So:

1. What is not defined and used all the same is closed.
2. Whoever loses access loses it. Who moves away from a profile that is to be written over is shut out in between.
3. Profiles are written, each chain from its end: nothing is ever linked to what is not there yet. A profile that is in
   use is written over in one message, and only when all cards that are on it are to have its new hours. No profile is
   ever deleted: boards can only delete them all.
4. Cards are written.

Each step is one message, and any number of them may be all that the board gets.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from doorward.drivers.uhppote.config import DOORS
from doorward.drivers.uhppote.image import NO_ACCESS, NOBODY, Image, Row
from doorward.drivers.uhppote.plan import DoorPlan, Group
from doorward.drivers.uhppote.profiles import CLOSED, PROFILE_IDS, Profile, Stored


class PutCard(NamedTuple):
    """Write a card."""

    number: int
    row: Row


class DropCard(NamedTuple):
    """Delete a card."""

    number: int


class PutProfile(NamedTuple):
    """Write a time profile; `slot` is the first of its chain, the one that cards are on."""

    profile_id: int
    stored: Stored
    slot: int


Step = PutCard | DropCard | PutProfile


@dataclass(slots=True)
class Steps:
    """The steps of one change, by what they are for; to be done in this order."""

    mend: list[PutProfile] = field(default_factory=list)
    close: list[PutCard | DropCard] = field(default_factory=list)
    shut: list[PutCard] = field(default_factory=list)
    profiles: list[PutProfile] = field(default_factory=list)
    put: list[PutCard] = field(default_factory=list)

    def all(self) -> list[Step]:
        """Every step in its order."""
        return [*self.mend, *self.close, *self.shut, *self.profiles, *self.put]


def steps_for(image: Image, door: int, plan: DoorPlan, ours: Collection[int]) -> Steps:
    """The steps that bring one door from what is on the board to a plan. `ours`: its doors that have channels.

    The plan has to fit: no more profiles than ids that no other door's cards are on.
    """
    steps = Steps(mend=[PutProfile(number, Stored(CLOSED, NO_ACCESS), number) for number in image.undefined()])
    if steps.mend:
        defined = {step.profile_id: step.stored for step in steps.mend}
        image = Image(dict(image.cards), {**image.profiles, **defined})
    chains = _assign(image, door, plan.groups)
    changed = _write_profiles(image, chains, plan.groups, steps)
    _move_cards(image, door, plan, _Moves(chains, changed, frozenset(ours)), steps)
    return steps


@dataclass(slots=True)
class _Chains:
    """Which ids each group's profiles get."""

    kept: dict[int, list[int]] = field(default_factory=dict)
    """By the group's number: the ids of the chain that its cards, or most of them, are on now."""
    ids: dict[int, list[int]] = field(default_factory=dict)
    recycled: set[int] = field(default_factory=set)
    """Profiles whose cards must be shut out first, for their ids are needed."""

    def slot(self, group: int) -> int:
        """The profile that the group's cards are on."""
        return self.ids[group][0]


def _assign(image: Image, door: int, groups: Sequence[Group]) -> _Chains:
    """Let groups keep the chain that most of their cards are on, and give ids to the rest."""
    elsewhere = image.chained(set(DOORS) - {door})
    slots = {slot: image.chain(slot) for slot in image.used((door,))}
    uses = Counter(member for chain in slots.values() for member in chain)
    own = {
        slot for slot, chain in slots.items() if all(uses[member] == 1 and member not in elsewhere for member in chain)
    }
    chains = _Chains()
    taken: set[int] = set()
    for _, group, slot in sorted(_overlaps(image, door, groups)):
        if slot in own and slot not in taken and group not in chains.kept:
            chains.kept[group] = slots[slot]
            taken.add(slot)
    wanted = {number: len(group.profiles) for number, group in enumerate(groups)}
    free = [number for number in PROFILE_IDS if number not in elsewhere and number not in uses]
    lacking = sum(max(0, length - len(chains.kept.get(number, ()))) for number, length in wanted.items())
    if lacking > len(free):
        kept_ids = {member for chain in chains.kept.values() for member in chain}
        chains.recycled = set(slots) - taken
        free += sorted(set(uses) - kept_ids - elsewhere)
        # What chains that become shorter leave over: they are written before those that become longer.
        free += [member for number, chain in chains.kept.items() for member in chain[wanted[number] :]]
    for number, length in wanted.items():
        chain = chains.kept.get(number, [])[:length]
        while len(chain) < length:
            chain.append(free.pop(0))
        chains.ids[number] = chain
    return chains


def _overlaps(image: Image, door: int, groups: Sequence[Group]) -> list[tuple[int, int, int]]:
    """(minus how many, group, slot) for each group that has cards on a slot."""
    found = []
    for number, group in enumerate(groups):
        on = Counter(image.cards[card].at(door) for card in group.numbers if card in image.cards)
        found += [(-many, number, slot) for slot, many in on.items() if slot in PROFILE_IDS]
    return found


def _write_profiles(image: Image, chains: _Chains, groups: Sequence[Group], steps: Steps) -> dict[int, bool]:
    """Add what is to be written. Gives, of the groups that keep a chain, which of them are written over."""
    changed: dict[int, bool] = {}
    longer: list[PutProfile] = []
    for number, group in enumerate(groups):
        ids, kept = chains.ids[number], chains.kept.get(number)
        wanted = dict(zip(ids, _linked(group.profiles, ids), strict=True))
        if kept is not None:
            changed[number] = len(kept) != len(ids) or any(
                image.profiles.get(profile_id) != stored for profile_id, stored in wanted.items()
            )
            if not changed[number]:
                continue
        written = [PutProfile(profile_id, wanted[profile_id], ids[0]) for profile_id in reversed(ids)]
        if kept is not None and len(ids) <= len(kept):
            steps.profiles += written
        else:
            longer += written
    steps.profiles += longer
    return changed


def _linked(profiles: Sequence[Profile], ids: Sequence[int]) -> list[Stored]:
    links = [*ids[1:], NO_ACCESS]
    return [Stored(profile, link) for profile, link in zip(profiles, links, strict=True)]


class _Moves(NamedTuple):
    chains: _Chains
    changed: Mapping[int, bool]
    ours: frozenset[int]


def _move_cards(image: Image, door: int, plan: DoorPlan, moves: _Moves, steps: Steps) -> None:
    """Most cards of most changes stay as they are: these cost little."""
    slots = {card: moves.chains.slot(number) for number, group in enumerate(plan.groups) for card in group.numbers}
    unsettled = {moves.chains.slot(number) for number, is_changed in moves.changed.items() if is_changed}
    unsettled |= moves.chains.recycled
    rows = dict(image.cards)
    for card, row in image.cards.items():
        slot = slots.get(card)
        if slot == row.at(door):
            continue
        if slot is None:
            after = row.only(moves.ours).with_door(door, NO_ACCESS)
            if after.doors == NOBODY:
                steps.close.append(DropCard(card))
            elif after != row:
                steps.close.append(PutCard(card, after))
        elif row.at(door) in unsettled:
            rows[card] = row.only(moves.ours).with_door(door, NO_ACCESS)
            steps.shut.append(PutCard(card, rows[card]))
    for card, slot in slots.items():
        first_day, last_day = plan.cards[card]
        before = rows.get(card)
        doors = NOBODY if before is None else before.only(moves.ours).doors
        after = Row(first_day, last_day, doors).with_door(door, slot)
        if after != before:
            steps.put.append(PutCard(card, after))
    for phase in (steps.close, steps.shut, steps.put):
        phase.sort(key=lambda step: step.number)
