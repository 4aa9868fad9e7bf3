"""What commands on the same machine may ask of a running controller."""

from typing import Any

from doorward.controller.answers import door_answer, verdict_answer
from doorward.controller.control import ControlListener, presented_in
from doorward.controller.link import Link
from doorward.controller.runtime import Controller
from doorward.kit.errors import NotFound
from doorward.kit.timestamps import format_instant, format_optional


class ControllerControl(ControlListener):
    """Answers about the controller, and about the doors whose hardware is simulated."""

    def __init__(self, controller: Controller, link: Link) -> None:
        super().__init__()
        self._controller = controller
        self._link = link

    async def answer(self, request: dict[str, Any]) -> object:
        """What is asked. Raises NotFound, or ValueError for what is no request."""
        if request["op"] == "status":
            return status(self._controller, self._link)
        channel_id, doors = int(request["channel_id"]), self._controller.doors
        match request["op"]:
            case "present":
                return verdict_answer(doors.present(channel_id, presented_in(request)))
            case "act":
                doors.act(channel_id, str(request["action"]))
            case "state":
                pass
            case _:
                raise ValueError
        served = doors.served(channel_id)
        try:
            driver = doors.simulated(channel_id)
        except NotFound:
            driver = None
        answer = door_answer(served.door, driver, self._controller.clock.now())
        return answer | {"online": served.is_online}


def status(controller: Controller, link: Link) -> dict[str, object]:
    """How the controller is, as far as itself knows; no secret and nobody's name is in it."""
    own = controller.clock.now()
    journal = controller.journal
    return {
        "controller_id": controller.identity.controller_id,
        "account": controller.identity.account,
        "server": controller.identity.server,
        "link": "up" if link.is_up else "down",
        "link_problem": None if link.is_up else link.problem,
        "clock": format_instant(own),
        "clock_skew_ms": controller.server_time.skew(own),
        "spool_length": journal.length,
        "disk_problem": journal.failure or controller.contents.failure,
        "channels": [
            {
                "id": served.id,
                "name": served.replica.name,
                "version": served.replica.version if served.replica.is_told else None,
                "people": served.replica.content.people,
                "confirmed_at": format_optional(served.confirmed_at or None),
                "is_outstanding": served.is_outstanding,
                "driver": None if served.unit is None else served.unit.name,
                "online": served.is_online,
                "left_out": list(served.left_out),
            }
            for served in controller.channels.values()
        ],
        "drivers": [
            {
                "name": unit.name,
                "runs": unit.driver is not None,
                "problems": list(unit.health().problems),
            }
            for unit in controller.doors.units
            if unit.channel_ids
        ],
    }
