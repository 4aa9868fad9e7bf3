"""What people do at a door, and what goes wrong with its hardware."""

from collections.abc import Awaitable, Callable
from typing import Final

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential, Presented
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.simulation import steps
from doorward.simulation.scenario import Scenario
from doorward.simulation.times import duration

_SAID: Final = {
    "card": "holds a card to the reader",
    "pin": "types a PIN",
    "duress_pin": "types the duress PIN",
}

LetPass = Callable[[int], Awaitable[None]]
"""Let so many milliseconds pass."""


async def present(
    step: steps.Present, driver: SimulatedDriver, channel_id: int, scenario: Scenario, let_pass: LetPass
) -> str:
    """Present what the step says, one after the other; gives what was done in words."""
    held = _held(step, scenario)
    for number, (kind, value) in enumerate(held):
        if number:
            await let_pass(duration(step.gap))
        if kind == CARD:
            driver.present(channel_id, Presented(Credential(CARD, value)))
        else:
            driver.press_keys(channel_id, f"{value}#")
    return f"{step.who or 'Somebody'} {' and '.join(_SAID[kind] for kind, _ in held)}"


def _held(step: steps.Present, scenario: Scenario) -> list[tuple[str, str]]:
    found: list[tuple[str, str | None]] = [("card", step.card), ("pin", step.pin)]
    if step.who is not None:
        person = scenario.person(step.who)
        found = [(kind, getattr(person, kind)) for kind in step.using]
    return [(kind, value) for kind, value in found if value is not None]


def act(step: steps.AtDoor, driver: SimulatedDriver, channel_id: int) -> str:
    """Do what takes no time; gives what was done in words."""
    match step:
        case steps.Keys(keys=keys):
            driver.press_keys(channel_id, keys)
            return f"Somebody presses {len(keys)} keys"
        case steps.PressRex():
            driver.hold_rex(channel_id, True)
            if step.holds is None:
                driver.hold_rex(channel_id, False)
            return "Somebody inside presses the button to leave"
        case steps.SlowReader(by=by):
            driver.slow_reader(channel_id, duration(by))
            return f"The reader takes {by} to tell what it reads"
    do, words = _DONE[type(step)]
    do(driver, channel_id)
    return words


_DONE: Final[dict[type[steps.AtDoor], tuple[Callable[[SimulatedDriver, int], None], str]]] = {
    steps.Open: (lambda driver, channel: driver.move(channel, True), "The door is opened"),
    steps.Close: (lambda driver, channel: driver.move(channel, False), "The door is closed"),
    steps.LetGo: (lambda driver, channel: driver.hold_rex(channel, False), "The button is let go"),
    steps.TamperWith: (lambda driver, channel: driver.tamper(channel, True), "The housing is opened"),
    steps.TamperNoMore: (lambda driver, channel: driver.tamper(channel, False), "The housing is closed"),
    steps.StickContact: (lambda driver, channel: driver.stick_contact(channel, True), "The contact sticks"),
    steps.FreeContact: (lambda driver, channel: driver.stick_contact(channel, False), "The contact sticks no more"),
    steps.CutContact: (lambda driver, channel: driver.fault_contact(channel, True), "The contact's line is cut"),
    steps.MendContact: (lambda driver, channel: driver.fault_contact(channel, False), "The contact's line is mended"),
}


def follow_up(step: steps.AtDoor) -> tuple[int, steps.AtDoor] | None:
    """What comes of a step by itself, after so many milliseconds."""
    match step:
        case steps.Open(stays=str(stays)):
            return duration(stays), steps.Close(door=step.door)
        case steps.PressRex(holds=str(holds)):
            return duration(holds), steps.LetGo(door=step.door)
        case _:
            return None
