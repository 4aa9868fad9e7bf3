"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.alarms import views as alarms
from doorward.console.audit import views as audit
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.events import views as events
from doorward.console.notifications import views as notifications
from doorward.console.reports import views as reports
from doorward.console.sites import views as sites

router = Router(
    "/console",
    route_handlers=[
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
        *alarms.HANDLERS,
        *audit.HANDLERS,
        *events.HANDLERS,
        *notifications.HANDLERS,
        *reports.HANDLERS,
        *sites.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
