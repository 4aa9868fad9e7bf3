"""All pages of the console. A subject's views.py has its `HANDLERS`."""

from litestar import Router

from doorward.console import live_page, preferences_pages
from doorward.console.errors import CONSOLE_ERRORS
from doorward.console.people import views as people
from doorward.console.search import views as search
from doorward.console.sites import views as sites

router = Router(
    "/console",
    route_handlers=[
        *live_page.HANDLERS,
        *preferences_pages.HANDLERS,
        *people.HANDLERS,
        *search.HANDLERS,
        *sites.HANDLERS,
    ],
    exception_handlers=CONSOLE_ERRORS,
)
