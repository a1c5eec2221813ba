"""Signatures are those of Standard Webhooks 1.0, and nothing that was changed has a valid one."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_matt.contrib.webhooks.signatures import decode_secret, is_signed, make_secret, sign

# The vectors of the specification's reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
def test_the_vector_of_the_specification(secret):
    key = decode_secret(secret)
    assert sign(key, ID, TIME, BODY) == SIGNATURE
    assert is_signed([key], SIGNATURE, ID, TIME, BODY)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"v1,{OTHER} v2,{OTHER} {SIGNATURE} v1,{OTHER}", True),
        (f"v1,{OTHER} v1a,{SIGNATURE[3:]}", False),
        (SIGNATURE[:-2] + "A=", False),
        (SIGNATURE.replace("v1,", "v2,"), False),
        (SIGNATURE[3:], False),
        (SIGNATURE.rstrip("="), False),
        ("", False),
        ("v1,", False),
        ("v1,\udcff é", False),
        (" ".join([f"v1,{OTHER}"] * 16 + [SIGNATURE]), False),
    ],
)
def test_one_of_several_signatures_must_be_right(header, expected):
    assert is_signed([decode_secret(SECRET)], header, ID, TIME, BODY) is expected


def test_one_of_two_secrets_is_enough_and_none_is_not():
    keys = [decode_secret(make_secret()), decode_secret(SECRET)]
    assert is_signed(keys, SIGNATURE, ID, TIME, BODY)
    assert not is_signed(keys[:1], SIGNATURE, ID, TIME, BODY)
    assert not is_signed([], SIGNATURE, ID, TIME, BODY)


def test_secrets_are_random_and_long():
    made = {make_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(decode_secret(each)) for each in made} == {32}


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_not base64!", "whsec_" + base64.b64encode(b"x" * 23).decode()]
)
def test_these_secrets_are_refused(secret):
    with pytest.raises(ValueError, match="The secret of a webhook"):
        decode_secret(secret)


WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1
)


@settings(max_examples=40)
@given(
    key=st.binary(min_size=24, max_size=64),
    first=st.tuples(WORD, st.integers(0, 10**12), st.binary(max_size=200)),
    second=st.tuples(WORD, st.integers(0, 10**12), st.binary(max_size=200)),
)
def test_a_signature_is_valid_for_exactly_what_was_signed(key, first, second):
    assert is_signed([key], sign(key, *first), *first)
    assert is_signed([key], sign(key, *first), *second) is (first == second)


@settings(max_examples=40)
@given(body=st.binary(min_size=1, max_size=200), place=st.integers(0), bit=st.integers(0, 7))
def test_no_bit_of_the_body_may_change(body, place, bit):
    key = decode_secret(SECRET)
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit
    assert not is_signed([key], sign(key, ID, TIME, body), ID, TIME, bytes(changed))


@settings(max_examples=40)
@given(place=st.integers(0, len(SIGNATURE) - 1), letter=st.characters(codec="ascii"))
def test_no_character_of_the_signature_may_change(place, letter):
    changed = SIGNATURE[:place] + letter + SIGNATURE[place + 1 :]
    accepted = is_signed([decode_secret(SECRET)], changed, ID, TIME, BODY)
    assert accepted is (changed == SIGNATURE)
