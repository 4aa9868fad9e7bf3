"""The site while it is played: the server, the controllers at its doors, and what is to be known of them."""

import asyncio
from pathlib import Path
from typing import Final

import httpx

from doorward.db.unit_of_work import Database
from doorward.decision.snapshot import Presence
from doorward.simulation.account import found, furnish
from doorward.simulation.api import Answer, Api
from doorward.simulation.clocks import SiteClock
from doorward.simulation.ids import Ids
from doorward.simulation.judging import DoorNow
from doorward.simulation.reading import OUTSIDE
from doorward.simulation.record import Record, Recorded, Tally, tally
from doorward.simulation.scenario import Scenario
from doorward.simulation.server import SiteServer
from doorward.simulation.stations import AtDoor, Station, Unpowered
from doorward.simulation.timeline import Happened

_SETTLES_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.005


class Site:
    """A scenario's site, with the real product around it. `begin` makes one."""

    def __init__(self, scenario: Scenario, clock: SiteClock, server: SiteServer) -> None:
        self.server = server
        self.stations: list[Station] = []
        self.ids = Ids(scenario.calendar, 0)
        self._scenario = scenario
        self._clock = clock
        self._first_event = 0
        """The last that is of the site's making."""
        self._seen_event = 0
        self._database: Database | None = None
        self._api: Api | None = None

    async def begin(self, directory: Path) -> None:
        """Start the server, make the account, enrol the controllers. Raises BadScenario."""
        scenario, now = self._scenario, self._clock.now()
        self.server.prepare()
        await self.server.start()
        self._database = self.server.open_database()
        account_id, token = self._database.write_now(lambda transaction: found(transaction, scenario, now))
        self._api = Api(self.server.base_url, token)
        self.ids = await furnish(self._api, scenario, account_id)
        for controller in scenario.controllers:
            station = Station(
                controller.name, directory / f"controller-{len(self.stations) + 1}", self._clock, self.server.port
            )
            self.stations.append(station)
            names = {self.ids.doors[door]: door for door in controller.doors}
            code = await self.ask("POST", "/controllers/codes", {"channel_ids": list(names)})
            await station.enrol(code.body["code"], names)
        await self.settle()
        self.drain()
        self._first_event = self._seen_event

    async def end(self) -> None:
        """Put everything away."""
        for station in self.stations:
            await station.stop()
        if self._api is not None:
            await self._api.close()
        await self.server.stop()
        if self._database is not None:
            await asyncio.to_thread(self._database.close)

    def station(self, door: str) -> Station:
        """The controller at a door."""
        channel_id = self.ids.doors[door]
        return next(station for station in self.stations if channel_id in station.channel_ids)

    def controller(self, name: str) -> Station:
        """The controller of a name."""
        return next(station for station in self.stations if station.name == name)

    async def tick(self) -> None:
        """Let everybody do what time demands, after it has jumped."""
        for station in self.stations:
            station.confirm()
            station.tick()
        await self.server.tick()

    def next_due(self) -> int | None:
        """When time will demand something next."""
        now = self._clock.now()
        due = [station.next_due() for station in self.stations]
        due += [
            self.server.loses_at(self._record.standing(channel_id).last_seen_at)
            for station in self.stations
            if not station.is_linked
            for channel_id in station.channel_ids
        ]
        return min((instant for instant in due if instant is not None and instant > now), default=None)

    async def settle(self) -> bool:
        """Wait until all that can reach each other have, and all that cannot have noticed.

        Then all that has been changed is confirmed, and all that has happened is on record. False if it takes too long.
        """
        try:
            async with asyncio.timeout(_SETTLES_WITHIN_S):
                while not self._is_settled():  # noqa: ASYNC110 - both ends have a say in it, and the record
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return False
        return True

    def _is_settled(self) -> bool:
        if not self.server.is_at_rest:
            return False  # what it has still to write would be of a later time, once the clock has gone on
        presence = self._record.presence()
        return all(self._is_in_step(station, presence) for station in self.stations)

    def _is_in_step(self, station: Station, presence: dict[int, Presence]) -> bool:
        is_heard = self.server.hears(station.controller_id)
        if not (self.server.is_running and station.is_powered and not station.network.is_cut):
            return not (station.is_linked or is_heard)
        if not (station.is_linked and is_heard) or station.waiting:
            return False
        return station.agrees(presence) and self._record.is_confirmed(station.channel_ids)

    def drain(self) -> list[AtDoor]:
        """What has happened since this was asked last, in order."""
        found = []
        for event in self._record.events(self._seen_event):
            self._seen_event = event.id
            if event.controller_id is None and event.channel_id is not None:
                found.append(AtDoor(event.at, event.channel_id, Happened(event.code, event.label, event.reasons)))
        found += [told for station in self.stations for told in station.drain()]
        return sorted(found, key=lambda told: (told.at, told.channel_id))

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request of the operator's; 503 where nobody answers."""
        if self._api is None:
            raise RuntimeError("the site has not begun")
        try:
            return await self._api.ask(method, path, body)
        except httpx.TransportError:
            return Answer(503, "the server does not answer")

    # What is to be known for judging.

    async def door_now(self, door: str) -> DoorNow:
        """A door at this moment."""
        station, channel_id, now = self.station(door), self.ids.doors[door], self._clock.now()
        hardware = station.driver.door(channel_id)
        released = station.driver.is_released(channel_id)
        try:
            alarm = station.door(channel_id).alarm
        except Unpowered:
            alarm = None
        standing = self._record.standing(channel_id)
        return DoorNow(
            "unlocked" if released and hardware.mode == "unlocked" else "released" if released else "locked",
            "open" if hardware.is_open else "closed",
            alarm,
            hardware.last_feedback,
            standing.is_online(now),
            standing.sync(now),
        )

    def is_controller_online(self, controller: str) -> bool:
        """Whether the server hears the controller."""
        now, station = self._clock.now(), self.controller(controller)
        return all(self._record.standing(channel_id).is_online(now) for channel_id in station.channel_ids)

    def waiting(self, controller: str) -> int:
        """How many events it has still to send."""
        return self.controller(controller).waiting

    def place_of(self, person: str) -> str | None:
        """In which area somebody is; None: it is not known."""
        presence = self._record.presence().get(self.ids.people[person])
        return None if presence is None else self.ids.area_named(presence.area) or OUTSIDE

    def on_record(self) -> list[Recorded]:
        """The events on record since the site was made, in the order in which they were recorded."""
        return self._record.events(self._first_event)

    def tally(self) -> Tally:
        """How complete the record is."""
        told = {station.controller_id: station.number_told for station in self.stations}
        return tally(self._record.events(), self.on_record(), told)

    @property
    def _record(self) -> Record:
        if self._database is None:
            raise RuntimeError("the site has not begun")
        return Record(self._database, self.ids.account_id)
