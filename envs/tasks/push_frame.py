"""The push task seen from the block towards the target: coordinates that use its symmetries.

The outcome of a push does not change when the whole scene is moved, turned or mirrored, so neither need the policy's
inputs. Absolute positions and the target's yaw are dropped; the yaw of the block counts modulo a quarter turn.
"""

from __future__ import annotations

from math import pi
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import SpecMismatch
from ibc_gym.geometry import turned_in_plane
from ibc_gym.records import Float32, Float64

COARSE: Final = 0.08
FINE: Final = 0.02
WAY: Final = 0.05
"""Lengths at which the squashed copies of a distance level off [m]."""
QUARTER_TURN: Final = pi / 2

NUMBERS: Final = 10
"""Of a state."""
YAW, BLOCK, COMMANDED, MEASURED, TARGET = 0, slice(1, 3), slice(3, 5), slice(5, 7), slice(8, 10)
"""Columns of the task's "state"."""


class BlockToTarget:
    """Coordinates of the frame whose x axis points from the block to the target.

    With q = the commanded tip relative to the block, u = the way from block to target and theta = the angle of u less
    the block's yaw, all in that frame, the 19 features are
    q, tanh(q / 8 cm), tanh(q / 2 cm), measured less commanded tip, |u|, tanh(|u| / 5 cm), cos 4 theta, sin 4 theta,
    then what changed since the step before: commanded tip, block, that step's measured less commanded tip, and theta.
    """

    size = 19
    odd_features: tuple[int, ...] = (1, 3, 5, 7, 11, 13, 15, 17, 18)
    odd_actions: tuple[int, ...] = (1,)

    def features(self, states: Float32) -> Float32:
        """Features (B, 19) of windows of states (B, T, 10); of a window only the last two steps count.

        Raises:
            SpecMismatch: These are not states of the push task.
        """
        now, before = last_two(states, NUMBERS, "push")
        cosine, sine, distance = heading(now)
        theta = _misalignment(now, cosine, sine)
        change = geometry.wrap_angle(
            theta - _misalignment(before, *heading(before)[:2]), QUARTER_TURN
        )
        tip = turned_in_plane(now[:, COMMANDED] - now[:, BLOCK], cosine, -sine)
        columns = [
            tip,
            np.tanh(tip / COARSE),
            np.tanh(tip / FINE),
            turned_in_plane(now[:, MEASURED] - now[:, COMMANDED], cosine, -sine),
            distance[:, None],
            np.tanh(distance / WAY)[:, None],
            np.cos(4 * theta)[:, None],
            np.sin(4 * theta)[:, None],
            turned_in_plane(now[:, COMMANDED] - before[:, COMMANDED], cosine, -sine),
            turned_in_plane(now[:, BLOCK] - before[:, BLOCK], cosine, -sine),
            turned_in_plane(before[:, MEASURED] - before[:, COMMANDED], cosine, -sine),
            np.asarray(change)[:, None],
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Displacements (B, 2) in the frame of the newest of the states (B, T, 10)."""
        cosine, sine, _ = heading(last_two(states, NUMBERS, "push")[0])
        return turned_in_plane(np.asarray(actions, dtype=np.float64), cosine, -sine).astype(
            np.float32
        )

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        cosine, sine, _ = heading(last_two(states, NUMBERS, "push")[0])
        return turned_in_plane(np.asarray(actions, dtype=np.float64), cosine, sine).astype(
            np.float32
        )


def last_two(states: Float32, size: int, task: str) -> tuple[Float64, Float64]:
    """The newest states and those before them, (B, O) each; a single one is taken for both.

    Raises:
        SpecMismatch: These are not states of that task, which has O numbers.
    """
    require_windows(states, size, task)
    now = states[:, -1].astype(np.float64)
    return now, now if states.shape[1] == 1 else states[:, -2].astype(np.float64)


def require_windows(states: Float32, size: int, task: str) -> None:
    """Raise SpecMismatch unless these are windows (B, T, O) of that task, which has O numbers."""
    if states.ndim != 3 or states.shape[2] != size or states.shape[1] < 1:
        raise SpecMismatch(
            f"States of shape {states.shape} are no windows of the {task} task, which are (B, T, {size}). "
            "Were they recorded with another task?"
        )


def heading(states: Float64) -> tuple[Float64, Float64, Float64]:
    """Cosine and sine of the direction from block to target, and the distance [m]; (B,) each."""
    way = states[:, TARGET] - states[:, BLOCK]
    distance: Float64 = np.hypot(way[:, 0], way[:, 1])
    there = distance < 1e-9  # no direction left: take the table's x axis
    scale = np.where(there, 1.0, distance)
    return np.where(there, 1.0, way[:, 0] / scale), way[:, 1] / scale, distance


def _misalignment(states: Float64, cosine: Float64, sine: Float64) -> Float64:
    """Angle from the block's yaw to its way to the target, (B,) [rad]."""
    angle: Float64 = np.arctan2(sine, cosine) - states[:, YAW]
    return angle
