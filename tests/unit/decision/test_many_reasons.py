"""Of very many reasons the first few are told: an event must not grow with the number of somebody's bookings."""

from doorward.decision.engine import decide
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Channel, Credential, Directory, DoorState, Grant, Person, Presented, Snapshot
from doorward.decision.wording import MOST_REASONS, reasons_of

NOW = 1_772_442_000_000
HOUR = 3_600_000


def test_of_four_hundred_reservations_the_first_few_are_told_and_the_rest_are_counted() -> None:
    directory = Directory()
    roles = range(400)
    directory.put(
        Person(1, "Vera Visitor", "active", None, None, frozenset(roles), frozenset()), [Credential("card", "1")]
    )
    grants = {
        role: Grant(role, f"Reservation {role}", Timetable(Stretch(NOW + HOUR, NOW + 2 * HOUR), "UTC"), f"S{role}")
        for role in roles
    }
    snapshot = Snapshot(Channel(1, "Front door", "UTC", frozenset({"card"})), directory, grants)
    verdict = decide(snapshot, DoorState(), Presented(Credential("card", "1")), NOW)
    told = reasons_of(verdict)
    assert len(verdict.reasons) == 400
    assert len(told) == MOST_REASONS
    assert told[-1][1].endswith(" And 390 more.")
    assert sum(len(sentence) for _, sentence in told) < 3_000
