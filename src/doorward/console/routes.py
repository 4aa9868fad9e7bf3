"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.access import views as access
from doorward.console.access import who_views as access_who
from doorward.console.errors import CONSOLE_ERRORS
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
        *shifts.HANDLERS,
        *shifts_ahead.HANDLERS,
        *sites.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
