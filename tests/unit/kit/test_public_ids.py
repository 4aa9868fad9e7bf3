"""Ids on the wire: opaque, of one kind, and nothing else is one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.kit.public_ids import LARGEST_ID, decode, encode


@settings(derandomize=True)
@given(st.integers(0, LARGEST_ID))
def test_an_id_is_found_again_and_is_none_of_another_kind(number: int) -> None:
    public_id = encode("account", number)
    assert len(public_id) >= 9
    assert public_id.isalnum()
    assert decode("account", public_id) == number
    assert decode("credential", public_id) != number


@settings(derandomize=True)
@given(st.text(max_size=40) | st.text("0123456789", max_size=40))
def test_any_other_text_is_no_id_or_the_very_text_of_one(text: str) -> None:
    number = decode("account", text)
    assert number is None or encode("account", number) == text
