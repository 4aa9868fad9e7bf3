"""A frame is good once, in its place: everything else is refused, and why is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.link import frames
from doorward.link.frames import CONTROL, FrameRefused, Session, TooLong

PROFILE = settings.get_profile("link")
SECRET, TRANSCRIPT = bytes(range(32)), bytes(32)
DOOR, KEY = 7, b"k" * 32


def both_ends(secret: bytes = SECRET, key: bytes = KEY) -> tuple[Session, Session]:
    """The controller's, and the server's."""
    controller, server = Session(secret, TRANSCRIPT, "to server"), Session(secret, TRANSCRIPT, "to controller")
    for end in (controller, server):
        end.use_key(DOOR, key)
    return controller, server


def refusal(end: Session, frame: bytes) -> str:
    with pytest.raises(FrameRefused) as refused:
        end.open(frame)
    return refused.value.reason


def test_frames_open_in_order_in_every_box_and_direction() -> None:
    controller, server = both_ends()
    for number in range(3):
        for box in (CONTROL, DOOR):
            message = f"{number} {box}".encode()
            assert server.open(controller.seal(box, message)) == (box, message)
            assert controller.open(server.seal(box, message)) == (box, message)
    assert server.boxes == {DOOR}


def test_a_frame_that_came_before_is_a_replay() -> None:
    controller, server = both_ends()
    first, second = controller.seal(DOOR, b"one"), controller.seal(DOOR, b"two")
    server.open(first)
    assert refusal(server, first) == "replayed"
    server.open(second)
    assert refusal(server, first) == "replayed"


def test_a_frame_that_comes_too_early_shows_that_others_are_missing() -> None:
    controller, server = both_ends()
    controller.seal(DOOR, b"held back")
    assert refusal(server, controller.seal(DOOR, b"two")) == "out of order"


@settings(PROFILE)
@given(st.integers(0, 8 * 60 - 1))
def test_a_frame_in_which_any_bit_was_altered_does_not_open(bit: int) -> None:
    controller, server = both_ends()
    frame = bytearray(controller.seal(DOOR, b"open the door, please, to nobody"))
    bit %= 8 * len(frame)
    frame[bit // 8] ^= 1 << bit % 8
    assert refusal(server, bytes(frame)) in ("altered", "foreign")


@settings(PROFILE)
@given(st.integers(0, 60))
def test_a_frame_that_was_cut_does_not_open(length: int) -> None:
    controller, server = both_ends()
    frame = controller.seal(DOOR, b"open the door, please, to nobody")
    assert refusal(server, frame[: min(length, len(frame) - 1)]) in ("truncated", "altered")


def test_a_frame_of_another_session_channel_key_or_direction_does_not_open() -> None:
    controller, server = both_ends()
    of_other_session, _ = both_ends(secret=bytes(32))
    of_other_key, _ = both_ends(key=b"x" * 32)
    for other in (of_other_session, of_other_key):
        assert refusal(server, other.seal(DOOR, b"hello")) == "altered"
    assert refusal(server, server.seal(DOOR, b"sent back")) == "altered"
    controller.use_key(8, KEY)
    assert refusal(server, controller.seal(8, b"a channel that is not open")) == "foreign"
    elsewhere = bytearray(controller.seal(DOOR, b"hello"))
    elsewhere[1:9] = CONTROL.to_bytes(8, "big")
    assert refusal(server, bytes(elsewhere)) == "altered"


@settings(PROFILE)
@given(st.binary(max_size=80))
def test_whatever_comes_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    _, server = both_ends()
    assert refusal(server, raw) in ("truncated", "foreign", "altered")


def test_a_frame_that_is_too_long_is_neither_made_nor_read() -> None:
    controller, server = both_ends()
    with pytest.raises(TooLong):
        controller.seal(DOOR, bytes(frames.MOST_BYTES))
    assert refusal(server, bytes(frames.MOST_BYTES + 1)) == "too long"


def test_after_a_change_of_key_only_the_new_one_opens_and_numbers_go_on() -> None:
    controller, server = both_ends()
    server.open(controller.seal(DOOR, b"before"))
    old = controller.seal(DOOR, b"under the old key")
    server.open(old)
    for end in (controller, server):
        end.use_key(DOOR, b"n" * 32)
    assert refusal(server, old) == "altered"
    assert server.open(controller.seal(DOOR, b"after")).message == b"after"


def test_nothing_passes_a_box_that_was_closed() -> None:
    controller, server = both_ends()
    frame = controller.seal(DOOR, b"late")
    server.close_box(DOOR)
    assert refusal(server, frame) == "foreign"
    with pytest.raises(KeyError):
        server.seal(DOOR, b"no")


def test_a_box_that_comes_back_to_a_key_takes_nothing_that_was_sent_under_it_before() -> None:
    controller, server = both_ends(key=b"")
    old = server.seal(DOOR, b"from before")
    controller.open(old)
    for key in (KEY, b""):
        for end in (controller, server):
            end.use_key(DOOR, key)
    assert refusal(controller, old) == "replayed"
    assert server.seal(DOOR, b"from before")[17:] != old[17:], "no number is used twice under a key"


def test_a_box_that_is_opened_again_takes_nothing_from_before() -> None:
    controller, server = both_ends()
    old = server.seal(DOOR, b"from before")
    controller.open(old)
    for end in (controller, server):
        end.close_box(DOOR)
        end.use_key(DOOR, KEY)
    assert refusal(controller, old) == "replayed"
    assert controller.open(server.seal(DOOR, b"after")) == (DOOR, b"after")
