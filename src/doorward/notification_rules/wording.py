"""What rules say: events as sentences for people, in mail and in chats. No I/O.

Names come from whoever writes them: nothing here becomes markup, a mention or a header by what is in a name.
"""

import html
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from doorward.decision.wording import event_label, local_time
from doorward.events.listing import StoredEvent

MOST_LISTED: Final = 100
"""Of more events a message says only how many there are."""
_MOST_IN_CHAT: Final = 20
_LONGEST_HEADER: Final = 150
_LONGEST_SECTION: Final = 3_000


class Told(NamedTuple):
    """An event and the zone in which its time is told; `place` is its site, where that is known."""

    event: StoredEvent
    zone: str
    place: str | None = None
    said: str | None = None
    """What is to be said of it, where that is something else than what happened."""


class Message(NamedTuple):
    """The same in three forms."""

    subject: str
    text: str
    html: str


def sentence(told: Told) -> str:
    """What happened, and where: "John Doe admitted using card at Front door"."""
    if told.said is not None:
        return told.said
    event = told.event
    label = event_label(event.event_code, event.channel_name or "A door", event.person_name)
    named = event.channel_name is None or event.channel_name in label
    return label if named else f"{label} at {event.channel_name}"


def _where(told: Told) -> str:
    return local_time(told.event.occurred_at, told.zone) + (f", {told.place}" if told.place else "")


def message(rule_name: str, account_name: str, happened: Sequence[Told]) -> Message:
    """A message about events, oldest first; of many it lists the first and says how many more there are."""
    [first, *others] = happened
    what = sentence(first) if not others else f"{len(happened)} events: {rule_name}"
    listed = [(sentence(each), _where(each)) for each in happened[:MOST_LISTED]]
    more = len(happened) - len(listed)
    rest = f"And {more} more, which are in the list of events." if more else None
    why = f'You get this because of the notification rule "{rule_name}" of {account_name}.'
    lines = [f"{said}\n    {where}" for said, where in listed]
    text = "\n\n".join([*lines, *([rest] if rest else []), f"-- \n{why}"])
    items = "".join(f"<li><strong>{html.escape(said)}</strong><br>{html.escape(where)}</li>" for said, where in listed)
    parts = [f"<ul>{items}</ul>", *([f"<p>{html.escape(rest)}</p>"] if rest else []), f"<p>{html.escape(why)}</p>"]
    page = f'<!DOCTYPE html><html lang="en"><body>{"".join(parts)}</body></html>'
    return Message(f"[{account_name}] {what}", f"{text}\n", page)


def chat_message(rule_name: str, happened: Sequence[Told]) -> dict[str, Any]:
    """The same for an incoming webhook of Slack, or of a chat that understands the same."""
    listed = [f"{sentence(each)} ({_where(each)})" for each in happened[:_MOST_IN_CHAT]]
    more = len(happened) - len(listed)
    lines = [*listed, *([f"And {more} more."] if more else [])]
    said = "\n".join(lines)
    return {
        "text": _unmarked(f"{rule_name}: {said}")[:_LONGEST_SECTION],
        "blocks": [
            {"type": "header", "text": _plain(rule_name, _LONGEST_HEADER)},
            {"type": "section", "text": _plain(said, _LONGEST_SECTION)},
        ],
    }


def _plain(text: str, longest: int) -> dict[str, Any]:
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _unmarked(text: str) -> str:
    """The three characters that begin a mention or a link there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
