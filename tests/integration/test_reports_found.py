"""What reports count is found in an index that has all of it, however many events there are."""

import sqlite3
from contextlib import closing
from pathlib import Path

from doorward.reports import attendance as attendance_module
from doorward.reports import denied as denied_module
from doorward.reports import door_activity as door_activity_module
from doorward.reports import unused_credentials as unused_module

_BY_DOOR = "ix_events_channel_id_occurred_at_id_event_code_person_id"


def test_what_is_counted_is_found_in_the_index_of_each_door_alone(migrated_file: Path) -> None:
    asked = {"spans": "[[1, 0, 1, 0]]", "channel_ids": "[1]", "account_id": 1, "limit": 1, "offset": 0}
    with closing(sqlite3.connect(migrated_file)) as connection:
        for query in (
            attendance_module._ON_DAY,
            door_activity_module._COUNT,
            denied_module._AT_DOORS,
            denied_module._OF_PEOPLE,
        ):
            compiled = query.compiled("sqlite")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **asked})
            [of_events] = [row[3] for row in plan if " events " in row[3]]
            index = f"SEARCH events USING COVERING INDEX {_BY_DOOR} (channel_id=? AND occurred_at>? AND occurred_at<?)"
            assert of_events == index


def test_one_persons_days_and_last_use_are_found_in_the_index_of_the_person(migrated_file: Path) -> None:
    asked = {"spans": "[[1, 0, 1, 0]]", "account_id": 1, "the_person": 1, "since": 0, "until": 1}
    unused = {"account_id": 1, "before": 1, "used_before": 1, "limit": 1, "offset": 0}
    with closing(sqlite3.connect(migrated_file)) as connection:
        for query, params in ((attendance_module._OF_PERSON, asked), (unused_module._PAGE, unused)):
            compiled = query.compiled("sqlite")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **params})
            of_events = [row[3] for row in plan if " events " in row[3]]
            assert of_events
            assert all(
                "ix_events_person_id_occurred_at_id_event_code_channel_id (person_id=?" in step for step in of_events
            )
