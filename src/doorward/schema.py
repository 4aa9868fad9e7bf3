"""All tables, for whoever needs the whole schema: migrations and their proof."""

import doorward.accounts.tables
import doorward.changes.tables
import doorward.channels.tables
import doorward.credentials.tables
import doorward.events.tables
import doorward.groups.tables
import doorward.oauth.tables
import doorward.people.tables
import doorward.reservations.tables
import doorward.roles.tables
import doorward.shifts.tables
import doorward.sites.tables
import doorward.users.tables
from doorward.db.metadata import metadata

__all__ = ["metadata"]
