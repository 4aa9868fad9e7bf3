"""All tables, for whoever needs the whole schema: migrations and their proof."""

from typing import Final

from doorward.accounts import tables as accounts
from doorward.changes import tables as changes
from doorward.channels import tables as channels
from doorward.credentials import tables as credentials
from doorward.db.metadata import metadata
from doorward.events import tables as events
from doorward.groups import tables as groups
from doorward.installation import tables as installation
from doorward.oauth import tables as oauth
from doorward.people import tables as people
from doorward.reservations import tables as reservations
from doorward.roles import tables as roles
from doorward.shifts import tables as shifts
from doorward.sites import tables as sites
from doorward.users import tables as users

__all__ = ["DECLARATIONS", "metadata"]

DECLARATIONS: Final = (
    accounts,
    changes,
    channels,
    credentials,
    events,
    groups,
    installation,
    oauth,
    people,
    reservations,
    roles,
    shifts,
    sites,
    users,
)
"""The modules that declare tables; to import them is what adds them to the metadata."""
