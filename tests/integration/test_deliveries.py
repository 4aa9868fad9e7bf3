"""What is to be told to applications: noted with what happens, taken under a lease, settled; on both databases."""

import json
from itertools import pairwise

import pytest

from doorward.audit.listing import Wanted, list_entries
from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.kit.pages import Page
from doorward.oauth.tokens import revoke_application_tokens
from doorward.people.service import delete_person, update_person
from doorward.webhooks import log, queue
from doorward.webhooks.queue import NOT_ENTITLED
from doorward.webhooks.retrying import Retries
from doorward.webhooks.sending import Outcome
from tests.support.services import other_account, write, write_sealed
from tests.support.webhooks import (
    EVENTS,
    PEOPLE,
    Listener,
    Recording,
    dispatcher,
    endpoint_of,
    happened,
    keep_tokens,
    listening,
    rows,
    send_all,
)
from tests.support.world import World

URL = "https://app.example/hook"
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.fixture
def world(database: Database, vault: Vault, clock: FixedClock) -> World:
    return World(database, vault, clock).build()


def test_an_event_and_its_deliveries_are_one(world: World) -> None:
    first, second = listening(world, URL), listening(world, URL)
    event_id = happened(world)
    perimeter = happened(world, 31)
    assert [(each.endpoint_id, each.resource_type, each.action, each.resource_id) for each in rows(world)] == [
        (first.endpoint_id, "Event", "CREATE", event_id),
        (second.endpoint_id, "Event", "CREATE", event_id),
        (first.endpoint_id, "PerimeterEvent", "CREATE", perimeter),
        (second.endpoint_id, "PerimeterEvent", "CREATE", perimeter),
    ]


def test_only_who_may_read_it_is_told(world: World, clock: FixedClock) -> None:
    told = listening(world, URL, EVENTS)
    listening(world, URL, "account.channel.readonly account.person.readonly")
    south, _ = world.user("viewer", site_ids=world.site_ids[1:])
    limited = listening(world, URL, EVENTS, south)
    revoked = listening(world, URL, EVENTS)
    world.database.write_now(lambda tx: revoke_application_tokens(tx, revoked.application_id, clock.now()))
    happened(world)
    assert [each.endpoint_id for each in rows(world)] == [told.endpoint_id]
    happened(world, channel_id=world.channel_ids[2], channel_name="Far door")
    assert [each.endpoint_id for each in rows(world)[1:]] == [told.endpoint_id, limited.endpoint_id]
    happened(world, account_id=other_account(world), channel_id=None, channel_name=None)
    happened(world, 103)
    assert len(rows(world)) == 3, "not of another account, nor of what concerns no door"
    clock.advance(2 * HOUR)
    happened(world)
    assert len(rows(world)) == 3, "a token that has expired is none"


