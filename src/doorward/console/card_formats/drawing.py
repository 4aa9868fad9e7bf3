"""The layout of a card format as blocks of bits, to be drawn. No I/O."""

from typing import NamedTuple

from doorward.decision.card_formats import CardFormat


class Block(NamedTuple):
    """Bits that stand together and mean one thing: `kind` is facility, number, constant, parity or unused."""

    kind: str
    start: int
    length: int
    label: str

    @property
    def x(self) -> int:
        """Where it is drawn: ten units for each bit."""
        return self.start * 10

    @property
    def width(self) -> int:
        """How wide it is drawn."""
        return self.length * 10


def blocks_of(card_format: CardFormat) -> list[Block]:
    """All bits of a format in the order in which they are transmitted."""
    found = [Block("number", card_format.number.start, card_format.number.length, "Number")]
    if card_format.facility is not None:
        found.append(Block("facility", card_format.facility.start, card_format.facility.length, "Facility"))
    found += [Block("constant", each.field.start, each.field.length, each.name) for each in card_format.constants]
    found += [Block("parity", each.position, 1, f"{each.kind} parity") for each in card_format.parities]
    taken = {position for block in found for position in range(block.start, block.start + block.length)}
    found += [Block("unused", position, 1, "Unused") for position in range(card_format.bits) if position not in taken]
    return sorted(found, key=lambda block: block.start)


def words_of(block: Block) -> str:
    """A block in words: "bits 1 to 8: facility"."""
    last = block.start + block.length - 1
    where = f"bit {block.start}" if block.length == 1 else f"bits {block.start} to {last}"
    return f"{where}: {block.label[0].lower()}{block.label[1:]}"
