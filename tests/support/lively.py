"""Weeks of ordinary days in the example account, recorded as doors record: for pages that show what has happened."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from doorward.db.connect import open_database
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record_all
from doorward.kit.clock import SystemClock
from doorward.kit.timestamps import day_bounds, local_datetime

DAYS: Final = 21
_MINUTE_MS: Final = 60_000
_DENIED: Final = (
    (EventCode.REJECT_CARD, "The card is not known"),
    (EventCode.REJECT_OUT_OF_HOURS, "Access begins later"),
    (EventCode.REJECT_UNAUTHORIZED, "No role opens this door"),
    (EventCode.REJECT_PIN, "The PIN is wrong"),
)


def live(data_dir: Path, account_id: int, made: dict[str, Any]) -> None:
    """Record what may have happened there in the last weeks, the same whenever it is done; nothing serves it yet."""
    database = open_database(f"sqlite:///{data_dir / 'doorward.db'}")
    now = SystemClock().now()
    happened = sorted(_days(account_id, made, now), key=lambda event: event.occurred_at)

    def record(transaction: Transaction) -> None:
        record_all(transaction, [event for event in happened if event.occurred_at < now], now)

    try:
        database.write_now(record)
    finally:
        database.close()


def _days(account_id: int, made: dict[str, Any], now: int) -> Iterator[Event]:
    chance = random.Random(7)
    zone = ZoneInfo(made["time_zone"])
    today = local_datetime(now, zone).date()
    doors = [(each["id"], each["name"]) for each in made["channels"]]
    for back in range(DAYS, -1, -1):
        day = today - timedelta(days=back)
        begins = day_bounds(day, zone)[0]
        share = 0.75 if day.weekday() < 5 else 0.15
        for person in made["people"]:
            home = doors[5:7] if person["id"] % 4 == 0 else doors[0:3]
            if chance.random() > share:
                continue
            for hour in (8.7, 12.6, 13.3, 16.4):
                if hour > 9 and chance.random() > 0.6:
                    continue
                at = begins + int((hour + chance.gauss(0, 0.7)) * 60) * _MINUTE_MS + chance.randrange(_MINUTE_MS)
                code, reasons = EventCode.ADMIT_CARD, (("granted", "A role opens this door now"),)
                if chance.random() < 0.03:
                    code, word = chance.choice(_DENIED)
                    reasons = (("denied", word),)
                door_id, name = chance.choice(home)
                known = code != EventCode.REJECT_CARD
                yield Event(
                    account_id,
                    code,
                    at,
                    door_id,
                    name,
                    person["id"] if known else None,
                    person["name"] if known else None,
                    person["card"] or str(4_040_000 + person["id"]),
                    reasons,
                )
