"""The pages of /console/reports."""

from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.page import show
from doorward.console.reports.asked import PAGE
from doorward.console.reports.attendance import ATTENDANCE_HANDLERS
from doorward.console.reports.denied import DENIED_HANDLERS
from doorward.console.reports.door_activity import ACTIVITY_HANDLERS
from doorward.console.reports.muster import MUSTER_HANDLERS
from doorward.console.reports.unused_credentials import UNUSED_HANDLERS


@get("/reports", name="console.reports", **PAGE)
async def index_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Which reports there are."""
    return await show(request, "reports/index.html")


HANDLERS: Final = (
    index_page,
    *ATTENDANCE_HANDLERS,
    *MUSTER_HANDLERS,
    *ACTIVITY_HANDLERS,
    *DENIED_HANDLERS,
    *UNUSED_HANDLERS,
)
