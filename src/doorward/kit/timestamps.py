"""Timestamps on the wire: ISO 8601 in, "2024-01-15T09:00:00.000Z" out (behaviour.md, "HTTP").

Inside, an instant is an integer: milliseconds since 1970-01-01T00:00Z (docs/decisions/0003).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

EARLIEST: Final = -2_208_988_800_000  # 1900-01-01T00:00Z
LATEST: Final = 4_133_980_799_999  # 2100-12-31T23:59:59.999Z
"""Instants outside these are refused: no door plans further, and every zone's arithmetic is safe within."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)


_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Files among the zones that name no zone: what one machine is set to, and what stands where nothing is set."""


class InvalidTimestamp(ValueError):
    """The text is no instant; the message says why, to follow the field's name."""


@lru_cache(maxsize=65_536)
def format_instant(at: int) -> str:
    """An instant as "2024-01-15T09:00:00.000Z"."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


def format_optional(at: int | None) -> str | None:
    """The same, where there may be no instant."""
    return None if at is None else format_instant(at)


def parse_instant(text: str, zone: ZoneInfo) -> int:
    """Read ISO 8601; without an offset it is local time in `zone`.

    Digits beyond milliseconds are cut off. A local time that happens twice is the first.
    Raises InvalidTimestamp, also for a local time that the clock skips.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise InvalidTimestamp("must be a date and time such as 2024-01-15T09:00:00Z")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        local = datetime(  # noqa: DTZ001 - the offset, or the account's zone, is applied below
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
        )
    except ValueError:
        raise InvalidTimestamp("is not a date and time that exists") from None
    milliseconds = int((fraction or "0")[:3].ljust(3, "0"))
    at = _to_instant(local, offset, zone) + milliseconds
    if not EARLIEST <= at <= LATEST:
        raise InvalidTimestamp("must be between the years 1900 and 2100")
    return at


def _to_instant(local: datetime, offset: str | None, zone: ZoneInfo) -> int:
    """Milliseconds of a naive local time, under a written offset or in a zone."""
    if offset is None:
        return local_to_instant(local, zone)
    shift = timedelta(0)
    if offset not in ("Z", "z"):
        hours, minutes = int(offset[1:3]), int(offset[3:].replace(":", "") or 0)
        if hours > 15 or minutes > 59:
            raise InvalidTimestamp("has an offset from UTC that does not exist")
        shift = timedelta(hours=hours, minutes=minutes)
        if offset[0] == "-":
            shift = -shift
    return _milliseconds(local.replace(tzinfo=UTC)) - shift // timedelta(milliseconds=1)


def local_to_instant(local: datetime, zone: ZoneInfo) -> int:
    """A naive local time as an instant; one that happens twice is the first.

    Raises InvalidTimestamp for a local time that the clock skips.
    """
    aware = local.replace(tzinfo=zone, fold=0)
    try:
        at = _milliseconds(aware.astimezone(UTC))
        back = (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)
    except OverflowError:
        raise InvalidTimestamp("must be between the years 1900 and 2100") from None
    if back.replace(tzinfo=None) != local:
        raise InvalidTimestamp(f"does not exist in {zone.key}: the clock skips it")
    return at


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def local_datetime(at: int, zone: ZoneInfo) -> datetime:
    """An instant by the wall clock of a zone (aware)."""
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """The instants at which a local day begins and ends: 23, 24 or 25 hours apart, seldom other."""
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local day, also where the clock skips midnight or strikes it twice."""
    local = datetime.combine(day, time.min)
    before = _milliseconds(local.replace(tzinfo=zone, fold=0).astimezone(UTC))
    after = _milliseconds(local.replace(tzinfo=zone, fold=1).astimezone(UTC))
    earliest, latest = min(before, after), max(before, after)
    if local_datetime(earliest, zone).date() == day:
        return earliest
    # Midnight is skipped: the day begins when the clock jumps, between the two readings.
    while latest - earliest > 1:
        middle = (earliest + latest) // 2
        if local_datetime(middle, zone).date() >= day:
            latest = middle
        else:
            earliest = middle
    return latest


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The names that find_zone() accepts."""
    return frozenset(available_timezones()) - _NO_PLACES


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises InvalidTimestamp for any other name, also for paths and aliases of files."""
    if name not in known_zones():
        raise InvalidTimestamp("is not an IANA time zone such as Europe/London")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidTimestamp("is not an IANA time zone such as Europe/London") from None
