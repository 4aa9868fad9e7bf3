"""The rules that the peers share: a reservation's stretch and channels, and what a scope includes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Errors = dict[str, list[str]]
"""Messages per field, as a 422 reports them."""

SHORTEST = timedelta(minutes=1)


def to_utc(value: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant, where a value without an offset is local time; None if the clock skips it."""
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    instant = value.replace(tzinfo=zone).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None, fold=0) == value else None


def stretch_errors(start: datetime | None, end: datetime | None, zone: ZoneInfo) -> Errors:
    """What is wrong with [start, end): it lasts a minute or more, within one local day of the account."""
    if start is None or end is None:
        skipped = [field for field, at in (("start_time", start), ("end_time", end)) if at is None]
        return {field: ["does not exist in local time"] for field in skipped}
    if end - start < SHORTEST:
        return {"end_time": ["must be at least one minute after start time"]}
    last_instant = end - timedelta(microseconds=1)  # an end at midnight still belongs to the day
    if start.astimezone(zone).date() != last_instant.astimezone(zone).date():
        return {"end_time": ["must be on the same day as start time"]}
    return {}


def wanted_channels(channel_ids: list[int] | None, door_controller_ids: list[int] | None) -> list[int]:
    """The channels of a body, each once; empty when there is none or when the alias says otherwise."""
    if channel_ids and door_controller_ids and channel_ids != door_controller_ids:
        return []
    return list(dict.fromkeys(channel_ids or door_controller_ids or []))


def allows(scopes: str, needed: str) -> bool:
    """Whether scopes (separated by spaces) hold the needed one; a write scope includes its `.readonly`."""
    held = scopes.split(" ")
    return needed in held or needed.removesuffix(".readonly") in held
