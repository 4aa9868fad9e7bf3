"""Frames are found in whatever comes in from a line."""

from hypothesis import given
from hypothesis import strategies as st

from doorward.drivers.osdp.frames import FrameReader

# osdp_ACK of the device at address 1, and what we asked it (osdp_POLL), as libosdp 3.2.9 puts them on the line.
ACK = bytes.fromhex("ff53810800 05 40 e3a7".replace(" ", ""))
POLL = bytes.fromhex("ff53010800 05 60 9ca1".replace(" ", ""))


def frame(address: int, length: int, mark: bool) -> bytes:
    body = bytes([0x53, address | 0x80, length & 255, length >> 8]) + bytes(length - 4)
    return b"\xff" * mark + body


FRAMES = st.builds(frame, st.integers(0, 126), st.integers(7, 254), st.booleans())
QUIET = st.binary(max_size=20).map(lambda noise: noise.replace(b"\x53", b"").replace(b"\xff", b""))


@given(st.lists(st.tuples(QUIET, FRAMES), max_size=5), st.lists(st.integers(1, 9), min_size=1))
def test_frames_come_out_whole_however_they_came_in(sent: list[tuple[bytes, bytes]], steps: list[int]) -> None:
    stream = b"".join(noise + whole for noise, whole in sent)
    reader = FrameReader()
    found: list[tuple[int, bytes]] = []
    position = 0
    for turn in range(len(stream)):
        step = steps[turn % len(steps)]
        found += reader.feed(stream[position : position + step])
        position += step
    assert [whole for _, whole in found] == [whole for _, whole in sent]
    assert all(address == whole[1 + (whole[0] == 0xFF)] & 0x7F for address, whole in found)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_noise_does_no_harm_and_is_not_kept(noise: list[bytes]) -> None:
    reader = FrameReader()
    for piece in noise:
        for address, whole in reader.feed(piece):
            assert 0 <= address <= 127
            assert len(whole) <= 255
    assert len(reader._buffer) <= 255
    reader.reset()
    assert reader.feed(ACK) == [(1, ACK)]


def test_what_we_sent_ourselves_is_not_a_reply() -> None:
    assert FrameReader().feed(POLL + ACK + POLL) == [(1, ACK)]


def test_the_rest_of_a_frame_that_was_given_up_is_not_waited_for() -> None:
    reader = FrameReader()
    assert reader.feed(ACK[:6]) == []
    reader.reset()
    assert reader.feed(ACK) == [(1, ACK)]
