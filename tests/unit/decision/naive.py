"""The rules of "Who may open a door" (behaviour.md) read literally: slow, plain, and sharing no code with the engine.

Of the engine only its input types are used, as data. Time is read off a wall clock (datetime and zoneinfo), people and
roles are gone through one by one. Where the engine and this reading differ, one of them is wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from doorward.decision.shifts import Stretch, Timetable, Window
from doorward.decision.snapshot import Channel, Credential, DoorState, Grant, Person, Presented

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ADMITTED = {"card": 10, "pin": 11, "aux": 14, "apple": 17, "google": 18, None: 15}


@dataclass(frozen=True)
class Site:
    """One door and everybody who might come to it."""

    people: tuple[tuple[Person, tuple[Credential, ...]], ...]
    channel: Channel
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Answer:
    """A verdict, as far as the rules say what it is.

    `roles` are those that the reasons name; `until` those of them that a group reservation gives, and how long.
    """

    code: int
    admitted: bool
    person_id: int | None
    reasons: frozenset[str]
    roles: frozenset[int] = frozenset()
    until: frozenset[tuple[int, int]] = frozenset()
    duress: bool = False


def answer_credential(site: Site, state: DoorState, presented: Presented, at: int) -> Answer:
    answer = answer_presented(site, state, presented, at)
    typed = [credential.value for credential in presented[:2] if credential is not None and credential.kind == "pin"]
    for value in typed:
        if answer.person_id is not None and person_under_duress(site, value) == answer.person_id:
            answer = replace(answer, duress=True)
    return explain(site, state, answer, at)


def answer_presented(site: Site, state: DoorState, presented: Presented, at: int) -> Answer:
    kind = presented.first.kind
    person = who(site, presented.first)
    known = None if person is None else person.id
    everybody = answer_for_everybody(site, state, kind, known, at)
    if everybody is not None:
        return everybody
    if person is None:
        return refuse(24 if kind == "pin" else 20, None, "unknown_credential")
    if kind not in site.channel.accepts:
        return refuse(26, known, "type_not_accepted")
    answer = answer_by_name(site, state, person, kind, at)
    if answer.admitted and site.channel.two_factor:
        answer = answer_two_factors(site, state, presented, person, answer)
    if answer.admitted and site.channel.two_person:
        return answer_two_people(site, state, person, answer, at)
    return answer


def answer_person(site: Site, state: DoorState, person_id: int, at: int) -> Answer:
    return explain(site, state, answer_asked(site, state, person_id, at), at)


def answer_asked(site: Site, state: DoorState, person_id: int, at: int) -> Answer:
    people = [person for person, _ in site.people if person.id == person_id]
    known = person_id if people else None
    everybody = answer_for_everybody(site, state, None, known, at)
    if everybody is not None:
        return everybody
    if not people:
        return refuse(27, None, "person_unknown")
    return answer_by_name(site, state, people[0], None, at)


def answer_release(site: Site, state: DoorState, at: int) -> Answer:
    return answer_for_everybody(site, state, None, None, at) or admit(15, None, "released_remotely")


def answer_exit(state: DoorState) -> Answer:
    if state.rex_lockdown:
        return refuse(30, None, "rex_lockdown")
    return admit(13, None, "leaving")


def stands_open(site: Site, state: DoorState, at: int) -> str | None:
    """Why the door is open to everybody, if it is."""
    if state.tampered or state.card_lockdown:
        return None
    if state.unlocked and (state.unlocked_until is None or at < state.unlocked_until):
        return "unlock_mode"
    if site.channel.auto_unlock is not None and is_open(site.channel.auto_unlock, at):
        return None if nobody_has_come(site, state, at) else "auto_unlock"
    return None


def nobody_has_come(site: Site, state: DoorState, at: int) -> bool:
    """Whether the auto-unlock shift, which is open, waits for the first person since it has opened."""
    shift, first = site.channel.auto_unlock, state.first_person_at
    if not site.channel.first_person_in or shift is None:
        return False
    return first is None or not first <= at or not is_open(shift, first) or closes(shift, first) <= at


def explain(site: Site, state: DoorState, answer: Answer, at: int) -> Answer:
    """Who is refused while the door waits for the first person is told so; not in a lockdown, or when tampered with."""
    shift = site.channel.auto_unlock
    if answer.admitted or answer.code in (22, 23) or shift is None or not is_open(shift, at):
        return answer
    if nobody_has_come(site, state, at):
        return replace(answer, reasons=answer.reasons | {"first_person_missing"})
    return answer


def answer_for_everybody(site: Site, state: DoorState, kind: str | None, known: int | None, at: int) -> Answer | None:
    if state.tampered:
        return refuse(23, known, "tampered")
    if state.aux_lockdown and kind == "aux":
        return refuse(22, known, "aux_lockdown")
    if state.card_lockdown and kind != "aux":
        return refuse(22, known, "card_lockdown")
    why = stands_open(site, state, at)
    if why is not None:
        return admit(16, known, why)
    if site.channel.staleness_ms is not None and state.confirmed_at is not None:
        age = at - state.confirmed_at
        if age > site.channel.staleness_ms:
            return refuse(29, known, "stale")
    return None


def answer_by_name(site: Site, state: DoorState, person: Person, kind: str | None, at: int) -> Answer:
    why_not = barred_everywhere(person, at)
    if why_not is not None:
        return refuse(27, person.id, why_not)

    for_a_time = held_for_a_time(person, at)
    here = [grant for grant in site.grants if grant.role_id in person.roles or grant.role_id in for_a_time]
    if not here:
        why = ["no_role_here"]
        if any(at < start and has_role_of(site, roles) for roles, start, end in person.memberships if start < end):
            why.append("not_yet_in_group")
        return refuse(27, person.id, *why)
    granting = [grant for grant in here if grant.shift is None or is_open(grant.shift, at)]
    if not granting:
        return refuse(21, person.id, "out_of_hours", roles=[grant.role_id for grant in here], until=for_a_time)

    lasting = [grant.role_id for grant in granting if grant.role_id not in for_a_time]
    first = min(lasting or [grant.role_id for grant in granting])
    again = passed_back(site.channel, state, person, at)
    if again == "passed_back":
        return refuse(28, person.id, again)
    reasons = ["role_grants"] if again is None else ["role_grants", again]
    return admit(ADMITTED[kind], person.id, *reasons, roles=[first], until=for_a_time)


def held_for_a_time(person: Person, at: int) -> dict[int, int]:
    """The roles that only group reservations give at an instant, and until when."""
    found: dict[int, int] = {}
    for roles, start, end in person.memberships:
        for role_id in roles:
            if start <= at < end and role_id not in person.roles and found.get(role_id, end) <= end:
                found[role_id] = end
    return found


def has_role_of(site: Site, roles: Iterable[int]) -> bool:
    return any(grant.role_id in set(roles) for grant in site.grants)


def barred_everywhere(person: Person, at: int) -> str | None:
    if person.status != "active":
        return f"person_{person.status}"
    if person.valid_from is not None and not person.valid_from <= at:
        return "not_yet_valid"
    if person.valid_to is not None and not at < person.valid_to:
        return "no_longer_valid"
    return None


def passed_back(channel: Channel, state: DoorState, person: Person, at: int) -> str | None:
    if channel.passback is None or person.id not in state.presence:
        return None
    where = state.presence[person.id]
    if channel.passback.mode == "timed":
        until = where.since + channel.passback.minutes * 60 * 1000
        return "passed_back" if where.area == channel.area_to and at < until else None
    if where.area == channel.area_from:
        return None
    return "passed_back" if channel.passback.mode == "hard" else "passed_back_noted"


def answer_two_factors(site: Site, state: DoorState, presented: Presented, person: Person, answer: Answer) -> Answer:
    second = presented.second
    if second is not None and second.kind == "aux" and state.aux_lockdown:
        return refuse(22, person.id, "aux_lockdown")
    if second is not None and second.kind != "aux" and state.card_lockdown:
        return refuse(22, person.id, "card_lockdown")

    others = {"card", "aux", "apple", "google"} if presented.first.kind == "pin" else {"pin"}
    wanted = others & site.channel.accepts
    enrolled = {kind for holder_, held in site.people if holder_.id == person.id for kind, _ in held}
    if "duress" in enrolled:
        enrolled.add("pin")
    if not enrolled & wanted:
        return refuse(73, person.id, "second_factor_missing")
    if second is None or presented.gap_ms < 0 or presented.gap_ms > site.channel.second_factor_ms:
        return refuse(72, person.id, "second_factor_late")
    owner = who(site, second)
    if second.kind not in wanted or owner is None or owner.id != person.id:
        return refuse(71, person.id, "second_factor_wrong")
    return admit(70, person.id, *answer.reasons, "second_factor_right", roles=answer.roles, until=dict(answer.until))


def answer_two_people(site: Site, state: DoorState, person: Person, answer: Answer, at: int) -> Answer:
    """Two different people, the second no later than some seconds after the first."""
    first = state.waiting
    in_time = first is not None and first.since <= at <= first.since + site.channel.two_person_ms
    if first is not None and first.person_id != person.id and in_time:
        return replace(answer, reasons=answer.reasons | {"second_person"})
    return refuse(25, person.id, "second_person_missing")


def who(site: Site, credential: Credential) -> Person | None:
    """Whose credential it is that a reader reports; nobody's PIN may be somebody's duress PIN."""
    owner = holder(site, credential)
    if credential.kind != "pin" or (owner is not None and owner.status != "deleted"):
        return owner
    forced = holder(site, Credential("duress", credential.value))
    if owner is None or (forced is not None and forced.status != "deleted"):
        return forced
    return owner


def person_under_duress(site: Site, pin: str) -> int | None:
    """The id of the person whose duress PIN this is, unless the PIN is somebody's."""
    owner = who(site, Credential("pin", pin))
    if owner is None:
        return None
    held = [held for person, held in site.people if person.id == owner.id]
    return None if any(Credential("pin", pin) in credentials for credentials in held) else owner.id


