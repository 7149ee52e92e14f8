"""What every environment that can be saved and restored keeps, of whichever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ibc_gym.testing.bits import flat

Moves = list[int]
"""What is done one after another; what each number means, `play` knows."""

BEFORE_BETWEEN_AFTER: tuple[tuple[Moves, Moves, Moves], ...] = (
    ([1, 0], [], [2, 3]),
    ([1], [0, 2], [3, 4]),
)
"""Tried every time: something unusual (0) just before a snapshot, and between it and its return."""


class Restorable(Protocol):
    """An environment that can be saved and restored."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, Any]:
        """Begin an episode."""

    def save(self) -> Any:
        """Everything that the rest of the episode depends on."""

    def restore(self, snapshot: Any) -> tuple[Any, Any]:
        """Go on from there."""


EnvT = TypeVar("EnvT", bound=Restorable)


def assert_any_moment_can_be_gone_on_from(
    env: EnvT,
    another: EnvT,
    play: Callable[[EnvT, Moves], Sequence[Any]],
    *,
    kinds: int,
    max_examples: int,
) -> None:
    """Save anywhere in an episode, do other things, restore: here and elsewhere all goes on as it went.

    Args:
        env: Where it is saved.
        another: One made alike.
        play: Makes moves in one of them; gives what was seen of them.
        kinds: How many moves there are.
        max_examples: How many episodes are tried.
    """
    moves = st.lists(st.integers(0, kinds - 1), max_size=6)

    @settings(
        max_examples=max_examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(st.integers(0, 99), moves, moves, moves)
    def check(seed: int, before: Moves, between: Moves, after: Moves) -> None:
        env.reset(seed=seed)
        play(env, before)
        saved = env.save()
        ahead = play(env, after)
        play(env, between)
        for each in (env, another):
            each.restore(saved)
            assert play(each, after) == ahead
        assert flat(env.reset()) == flat(another.reset())  # the generator was saved, too

    for before, between, after in BEFORE_BETWEEN_AFTER:
        check = example(seed=1, before=before, between=between, after=after)(check)
    check()
