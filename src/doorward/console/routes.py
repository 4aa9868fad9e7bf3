"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.access import views as access
from doorward.console.access import who_views as access_who
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.groups import members as groups_members
from doorward.console.groups import views as groups
from doorward.console.holidays import importing as holidays_importing
from doorward.console.holidays import views as holidays
from doorward.console.roles import matrix as roles_matrix
from doorward.console.roles import views as roles
from doorward.console.shifts import looking_ahead as shifts_ahead
from doorward.console.shifts import views as shifts
from doorward.console.sites import views as sites

router = Router(
    "/console",
    route_handlers=[
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
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
    ],
    exception_handlers=CONSOLE_ERRORS,
)
