"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.applications import commands as application_commands
from doorward.console.applications import views as applications
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.sites import views as sites
from doorward.console.webhooks import views as webhooks

router = Router(
    "/console",
    route_handlers=[
        *application_commands.HANDLERS,
        *applications.HANDLERS,
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
        *sites.HANDLERS,
        *webhooks.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
