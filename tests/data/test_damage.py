"""Damage is told in few words that leave nothing out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.data.damage import Damage, by_segment, left_out


def damage(segment: str, episode: int | None) -> Damage:
    return Damage(segment=segment, episode=episode, reason=f"{segment} {episode}")


def test_what_is_left_out_is_counted() -> None:
    assert left_out([]) == "Left out: nothing, all is whole."
    found = [damage("a", 1), damage("b", None)]
    assert left_out(found) == ("Left out: 1 damaged episode and 1 segment that cannot be opened.")


@given(st.sets(st.integers(0, 30), min_size=1))
def test_runs_of_episodes_name_every_one_and_no_other(numbers: set[int]) -> None:
    ((segment, words, reason),) = by_segment(damage("a", number) for number in sorted(numbers))
    named: set[int] = set()
    for run in words.split(", "):
        first, *last = map(int, run.split(" to "))
        named |= set(range(first, (last or [first])[0] + 1))
    assert named == numbers
    assert (segment, reason) == ("a", f"a {min(numbers)}")


def test_every_segment_is_named_once() -> None:
    found = [damage("a", 3), damage("b", None), damage("a", 4)]
    assert by_segment(found) == [("a", "3 to 4", "a 3"), ("b", "all", "b None")]
