"""How doors stand to a person's rights, on the wire."""

from collections import Counter

from msgspec import Struct

from doorward.access.standing import DoorStanding, PersonStanding, Rights, Status
from doorward.decision.snapshot import Status as PersonStatus
from doorward.kit.timestamps import format_instant, format_optional
from doorward.wire.docs import Id


class StandingPerson(Struct, frozen=True, gc=False):
    """Who."""

    id: Id
    name: str
    status: PersonStatus


class StandingSummary(Struct, frozen=True, gc=False):
    """Of how many channels each status is."""

    confirmed: int
    pending: int
    may_still_open: int


class StandingChannel(Struct, frozen=True, gc=False):
    """How one channel stands to what holds of the person now.

    `confirmed_at` is since when it goes by that, `changed_at` when the last change was made that concerned the person
    there (null: more than a week ago; then `confirmed_at` is at the latest). `may_open_until` is the last contact and
    the channel's limit of staleness, of one that is cut off, and some minutes for what clocks may differ: it is never
    too early. `without_limit`: it has none.
    """

    channel_id: Id
    channel_name: str
    site_id: Id
    rights: Rights
    status: Status
    confirmed_at: str | None
    changed_at: str | None
    may_open_until: str | None
    without_limit: bool


class StandingOfPerson(Struct, frozen=True, gc=False):
    """A person, and how each channel stands at which they have rights or lately had some."""

    person: StandingPerson
    at: str
    summary: StandingSummary
    channels: list[StandingChannel]


def standing_body(found: PersonStanding) -> StandingOfPerson:
    """A standing on the wire."""
    tally = Counter(door.status for door in found.doors)
    return StandingOfPerson(
        StandingPerson(found.person.id, found.person.name, found.person.status),
        format_instant(found.at),
        StandingSummary(tally["confirmed"], tally["pending"], tally["may_still_open"]),
        [_channel(door) for door in found.doors],
    )


def _channel(door: DoorStanding) -> StandingChannel:
    return StandingChannel(
        door.place.id,
        door.place.name,
        door.place.site_id,
        door.rights,
        door.status,
        format_optional(door.confirmed_at),
        format_optional(door.changed_at),
        format_optional(door.may_open_until),
        door.without_limit,
    )
