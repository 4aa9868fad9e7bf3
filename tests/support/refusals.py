"""What services refuse, and what they tell the doors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from doorward.changes import service as changes
from doorward.db.unit_of_work import Database
from doorward.kit.errors import Invalid


def errors_of(action: Callable[[], Any]) -> dict[str, list[str]]:
    """The complaints with which the action is refused."""
    with pytest.raises(Invalid) as caught:
        action()
    return caught.value.errors


class Note(NamedTuple):
    """What a note says has changed; all None: anything may have."""

    person_id: int | None = None
    role_id: int | None = None
    channel_id: int | None = None


def notes_of(database: Database, action: Callable[[], Any]) -> set[Note]:
    """What the action notes for the doors."""
    cursor = database.read_now(changes.last)
    action()
    found = database.read_now(lambda transaction: changes.after(transaction, cursor, 1000))
    return {Note(change.person_id, change.role_id, change.channel_id) for change in found}
