"""How the device itself is: whether it answers, has power, and has told everything."""

from collections.abc import Callable

from doorward.controller.memory import DoorMemory
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Channel
from doorward.decision.verdict import Reason, ReasonCode, Verdict

Say = Callable[[EventCode, int, Verdict | None], None]


class Reports:
    """What was last heard of the device; what is no news is not said again."""

    def __init__(self, say: Say, memory: DoorMemory) -> None:
        self._say = say
        self.online = memory.online
        self.powered = memory.powered

    def presence(self, is_online: bool, at: int) -> None:
        """It answers, or does not. That it answers is news only after it did not."""
        before, self.online = self.online, is_online
        if is_online and before is False:
            self._say(EventCode.CHANNEL_STARTED, at, None)
        elif not is_online and before is not False:
            self._say(EventCode.CONTACT_LOST, at, None)

    def power(self, is_powered: bool, at: int, *, is_event: bool) -> None:
        """Mains power is lost or back. `is_event`: the device tells of something that happened, not of how it is."""
        if is_powered == self.powered and not is_event:
            return
        self.powered = is_powered
        self._say(EventCode.POWER_BACK if is_powered else EventCode.POWER_LOST, at, None)

    def gap(self, channel: Channel, lost: int | None, at: int) -> None:
        """Events of the device are lost, so many of them if that is known.

        With a code of its own: not what has happened is told of, but that it is not known.
        """
        reasons = (Reason(ReasonCode.EVENTS_LOST, count=lost),)
        code = EventCode.EVENTS_LOST
        self._say(code, at, Verdict(code, False, channel, at, None, reasons))
