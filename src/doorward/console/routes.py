"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.access import views as access
from doorward.console.access import who_views as access_who
from doorward.console.alarms import views as alarms
from doorward.console.applications import commands as application_commands
from doorward.console.applications import views as applications
from doorward.console.areas import views as areas
from doorward.console.audit import views as audit
from doorward.console.card_formats import views as card_formats
from doorward.console.controllers import views as controllers
from doorward.console.credential_types import views as credential_types
from doorward.console.doors import commands as door_commands
from doorward.console.doors import settings as door_settings
from doorward.console.doors import views as doors
from doorward.console.doors import who as door_access
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.events import views as events
from doorward.console.groups import members as groups_members
from doorward.console.groups import views as groups
from doorward.console.holidays import importing as holidays_importing
from doorward.console.holidays import views as holidays
from doorward.console.lockdown import views as lockdown
from doorward.console.notifications import views as notifications
from doorward.console.overview import views as overview
from doorward.console.people import views as people
from doorward.console.profile import views as profile
from doorward.console.reports import views as reports
from doorward.console.reservations import detail as reservation
from doorward.console.reservations import groups as group_reservations
from doorward.console.reservations import making as reservations_made
from doorward.console.reservations import views as reservations
from doorward.console.roles import matrix as roles_matrix
from doorward.console.roles import views as roles
from doorward.console.rules import views as rules
from doorward.console.search import views as search
from doorward.console.settings import views as settings
from doorward.console.shifts import looking_ahead as shifts_ahead
from doorward.console.shifts import views as shifts
from doorward.console.sites import views as sites
from doorward.console.start import views as start
from doorward.console.tokens import views as tokens
from doorward.console.users import commands as user_commands
from doorward.console.users import views as users
from doorward.console.webhooks import views as webhooks

router = Router(
    "/console",
    route_handlers=[
        *application_commands.HANDLERS,
        *applications.HANDLERS,
        *card_formats.HANDLERS,
        *credential_types.HANDLERS,
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
        *areas.HANDLERS,
        *controllers.HANDLERS,
        *doors.HANDLERS,
        *door_access.HANDLERS,
        *door_commands.HANDLERS,
        *door_settings.HANDLERS,
        *lockdown.HANDLERS,
        *overview.HANDLERS,
        *profile.HANDLERS,
        *rules.HANDLERS,
        *settings.HANDLERS,
        *alarms.HANDLERS,
        *audit.HANDLERS,
        *events.HANDLERS,
        *notifications.HANDLERS,
        *reports.HANDLERS,
        *people.HANDLERS,
        *search.HANDLERS,
        *access.HANDLERS,
        *access_who.HANDLERS,
        *groups.HANDLERS,
        *groups_members.HANDLERS,
        *holidays.HANDLERS,
        *holidays_importing.HANDLERS,
        *roles.HANDLERS,
        *roles_matrix.HANDLERS,
        *shifts.HANDLERS,
        *shifts_ahead.HANDLERS,
        *sites.HANDLERS,
        *tokens.HANDLERS,
        *user_commands.HANDLERS,
        *users.HANDLERS,
        *webhooks.HANDLERS,
        *group_reservations.HANDLERS,
        *reservation.HANDLERS,
        *reservations.HANDLERS,
        *reservations_made.HANDLERS,
        *start.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
