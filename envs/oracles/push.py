"""The scripted demonstrator of the push task: go behind the block, turn it if need be, push it towards the target.

It follows the published script until that goes in circles, and from then on ours: see `oriented_push.ESCAPING`. Where its
actions are disturbed it pushes carefully from the beginning: the published script wants its way-points to a millimetre. The
careful one goes around the block, too, where the published one walks back through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ibc_gym.records import Bool, Float32, Observation

from ..tasks.tabletop import TabletopTask
from .oriented_push import CAREFUL, ESCAPING, OrientedPush, PushStyle
from .tabletop_state import TabletopState

WARY: Final = replace(
    CAREFUL,
    speeds=(0.30, 0.35, 0.35, 0.30, 0.30),
    orbit_angle=0.5,
    turn_until=0.1,
    turn_within=1.8,
)
"""How it pushes where its actions are disturbed: it turns a block in few long moves, until that is nearly straight or the tip
has come beside it, and then goes around it. A tip that follows a block around until that is straight to a hair is right for one
moment only: who misses it goes on around, and stands ahead of the block, where no demonstration was."""


class PushOracle:
    """The published "oriented push" script, in a style of pushing, for many episodes at once."""

    def __init__(self, task: TabletopTask[Any], style: PushStyle = ESCAPING) -> None:
        """Serve a push task at any control rate; with the style `PUBLISHED`, it never leaves the published script."""
        self._task = task
        self.style = style
        self._push = OrientedPush(task.control_period, style)

    def careful(self) -> PushOracle:
        """As `offers.TakesCare` has it."""
        return PushOracle(self._task, WARY)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin the masked episodes with the way to the block; nothing here is random."""
        self._push.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 10)."""
        state = TabletopState(self._task, observation)
        block = state.place("block")
        move = self._push.move(
            state.tip,
            block,
            state.yaw("block"),
            state.place("target"),
            obstacles=block[:, None] if self.style.careful else None,
        )
        return move.astype(np.float32)
