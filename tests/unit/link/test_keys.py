"""Enrolment's keys: who has the code agrees on keys with the other end, and nobody else does."""

import pytest

from doorward.link import keys

CODE = keys.EnrolmentCode("ABCDE", "FGH23JKM45NPQ67")
NONCES = bytes(range(64))


def test_a_code_is_read_however_it_is_typed() -> None:
    code = keys.new_code()
    text = str(code)
    assert len(text) == 23
    assert keys.parse_code(text) == code
    assert keys.parse_code(text.lower().replace("-", "")) == code
    assert keys.parse_code(f" {text.replace('-', ' ')} ") == code
    assert keys.parse_code("OIL00-00000-00000-00000") == keys.EnrolmentCode("01100", "0" * 15)


@pytest.mark.parametrize("text", ["", "ABCDE", "ABCDE-FGH23-JKM45-NPQ6", "ABCDE-FGH23-JKM45-NPQ6U", "ABCDE" * 5])
def test_what_is_no_code_is_none(text: str) -> None:
    assert keys.parse_code(text) is None


def test_the_secret_of_a_code_is_not_shown_by_accident() -> None:
    assert CODE.secret not in repr(CODE)
    agreed = keys.agree(CODE, keys.new_private_key(), keys.public_key_of(keys.new_private_key()), NONCES)
    assert agreed.link_key.hex() not in repr(agreed)


def test_both_ends_agree_on_the_same_keys_and_on_two_different_ones() -> None:
    one, other = keys.new_private_key(), keys.new_private_key()
    ours = keys.agree(CODE, one, keys.public_key_of(other), NONCES)
    theirs = keys.agree(CODE, other, keys.public_key_of(one), NONCES)
    assert ours == theirs
    assert ours.answer_key != ours.link_key


def test_whoever_lacks_the_code_or_alters_anything_agrees_on_nothing() -> None:
    one, other = keys.new_private_key(), keys.new_private_key()
    right = keys.agree(CODE, one, keys.public_key_of(other), NONCES)
    in_the_middle = keys.new_private_key()
    wrong_code = keys.EnrolmentCode("ABCDE", "FGH23JKM45NPQ68")
    for code, private_key, public_key, nonces in (
        (wrong_code, other, keys.public_key_of(one), NONCES),
        (CODE._replace(lookup="ABCDF"), other, keys.public_key_of(one), NONCES),
        (CODE, other, keys.public_key_of(in_the_middle), NONCES),
        (CODE, in_the_middle, keys.public_key_of(one), NONCES),
        (CODE, other, keys.public_key_of(one), NONCES[::-1]),
    ):
        agreed = keys.agree(code, private_key, public_key, nonces)
        assert agreed.link_key != right.link_key
        with pytest.raises(keys.WrongKey):
            keys.open_once(agreed.answer_key, keys.seal_once(right.answer_key, b"for the controller alone"))


def test_a_proof_is_good_for_its_code_key_and_nonce() -> None:
    public_key, nonce = keys.public_key_of(keys.new_private_key()), bytes(32)
    proof = keys.proof(CODE, public_key, nonce)
    assert keys.is_proof(CODE, public_key, nonce, proof)
    assert not keys.is_proof(CODE._replace(secret="0" * 15), public_key, nonce, proof)
    assert not keys.is_proof(CODE, public_key[::-1], nonce, proof)
    assert not keys.is_proof(CODE, public_key, bytes(31) + b"1", proof)
    assert not keys.is_proof(CODE, public_key, nonce, proof[:-1])


@pytest.mark.parametrize("public_key", [bytes(32), b"\x01" + bytes(31), b"short"], ids=["zero", "one", "short"])
def test_a_key_that_would_make_the_secret_known_is_refused(public_key: bytes) -> None:
    with pytest.raises(keys.WrongKey):
        keys.shared_secret(keys.new_private_key(), public_key)


def test_a_sealed_message_that_was_altered_or_cut_does_not_open() -> None:
    sealed = keys.seal_once(bytes(32), b"text")
    for broken in (sealed[:-1], bytes((sealed[0] ^ 1,)) + sealed[1:], b"", sealed + b"x"):
        with pytest.raises(keys.WrongKey):
            keys.open_once(bytes(32), broken)
