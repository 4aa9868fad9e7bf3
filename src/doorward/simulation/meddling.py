"""What happens to the site's technology: the server dies, a link is cut, the power fails, a clock goes wrong."""

from typing import Final

from doorward.simulation import steps
from doorward.simulation.site import Site
from doorward.simulation.stations import Station
from doorward.simulation.steps import Step
from doorward.simulation.times import duration

_SERVER: Final = "server"


async def meddle(step: Step, site: Site) -> tuple[str, str]:
    """Do it; gives what it was done to and, in words, what was done."""
    match step:
        case steps.ToController(controller=name):
            return name, await _to_controller(step, site.controller(name))
        case steps.StopServer():
            await site.server.stop()
            return _SERVER, "The server is stopped"
        case steps.KillServer():
            await site.server.kill()
            return _SERVER, "The server is killed"
        case steps.StartServer():
            await site.server.start()
            return _SERVER, "The server is started"
        case _:
            raise NotImplementedError(type(step).__name__)


async def _to_controller(step: steps.ToController, station: Station) -> str:
    match step:
        case steps.CutLink():
            station.network.cut()
            return "The link to the server is cut"
        case steps.RestoreLink():
            station.network.restore()
            return "The link to the server is restored"
        case steps.CutPower():
            await station.cut_power()
            return "The power fails"
        case steps.RestorePower():
            await station.restore_power()
            return "The power is back"
        case steps.Drift(by=by):
            station.clock.ahead_ms = duration(by, may_be_negative=True)
            station.tick()  # it looks at its clock when it looks at its doors
            ahead = station.clock.ahead_ms
            return "The clock is right again" if not ahead else f"The clock is {abs(ahead) / 1000:g} s {_way(ahead)}"
        case _:
            raise NotImplementedError(type(step).__name__)


def _way(ahead_ms: int) -> str:
    return "ahead" if ahead_ms > 0 else "behind"
