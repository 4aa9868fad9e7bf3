"""What is asked: who, where, when and with what; as it stands in the address, so that one can link to it."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.console.lists import with_filters
from doorward.decision.codes import AUX, CARD, PIN
from doorward.kit.errors import BadRequest
from doorward.wire.queries import choice_of, id_of, instant_of

CHECK: Final = "/console/access"
WHO: Final = "/console/access/who"

WITH: Final[Mapping[str, tuple[str, str]]] = {
    "": ("Whatever they have", ""),
    "card": ("A card", "their card"),
    "pin": ("A PIN", "their PIN"),
    "card_pin": ("A card, then a PIN", "their card and PIN"),
    "aux": ("A number plate or the like", "their number plate"),
    "apple": ("An Apple pass", "their Apple pass"),
    "google": ("A Google pass", "their Google pass"),
}
"""What can be presented: the words of the choice, and those of the answer."""

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {"card_pin": (CARD, PIN), "aux": (AUX,)}


class Asked(NamedTuple):
    """The question as the address has it; `when` is as it was written, and stays so."""

    person_id: int | None
    channel_id: int | None
    when: str
    kind: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of credential that are presented, in their order; none: it is left aside what they have."""
        return _KINDS.get(self.kind, (self.kind,) if self.kind else ())

    @property
    def is_whole(self) -> bool:
        """Whether there is something to answer."""
        return self.person_id is not None and self.channel_id is not None

    def address(self, **other: object) -> str:
        """The address of the same question, or of one that is another in something."""
        return with_filters(CHECK, {**self._filters(), **other})

    def who_address(self, **other: object) -> str:
        """The address of the question who could open the door."""
        filters = {name: value for name, value in self._filters().items() if name in ("channel_id", "at")}
        return with_filters(WHO, {**filters, **other})

    def _filters(self) -> dict[str, object]:
        return {"person_id": self.person_id, "channel_id": self.channel_id, "at": self.when, "kind": self.kind}


def asked_in(query: Mapping[str, str]) -> Asked:
    """The question in an address. Raises BadRequest."""
    kind = choice_of(query, "kind", tuple(name for name in WITH if name)) or ""
    return Asked(id_of(query, "person_id"), id_of(query, "channel_id"), query.get("at", "").strip()[:64], kind)


def instant_asked(asked: Asked, zone: ZoneInfo, now: int) -> tuple[int, str]:
    """The instant asked about, and what is wrong with how it was written; then, and without any, it is now."""
    try:
        found = instant_of({"at": asked.when}, "at", zone)
    except BadRequest as error:
        return now, error.text.removeprefix("The parameter at ")
    return (now if found is None else found), ""
