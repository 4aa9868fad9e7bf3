"""The sums by which both ends know that they have the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.link.content import MOST_BUCKETS, Content, buckets_for, differing, packed

PROFILE = settings.get_profile("link")
people = st.dictionaries(st.integers(1, 5_000), st.binary(min_size=1, max_size=8), max_size=40)


def content_of(records: dict[int, bytes], channel: bytes = b"door") -> Content:
    content = Content()
    content.set_channel(channel)
    for person_id, record in records.items():
        content.add(person_id, record)
    return content


@settings(PROFILE)
@given(people, people)
def test_sums_that_were_kept_up_are_those_that_are_counted_anew(
    before: dict[int, bytes], after: dict[int, bytes]
) -> None:
    content = content_of(before)
    for person_id, record in before.items():
        content.remove(person_id, record)
    assert content.digest() == content_of({}).digest()
    for person_id, record in after.items():
        content.add(person_id, record)
    assert content.digest() == content_of(after).digest()
    assert content.sums(MOST_BUCKETS) == content_of(after).sums(MOST_BUCKETS)


@settings(PROFILE)
@given(people, people)
def test_different_content_has_another_digest(one: dict[int, bytes], other: dict[int, bytes]) -> None:
    assert (content_of(one).digest() == content_of(other).digest()) == (set(one.values()) == set(other.values())) or (
        len(one) != len(set(one.values())) or len(other) != len(set(other.values()))
    )
    assert content_of(one).digest() != content_of(one, b"another door").digest()


@settings(PROFILE)
@given(people, people, st.sampled_from((1, 2, 8, 64, MOST_BUCKETS)))
def test_whoever_differs_is_in_a_bucket_that_differs(
    ours: dict[int, bytes], theirs: dict[int, bytes], buckets: int
) -> None:
    found = set(differing(content_of(ours).sums(buckets), packed(content_of(theirs).sums(buckets))))
    different = {each for each in ours.keys() | theirs.keys() if ours.get(each) != theirs.get(each)}
    assert found >= {each % buckets for each in different if _alone(each, buckets, ours, theirs)}
    assert found <= {each % buckets for each in different}


def _alone(person_id: int, buckets: int, ours: dict[int, bytes], theirs: dict[int, bytes]) -> bool:
    """Two in one bucket who have exchanged their records are not seen; their ids are in real ones."""
    return sum(each % buckets == person_id % buckets for each in ours.keys() | theirs.keys()) == 1


def test_a_copy_goes_its_own_way() -> None:
    content = content_of({1: b"one"})
    copy = content.copy()
    copy.add(2, b"two")
    assert (content.people, copy.people) == (1, 2)
    assert content.digest() == content_of({1: b"one"}).digest()


def test_there_are_as_many_buckets_as_tell_people_apart() -> None:
    found = [buckets_for(number) for number in (0, 1, 31, 32, 1_000, 100_000, 10_000_000)]
    assert found == [1, 1, 1, 2, 32, MOST_BUCKETS, MOST_BUCKETS]
    assert all(each & (each - 1) == 0 for each in found)
