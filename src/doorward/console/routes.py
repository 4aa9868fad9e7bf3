"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.reservations import detail as reservation
from doorward.console.reservations import groups as group_reservations
from doorward.console.reservations import making as reservations_made
from doorward.console.reservations import views as reservations
from doorward.console.sites import views as sites
from doorward.console.start import views as start

router = Router(
    "/console",
    route_handlers=[
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
        *group_reservations.HANDLERS,
        *reservation.HANDLERS,
        *reservations.HANDLERS,
        *reservations_made.HANDLERS,
        *sites.HANDLERS,
        *start.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
