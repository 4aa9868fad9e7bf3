"""Events that are lost: how many of which channel and from when until when, told in the place of the last of them."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from doorward.controller.happening import Happening, noted
from doorward.decision.codes import EventCode
from doorward.decision.wording import local_time

UNKNOWN_CHANNEL: Final = 0
"""Of which channel they were cannot be told."""


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """What is lost of one channel: how many events, the instant of the first and that of the last."""

    channel_id: int
    count: int
    since: int
    until: int
    by_server: bool = False
    """The server had them and, restored from a backup, has not any more; here they are not kept so long."""


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Events that are lost, by their indices; each channel of `channels` lost at least one."""

    first: int
    last: int
    channels: tuple[Lost, ...]

    @property
    def told_from(self) -> int:
        """The index of the first event that says so: they take the place of the last that are lost."""
        return self.last - len(self.channels) + 1

    def happenings(self, after: int) -> list[tuple[int, Happening]]:
        """The events that say so, with their indices, beyond an index."""
        said = enumerate(self.channels, self.told_from)
        return [(index, _said(lost)) for index, lost in said if index > after]


def gap_of(first: int, last: int, lost: Iterable[tuple[int, int]], fallback_at: int) -> Gap:
    """A gap, from the (channel, instant) of each event that is known to be lost; the rest is of no known channel."""
    channels: dict[int, Lost] = {}
    known = 0
    for channel_id, at in lost:
        known += 1
        before = channels.get(channel_id, Lost(channel_id, 0, at, at))
        channels[channel_id] = Lost(channel_id, before.count + 1, min(before.since, at), max(before.until, at))
    unknown = last - first + 1 - known
    if unknown > 0:
        channels[UNKNOWN_CHANNEL] = Lost(UNKNOWN_CHANNEL, unknown, fallback_at, fallback_at)
    return Gap(first, last, tuple(channels[channel_id] for channel_id in sorted(channels)))


def forgotten_by_server(first: int, last: int) -> Gap:
    """A gap of events that were told, and are neither at the server any more nor here."""
    return Gap(first, last, (Lost(UNKNOWN_CHANNEL, last - first + 1, 0, 0, by_server=True),))


def joined(gaps: Sequence[Gap]) -> list[Gap]:
    """Gaps in order; those that follow one another without an event between them are one."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda each: each.first):
        if found and found[-1].last + 1 == gap.first:
            found[-1] = _join(found[-1], gap)
        else:
            found.append(gap)
    return found


def _join(one: Gap, other: Gap) -> Gap:
    channels = {lost.channel_id: lost for lost in one.channels}
    for lost in other.channels:
        before = channels.get(lost.channel_id, Lost(lost.channel_id, 0, lost.since, lost.until, lost.by_server))
        channels[lost.channel_id] = Lost(
            lost.channel_id,
            before.count + lost.count,
            min(before.since, lost.since),
            max(before.until, lost.until),
            before.by_server and lost.by_server,
        )
    return Gap(one.first, other.last, tuple(channels[channel_id] for channel_id in sorted(channels)))


def _said(lost: Lost) -> Happening:
    number = "One event is" if lost.count == 1 else f"{lost.count} events are"
    stretch = f"from {local_time(lost.since, 'UTC')} until {local_time(lost.until, 'UTC')}"
    why = "the controller could keep no more"
    if lost.by_server:
        stretch, why = "up to those that follow", "the server had them once, and the controller has not kept them since"
    elif lost.channel_id == UNKNOWN_CHANNEL:
        stretch = f"about {local_time(lost.until, 'UTC')}" if lost.until else "at an unknown time"
        why = "what the controller had kept cannot be read any more"
    text = f"{number} lost, {stretch}: {why}."
    return noted(lost.channel_id, EventCode.EVENTS_LOST, lost.until, ("events_lost", text))
