"""Two ways of writing one credential are one credential."""

from doorward.decision.codes import CARD


def normal_value(kind: str, value: str) -> str:
    """The form in which a credential's value is kept in a directory and looked up.

    A card is a number however many zeros a reader or a list puts before it: "0001234" is "1234"; one with letters is told
    apart without regard to case. In a PIN and in everything else each character counts.
    """
    value = value.strip()
    if kind != CARD:
        return value
    if value.isascii() and value.isdigit():
        return value.lstrip("0") or "0"
    return value.upper()
