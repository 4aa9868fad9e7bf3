"""All tables, for whoever needs the whole schema: migrations and their proof."""

from typing import Final

from doorward.accounts import tables as accounts
from doorward.admissions import tables as admissions
from doorward.alarms import tables as alarms
from doorward.audit import tables as audit
from doorward.changes import tables as changes
from doorward.channels import tables as channels
from doorward.controllers import tables as controllers
from doorward.credentials import tables as credentials
from doorward.db.metadata import metadata
from doorward.events import tables as events
from doorward.group_reservations import tables as group_reservations
from doorward.groups import tables as groups
from doorward.idempotency import tables as idempotency
from doorward.images import tables as images
from doorward.imports import tables as imports
from doorward.installation import tables as installation
from doorward.notification_rules import tables as notification_rules
from doorward.notifications import tables as notifications
from doorward.oauth import tables as oauth
from doorward.people import tables as people
from doorward.reservations import tables as reservations
from doorward.roles import tables as roles
from doorward.shifts import tables as shifts
from doorward.signing_in import tables as signing_in
from doorward.sites import tables as sites
from doorward.sync import tables as sync
from doorward.users import tables as users
from doorward.webhooks import tables as webhooks

__all__ = ["DECLARATIONS", "metadata"]

DECLARATIONS: Final = (
    sync,
    controllers,
    alarms,
    signing_in,
    notification_rules,
    notifications,
    imports,
    images,
    idempotency,
    group_reservations,
    audit,
    admissions,
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
    webhooks,
)
"""The modules that declare tables; to import them is what adds them to the metadata."""
