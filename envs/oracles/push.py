"""The scripted demonstrator of the push task: go behind the block, turn it if need be, push it towards the target.

It follows the published script until that goes in circles, and from then on ours: see `oriented_push.ESCAPING`. Where its
actions are disturbed it pushes carefully from the beginning: the published script wants its way-points to a millimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ibc_gym.records import Bool, Float32, Observation

from ..tasks.tabletop import TabletopTask
from .oriented_push import CAREFUL, ESCAPING, OrientedPush, PushStyle
from .tabletop_state import TabletopState


class PushOracle:
    """The published "oriented push" script, in a style of pushing, for many episodes at once."""

    def __init__(self, task: TabletopTask[Any], style: PushStyle = ESCAPING) -> None:
        """Serve a push task at any control rate; with the style `PUBLISHED`, it never leaves the published script."""
        self._task = task
        self.style = style
        self._push = OrientedPush(task.control_period, style)

    def careful(self) -> PushOracle:
        """As `offers.TakesCare` has it."""
        return PushOracle(self._task, CAREFUL)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin the masked episodes with the way to the block; nothing here is random."""
        self._push.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 10)."""
        state = TabletopState(self._task, observation)
        move = self._push.move(
            state.tip, state.place("block"), state.yaw("block"), state.place("target")
        )
        return move.astype(np.float32)