def test_what_a_door_tells_too_late_is_on_record_only(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    late = clock.now() - 5 * MINUTE
    happened(world, is_replayed=True, occurred_at=late - 1)
    assert rows(world) == []
    happened(world, is_replayed=True, occurred_at=late)
    happened(world, occurred_at=late - 1)
    assert len(rows(world)) == 2


def test_what_may_not_be_told_any_more_is_not_sent(world: World, clock: FixedClock) -> None:
    listener, sender = listening(world, URL), Recording()
    happened(world)
    world.database.write_now(lambda tx: revoke_application_tokens(tx, listener.application_id, clock.now()))
    send_all(world, sender)
    assert sender.sent == []
    assert [(each.state, each.error, each.due_at) for each in rows(world)] == [("given_up", NOT_ENTITLED, None)]


def test_a_credential_is_told_of_when_it_is_given_changed_and_taken(world: World) -> None:
    listener, sender = listening(world, URL), Recording()
    ada = world.person("Grace", "Hopper", card_number="77")
    write_sealed(world, update_person, ada, {"card_number": "78"})
    write_sealed(world, update_person, ada, {"card_number": None, "pin": "90817"})
    write(world, delete_person, ada)
    card, pin = sorted({each.resource_id for each in rows(world)})
    assert [(each.resource_type, each.action, each.resource_id, each.parent_id) for each in rows(world)] == [
        ("PersonCredential", "CREATE", card, ada),
        ("PersonCredential", "UPDATE", card, ada),
        ("PersonCredential", "DESTROY", card, ada),
        ("PersonCredential", "CREATE", pin, ada),
        ("PersonCredential", "DESTROY", pin, ada),
    ]
    send_all(world, sender)
    assert [[each.id for each in sent] for _, sent in sender.sent] == [[1, 2, 3, 4, 5]], "in one request, in order"
    assert all(endpoint_id == listener.endpoint_id for endpoint_id, _ in sender.sent)


def test_who_may_read_only_events_is_told_of_no_credentials(world: World) -> None:
    listening(world, URL, EVENTS)
    listening(world, URL, "account.person.readonly")
    world.person("Grace", "Hopper", card_number="77")
    assert len(rows(world)) == 1


def test_what_did_not_arrive_is_sent_again_and_again_and_then_given_up(world: World, clock: FixedClock) -> None:
    listening(world, URL, f"{EVENTS} {PEOPLE}")
    sender = Recording(lambda _: Outcome("was answered with 500", 500))
    event_id, begun, at = happened(world), clock.now(), []
    while (due := rows(world)[0].due_at) is not None:
        clock.at = due
        keep_tokens(world)
        send_all(world, sender)
        at.append(due - begun)
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits == [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR]
    (row,) = rows(world)
    assert (row.state, row.attempts, row.status, row.error) == ("given_up", 8, 500, "was answered with 500")
    assert [sent[0].resource_id for _, sent in sender.sent] == [event_id] * 8


def test_what_is_told_of_one_thing_waits_for_what_was_told_before(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    sender = Recording(lambda _: Outcome("the connection failed"))
    ada = world.person("Grace", "Hopper", card_number="77")
    send_all(world, sender)
    write_sealed(world, update_person, ada, {"card_number": "78"})
    event_id = happened(world)
    sender.answer = lambda _: Outcome(None, 200)
    send_all(world, sender)
    assert [each.resource_id for each in sender.sent[-1][1]] == [event_id], "something else need not wait"
    clock.advance(5 * SECOND)
    send_all(world, sender)
    assert [each.action for each in sender.sent[-1][1]] == ["CREATE", "UPDATE"]
    assert {each.state for each in rows(world)} == {"delivered"}


def test_what_was_not_acknowledged_goes_along_with_what_comes_later(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    sender = Recording(awaits_acknowledgement=True)
    ada = world.person("Grace", "Hopper", card_number="77")
    send_all(world, sender)
    assert [(each.state, each.due_at) for each in rows(world)] == [("delivered", clock.now() + 5 * SECOND)]
    write_sealed(world, update_person, ada, {"card_number": "78"})
    send_all(world, sender)
    assert [[each.action for each in sent] for _, sent in sender.sent] == [["CREATE"], ["CREATE", "UPDATE"]]


def test_what_was_told_first_is_not_told_again_alone_after_what_came_later(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    sender = Recording(awaits_acknowledgement=True)
    ada = world.person("Grace", "Hopper", card_number="77")
    send_all(world, sender)
    clock.advance(5 * SECOND)
    send_all(world, sender)
    write_sealed(world, update_person, ada, {"card_number": "78"})
    send_all(world, sender)
    first, second = rows(world)
    assert (first.attempts, second.attempts) == (3, 1)
    assert first.due_at == second.due_at == clock.now() + 2 * MINUTE
    clock.advance(2 * MINUTE)
    send_all(world, sender)
    assert [[each.action for each in sent] for _, sent in sender.sent[2:]] == [["CREATE", "UPDATE"]] * 2


def test_what_comes_while_the_one_before_is_under_way_goes_after_it(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    ada = world.person("Grace", "Hopper", card_number="77")

    def answer(_: object) -> Outcome:
        if len(sender.sent) == 1:
            write_sealed(world, update_person, ada, {"card_number": "78"})
            return Outcome("was answered with 500", 500)
        if len(sender.sent) == 2:
            write_sealed(world, update_person, ada, {"card_number": "79"})
        return Outcome(None, 200)

    sender = Recording(answer, awaits_acknowledgement=True)
    send_all(world, sender)
    assert len(sender.sent) == 1, "it waits for the one that did not arrive"
    assert {each.at for each in world.database.read_now(queue.due)} == {clock.now() + 5 * SECOND}
    clock.advance(5 * SECOND)
    send_all(world, sender)
    assert [[each.id for each in sent] for _, sent in sender.sent] == [[1], [1, 2], [1, 2, 3]]


def test_what_is_under_way_is_not_sent_by_another_and_holds_what_comes_after(world: World, clock: FixedClock) -> None:
    listener = listening(world, URL)
    ada = world.person("Grace", "Hopper", card_number="77")
    now = clock.now()
    taken = world.database.write_now(lambda tx: queue.claim(tx, listener.endpoint_id, 20, "dead", now, now + 15_000))
    assert taken is not None
    write_sealed(world, update_person, ada, {"card_number": "78"})
    sender = Recording()
    send_all(world, sender)
    assert sender.sent == []
    clock.advance(15_000)
    send_all(world, sender)
    assert [[each.action for each in sent] for _, sent in sender.sent] == [["CREATE", "UPDATE"]]
    late = queue.Attempt(taken, Outcome("too late"), now, 1, False)
    world.database.write_now(lambda tx: queue.settle(tx, late, Retries(), [0.0], clock.now()))
    assert {each.state for each in rows(world)} == {"delivered"}, "who has lost the lease changes nothing"


def test_a_lease_that_is_renewed_is_not_taken_over(world: World, clock: FixedClock) -> None:
    listener = listening(world, URL)
    happened(world)
    now = clock.now()
    taken = world.database.write_now(lambda tx: queue.claim(tx, listener.endpoint_id, 20, "busy", now, now + 15_000))
    assert taken is not None
    clock.advance(14_000)
    world.database.write_now(lambda tx: queue.renew(tx, [taken.deliveries[0].id], clock.now() + 15_000))
    clock.advance(14_000)
    sender = Recording()
    assert send_all(world, sender) == 0


def test_one_that_an_endpoint_chokes_on_does_not_hold_the_others(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    poison = [happened(world) for _ in range(30)][3]
    sender = Recording(
        lambda sent: (
            Outcome("was answered with 500", 500)
            if any(each.resource_id == poison for each in sent)
            else Outcome(None, 200)
        )
    )
    send_all(world, sender)
    assert [len(sent) for _, sent in sender.sent] == [20, 10]
    clock.advance(5 * SECOND)
    send_all(world, sender)
    assert [len(sent) for _, sent in sender.sent[2:]] == [20]
    clock.advance(30 * SECOND)
    send_all(world, sender)
    assert [len(sent) for _, sent in sender.sent[3:]] == [1] * 20
    assert [each.resource_id for each in rows(world) if each.state != "delivered"] == [poison]


def test_an_endpoint_that_is_gone_is_told_nothing_more(world: World) -> None:
    listener = listening(world, URL)
    for _ in range(30):
        happened(world)
    sender = Recording(lambda _: Outcome("was answered with 410", 410, is_gone=True))
    send_all(world, sender)
    assert len(sender.sent) == 1
    assert _told(world, listener) == ["gone"]
    assert endpoint_of(world, listener).disabled_reason == "gone"
    assert {each.state for each in rows(world)} == {"given_up"}
    happened(world)
    assert len(rows(world)) == 30


def test_an_endpoint_that_asks_to_be_left_alone_is(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    happened(world)
    sender = Recording(lambda _: Outcome("was answered with 429", 429, retry_after_ms=2 * HOUR))
    send_all(world, sender)
    happened(world)
    clock.advance(HOUR - 1)
    sender.answer = lambda _: Outcome(None, 200)
    assert send_all(world, sender) == 0, "not even what is new"
    assert world.database.read_now(queue.due)[0].at == clock.now() + 1, "an hour is the most"
    clock.advance(1)
    keep_tokens(world)
    send_all(world, sender)
    assert {each.state for each in rows(world)} == {"delivered"}


def test_an_endpoint_that_fails_for_five_days_is_disabled_and_one_success_counts(
    world: World, clock: FixedClock
) -> None:
    listener = listening(world, URL)
    failing = Recording(lambda _: Outcome("could not be reached"))
    for day in (0, 2, 4):
        happened(world)
        send_all(world, failing)
        clock.advance(2 * DAY if day < 4 else 5 * SECOND)
        keep_tokens(world)
    send_all(world, Recording())
    assert endpoint_of(world, listener).failing_since is None, "it has answered well"
    happened(world)
    send_all(world, failing)
    clock.advance(5 * DAY - 1)
    keep_tokens(world)
    happened(world)
    send_all(world, failing)
    assert endpoint_of(world, listener).disabled_at is None
    clock.advance(1)
    happened(world)
    send_all(world, failing)
    assert endpoint_of(world, listener).disabled_reason == "failing"
    assert _told(world, listener) == ["failing"]
    assert world.database.read_now(queue.due) == []


def test_a_sender_that_breaks_is_a_failed_attempt(world: World) -> None:
    def broken(_: object) -> Outcome:
        raise RuntimeError("a fault")

    listening(world, URL)
    happened(world)
    send_all(world, Recording(broken))
    (row,) = rows(world)
    assert (row.state, row.attempts, row.error) == (
        "pending",
        1,
        "could not be sent: a fault of this server, which is in its log",
    )
    assert dispatcher(world).can_send("webhook")


def test_the_log_is_narrowed_down_by_kind_and_by_when_it_ends(world: World, clock: FixedClock) -> None:
    listening(world, URL)
    happened(world)
    clock.advance(SECOND)
    between = clock.now()
    happened(world, 31)

    def found(wanted: log.Wanted) -> list[str]:
        listed, total = world.database.read_now(
            lambda tx: log.list_deliveries(tx, world.account_id, wanted, Page(1, 500))
        )
        assert total == len(listed)
        return [each.resource_type for each in listed]

    assert found(log.Wanted()) == ["PerimeterEvent", "Event"]
    assert found(log.Wanted(resource_type="PerimeterEvent")) == ["PerimeterEvent"]
    assert found(log.Wanted(until=between)) == ["Event"]
    assert found(log.Wanted(since=between)) == ["PerimeterEvent"]


def _told(world: World, listener: Listener) -> list[object]:
    """Why the owner was told that the listener is told nothing more."""
    wanted = Wanted(resource_type="application", resource_id=listener.application_id, action="update")
    entries, _ = world.database.read_now(lambda tx: list_entries(tx, world.account_id, wanted, Page()))
    return [json.loads(entry.after or "{}").get("reason") for entry in entries]
