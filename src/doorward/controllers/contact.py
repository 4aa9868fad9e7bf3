"""What is on record of contact with controllers: that they connected, that they are there, that they are lost."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, and_, bindparam, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from doorward.alarms.kinds import SILENT
from doorward.alarms.raising import heard_again
from doorward.changes.reports import HEARD_WITHIN_MS, NOTHING
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.events.service import Event, record
from doorward.events.tables import events
from doorward.sync.tables import channel_reports

_MOST: Final = 2**31 - 1


class LinkKey(NamedTuple):
    """By what a controller proves itself; encrypted. One that has been removed is told so, and no more."""

    controller_id: int
    account_id: int
    sealed: str
    removed_at: int | None


class Start(NamedTuple):
    """The start of a controller that connected last."""

    known_as: str | None


class Contact(NamedTuple):
    """A controller that has a session somewhere."""

    controller_id: int
    connected_at: int | None
    removed_at: int | None


class Condition(NamedTuple):
    """What a controller last said of itself."""

    clock_skew_ms: int
    spool_length: int


class Greeting(NamedTuple):
    """What it says when it connects, and from where."""

    software: str
    address: str
    condition: Condition
    starts: tuple[str, ...] = ()
    """Which of its starts it knows of, this one the last."""


class Connection(NamedTuple):
    """That it has connected, on record."""

    last_sequence: int
    is_forked: bool
    """The start that was here last is none that it knows of."""


class Lost(NamedTuple):
    """A door whose controller has not been heard for too long."""

    channel_id: int
    account_id: int
    last_seen_at: int


_LINK_KEY: Final = Query(
    select(controllers.c.id, controllers.c.account_id, controllers.c.link_key, controllers.c.removed_at).where(
        controllers.c.id == bindparam("the_id")
    ),
    LinkKey,
)
_LAST_START: Final = Query(
    select(controllers.c.last_start).where(controllers.c.id == bindparam("the_id")).with_for_update(),
    Start,
)
_STARTED: Final = Query[None](
    update(controllers).where(controllers.c.id == bindparam("the_id")).values(last_start=bindparam("start"))
)
_CONNECT: Final = Query(
    update(controllers)
    .where(controllers.c.id == bindparam("the_id"), controllers.c.removed_at.is_(None))
    .values(
        {
            name: bindparam(name)
            for name in ("software", "address", "connected_at", "last_seen_at", "clock_skew_ms", "spool_length")
        }
    )
    .returning(controllers.c.last_sequence),
    number,
)
_CONTACTS: Final = Query(
    select(controllers.c.id, controllers.c.connected_at, controllers.c.removed_at).where(
        one_of(controllers.c.id, "ids")
    ),
    Contact,
)
_SEEN: Final = Query[None](
    update(controllers).where(one_of(controllers.c.id, "ids")).values(last_seen_at=bindparam("now"))
)
_SAID: Final = Query[None](
    update(controllers)
    .where(controllers.c.id == bindparam("the_id"))
    .values(clock_skew_ms=bindparam("skew"), spool_length=bindparam("length"))
)
_add_seen = upsert(channel_reports).from_select(
    ["channel_id", "last_seen_at", "version", "synced_at"],
    select(
        channels.c.id,
        bindparam("now", type_=channel_reports.c.last_seen_at.type),
        literal(NOTHING, BigInteger()),
        null(),
    )
    .where(one_of(channels.c.id, "ids"), channels.c.controller_id.is_not(None))
    .order_by(channels.c.id),  # everybody locks these rows in the same order
)
_SEEN_CHANNELS: Final = Query[None](
    _add_seen.on_conflict_do_update(
        index_elements=["channel_id"], set_={"last_seen_at": _add_seen.excluded.last_seen_at}
    )
)
_REFUSED_FRAME: Final = Query[None](
    update(controllers)
    .where(controllers.c.id == bindparam("the_id"))
    .values(refused_frames=controllers.c.refused_frames + 1)
)
_SERVED_BY: Final = Query(
    select(channels.c.id, channels.c.controller_id).where(
        one_of(channels.c.id, "ids"), channels.c.controller_id.is_not(None)
    ),
    lambda channel_id, controller_id: (channel_id, controller_id),
)
_STILL_THERE: Final = Query(select(channels.c.id).where(channels.c.id == bindparam("the_channel")), number)
# Said once: of a loss that has been told of, there is an event since the door was last heard.
_LOST: Final = Query(
    select(channels.c.id, channels.c.account_id, channel_reports.c.last_seen_at)
    .join(channel_reports, channel_reports.c.channel_id == channels.c.id)
    .join(controllers, controllers.c.id == channels.c.controller_id)
    .where(
        channel_reports.c.last_seen_at < bindparam("before"),
        channel_reports.c.last_seen_at >= controllers.c.enrolled_at,
        ~select(events.c.id)
        .where(
            and_(events.c.channel_id == channels.c.id, events.c.occurred_at >= channel_reports.c.last_seen_at),
            events.c.event_code == int(EventCode.CONTACT_LOST),
            events.c.controller_id.is_(None),
        )
        .exists(),
    )
    .order_by(channels.c.id),
    Lost,
)


def link_key(transaction: Transaction, controller_id: int) -> LinkKey | None:
    """By what a controller with this id proves itself, if there is one."""
    return transaction.one(_LINK_KEY, the_id=controller_id)


def connected(transaction: Transaction, controller_id: int, who: Greeting, now: int) -> Connection | None:
    """A controller has proven itself: gives up to where its events are on record; None if it is removed by now.

    Each start of a controller knows of those before it, from the last on that it agreed with a server. If the one that
    was here last is not among them, a copy of its directory was, or one of the two has been restored from a backup.
    """
    before = transaction.one(_LAST_START, the_id=controller_id)
    last = transaction.one(
        _CONNECT,
        the_id=controller_id,
        software=who.software or None,
        address=who.address or None,
        connected_at=now,
        last_seen_at=now,
        clock_skew_ms=_whole(who.condition.clock_skew_ms),
        spool_length=_whole(who.condition.spool_length),
    )
    if last is None:
        return None
    known_as = None if before is None else before.known_as
    if who.starts and who.starts[-1] != known_as:
        transaction.run(_STARTED, the_id=controller_id, start=who.starts[-1])
    return Connection(last, bool(who.starts) and known_as is not None and known_as not in who.starts)


def contacts(transaction: Transaction, controller_ids: Collection[int]) -> dict[int, Contact]:
    """How controllers that have sessions here stand by the record."""
    found = transaction.all(_CONTACTS, ids=str(sorted(controller_ids)))
    return {contact.controller_id: contact for contact in found}


def served_by(transaction: Transaction, channel_ids: Iterable[int]) -> dict[int, int]:
    """Which controller each of the channels has by now; those that have none are left out."""
    return dict(transaction.all(_SERVED_BY, ids=str(sorted(channel_ids))))


def seen(transaction: Transaction, channel_ids: Collection[int], now: int) -> None:
    """Doors are there: from now on it counts how long they may go by what they know, if they are not heard any more."""
    transaction.run(_SEEN_CHANNELS, ids=str(sorted(channel_ids)), now=now)


def heard(
    transaction: Transaction,
    controller_ids: Collection[int],
    channel_ids: Collection[int],
    said: Mapping[int, Condition],
    now: int,
) -> None:
    """Controllers and doors are there; `said`: what some of the controllers say of themselves. A few statements.

    What doors confirm is reported apart (changes.reports).
    """
    transaction.run(_SEEN, ids=str(sorted(controller_ids)), now=now)
    seen(transaction, channel_ids, now)
    heard_again(transaction, channel_ids, now)
    if said:
        transaction.run_many(
            _SAID,
            [
                {"the_id": controller_id, "skew": _whole(each.clock_skew_ms), "length": _whole(each.spool_length)}
                for controller_id, each in sorted(said.items())
            ],
        )


def refused_frame(
    transaction: Transaction, controller_id: int, account_id: int, channel: tuple[int, str] | None, why: str, now: int
) -> None:
    """Something was wrong with what came over the link: on record at a channel, (id, name), if there is any."""
    transaction.run(_REFUSED_FRAME, the_id=controller_id)
    failed(transaction, account_id, channel, (("frame_refused", f"A frame of the link was refused: {why}."),), now)


def forked(transaction: Transaction, account_id: int, channel: tuple[int, str] | None, now: int) -> None:
    """Two that are the same controller have connected: on record at a channel, (id, name), if there is any."""
    text = (
        "Another copy of this controller has connected, or it or the server was restored from a backup. "
        "What has not been recorded is numbered anew; remove the controller and enrol each box by itself."
    )
    failed(transaction, account_id, channel, (("controller_copied", text),), now)


def failed(
    transaction: Transaction,
    account_id: int,
    channel: tuple[int, str] | None,
    reasons: Iterable[tuple[str, str]],
    now: int,
) -> None:
    """A door cannot be brought up to date, and why."""
    channel_id, name = (None, None) if channel is None else channel
    still = None if channel_id is None else transaction.one(_STILL_THERE, the_channel=channel_id)
    event = Event(account_id, EventCode.SYNC_FAILED, now, channel_id=still, channel_name=name, reasons=tuple(reasons))
    record(transaction, event, now)


def lost(transaction: Transaction, now: int, *, watched_since: int) -> list[Lost]:
    """The doors whose controllers have been silent for too long, which is not on record yet.

    `watched_since`: a server that was not there itself has no business to miss anybody.
    """
    if now - watched_since <= HEARD_WITHIN_MS:
        return []
    return transaction.all(_LOST, before=now - HEARD_WITHIN_MS)


def record_lost(transaction: Transaction, now: int, *, watched_since: int) -> int:
    """Put it on record; gives how many there were."""
    transaction.serialize("contact lost")
    by_account: dict[int, list[int]] = {}
    for each in lost(transaction, now, watched_since=watched_since):
        by_account.setdefault(each.account_id, []).append(each.channel_id)
    silent = ((SILENT, f"The controller has said nothing for {HEARD_WITHIN_MS // 1000} seconds."),)
    for account_id, channel_ids in by_account.items():
        record_at(transaction, account_id, EventCode.CONTACT_LOST, channel_ids, now, now, reasons=silent)
    return sum(map(len, by_account.values()))


def _whole(value: int) -> int:
    return max(-_MOST, min(_MOST, value))
