"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.areas import views as areas
from doorward.console.controllers import views as controllers
from doorward.console.doors import commands as door_commands
from doorward.console.doors import settings as door_settings
from doorward.console.doors import views as doors
from doorward.console.doors import who as door_access
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.lockdown import views as lockdown
from doorward.console.overview import views as overview
from doorward.console.sites import views as sites

router = Router(
    "/console",
    route_handlers=[
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
        *sites.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
