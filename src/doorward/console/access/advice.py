"""What would have been needed: for each reason to refuse, what to do about it."""

from typing import Final, NamedTuple

from doorward.decision.verdict import ReasonCode


class Advice(NamedTuple):
    """What to do, and to which page it leads: "person", "door", "roles", "shift", or "" for none."""

    text: str
    place: str = ""


_ADVICE: Final = {
    ReasonCode.TAMPERED: Advice("Look at the controller: it must report that nobody tampers with it.", "door"),
    ReasonCode.CARD_LOCKDOWN: Advice("End the lockdown of the door.", "door"),
    ReasonCode.AUX_LOCKDOWN: Advice("End the lockdown of the door.", "door"),
    ReasonCode.STALE: Advice("Bring the door back into contact with the server.", "door"),
    ReasonCode.UNKNOWN_CREDENTIAL: Advice("Give them one: they have none of this kind.", "person"),
    ReasonCode.TYPE_NOT_ACCEPTED: Advice("Present another kind, or let the door accept this one.", "door"),
    ReasonCode.PERSON_DISABLED: Advice("Enable the person.", "person"),
    ReasonCode.NOT_YET_VALID: Advice("Let their access begin earlier.", "person"),
    ReasonCode.NO_LONGER_VALID: Advice("Let their access last longer.", "person"),
    ReasonCode.NO_ROLE_HERE: Advice(
        "Give them a role that names this door, or put them in a group that has one.", "roles"
    ),
    ReasonCode.NOT_YET_IN_GROUP: Advice("Wait until the group reservation begins, or give them a role.", "roles"),
    ReasonCode.OUT_OF_HOURS: Advice(
        "Come while one of these shifts is open, or give them a role with other hours.", "person"
    ),
    ReasonCode.PASSED_BACK: Advice("They have to leave by a reader first, or be forgiven.", "person"),
    ReasonCode.SECOND_FACTOR_MISSING: Advice("Give them a second factor: a card and a PIN.", "person"),
    ReasonCode.SECOND_FACTOR_LATE: Advice("Present both, one right after the other."),
    ReasonCode.SECOND_FACTOR_WRONG: Advice("Present the person's own second factor."),
    ReasonCode.SECOND_PERSON_MISSING: Advice("A second person who may pass has to be there at the same time."),
    ReasonCode.RULE_FAILED: Advice("Look at the server's log: a rule failed.", "door"),
}


def advice_for(code: str) -> Advice | None:
    """What would let the person in, by the reason that they are refused for; None where nothing is to be said."""
    return next((advice for known, advice in _ADVICE.items() if known == code), None)
