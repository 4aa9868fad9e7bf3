"""By what a card is found whose number somebody types."""

from doorward.credentials.choosing import lookup
from doorward.credentials.values import normal_value
from doorward.decision.codes import CARD
from doorward.kit.crypto import Vault
from doorward.kit.text import InvalidText


def card_lookup(vault: Vault, account_id: int, given: str) -> str:
    """The `lookup` of cards with the number that is given; "" for what is no card's number."""
    try:
        normal = normal_value(CARD, given)
    except InvalidText:
        return ""
    return lookup(vault, account_id, CARD, normal)
