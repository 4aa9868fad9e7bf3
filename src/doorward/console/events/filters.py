"""Which events a page asks for, in its address."""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from litestar import Request

from doorward.console.events.kinds import GROUPS, USUAL, codes_of
from doorward.console.lists import with_filters
from doorward.console.preferences import chosen_site
from doorward.console.sites_and_doors import Site, SitesAndDoors
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import EARLIEST, LATEST
from doorward.wire.queries import choices_of, id_of, instant_of, text_of

_MOST_DIGITS: Final = 18
_KEYS: Final = tuple(group.key for group in GROUPS)


class Cursor(NamedTuple):
    """A place in the list, which is by when things happened and then by id."""

    at: int
    id: int

    def __str__(self) -> str:
        return f"{self.at}.{self.id}"


NEWEST: Final = Cursor(LATEST + 1, 0)
"""After all there is."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. `channel_ids` None: of any door and of none; `errors`: by field, what is wrong."""

    groups: tuple[str, ...]
    site: Site | None
    channel_id: int | None
    channel_ids: tuple[int, ...] | None
    person_id: int | None
    name: str | None
    since: int
    until: int
    cursor: Cursor
    newer: bool
    """Go on towards the newest from the cursor, not towards the oldest."""
    written: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def codes(self) -> frozenset[int]:
        """The codes of the groups."""
        return codes_of(self.groups)

    @property
    def is_first_page(self) -> bool:
        """Whether the newest of what is asked for is shown, so that what happens next belongs on top."""
        return self.cursor == NEWEST and not self.newer and self.until > LATEST

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the usual is asked for."""
        return bool(self.site or self.channel_id or self.person_id or self.name or self.written or self.groups != USUAL)

    def address(self, path: str, **others: object) -> str:
        """The same filters at a path, with something else."""
        asked: dict[str, object] = {
            # Without it, the site that the user has chosen for all pages would be meant.
            "site": self.site.id if self.site else "all",
            "channel_id": self.channel_id,
            "person_id": self.person_id,
            "name": self.name,
            **self.written,
            **others,
        }
        address = with_filters(path, asked)
        kinds = "" if self.groups == USUAL else "".join(f"&kind={key}" for key in self.groups)
        return address + kinds


def filters_of(request: Request[Any, Any, Any], places: SitesAndDoors) -> Filters:
    """What the address asks for, of what the user sees. Raises BadRequest for what no form of ours sends."""
    query = request.query_params
    asked = choices_of(query, "kind", _KEYS)
    site, channel_id = places.site(chosen_site(request)), id_of(query, "channel_id")
    zone = site.zone if site else places.zone_of(channel_id)
    errors: dict[str, list[str]] = {}
    instants: dict[str, int] = {}
    for name in ("from", "until"):
        try:
            found = instant_of(query, name, zone)
        except BadRequest as error:
            errors[name] = [error.text.removeprefix(f"The parameter {name} ")]
        else:
            if found is not None:
                instants[name] = found
    since, until = instants.get("from", EARLIEST), instants.get("until", LATEST + 1)
    if since >= until:
        errors["until"] = ["must be after the beginning"]
    after = _cursor(query.get("after"))
    return Filters(
        groups=tuple(key for key in _KEYS if key in asked) or USUAL,
        site=site,
        channel_id=channel_id,
        channel_ids=_channels(site, channel_id),
        person_id=id_of(query, "person_id"),
        name=text_of(query, "name"),
        since=since,
        until=until,
        cursor=after or _cursor(query.get("before")) or NEWEST,
        newer=after is not None,
        # What is no time cannot be shown in a field for times, either.
        written={name: query[name] for name in instants},
        errors=errors,
    )


def _channels(site: Site | None, channel_id: int | None) -> tuple[int, ...] | None:
    if site is None:
        return None if channel_id is None else (channel_id,)
    there = tuple(door.id for door in site.doors)
    return there if channel_id is None else tuple(door_id for door_id in there if door_id == channel_id)


def _cursor(text: str | None) -> Cursor | None:
    if not text:
        return None
    at, _, event_id = text.partition(".")
    for part in (at.removeprefix("-"), event_id):
        if not (part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS):
            raise BadRequest("There is no such place in the list")
    return Cursor(int(at), int(event_id))
