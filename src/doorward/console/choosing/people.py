"""People by the beginning of one of their names: the first few, so that it costs little whatever their number."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, or_, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import person_groups
from doorward.kit.text import sort_key
from doorward.people.tables import people

MOST: Final = 8
_LONGEST: Final = 100


class FoundPerson(NamedTuple):
    """Somebody, with what tells two of one name apart."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    department: str | None
    enabled: int

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def detail(self) -> str:
        """What else is known: the address, the department."""
        return " · ".join(each for each in (self.email, self.department) if each)


_NAMED: Final = (
    select(people.c.id, people.c.first_name, people.c.last_name, people.c.email, people.c.department, people.c.enabled)
    .where(
        people.c.account_id == bindparam("account_id"),
        people.c.deleted_at.is_(None),
        or_(
            people.c.name_key.like(bindparam("at_start"), escape="\\"),
            people.c.name_key.like(bindparam("after_space"), escape="\\"),
            people.c.name_key.like(bindparam("after_hyphen"), escape="\\"),
        ),
    )
    .order_by(people.c.name_key, people.c.id)
    .limit(bindparam("most"))
)
_IN_GROUP: Final = people.c.id.in_(
    select(person_groups.c.person_id).where(person_groups.c.group_id == bindparam("group_id"))
)
_PEOPLE: Final = Query(_NAMED, FoundPerson)
_MEMBERS: Final = Query(_NAMED.where(_IN_GROUP), FoundPerson)
_OTHERS: Final = Query(_NAMED.where(~_IN_GROUP), FoundPerson)


def find_people(transaction: Transaction, account_id: int, text: str, most: int = MOST) -> list[FoundPerson]:
    """The first people, by name, one of whose names begins with the text, in any case, with accents or without."""
    return transaction.all(_PEOPLE, **_asked(account_id, text, most)) if text.strip() else []


def find_members(
    transaction: Transaction, account_id: int, group_id: int, text: str, most: int = MOST
) -> list[FoundPerson]:
    """Those of them who are in a group."""
    return transaction.all(_MEMBERS, group_id=group_id, **_asked(account_id, text, most)) if text.strip() else []


def find_others(
    transaction: Transaction, account_id: int, group_id: int, text: str, most: int = MOST
) -> list[FoundPerson]:
    """Those of them who are not in a group."""
    return transaction.all(_OTHERS, group_id=group_id, **_asked(account_id, text, most)) if text.strip() else []


def _asked(account_id: int, text: str, most: int) -> dict[str, object]:
    part = sort_key(" ".join(text.split())[:_LONGEST]).replace("\0", "")
    for special in ("\\", "%", "_"):
        part = part.replace(special, f"\\{special}")
    starts = {"at_start": f"{part}%", "after_space": f"% {part}%", "after_hyphen": f"%-{part}%"}
    return {"account_id": account_id, "most": most, **starts}
