"""What is on one board, read once and then kept in step with what is written; read again where that is in doubt."""

from collections.abc import Collection, Iterable

from doorward.drivers.uhppote.config import DOORS
from doorward.drivers.uhppote.image import NO_ACCESS, Image
from doorward.drivers.uhppote.link import BoardError, BoardLink
from doorward.drivers.uhppote.plan import DoorPlan
from doorward.drivers.uhppote.profiles import CLOSED, EVER, PROFILE_IDS, Stored
from doorward.drivers.uhppote.steps import DropCard, PutCard, PutProfile, Step, steps_for
from doorward.drivers.uhppote.wording import named_ones


class GaveWay(BoardError):
    """What was being written is to be worked out anew: a lockdown has come meanwhile."""

    def __init__(self) -> None:
        super().__init__("A lockdown came before the rest")


class Contents:
    """The cards and profiles of a board. `ours`: its doors that have channels. Methods raise BoardError."""

    def __init__(self, link: BoardLink, ours: Collection[int]) -> None:
        self._link = link
        self._ours = ours
        self._image: Image | None = None
        self._looked_at = 0
        self.urgent = 0
        """How many lockdowns wait for what is being written to give way."""

    async def image(self) -> Image:
        """What is on the board; it is read if that is not known, or only in part."""
        image = self._image
        if image is not None and not image.doubtful_cards and await self._link.count_cards() != len(image.cards):
            image = None
        if image is None:
            self._image = None
            image = Image(await self._link.all_cards())
            await self._read_profiles(image, image.used())
        for number in list(image.doubtful_cards):
            row = await self._link.card(number)
            if row is None:
                image.cards.pop(number, None)
            else:
                image.cards[number] = row
            image.doubtful_cards.discard(number)
        for profile_id in list(image.doubtful_profiles):
            image.profiles.pop(profile_id, None)
            await self._read_profiles(image, (profile_id,))
            image.doubtful_profiles.discard(profile_id)
        await self._read_profiles(image, image.used() - image.profiles.keys())
        self._image = image
        return image

    async def bring(self, image: Image, door: int, plan: DoorPlan) -> tuple[str, ...]:
        """Bring a door from what is on the board to a plan that fits. Gives a sentence for what it does not take.

        Raises GaveWay between two steps, where the board admits nobody whom neither the old nor the new rules do.
        """
        broken: set[int] = set()
        untaken: set[int] = set()
        for step in steps_for(image, door, plan, self._ours).all():
            if self.urgent:
                raise GaveWay
            if isinstance(step, PutCard) and step.row.at(door) in broken:
                untaken.add(step.number)
            elif not await self._do(image, step):
                if isinstance(step, PutProfile):
                    broken.add(step.slot)
                    untaken |= await self._clear(image, door, step.slot)
                elif isinstance(step, PutCard):
                    untaken.add(step.number)
        if not untaken:
            return ()
        names = named_ones(plan.names[number] for number in untaken if number in plan.names)
        what = "a time profile" if broken else "the card"
        return (f"{names} left out: the board does not keep {what}",)

    async def close_all(self) -> None:
        """Close every profile that is not always open: by another clock its hours would be wrong."""
        image = await self.image()
        for profile_id in sorted(image.used()):
            stored = image.profiles.get(profile_id)
            if stored is None or stored.profile not in (CLOSED, EVER) or stored.link != NO_ACCESS:
                await self._do(image, PutProfile(profile_id, Stored(CLOSED, NO_ACCESS), profile_id))

    async def shut(self, door: int) -> None:
        """Let nobody in by card at a door, in as few messages as that takes: its profiles are no other door's."""
        image = await self.image()
        elsewhere = image.chained(set(DOORS) - {door})
        for profile_id in sorted(image.used((door,)) - elsewhere):
            stored = image.profiles.get(profile_id)
            if stored is None or stored.profile != CLOSED or stored.link != NO_ACCESS:
                await self._do(image, PutProfile(profile_id, Stored(CLOSED, NO_ACCESS), profile_id))

    async def look_after_one(self) -> bool | None:
        """Look whether one of the profiles in use is as it was written, each in its turn; None: all have been.

        If it is not, all that is on the board is read again, before anything else is done.
        """
        image = self._image
        ids = [] if image is None else sorted(image.chained())
        later = [number for number in ids if number > self._looked_at]
        if image is None or not later:
            self._looked_at = 0
            return None
        self._looked_at = later[0]
        is_right = await self._link.profile(self._looked_at) == image.profiles.get(self._looked_at)
        if not is_right:
            self._image = None
        return is_right

    async def _read_profiles(self, image: Image, ids: Iterable[int]) -> None:
        for first in ids:
            profile_id = first
            while profile_id in PROFILE_IDS and profile_id not in image.profiles:
                stored = await self._link.profile(profile_id)
                if stored is None:
                    break
                image.profiles[profile_id] = stored
                profile_id = stored.link

    async def _do(self, image: Image, step: Step) -> bool:
        """Do one step; False if the board does not take it. Raises BoardError if it does not say."""
        if isinstance(step, PutProfile):
            return await self._put_profile(image, step)
        image.doubtful_cards.add(step.number)
        is_taken = True
        if isinstance(step, DropCard):
            await self._link.drop_card(step.number)
            image.cards.pop(step.number, None)
        else:
            is_taken = await self._link.put_card(step.number, step.row)
            if not is_taken and step.number in image.cards:
                raise BoardError("A board does not change a card that it has")
            if is_taken:
                image.cards[step.number] = step.row
        image.doubtful_cards.discard(step.number)
        return is_taken

    async def _put_profile(self, image: Image, step: PutProfile) -> bool:
        """Write a profile and read it back: a card on one that is not there would be admitted at any time."""
        image.doubtful_profiles.add(step.profile_id)
        await self._link.put_profile(step.profile_id, step.stored)
        found = await self._link.profile(step.profile_id)
        image.doubtful_profiles.discard(step.profile_id)
        image.profiles.pop(step.profile_id, None)
        if found is not None:
            image.profiles[step.profile_id] = found
        return found == step.stored

    async def _clear(self, image: Image, door: int, slot: int) -> set[int]:
        """Take every card at a door off a profile."""
        on = {number for number, row in image.cards.items() if row.at(door) == slot}
        for number in on:
            await self._do(image, PutCard(number, image.cards[number].with_door(door, NO_ACCESS)))
        return on
