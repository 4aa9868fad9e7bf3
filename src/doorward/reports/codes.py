"""Which events reports count."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, literal_column

from doorward.decision.codes import ADMITTING
from doorward.events.codes import ACCESS
from doorward.events.tables import events

DENIED: Final = ACCESS - ADMITTING
"""Who presented something and was not let in."""


def with_code(codes: Collection[int]) -> ColumnElement[bool]:
    """Whether an event has one of these codes; they are part of the statement, which is planned for them."""
    return events.c.event_code.in_([literal_column(str(int(code))) for code in sorted(codes)])
