"""What a user who is limited to sites may not do with a file, for all its lines with the same few statements."""

from collections.abc import Mapping, Sequence

from doorward.db.unit_of_work import Transaction
from doorward.imports.lines import Line
from doorward.oauth.principal import Principal
from doorward.roles.reach import PERSON_BEYOND, people_beyond, require_reach

Errors = Mapping[str, Sequence[str]]


def beyond_people(transaction: Transaction, by: Principal, lines: Sequence[Line], now: int) -> list[tuple[int, Errors]]:
    """The rows that decide whether somebody passes who has roles at other sites, with their errors by column."""
    deciding = {line.before.id: line for line in lines if line.before is not None and line.decides}
    beyond = people_beyond(transaction, by, deciding, now)
    return [
        (line.row, {name: [PERSON_BEYOND] for name in line.decides})
        for person_id, line in deciding.items()
        if person_id in beyond
    ]


def require_reach_of_lines(transaction: Transaction, by: Principal, lines: Sequence[Line]) -> None:
    """Let the user give and take the roles and groups that the lines do. Raises Invalid."""
    if by.site_limited:
        require_reach(
            transaction,
            by,
            role_ids=_given_or_taken(lines, "role_ids"),
            group_ids=_given_or_taken(lines, "group_ids"),
        )


def _given_or_taken(lines: Sequence[Line], name: str) -> set[int]:
    found: set[int] = set()
    for line in lines:
        wanted = getattr(line, name)
        if wanted is not None:
            found |= {*wanted} ^ {*(getattr(line.before, name) if line.before else ())}
    return found