def holder(site: Site, credential: Credential) -> Person | None:
    """Whose credential it is: somebody's who is not deleted, else a deleted person's; of several the newest."""
    having = [person for person, held in site.people if credential in held]
    living = [person for person in having if person.status != "deleted"]
    found = None
    for person in living or having:
        if found is None or person.id > found.id:
            found = person
    return found


def is_open(shift: Timetable, at: int) -> bool:
    """Whether a shift is open when the clock on the wall shows what it shows at the instant `at`."""
    if isinstance(shift.rule, Stretch):
        return shift.rule.start <= at < shift.rule.end
    wall = wall_clock(shift.zone, at)
    today = wall.date()
    for day in (today, before(today)):
        for window in shift.rule.windows:
            if applies(shift, window, day):
                midnight = datetime.combine(day, time.min)
                begins = midnight + timedelta(minutes=window.start)
                ends = midnight + timedelta(minutes=window.end)
                if begins <= wall < ends:
                    return True
    return False


@lru_cache(maxsize=256)
def closes(shift: Timetable, first: int) -> int:
    """When a shift that is open at an instant closes; looked for step by step, for some days.

    Clocks have been off UTC by multiples of 30 seconds since 1970.
    """
    if isinstance(shift.rule, Stretch):
        return shift.rule.end
    step = 30_000
    at = first // step * step + step
    while at < first + 6 * 86_400_000 and is_open(shift, at):
        at += step
    return at


