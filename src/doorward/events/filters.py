"""Which events a client asks for, in the query: the same for the list and for the stream."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from doorward.events.codes import ACCESS, ALLOWED, CHANNEL_STATUS, EVERY, read_codes
from doorward.events.counting import Order
from doorward.events.listing import Wanted
from doorward.kit.errors import BadRequest
from doorward.wire.docs import IDS, INSTANT, Parameter
from doorward.wire.queries import choice_of, id_of, ids_of, since_of, text_of

_NAME: Final = {"type": "string", "maxLength": 255}
CODES: Final = Parameter(
    "event_codes", IDS, "Only these codes; those of remote control (50-63) are not to be had here."
)
FILTERS: Final = (
    Parameter("first_name", _NAME, "Only of people with this first name today, whatever its case and accents."),
    Parameter("last_name", _NAME, "Only of people with this last name today, whatever its case and accents."),
    Parameter("person_id", {"type": "integer", "minimum": 1}, "Only of this person. Ours."),
    Parameter("channels", IDS, "Only of these channels."),
    Parameter("door_controllers", IDS, "Another name for channels."),
    Parameter("since", INSTANT, "Only what happened at or after this instant; the last 90 days if it is not given."),
    Parameter("since_utc", INSTANT, "The same, in UTC if it has no offset. Ours."),
    Parameter("level", {"type": "string", "enum": ["debug"]}, "With the codes 1 to 3 of channels' own state."),
)


def wanted_of(query: Mapping[str, str], zone: ZoneInfo, codes: frozenset[int] | None, *, since: int) -> Wanted:
    """What the query asks for, of these codes; `since` is meant if it does not say. Raises BadRequest."""
    orders: tuple[Order, Order] = ("ASC", "DESC")
    order = choice_of(query, "sort", orders)
    given = bool(query.get("since") or query.get("since_utc"))
    return Wanted(
        codes=codes,
        since=since_of(query, zone) if given else since,
        channel_ids=_channels(query),
        person_id=id_of(query, "person_id"),
        first_name=text_of(query, "first_name"),
        last_name=text_of(query, "last_name"),
        order="ASC" if order == "ASC" else "DESC",
    )


def codes_of(query: Mapping[str, str]) -> frozenset[int]:
    """Which codes a list is asked for (contract, listEvents). Raises BadRequest."""
    asked = read_codes(ids_of(query, "event_codes"), ALLOWED)
    return (asked or ACCESS) | _debug(query)


def logged_codes_of(query: Mapping[str, str]) -> frozenset[int] | None:
    """Which codes the log is asked for; None: any. Raises BadRequest."""
    asked = read_codes(ids_of(query, "event_codes"), EVERY)
    return asked | _debug(query) if asked else None


def _debug(query: Mapping[str, str]) -> frozenset[int]:
    return CHANNEL_STATUS if choice_of(query, "level", ("debug",)) else frozenset()


def _channels(query: Mapping[str, str]) -> list[int] | None:
    channel_ids, alias = ids_of(query, "channels"), ids_of(query, "door_controllers")
    if channel_ids and alias and set(channel_ids) != set(alias):
        raise BadRequest("The parameter door_controllers must be the same as channels, which it is another name for")
    return channel_ids or alias or None
