"""A person is erased: the record still proves itself, and nothing says who it was."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import LargeBinary, insert, literal, select, text, update

from doorward.db.compacting import compact
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.erasure.service import erase_more, erase_person
from doorward.erasure.texts import Names, contains, only_what_is_kept, speaks_of, without
from doorward.erasure.traces import find_traces
from doorward.events.service import Event, record_all
from doorward.events.verification import verify
from doorward.imports.complaints import Complaint
from doorward.imports.service import begin, finish
from doorward.kit.errors import NotFound
from doorward.schema import metadata
from doorward.webhooks.tables import deliveries, delivery_attempts
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.services import other_account
from tests.support.webhooks import listening
from tests.support.world import World

NAMES = ("Wilhelmina", "Qvistgaard", "Oldname", "wilhelmina@q.example", "before@q.example", "+4520304050")
SECRETS = ("77889900112", "5566778", "904751")
"""Two cards, the first of which they have no more, and a PIN."""
NOTES = "allergic to cats and keypads"


def everything(world: World) -> str:
    """All rows of all tables, as text."""

    def read(tx: Transaction) -> str:
        parts = []
        for table in metadata.tables.values():
            columns = [column for column in table.c if not isinstance(column.type, LargeBinary)]
            rows = tx.all(Query(select(*columns), lambda *values: "|".join(map(str, values))))
            parts += [f"{table.name}: {row}" for row in rows]
        if tx.backend == "sqlite":
            parts += tx.all(Query(text("SELECT rowid || email_key FROM search_people"), str))
        return "\n".join(parts)

    return world.database.read_now(read)


def lived(world: World, api: httpx.Client) -> int:
    """Somebody who has left traces everywhere; gives their id."""
    body = {
        "first_name": "Oldname",
        "last_name": "Qvistgaard",
        "email": "before@q.example",
        "telephone": "+4520304050",
        "notes": NOTES,
        "card_number": "77889900112",
        "pin": "904751",
    }
    made = api.post("/api/3/people", json=body, headers={"Idempotency-Key": "once"}).json()
    person: int = made["id"]
    renamed = {"first_name": "Wilhelmina", "email": "wilhelmina@q.example", "card_number": "5566778"}
    assert api.put(f"/api/3/people/{person}", json=renamed).status_code == 201
    front, now = world.channel_ids[0], world.clock.now()
    admitted = api.post(f"/api/3/channels/{front}/admit_person", json={"person_id": person})
    assert admitted.status_code in (202, 403)
    theirs = Event(world.account_id, 10, now, front, "Front door", person, "Wilhelmina Qvistgaard", "5566778")
    before = Event(world.account_id, 10, now, front, "Front door", person, "Oldname Qvistgaard", "77889900112")
    nobodys = [
        Event(world.account_id, 20, now, front, "Front door", credential="77889900112"),
        Event(world.account_id, 10, now, front, "Front door", person_name="Oldname Qvistgaard"),
        Event(world.account_id, 10, now, front, "Front door", world.person_id, "Ada Lovelace", "1234"),
    ]
    why = (("text", "Wilhelmina Qvistgaard came."),)

    def write(tx: Transaction) -> None:
        record_all(tx, [before, theirs, *nobodys, Event(world.account_id, 27, now, person_id=person, reasons=why)], now)
        tried = begin(tx, world.account_id, None, 1, now, dry_run=True)
        said = Complaint(2, "email", "wilhelmina@q.example is already in use on your account")
        finish(tx, tried._replace(state="failed", errors=(said,), errors_total=1), now)

    world.database.write_now(write)
    written_down(world, api, front)
    return person


def written_down(world: World, api: httpx.Client, front: int) -> None:
    """What others have written of them: an operator about an alarm, a server in its answer to a webhook."""
    listening(world, "https://app.example/hook")
    forced = Event(world.account_id, 33, world.clock.now(), front, "Front door")
    world.database.write_now(lambda tx: record_all(tx, [forced], world.clock.now()))
    [alarm] = api.get("/api/3/alarms").json()
    note = {"text": "Wilhelmina Qvistgaard\nleft it \\open"}
    assert api.post(f"/api/3/alarms/{alarm['id']}/notes", json=note).status_code == 201
    told = select(deliveries.c.id, literal(0), literal(5), literal(200), literal('{"got": "Oldname Qvistgaard"}'))
    add = insert(delivery_attempts).from_select(["delivery_id", "at", "took_ms", "status", "answer"], told.limit(1))
    assert world.database.write_now(lambda tx: tx.run(Query[None](add))) == 1
    refused = "the mail server takes nothing for these addresses: 5.1.1 <wilhelmina@q.example> is unknown"
    failed = [Query[None](update(table).values(error=refused)) for table in (deliveries, delivery_attempts)]
    assert all(world.database.write_now(lambda tx: [tx.run(each) for each in failed]))


def test_nothing_says_who_it_was_and_the_record_proves_itself(
    world: World, api: httpx.Client, tmp_path: Path, database_url: str
) -> None:
    person = lived(world, api)
    before = everything(world)
    assert all(each in before for each in (*NAMES, "77889900112", "5566778", NOTES))
    count = world.database.read_now(lambda tx: verify(tx, world.account_id)).events
    answer = api.post(f"/api/3/people/{person}/erasure")
    assert (answer.status_code, answer.json()) == (200, {"person_id": person, "erased": True})
    after = everything(world)
    assert [each for each in (*NAMES, *SECRETS, NOTES) if each in after] == []
    assert "Ada" in after
    assert "1234" in after
    verdict = world.database.read_now(lambda tx: verify(tx, world.account_id))
    assert (verdict.findings, verdict.events) == ([], count + 1)
    assert verdict.erased >= 4
    assert api.get(f"/api/3/people/{person}").status_code == 404
    [listed] = [each for each in api.get("/api/3/people?since=2020-01-01").json() if each["id"] == person]
    assert (listed["first_name"], listed["last_name"], listed["deleted"]) == ("Erased", f"person {person}", True)
    shown = api.get(f"/api/3/events?person_id={person}&event_codes=10").json()
    assert [(each["person_name"], each["credentials_number"]) for each in shown] == [(None, None)] * 2
    [said] = api.get("/api/3/events?event_codes=110").json()
    assert (said["event_label"], said["person_id"]) == ("A person has been erased from the record", person)
    if world.database.backend == "sqlite":
        compact(database_url)
        files = b"".join(file.read_bytes() for file in tmp_path.glob("doorward.db*"))
        assert b"Lovelace" in files
        assert [each for each in (*NAMES, *SECRETS, NOTES) if each.encode() in files] == []


def test_many_events_are_erased_in_steps_and_again_what_came_later(world: World) -> None:
    now, person = world.clock.now(), world.person_id
    event = Event(world.account_id, 10, now, person_id=person, person_name="Ada Lovelace", credential="1234")
    world.database.write_now(lambda tx: record_all(tx, [event] * 7, now))

    def erase() -> list[int]:
        traces = world.database.read_now(lambda tx: find_traces(tx, world.vault, world.account_id, person))
        account = world.account_id
        steps = [world.database.write_now(lambda tx: erase_person(tx, account, person, traces, now, most=3))]
        while not steps[-1].is_last:
            steps.append(world.database.write_now(lambda tx: erase_more(tx, account, person, traces, now, most=3)))
        return [step.events for step in steps]

    assert erase() == [3, 3, 1]
    world.database.write_now(lambda tx: record_all(tx, [event], now))
    assert erase() == [1, 0]
    assert erase() == [0, 0]
    verdict = world.database.read_now(lambda tx: verify(tx, world.account_id))
    assert (verdict.findings, verdict.events, verdict.erased) == ([], 12, 8)
    assert "Lovelace" not in everything(world)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_recorded_while_somebody_is_erased_names_them_no_more(world: World) -> None:
    now, person, account = world.clock.now(), world.person_id, world.account_id
    event = Event(account, 10, now, person_id=person, person_name="Ada Lovelace", credential="1234")
    world.database.write_now(lambda tx: record_all(tx, [event], now))
    traces = world.database.read_now(lambda tx: find_traces(tx, world.vault, account, person))
    waits = Query(text("SELECT count(*) FROM pg_locks WHERE NOT granted"), number)

    def record_late() -> list[int]:
        return world.database.write_now(lambda tx: record_all(tx, [event], now))

    def erase(transaction: Transaction) -> bool:
        step = erase_person(transaction, account, person, traces, now)
        recording = pool.submit(record_late)
        given_up = time.monotonic() + 30
        while not (transaction.one(waits) or recording.done() or time.monotonic() > given_up):
            time.sleep(0.01)
        return step.is_last

    with ThreadPoolExecutor(1) as pool:
        assert not world.database.write_now(erase)
        step = world.database.write_now(lambda tx: erase_more(tx, account, person, traces, now))
    assert (step.events, step.is_last) == (1, True)
    assert "Lovelace" not in everything(world)


def test_who_may_erase(served: Served, world: World) -> None:
    url = f"/api/3/people/{world.person_id}/erasure"
    for role, site_ids in (("operator", None), ("admin", world.site_ids[:1])):
        _, token = world.user(role, site_ids=site_ids)
        with served.client(token) as client:
            assert client.post(url).status_code == 403
    with served.client(world.new_token(world.owner_id, "account.person")) as client:
        assert client.post(url).status_code == 403
    _, token = world.user("admin")
    with served.client(token) as client:
        assert client.post("/api/3/people/99999/erasure").status_code == 404
        assert client.post(url).status_code == 200


def test_nobody_of_another_account_is_erased(world: World) -> None:
    other = other_account(world)
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: find_traces(tx, world.vault, other, world.person_id))


def test_the_command_wants_to_be_meant(doorward: Commands) -> None:
    made = doorward.json("person", "create", "--first-name", "Ida", "--last-name", "Holm", "--card", "424242")
    assert "--yes" in doorward.refusal("person", "erase", made["id"])
    assert doorward.json("person", "erase", made["id"], "--yes") == {"person_id": made["id"], "events": 0}
    assert doorward("events", "verify")[0] == 0
    assert "there is no person 99" in doorward.refusal("person", "erase", 99, "--yes")
    assert doorward("db", "compact")[0] == 0


def test_texts_lose_names_as_words_and_nothing_else() -> None:
    names = Names(5, frozenset({"Al Li"}), frozenset({"al@li.example"}), frozenset())
    assert not contains(names, '{"name": "Cal Lindon"}')
    assert not contains(names, '{"person_id": 51, "person_name": "X"}')
    assert not contains(names, None)
    for text_ in ('{"note": "for AL LI"}', '{"e": "al@li.example"}', '{"person_id": 5, "person_name": "X"}'):
        assert contains(names, text_)
        assert not contains(names, without(names, text_).replace("person_name", ""))
    assert without(names, '[{"person_id": 5, "person_name": "X"}]') == (
        '[{"person_id": 5, "person_name": "Erased person 5"}]'
    )
    assert contains(Names(5, frozenset({'O "X" Y'}), frozenset(), frozenset()), '{"note": "O \\"X\\" Y"}')
    assert speaks_of(names, '{"first_name": "Al", "last_name": "Li"}')
    assert not speaks_of(names, '{"id": 7}')
    kept = only_what_is_kept('{"first_name": "Al", "group_ids": [1], "notes": null, "enabled": true}')
    assert kept == '{"first_name": "erased", "group_ids": [1], "notes": null, "enabled": true}'


ERASED = {
    *("people", "credentials", "images", "presences", "person_groups", "person_roles", "events", "admission_requests"),
    *("audit_log", "people_imports", "idempotency_keys", "alarm_notes", "delivery_attempts"),
}
"""Tables from which somebody is erased, or which delete_person() leaves without them."""
OF_NOBODY = {
    *("accounts", "applications", "areas", "authorization_codes", "changes", "channel_reports"),
    *("channels", "confirmations", "controllers", "credential_types", "enrolment_codes", "event_chains"),
    *("event_erasures", "group_reservation_groups", "group_reservations", "group_roles", "groups", "holidays"),
    *("installation", "notification_rules", "people_tallies", "rate_counts", "recovery_codes"),
    *("refresh_tokens", "reservations", "role_channels", "roles", "sessions", "shifts", "site_ips"),
    *("sign_in_attempts", "sites", "token_families", "tokens", "usage_counts", "user_sites", "users"),
    *("alarms", "deliveries", "endpoints", "event_tallies", "event_tally_heads"),
    *("notifications", "notification_marks", "notification_reads"),
}
"""Tables that hold numbers of people at most: no name, address or credential of anybody who opens doors."""


def test_of_every_table_it_is_known_whether_it_names_people() -> None:
    """A new table belongs to one of the two; if it names people, erasure.places or erasure.service needs it, too."""
    assert set(metadata.tables) == ERASED | OF_NOBODY
