"""Who has which credential, after any sequence of changes."""

from collections.abc import Iterable
from contextlib import suppress
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.snapshot import Credential, Directory, Membership, Person
from tests.unit.decision.strategies import CREDENTIALS, PERSON_IDS, ROLE_IDS

PROFILE = settings.get_profile("decision")
CARD = Credential("card", "1")

Entry = tuple[Person, tuple[Credential, ...]]

some_roles = st.frozensets(st.sampled_from(ROLE_IDS), max_size=3)
memberships = st.lists(st.builds(Membership, some_roles, st.integers(0, 3), st.integers(0, 3)), max_size=2)
entries = st.builds(
    lambda person_id, status, roles, held, for_a_time: (
        person_of(person_id, status, roles)._replace(memberships=tuple(for_a_time)),
        tuple(held),
    ),
    st.sampled_from(PERSON_IDS),
    st.sampled_from(("active", "disabled", "deleted")),
    some_roles,
    st.lists(st.sampled_from(CREDENTIALS[:6]), max_size=4),
    memberships,
)
changes = st.lists(st.one_of(entries, entries, st.sampled_from(PERSON_IDS)), max_size=25)


def person_of(person_id: int, status: str = "active", roles: Iterable[int] = ()) -> Person:
    assert status in {"active", "disabled", "deleted"}
    return Person(person_id, f"Person {person_id}", status, None, None, frozenset(roles), frozenset())  # type: ignore[arg-type]


def known(directory: Directory) -> tuple[dict[int, Person], dict[Credential, Person | None]]:
    return directory.people, {credential: directory.find(*credential) for credential in CREDENTIALS}


@settings(PROFILE, max_examples=500)
@given(changes, st.randoms(use_true_random=False))
def test_a_changed_directory_is_as_one_built_afresh(sequence: list[Entry | int], random: Random) -> None:
    changed, left = Directory(), dict[int, Entry]()
    for change in sequence:
        if isinstance(change, int):
            changed.remove(change)
            left.pop(change, None)
        else:
            changed.put(*change)
            left[change[0].id] = change
    fresh, order = Directory(), list(left.values())
    random.shuffle(order)
    for person, held in order:
        fresh.put(person, held)
    assert known(changed) == known(fresh)


@settings(PROFILE)
@given(changes)
def test_a_credential_is_found_exactly_while_somebody_has_it(sequence: list[Entry | int]) -> None:
    directory, left = Directory(), dict[int, Entry]()
    for change in sequence:
        if isinstance(change, int):
            directory.remove(change)
            left.pop(change, None)
        else:
            directory.put(*change)
            left[change[0].id] = change
        for credential in CREDENTIALS:
            holder = directory.find(*credential)
            having = {person.id for person, held in left.values() if credential in held}
            assert (None if holder is None else holder.id in having) == (True if having else None)
            assert holder is None or holder is directory.people[holder.id]


def test_the_kinds_that_a_person_has_are_those_of_their_credentials() -> None:
    directory = Directory()
    directory.put(person_of(1), [CARD, Credential("pin", "4711")])
    assert directory.people[1].kinds == {"card", "pin"}


def test_a_deleted_person_gives_way_to_whoever_has_their_card_now() -> None:
    directory = Directory()
    directory.put(person_of(1), [CARD])
    directory.put(person_of(9, "deleted"), [CARD])
    assert directory.find(*CARD) == directory.people[1]


def test_of_two_people_with_the_same_card_it_is_the_newer_one_s() -> None:
    for order in ((1, 2), (2, 1)):
        directory = Directory()
        for person_id in order:
            directory.put(person_of(person_id), [CARD])
        assert directory.find(*CARD) == directory.people[2]


def test_a_card_goes_back_to_a_deleted_person_once_nobody_else_has_it() -> None:
    directory = Directory()
    directory.put(person_of(1, "deleted"), [CARD])
    directory.put(person_of(2), [CARD])
    directory.remove(2)
    assert directory.find(*CARD) == directory.people[1]


def test_a_card_listed_twice_is_gone_with_its_holder() -> None:
    directory = Directory()
    directory.put(person_of(1), [CARD, CARD])
    directory.remove(1)
    assert directory.find(*CARD) is None


def test_a_pin_is_its_holder_s_and_only_else_somebody_s_duress_pin() -> None:
    directory = Directory()
    directory.put(person_of(1), [Credential("duress", "4711")])
    assert directory.holder("pin", "4711") == directory.people[1]
    assert directory.find("pin", "4711") is None
    directory.put(person_of(2), [Credential("pin", "4711")])
    assert directory.holder("pin", "4711") == directory.people[2]
    directory.put(person_of(2, "deleted"), [Credential("pin", "4711")])
    assert directory.holder("pin", "4711") == directory.people[1]
    directory.put(person_of(1, "deleted"), [Credential("duress", "4711")])
    assert directory.holder("pin", "4711") == directory.people[2]


def test_removing_nobody_changes_nothing() -> None:
    directory = Directory()
    directory.put(person_of(1), [CARD])
    directory.remove(2)
    assert directory.find(*CARD) == directory.people[1]


def test_a_list_of_credentials_that_cannot_be_read_leaves_everything_as_it_was() -> None:
    def broken() -> Iterable[Credential]:
        yield Credential("card", "2")
        raise OSError

    directory = Directory()
    directory.put(person_of(1), [CARD])
    with suppress(OSError):
        directory.put(person_of(1, "disabled"), broken())
    assert directory.find(*CARD) == directory.people[1]
    assert directory.people[1].status == "active"
    assert directory.find("card", "2") is None


def test_people_with_the_same_roles_share_one_set_of_them() -> None:
    directory = Directory()
    directory.put(person_of(1, roles=[1000, 2000]), [])
    directory.put(person_of(2, roles=[2000, 1000]), [])
    assert directory.people[1].roles is directory.people[2].roles
    directory.put(person_of(3)._replace(memberships=(Membership({2000, 1000}, 0, 1),)), [])
    assert directory.people[3].memberships[0].roles is directory.people[1].roles


def test_sets_of_roles_that_nobody_has_any_longer_are_not_kept_for_ever() -> None:
    directory = Directory()
    for role_id in range(10_000):
        directory.put(person_of(1, roles=[role_id]), [])
    assert len(directory._interned) < 2_000
    assert len(directory._role_ids) < 2_000
    assert directory.people[1].roles == (9_999,)
