"""People by a part of their e-mail address, through an index of each database's own (docs/decisions/0012).

On SQLite it is a table of FTS5, which is kept here; on PostgreSQL a GIN index over `search_grams()`, which is kept by
the server. Both are made by the migrations, under names that begin with "search_", and hold `email_key` also of people
who are deleted: those who follow `since` may filter, too.
"""

from typing import Final

from sqlalchemy import TextClause, text

from doorward.db.query import Backend, Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.text import InvalidText, clean

SHORTEST: Final = 3
"""Of fewer characters no index knows anything: for a shorter part the addresses themselves are looked at."""

_ADD: Final = Query[None](text("INSERT INTO search_people (rowid, email_key) VALUES (:person_id, :email_key)"))
_REMOVE: Final = Query[None](
    text("INSERT INTO search_people (search_people, rowid, email_key) VALUES ('delete', :person_id, :email_key)")
)
_MERGE: Final = Query[None](text("INSERT INTO search_people (search_people) VALUES ('optimize')"))
_REBUILD: Final = Query[None](text("INSERT INTO search_people (search_people) VALUES ('rebuild')"))

# SQLite is told to begin with the index: it cannot know how few people a part of an address will find.
FOUND_BY_ADDRESS: Final[dict[Backend, TextClause]] = {
    "sqlite": text("search_people CROSS JOIN people ON people.id = search_people.rowid"),
    "postgresql": text("people"),
}
"""From where to select people whose address HAS_PART, in SQL."""

HAS_PART: Final[dict[Backend, TextClause]] = {
    "sqlite": text("search_people MATCH :phrase AND instr(people.email_key, :part) > 0"),
    "postgresql": text(
        "search_grams(people.account_id, people.email_key) @> search_grams(:account_id, :part) "
        "AND strpos(people.email_key, :part) > 0"
    ),
}
HAS_SHORT_PART: Final[dict[Backend, TextClause]] = {
    "sqlite": text("instr(people.email_key, :part) > 0"),
    "postgresql": text("strpos(people.email_key, :part) > 0"),
}


def part_of_address(given: str) -> str | None:
    """What to look for in `email_key`: the given text without regard to case; None for what no address has in it."""
    try:
        return clean(given).casefold()
    except InvalidText:
        return None


def phrase(part: str) -> str:
    """The part as FTS5 wants it: one string in quotes."""
    quoted = part.replace('"', '""')
    return f'"{quoted}"'


def address_changed(transaction: Transaction, person_id: int, before: str | None, after: str | None) -> None:
    """Let a person be found by another `email_key`; None is none."""
    if before != after:
        addresses_changed(transaction, {person_id: before}, {person_id: after})


def addresses_changed(transaction: Transaction, before: dict[int, str | None], after: dict[int, str | None]) -> None:
    """The same for many people, by their ids."""
    if transaction.backend != "sqlite":
        return
    for query, keys in ((_REMOVE, before), (_ADD, after)):
        rows = [{"person_id": person_id, "email_key": key} for person_id, key in keys.items() if key is not None]
        if rows:
            transaction.run_many(query, rows)


def forget_addresses(transaction: Transaction) -> None:
    """Leave nothing in the index of addresses that nobody has any more: until then it only passes them over."""
    if transaction.backend == "sqlite":
        transaction.run(_MERGE)


def index_anew(transaction: Transaction) -> None:
    """Index all addresses again, after people were written past the services."""
    if transaction.backend == "sqlite":
        transaction.run(_REBUILD)
