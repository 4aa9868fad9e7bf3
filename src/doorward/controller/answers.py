"""What commands are told about verdicts and doors, as JSON objects."""

from doorward.controller.door import Door
from doorward.decision.engine import is_unlocked
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.timestamps import format_instant, format_optional


def verdict_answer(verdict: Verdict) -> dict[str, object]:
    """A verdict with its reasons as codes and sentences."""
    return {
        "event_code": int(verdict.event_code),
        "admitted": verdict.admitted,
        "person_id": verdict.person_id,
        "person_name": verdict.person_name,
        "channel_id": verdict.channel.id,
        "at": format_instant(verdict.at),
        "reasons": [{"code": code, "text": sentence} for code, sentence in reasons_of(verdict)],
    }


def door_answer(door: Door, driver: SimulatedDriver | None, now: int) -> dict[str, object]:
    """A door as it is now. Without a driver nobody controls it: what is set, and nothing of the hardware."""
    channel, setting = door.snapshot.channel, door.setting
    state = door.state({})
    unlocked = is_unlocked(door.snapshot, state, now)
    until = setting.unlocked_until
    in_unlock_mode = state.unlocked and (until is None or now < until)
    answer: dict[str, object] = {
        "channel_id": channel.id,
        "name": channel.name,
        "online": driver is not None,
        "mode": "unlock" if in_unlock_mode else "normal",
        "relock_at": format_optional(until) if in_unlock_mode else None,
        "unlocked": unlocked,
        "lockdown": {
            "card": setting.card_lockdown,
            "rex": setting.rex_lockdown,
            "aux": setting.aux_lockdown,
        },
    }
    if driver is not None:
        hardware = driver.door(channel.id)
        released = driver.is_released(channel.id)
        answer |= {
            "lock": "released" if released else "locked",
            "released_until": format_instant(hardware.released_until) if released and not unlocked else None,
            "contact": "open" if hardware.is_open else "closed",
            "tampered": hardware.is_tampered,
            "alarm": None if door.alarm is None else int(door.alarm),
        }
    return answer
