from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.hardware.teleop.keys import PATIENCE, KeyParser

KNOWN = {
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1b[A": "up",
    b"\x1bOB": "down",
    b"\x1b[1;5C": "right",
    b"w": "w",
    b"W": "w",
    b"\r": "enter",
    b" ": "space",
    b"\x7f": "backspace",
}


@pytest.mark.parametrize(("typed", "key"), KNOWN.items())
def test_key_has_its_name(typed: bytes, key: str) -> None:
    assert KeyParser().feed(typed, 0.0) == [key]


@given(
    st.lists(st.sampled_from(sorted(KNOWN)), max_size=8),
    st.lists(st.integers(min_value=0, max_value=50), max_size=10),
)
def test_keys_are_the_same_however_their_bytes_are_cut(typed: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(typed)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parser, heard = KeyParser(), []
    for start, end in pairwise(edges):
        heard += parser.feed(stream[start:end], 0.0)
    assert heard == [KNOWN[each] for each in typed]


@given(st.binary(max_size=40))
def test_any_bytes_are_taken_and_nothing_stays_behind(typed: bytes) -> None:
    parser = KeyParser()
    heard = parser.feed(typed, 0.0) + parser.feed(b"", PATIENCE)
    assert parser.feed(b"", 10 * PATIENCE) == []
    assert all(isinstance(key, str) and key for key in heard)
    assert parser.feed(b"w", 20 * PATIENCE) == ["w"]


def test_escape_alone_is_known_after_a_moment_and_an_arrow_that_comes_late_is_an_arrow() -> None:
    parser = KeyParser()
    assert parser.feed(b"\x1b", 1.0) == []
    assert parser.feed(b"", 1.0 + PATIENCE) == ["escape"]
    assert parser.feed(b"\x1b[", 2.0) == []
    assert parser.feed(b"C", 2.0 + PATIENCE / 2) == ["right"]


def test_escape_is_not_lost_when_more_is_typed_at_once() -> None:
    assert KeyParser().feed(b"\x1by", 0.0) == ["escape", "y"]
    assert KeyParser().feed(b"\x1b\x1b[C", 0.0) == ["escape", "right"]


def test_sequences_without_a_name_are_passed_over() -> None:
    assert KeyParser().feed(b"\x1b[15~\x1b[3~a\x1b[200~d", 0.0) == ["a", "d"]
    assert KeyParser().feed("é€".encode(), 0.0) == []
