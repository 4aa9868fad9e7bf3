"""What the audit log says of a file's people: an entry for each, as if they had been written one by one."""

from collections.abc import Iterator, Sequence
from typing import Final

from doorward.audit.service import CHANGED, CREATED, Done, difference, shown
from doorward.imports.lines import Line
from doorward.people.person import Person

KIND: Final = "person"
_CREDENTIALS: Final = "credentials"
"""Of which types credentials were given; their values are nobody's business."""


def entries(lines: Sequence[Line], ids: Sequence[int], now: int) -> Iterator[Done]:
    """The entries of the lines, whose people have these ids; none for whom nothing has changed."""
    for person_id, line in zip(ids, lines, strict=True):
        given = {_CREDENTIALS: sorted({each.type.label for each in line.given})} if line.given else {}
        person = _written(line, person_id)
        if line.before is None:
            made = person._replace(created_at=now, updated_at=now)
            yield Done(CREATED, person_id, None, shown(made) | given)
        else:
            was, is_now = difference(line.before, person)
            if is_now or given:
                yield Done(CHANGED, person_id, was, is_now | given)


def _written(line: Line, person_id: int) -> Person:
    person = line.person._replace(id=person_id)
    if line.group_ids is not None:
        person = person._replace(group_ids=tuple(sorted(line.group_ids)))
    if line.role_ids is not None:
        person = person._replace(role_ids=tuple(sorted(line.role_ids)))
    return person
