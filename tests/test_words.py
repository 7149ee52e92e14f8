"""Numbers as people say them."""

from __future__ import annotations

import pytest

from ibc_gym.words import count


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 episodes"), (1, "1 episode"), (2, "2 episodes")]
)
def test_one_of_a_thing_is_not_many(number: int, said: str) -> None:
    assert count(number, "episode") == said
