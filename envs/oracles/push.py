"""The scripted demonstrator of the push task: go behind the block, turn it if need be, push it towards the target."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.contracts import Task
from ibc_gym.records import Bool, Float32, Float64, Int64, Observation

MOVE_TO_PRE_BLOCK: Final = 0
MOVE_TO_BLOCK: Final = 1
PUSH_BLOCK: Final = 2
ORIENT_LEFT: Final = 3
ORIENT_RIGHT: Final = 4

SPEEDS: Final[Float64] = np.array([0.30, 0.35, 0.35, 0.15, 0.15])
"""Greatest speed of the tip in every phase [m/s]."""
BEHIND: Final[Float64] = np.array([0.05, 0.03, 0.01])
"""How far behind the block's centre the way-points of the first three phases lie [m]."""
ARRIVED: Final = 0.001
"""[m]"""
TURN_FROM: Final = 0.2
"""Misalignment at which the block is turned before pushing [rad]."""
TURN_UNTIL: Final = 0.03
ORBIT_RADIUS: Final = 0.025
ORBIT_ANGLE: Final = 0.2


class PushOracle:
    """The published "oriented push" script, for many episodes at once.

    After the oracle that Florence et al. 2021 recorded their demonstrations with. The block is a cube, so its yaw
    matters modulo a quarter turn: it is pushed flat against the side that faces away from the target.
    """

    def __init__(self, task: Task) -> None:
        """Serve a push task; the speeds are per second, so any control rate will do."""
        self._largest = SPEEDS * task.control_period
        self._phase: Int64 = np.zeros(0, dtype=np.int64)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin the masked episodes with the way to the block; nothing here is random."""
        if len(self._phase) != len(mask):
            self._phase = np.zeros(len(mask), dtype=np.int64)
        self._phase[mask] = MOVE_TO_PRE_BLOCK

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 10)."""
        state = np.asarray(observation["state"], dtype=np.float64)
        yaw, block, tip, target = state[:, 0], state[:, 1:3], state[:, 3:5], state[:, 8:10]
        way = target - block
        heading = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)  # (B, 2)
        turn = np.asarray(
            geometry.wrap_angle(np.arctan2(heading[:, 1], heading[:, 0]) - yaw, pi / 2)
        )
        # Way-points of the three straight phases, then the two orbits, (5, B, 2).
        points = np.stack(
            [block - behind * heading for behind in BEHIND]
            + [_orbit(block, tip, angle) for angle in (ORBIT_ANGLE, -ORBIT_ANGLE)]
        )
        acting = self._advance_phases(points - tip, turn)
        move = (points - tip)[acting, np.arange(len(state))]
        length = np.linalg.norm(move, axis=1)
        scale = np.minimum(1.0, self._largest[acting] / np.maximum(length, 1e-12))
        action: Float32 = (move * scale[:, None]).astype(np.float32)
        return action

    def _advance_phases(self, moves: Float64, turn: Float64) -> Int64:
        """Let every phase hand over to the next, from top to bottom, and give the phase that acts now, (B,).

        A phase reached on the way down acts at once; going back up takes effect with the next step.
        """
        phase = self._phase
        distance = np.linalg.norm(moves, axis=2)  # (5, B)
        acting = phase.copy()
        at = (phase == MOVE_TO_PRE_BLOCK) & (distance[MOVE_TO_PRE_BLOCK] < ARRIVED)
        phase[at] = acting[at] = MOVE_TO_BLOCK
        at = phase == MOVE_TO_BLOCK
        phase[at & (distance[MOVE_TO_BLOCK] < ARRIVED)] = PUSH_BLOCK
        phase[at & (turn > TURN_FROM)] = ORIENT_LEFT
        phase[at & (turn < -TURN_FROM)] = ORIENT_RIGHT
        at = phase == PUSH_BLOCK
        acting[at] = PUSH_BLOCK
        phase[at & (np.abs(turn) > TURN_FROM)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_LEFT
        acting[at] = ORIENT_LEFT
        phase[at & (turn < TURN_UNTIL)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_RIGHT
        acting[at] = ORIENT_RIGHT
        phase[at & (turn > -TURN_UNTIL)] = MOVE_TO_PRE_BLOCK
        return acting


def _orbit(block: Float64, tip: Float64, angle: float) -> Float64:
    """The point on a circle about the block that lies `angle` [rad] further round than the tip, (B, 2)."""
    out = tip - block
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    c, s = np.cos(angle), np.sin(angle)
    turned = np.stack([c * out[:, 0] - s * out[:, 1], s * out[:, 0] + c * out[:, 1]], axis=1)
    return block + ORBIT_RADIUS * turned
