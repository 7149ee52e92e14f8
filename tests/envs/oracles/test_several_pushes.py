"""Several blocks: which one is pushed now, and around what."""

from __future__ import annotations

import numpy as np

from ibc_gym.envs.oracles.several_pushes import SeveralPushes
from ibc_gym.records import Float64

WITHIN = ((0.15, -0.5), (0.70, 0.5))
ORDER = np.array([[0, 1]])
GOALS = np.array([[[0.3, 0.2], [0.5, 0.2]]])
FIRST = np.ones(1, dtype=np.bool_)


def pushes() -> SeveralPushes:
    made = SeveralPushes(0.1, WITHIN, there=0.02, lost=0.036)
    made.reset(FIRST)
    return made


def way(pushing: SeveralPushes, tip: tuple[float, float], *blocks: tuple[float, float]) -> Float64:
    """Where the next step leads, (2,)."""
    move = pushing.move(np.array([tip]), np.array([blocks]), np.zeros((1, 2)), GOALS, ORDER)
    towards: Float64 = move[0] / np.linalg.norm(move[0])
    return towards


def heads_for(direction: Float64, tip: tuple[float, float], place: tuple[float, float]) -> bool:
    straight = np.array(place) - tip
    return bool(direction @ straight / np.linalg.norm(straight) > 0.999)


TIP = (0.4, -0.4)
WAITING = ((0.3, -0.2), (0.5, -0.2))
BEHIND = ((0.3, -0.25), (0.5, -0.25))


def test_blocks_are_pushed_in_the_order_wanted() -> None:
    assert heads_for(way(pushes(), TIP, *WAITING), TIP, BEHIND[0])
    second = pushes().move(
        np.array([TIP]), np.array([WAITING]), np.zeros((1, 2)), GOALS, ORDER[:, ::-1]
    )
    assert heads_for(second[0] / np.linalg.norm(second[0]), TIP, BEHIND[1])


def test_placed_block_stays_placed_until_it_is_lost() -> None:
    pushing = pushes()
    assert heads_for(way(pushing, TIP, (0.3, 0.175), WAITING[1]), TIP, (0.3, 0.125))  # not yet
    assert heads_for(way(pushing, TIP, (0.3, 0.185), WAITING[1]), TIP, BEHIND[1])
    assert heads_for(way(pushing, TIP, (0.3, 0.170), WAITING[1]), TIP, BEHIND[1])  # brushed
    assert heads_for(way(pushing, TIP, (0.3, 0.160), WAITING[1]), TIP, (0.3, 0.110))  # lost


def test_block_is_pushed_around_the_other() -> None:
    """The other stands on the straight way, a little to the right: the way leads past it on the left."""
    pushing = pushes()
    tip = (0.3, -0.4)
    direction = way(pushing, tip, (0.3, -0.2), (0.31, 0.0))
    assert direction[0] > 0.05  # behind, as seen from a corner on the left, is to the right


def test_reset_forgets_what_was_placed() -> None:
    pushing = pushes()
    way(pushing, TIP, (0.3, 0.185), WAITING[1])
    pushing.reset(FIRST)
    assert heads_for(way(pushing, TIP, (0.3, 0.170), WAITING[1]), TIP, (0.3, 0.120))
