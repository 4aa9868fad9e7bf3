"""A session begins between two ends that have the link's key, and between no others."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.link import keys
from doorward.link.frames import CONTROL, FrameRefused
from doorward.link.handshake import Answer, HandshakeFailed, Initiator, Offer, Responder

PROFILE = settings.get_profile("link")
KEY = bytes(range(32))


def test_both_ends_with_the_key_understand_each_other_with_fresh_keys_each_time() -> None:
    sealed = set()
    for _ in range(2):
        initiator = Initiator(7, KEY)
        responder = Responder(initiator.offer)
        assert responder.controller_id == 7
        answer, server = responder.session(KEY)
        controller = initiator.session(answer)
        frame = controller.seal(CONTROL, b"hello")
        sealed.add(frame)
        assert server.open(frame) == (CONTROL, b"hello")
        assert controller.open(server.seal(CONTROL, b"welcome")) == (CONTROL, b"welcome")
    assert len(sealed) == 2


def test_an_end_without_the_key_gets_as_far_as_its_first_frame() -> None:
    initiator = Initiator(7, bytes(32))
    answer, server = Responder(initiator.offer).session(KEY)
    controller = initiator.session(answer)
    with pytest.raises(FrameRefused):
        server.open(controller.seal(CONTROL, b"hello"))


def test_an_answer_that_somebody_put_another_key_into_is_of_no_use_to_them() -> None:
    initiator = Initiator(7, KEY)
    answer, server = Responder(initiator.offer).session(KEY)
    read = msgspec.msgpack.decode(answer, type=Answer)
    theirs = msgspec.structs.replace(read, public_key=keys.public_key_of(keys.new_private_key()))
    controller = initiator.session(msgspec.msgpack.encode(theirs))
    with pytest.raises(FrameRefused):
        server.open(controller.seal(CONTROL, b"hello"))


def test_a_session_of_before_cannot_be_played_again() -> None:
    initiator = Initiator(7, KEY)
    answer, _ = Responder(initiator.offer).session(KEY)
    frame = initiator.session(answer).seal(CONTROL, b"hello")
    _, again = Responder(initiator.offer).session(KEY)
    with pytest.raises(FrameRefused):
        again.open(frame)


@pytest.mark.parametrize(
    "changes",
    [{"protocol": 2}, {"public_key": b"short"}, {"nonce": b"short"}, {"public_key": bytes(32)}],
    ids=["another version", "a short key", "a short nonce", "a key that gives the secret away"],
)
def test_an_offer_that_is_none_is_refused(changes: dict[str, object]) -> None:
    offer = Offer(1, 7, keys.public_key_of(keys.new_private_key()), bytes(32))
    with pytest.raises(HandshakeFailed):
        Responder(msgspec.msgpack.encode(msgspec.structs.replace(offer, **changes))).session(KEY)


@settings(PROFILE)
@given(st.binary(max_size=2048))
def test_whatever_comes_first_is_refused_in_one_way(raw: bytes) -> None:
    with pytest.raises(HandshakeFailed):
        Responder(raw)
    with pytest.raises(HandshakeFailed):
        Initiator(7, KEY).session(raw)
