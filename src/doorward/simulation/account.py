"""Make the scenario's account: itself and its operator as `doorward account create` does, all else by the API."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from doorward.accounts.service import create_account
from doorward.applications.service import command_line_application
from doorward.credentials.types import ensure_default_types
from doorward.db.unit_of_work import Transaction
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import create_token
from doorward.simulation.api import Api
from doorward.simulation.ids import Ids
from doorward.simulation.reading import BadScenario
from doorward.simulation.scenario import Door, Person, Scenario
from doorward.simulation.times import duration
from doorward.simulation.windows import read_windows
from doorward.users.service import create_user

OPERATOR: Final = "operator@site.example"
_SCOPES: Final = " ".join(sorted(ALL_SCOPES))
_TOKEN_SECONDS: Final = 400 * 86_400
"""Longer than any scenario lasts."""
_DURESS: Final = {"label": "Duress PIN", "slug": "duress_pin", "kind": "duress"}


def found(transaction: Transaction, scenario: Scenario, now: int) -> tuple[int, str]:
    """An account with an operator who may do everything; gives its id and a token."""
    account_id = create_account(transaction, scenario.site, scenario.calendar.zone.key, now)
    ensure_default_types(transaction, account_id, now)
    operator = create_user(transaction, account_id, {"email": OPERATOR, "role": "owner"}, None, now)
    token = create_token(
        transaction,
        account_id=account_id,
        application_id=command_line_application(transaction, account_id, now).id,
        user_id=operator.id,
        scopes=_SCOPES,
        now=now,
        seconds=_TOKEN_SECONDS,
    )
    return account_id, token


async def furnish(api: Api, scenario: Scenario, account_id: int) -> Ids:
    """Make all that the scenario's site has. Raises BadScenario for what the product does not take."""
    return await _Furnishing(api, scenario, Ids(scenario.calendar, account_id)).all()


class _Furnishing:
    def __init__(self, api: Api, scenario: Scenario, ids: Ids) -> None:
        self._api = api
        self._scenario = scenario
        self._ids = ids

    async def all(self) -> Ids:
        """Each thing after those that it refers to."""
        scenario, ids = self._scenario, self._ids
        body: dict[str, Any]
        zone = scenario.calendar.zone.key
        ids.site_id = await self._new("/sites", "site", {"name": scenario.site, "time_zone": zone})
        for area in scenario.areas:
            ids.areas[area] = await self._new(f"/sites/{ids.site_id}/areas", f'area "{area}"', {"name": area})
        for holiday in scenario.holidays:
            body = {"day": holiday.day.isoformat(), "name": holiday.name}
            await self._new("/holidays", f'holiday "{holiday.name}"', body)
        for shift in scenario.shifts:
            body = {
                "name": shift.name,
                "windows": read_windows(shift.windows),
                "holidays": shift.holidays,
                "first_day": None if shift.first_day is None else shift.first_day.isoformat(),
                "last_day": None if shift.last_day is None else shift.last_day.isoformat(),
            }
            ids.shifts[shift.name] = await self._new("/shifts", f'shift "{shift.name}"', body)
        for door in scenario.doors:
            ids.doors[door.name] = await self._new("/channels", f'door "{door.name}"', self._door(door))
        for role in scenario.roles:
            body = {
                "name": role.name,
                "channel_ids": _ids(ids.doors, role.doors),
                "shift_id": _id(ids.shifts, role.shift),
            }
            ids.roles[role.name] = await self._new("/roles", f'role "{role.name}"', body)
        for group in scenario.groups:
            body = {"name": group.name, "role_ids": _ids(ids.roles, group.roles)}
            ids.groups[group.name] = await self._new("/groups", f'group "{group.name}"', body)
        if any(person.duress_pin for person in scenario.people):
            await self._new("/credential_types", "duress_pin", _DURESS)
        for person in scenario.people:
            ids.people[person.name] = await self._new("/people", f'person "{person.name}"', self._person(person))
        return ids

    def _door(self, door: Door) -> dict[str, Any]:
        ids = self._ids
        return {
            "name": door.name,
            "site_id": ids.site_id,
            "accepts": list(door.accepts),
            "two_factor": door.two_factor,
            "second_factor_ms": duration(door.second_factor),
            "pulse_ms": duration(door.pulse),
            "held_open_ms": duration(door.held_open),
            "held_open_warning_ms": duration(door.held_open_warning),
            "rex_held_ms": duration(door.rex_held),
            "relock_on_open": door.relock_on_open,
            "staleness_hours": door.staleness_hours or None,
            "auto_unlock_shift_id": _id(ids.shifts, door.auto_unlock),
            "first_person_in": door.first_person_in,
            "two_person": door.two_person,
            "two_person_ms": duration(door.two_person_within),
            "passback_mode": door.passback,
            "passback_minutes": door.passback_minutes,
            "area_from_id": _id(ids.areas, door.comes_from),
            "area_to_id": _id(ids.areas, door.leads_to),
        }

    def _person(self, person: Person) -> dict[str, Any]:
        ids, calendar = self._ids, self._scenario.calendar
        first, _, last = person.name.rpartition(" ")
        body: dict[str, Any] = {
            "first_name": first or last,
            "last_name": last,
            "enabled": person.enabled,
            "group_ids": _ids(ids.groups, person.groups),
            "role_ids": _ids(ids.roles, person.roles),
        }
        for name in ("valid_from", "valid_to"):
            time = getattr(person, name)
            if time is not None:
                body[name] = calendar.iso(time)
        held = (("card_number", person.card), ("pin", person.pin), ("duress_pin", person.duress_pin))
        return body | {slug: value for slug, value in held if value is not None}

    async def _new(self, path: str, what: str, body: Mapping[str, Any]) -> int:
        answer = await self._api.ask("POST", path, body)
        if answer.is_refusal:
            raise BadScenario(f"{self._scenario.name}: {what}: {answer.text}")
        made: int = answer.body["id"]
        return made


def _id(known: Mapping[str, int], name: str | None) -> int | None:
    return None if name is None else known[name]


def _ids(known: Mapping[str, int], names: Iterable[str]) -> list[int]:
    return [known[name] for name in names]
