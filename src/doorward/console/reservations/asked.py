"""What the address of the calendar asks for: which view, which days, at which door and of whom."""

from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from litestar import Request

from doorward.console.lists import with_filters
from doorward.console.preferences import chosen_site
from doorward.console.reservations.periods import SPANS, VIEWS, Period, period_of, within_limits
from doorward.console.reservations.reading import Asked
from doorward.kit.timestamps import local_datetime
from doorward.wire.queries import choice_of, day_of, id_of, text_of

HERE = "/console/reservations"


class Showing(NamedTuple):
    """What is shown; 0 and "": at all doors, of everybody."""

    view: str
    day: date
    channel_id: int
    person_id: int
    name: str
    span: str
    by: str
    site_id: int

    @property
    def period(self) -> Period:
        """The days of the view."""
        return period_of(self.view, self.day, self.span)

    @property
    def before(self) -> str:
        """The address of the days before."""
        return self.address(day=within_limits(self.period.first - timedelta(days=1)))

    @property
    def after(self) -> str:
        """The address of the days after."""
        return self.address(day=within_limits(self.period.last + timedelta(days=1)))

    @property
    def feed(self) -> str:
        """From where the calendar has its events."""
        return with_filters(f"{HERE}/feed", {**self.filters, "site_id": self.site_id or None})

    @property
    def is_filtered(self) -> bool:
        """Whether there may be more than is shown."""
        return bool(self.channel_id or self.person_id or self.name)

    def address(self, **changed: Any) -> str:
        """The address of the calendar with something else."""
        found = self._replace(**changed)
        timeline = {"span": found.span, "by": found.by} if found.view == "timeline" else {}
        return with_filters(HERE, {"view": found.view, "date": found.day, **found.filters, **timeline})

    def asked(self, zone: ZoneInfo) -> Asked:
        """The same as instants."""
        start, end = self.period.bounds(zone)
        return Asked(start, end, self.channel_id, self.site_id, self.person_id, self.name)

    @property
    def filters(self) -> dict[str, object]:
        """What of it is in the address."""
        return {"channel_id": self.channel_id or None, "person_id": self.person_id or None, "person": self.name}


def showing(request: Request[Any, Any, Any], zone: ZoneInfo, now: int) -> Showing:
    """What the address asks for; today's week if it does not say. Raises BadRequest."""
    query = request.query_params
    day = day_of(query, "date")
    return Showing(
        choice_of(query, "view", VIEWS) or VIEWS[0],
        within_limits(date.fromisoformat(day) if day else local_datetime(now, zone).date()),
        id_of(query, "channel_id") or 0,
        id_of(query, "person_id") or 0,
        text_of(query, "person", limit=100) or "",
        choice_of(query, "span", SPANS) or SPANS[0],
        choice_of(query, "by", ("door", "person")) or "door",
        chosen_site(request) or 0,
    )
