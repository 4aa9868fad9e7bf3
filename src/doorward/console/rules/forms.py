"""The form of a rule, and the body that the API would take: actions by kind, hours by row."""

from collections.abc import Mapping
from typing import Any, Final

from doorward.console.forms import Sent
from doorward.notification_rules.rule import (
    CALL_BACK,
    CONSOLE,
    DOOR_CONTROLLER,
    EMAIL,
    PERSON_GROUP,
    REPLAYED,
    SLACK,
    TIME_OF_DAY,
    NotificationRule,
    addresses_of,
)

_MOST_ROWS: Final = 50
_SPARE_ROWS: Final = 1


def body_of_form(form: Sent) -> dict[str, object]:
    """What the form says, as the body of the API."""
    lists = ("match_event_codes", "match_controller_ids", "match_group_ids")
    body = form.body(texts=("name",), flags=("active", "include_replayed"), ids=lists)
    times = [row for place in range(_MOST_ROWS) if (row := _row(form, place))]
    return {**body, "match_times": times, "actions": _actions(form)}


def _row(form: Sent, place: int) -> dict[str, object]:
    days = form.texts(f"days_{place}")
    start, end = form.text(f"start_{place}").strip(), form.text(f"end_{place}").strip()
    if not (days or start or end):
        return {}
    # A field of time has no 24:00: midnight as an end is the end of the day.
    return {"days": days, "start": start, "end": "24:00" if end == "00:00" else end}


def _actions(form: Sent) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [{"kind": "post", "url": url} for url in form.text("post").split()]
    if addresses := form.text("email").replace(",", " ").replace(";", " ").split():
        found.append({"kind": "email", "addresses": addresses})
    found += [{"kind": "slack", "url": url} for url in form.text("slack").split()]
    if form.text("console"):
        found.append({"kind": "console"})
    return found


def body_of_rule(rule: NotificationRule) -> dict[str, object]:
    """The body that makes a rule of the same; what changes is put over it."""
    values = values_of(rule)
    actions: list[dict[str, object]] = []
    for action in rule.actions:
        if action.type == EMAIL:
            actions.append({"kind": "email", "addresses": addresses_of(action)})
        elif action.type == CONSOLE:
            actions.append({"kind": "console"})
        else:
            actions.append({"kind": "slack" if action.type == SLACK else "post", "url": action.data})
    return {
        "name": rule.name,
        "active": rule.active,
        "match_event_codes": list(rule.event_codes),
        "match_controller_ids": values["match_controller_ids"],
        "match_group_ids": values["match_group_ids"],
        "match_times": [{**row, "days": list(row["days"])} for row in values["times"]],
        "include_replayed": values["include_replayed"],
        "actions": actions,
    }


def values_of(rule: NotificationRule) -> dict[str, Any]:
    """What the form of a rule holds; `times` are the rows of hours."""
    data: dict[int, list[str]] = {}
    for action in rule.actions:
        data.setdefault(action.type, []).append(action.data)
    return {
        "name": rule.name,
        "active": rule.active,
        "match_event_codes": list(rule.event_codes),
        "match_controller_ids": [int(value) for value in rule.values(DOOR_CONTROLLER)],
        "match_group_ids": [int(value) for value in rule.values(PERSON_GROUP)],
        "include_replayed": bool(rule.values(REPLAYED)),
        "times": [_hours(value) for value in rule.values(TIME_OF_DAY)],
        "post": "\n".join(data.get(CALL_BACK, [])),
        "email": "\n".join(address for each in data.get(EMAIL, []) for address in each.split(", ")),
        "slack": "\n".join(data.get(SLACK, [])),
        "console": CONSOLE in data,
    }


def _hours(value: str) -> dict[str, Any]:
    days, _, hours = value.partition(" ")
    start, _, end = hours.partition("-")
    return {"days": days.split(","), "start": start, "end": end}


def rows_of(values: Mapping[str, Any], form: Sent | None) -> list[dict[str, Any]]:
    """The rows of hours that the form shows: those of the rule, or as they were sent, and an empty one."""
    if form is None:
        rows = list(values.get("times", ()))
    else:
        sent = [
            {
                "days": form.texts(f"days_{place}"),
                "start": form.text(f"start_{place}"),
                "end": form.text(f"end_{place}"),
            }
            for place in range(_MOST_ROWS)
        ]
        rows = [row for row in sent if any(row.values())]
    empty: dict[str, Any] = {"days": [], "start": "", "end": ""}
    return [*rows, *[dict(empty) for _ in range(_SPARE_ROWS)]]
