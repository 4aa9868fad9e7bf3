"""What is presented at a door: in its normal form, and what of it may be written down."""

from doorward.decision.codes import DURESS, PIN
from doorward.decision.snapshot import Credential, Presented
from doorward.decision.values import normal_value
from doorward.kit.text import InvalidText, clean


def normal(credential: Credential) -> Credential:
    """As credentials are kept. What has no normal form is left as it is: nobody has it."""
    kind, value = credential
    return Credential(kind, normal_value(kind, value) or value)


def normal_presented(presented: Presented) -> Presented:
    """All that was presented, in its normal form."""
    second = presented.second
    return Presented(normal(presented.first), None if second is None else normal(second), presented.gap_ms)


def number_of(presented: Presented) -> str | None:
    """The number of the card, or what else was held to the reader; never a PIN."""
    for credential in (presented.first, presented.second):
        if credential is not None and credential.kind not in (PIN, DURESS):
            return recordable(credential.value)
    return None


def recordable(text: str) -> str | None:
    """What a device reported, if it can be kept: a device may report anything."""
    try:
        return clean(text)
    except InvalidText:
        return None
