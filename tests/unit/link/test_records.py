"""What a channel is told is enough to decide as the server does, and has one encoding."""

from dataclasses import fields
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.controller.setting import Setting
from doorward.decision.codes import DURESS, PIN
from doorward.decision.engine import decide, decide_person, decide_release, is_unlocked
from doorward.decision.snapshot import Credential, Directory, Grant, Person, Snapshot
from doorward.decision.verdict import Verdict
from doorward.link import records
from doorward.link.records import Hardware, RecordRefused, SettingRecord
from tests.unit.decision.naive import Site
from tests.unit.decision.strategies import Visit, compiled, instants, visits

SETTING = SettingRecord(5000, 30_000)
UNKNOWN = (20, 24)
PROFILE = settings.get_profile("link")


def told(site: Site) -> Snapshot:
    """The channel's snapshot as its controller has it: through records and bytes."""
    grants = {grant.role_id: grant for grant in site.grants}
    channel_raw = records.encode(records.channel_record(site.channel, grants, SETTING, Hardware()))
    directory = Directory()
    for person, held in site.people:
        record = records.person_record(person, held, grants)
        if record is not None:
            directory.put(*records.person_of(records.decode_person(records.encode(record))))
    channel, known = records.channel_of(records.decode_channel(channel_raw))
    return Snapshot(channel, directory, known)


def of_grant(grant: Grant | None) -> object:
    """A grant but for holidays that its shift does not ask for: those are not told."""
    if grant is None:
        return None
    shift = grant.shift and (grant.shift.rule, grant.shift.zone)
    return grant.role_id, grant.role_name, shift, grant.shift_name


def as_value(verdict: Verdict) -> tuple[object, ...]:
    reasons = tuple((each.code, of_grant(each.grant), each.kind, each.instant, each.count) for each in verdict.reasons)
    return verdict.event_code, verdict.admitted, verdict.person_id, verdict.person_name, reasons, verdict.duress


def without_shared(site: Site) -> Site:
    """What the database holds to: no two people have one credential, unless those who had it before are deleted."""
    taken: set[tuple[str, str]] = set()
    people: list[tuple[Person, tuple[Credential, ...]]] = []
    for person, held in site.people:
        kept = []
        for credential in held:
            typed = (PIN if credential.kind == DURESS else credential.kind, credential.value)
            if person.status == "deleted" or typed not in taken:
                kept.append(credential)
            if person.status != "deleted":
                taken.add(typed)
        people.append((person, tuple(kept)))
    return Site(tuple(people), site.channel, site.grants)


def has_role_here(site: Site, person: Person) -> bool:
    here = {grant.role_id for grant in site.grants}
    return bool(here & set(person.roles)) or any(here & set(each.roles) for each in person.memberships)


@settings(PROFILE)
@given(visits())
def test_who_has_a_role_here_is_decided_about_as_by_the_server_and_strangers_are_unknown(visit: Visit) -> None:
    site = without_shared(visit.site)
    at_server, at_door = compiled(site), told(site)
    first = visit.presented.first
    holder = at_server.directory.holder(first.kind, first.value)
    is_stranger = holder is not None and not has_role_here(site, holder)
    for at in instants(visit):
        by_server = decide(at_server, visit.state, visit.presented, at)
        by_door = decide(at_door, visit.state, visit.presented, at)
        if is_stranger:
            assert by_door.admitted == by_server.admitted
            assert by_door.event_code in (by_server.event_code, *UNKNOWN)
        else:
            assert as_value(by_door) == as_value(by_server)
        assert as_value(decide_release(at_door, visit.state, at)) == as_value(
            decide_release(at_server, visit.state, at)
        )
        assert is_unlocked(at_door, visit.state, at) == is_unlocked(at_server, visit.state, at)


@settings(PROFILE)
@given(visits())
def test_a_remote_admission_of_somebody_is_decided_about_as_by_the_server(visit: Visit) -> None:
    at_server, at_door = compiled(visit.site), told(visit.site)
    for person, _ in visit.site.people:
        for at in instants(visit)[::3]:
            by_server = decide_person(at_server, visit.state, person.id, at)
            by_door = decide_person(at_door, visit.state, person.id, at)
            if has_role_here(visit.site, person):
                assert as_value(by_door) == as_value(by_server)
            else:
                assert (by_door.admitted, by_door.event_code) == (by_server.admitted, by_server.event_code)


@settings(PROFILE)
@given(visits(), st.randoms(use_true_random=False))
def test_equal_values_have_equal_bytes_whatever_their_order(visit: Visit, random: Random) -> None:
    grants = {grant.role_id: grant for grant in visit.site.grants}
    for person, held in visit.site.people:
        mixed = list(held)
        random.shuffle(mixed)
        roles, memberships = list(person.roles), list(person.memberships)
        random.shuffle(roles)
        random.shuffle(memberships)
        other = person._replace(roles=tuple(roles), memberships=tuple(memberships))
        one, two = records.person_record(person, held, grants), records.person_record(other, mixed, set(grants))
        assert one == two
        if one is not None and two is not None:
            assert records.encode(one) == records.encode(two)
            assert records.decode_person(records.encode(one)) == one


@settings(PROFILE)
@given(st.binary(max_size=200))
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    for decode in (records.decode_person, records.decode_channel):
        try:
            decode(raw)
        except RecordRefused:
            continue


def test_a_door_is_told_all_that_can_be_set_at_it() -> None:
    """What the controller's logic goes by and no record says would never be set."""
    assert {field.name for field in fields(Setting)} == set(SettingRecord.__struct_fields__)