def wall_clock(zone: str, at: int) -> datetime:
    return (EPOCH + timedelta(milliseconds=at)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def applies(shift: Timetable, window: Window, day: date) -> bool:
    """Whether a window begins on a day."""
    rule = shift.rule
    if isinstance(rule, Stretch):
        return False
    number = (day - EPOCH.date()).days
    if rule.first_day is not None and number < rule.first_day:
        return False
    if rule.last_day is not None and number > rule.last_day:
        return False
    if rule.holidays == "replace" and number in shift.holidays:
        return 7 in window.days
    return day.weekday() in window.days


def before(day: date) -> date:
    return day - timedelta(days=1)


def refuse(
    code: int,
    person_id: int | None,
    *reasons: str,
    roles: Iterable[int] = (),
    until: Mapping[int, int] = MappingProxyType({}),
) -> Answer:
    named = frozenset(roles)
    return Answer(code, False, person_id, frozenset(reasons), named, only(until, named))


def admit(
    code: int,
    person_id: int | None,
    *reasons: str,
    roles: Iterable[int] = (),
    until: Mapping[int, int] = MappingProxyType({}),
) -> Answer:
    named = frozenset(roles)
    return Answer(code, True, person_id, frozenset(reasons), named, only(until, named))


def only(until: Mapping[int, int], named: frozenset[int]) -> frozenset[tuple[int, int]]:
    return frozenset((role_id, end) for role_id, end in until.items() if role_id in named)
