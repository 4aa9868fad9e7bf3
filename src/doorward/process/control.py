"""What commands on the same machine may ask of a running server: about the doors that it serves itself."""

from typing import Any

from doorward.controller.answers import door_answer, verdict_answer
from doorward.controller.control import ControlListener, presented_in
from doorward.kit.clock import Clock
from doorward.process.doors import LocalDoors


class ControlServer(ControlListener):
    """Answers commands about the doors of this process."""

    def __init__(self, doors: LocalDoors, clock: Clock) -> None:
        super().__init__()
        self._doors = doors
        self._clock = clock

    async def answer(self, request: dict[str, Any]) -> object:
        """A verdict, or how a door is. Raises NotFound, or ValueError for what is no request."""
        channel_id = int(request["channel_id"])
        match request["op"]:
            case "present":
                return verdict_answer(await self._doors.present(channel_id, presented_in(request)))
            case "act":
                await self._doors.act(channel_id, str(request["action"]))
            case "state":
                pass
            case _:
                raise ValueError
        door = await self._doors.door(channel_id)
        return door_answer(door, self._doors.driver, self._clock.now())
