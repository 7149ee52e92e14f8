"""The particle seen along the way from the first goal to the second: the same few numbers in any number of dimensions.

Spring and damper pull alike along every axis, so nothing that happens changes when goals, point and velocity are turned or
moved together. What is left is how far the goals are apart, where the point is along that line and off it, and how it
moves. A demonstrator turns back within a centimetre of the first goal: so distances and speeds appear again, squashed at
finer scales.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float32, Float64

DISTANCE_SCALES: Final = (0.2, 0.05, 0.015, 0.005)
"""Distances to a goal at which their squashed copies level off [m]."""
SPEED_SCALES: Final = (0.5, 0.1, 0.03)
"""The same of velocities [m/s]."""
LEAST: Final = 1e-9
"""Lengths below this have no direction."""


class BetweenGoals:
    """Coordinates with the origin at the first goal and the first axis towards the second.

    The second axis points from that line to the point. The 33 features are the goals' distance, the point along and off
    the line, its distance to both goals, both squashed; its speed along the line, off it and altogether, towards
    either goal, and all five squashed.
    """

    size = 5 + 2 * len(DISTANCE_SCALES) + 5 * (1 + len(SPEED_SCALES))
    odd_features: tuple[int, ...] = ()
    odd_actions: tuple[int, ...] = ()

    def features(self, states: Float32) -> Float32:
        """Features (B, 33) of windows of states (B, T, 4 N); of a window only the last step counts.

        Raises:
            SpecMismatch: These are not states of the particle with its velocity.
        """
        seen = _Seen(states)
        distances = np.stack([_length(seen.off), _length(seen.off - seen.way)], axis=1)
        speeds = seen.speeds()
        columns = [
            _length(seen.way)[:, None],
            seen.along[:, None],
            seen.aside[:, None],
            distances,
            *(np.tanh(distances / scale) for scale in DISTANCE_SCALES),
            speeds,
            *(np.tanh(speeds / scale) for scale in SPEED_SCALES),
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Set-points (B, N) in the frame of the newest of the states (B, T, 4 N).

        Raises:
            SpecMismatch: States are not of as many dimensions as actions.
        """
        seen = _Seen(states, actions.shape[1])
        first, second = seen.reflections()
        turned = _mirrored(_mirrored(actions - seen.first_goal, first), second)
        return turned.astype(np.float32)

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        seen = _Seen(states, actions.shape[1])
        first, second = seen.reflections()
        turned = _mirrored(_mirrored(actions.astype(np.float64), second), first)
        return (turned + seen.first_goal).astype(np.float32)


class _Seen:
    """B looks at a point and its goals, from the first goal."""

    def __init__(self, states: Float32, dimensions: int | None = None) -> None:
        size = states.shape[-1] // 4
        if (
            states.ndim != 3
            or not states.shape[1]
            or size * 4 != states.shape[2]
            or dimensions not in (None, size)
        ):
            raise SpecMismatch(
                f"States of shape {states.shape} are no windows of the particle with its velocity, which are "
                f"(B, T, 4 N){f' with N = {dimensions}' if dimensions else ''}. Were they recorded with another task, or "
                "with hide_velocity?"
            )
        now = states[:, -1].astype(np.float64)
        self.first_goal = now[:, size : 2 * size]
        self.velocity = now[:, 3 * size :]
        self.off = now[:, :size] - self.first_goal
        """From the first goal to the point, (B, N) [m]."""
        self.way = now[:, 2 * size : 3 * size] - self.first_goal
        """From the first goal to the second, (B, N) [m]."""
        self.ahead = _unit(self.way)
        """Along that, (B, N)."""
        self.along = _dot(self.off, self.ahead)
        """How far the point is along the line through the goals, (B,) [m]."""
        outward = self.off - self.along[:, None] * self.ahead
        self.aside = _length(outward)
        """How far it is from that line, (B,) [m]."""
        self.outward = _unit(outward)
        """From the line to the point, (B, N)."""

    def speeds(self) -> Float64:
        """Velocity along the line, outward, altogether, and away from either goal, (B, 5) [m/s]."""
        along, outward = _dot(self.velocity, self.ahead), _dot(self.velocity, self.outward)
        radial = [_dot(self.velocity, _unit(each)) for each in (self.off, self.off - self.way)]
        return np.stack([along, outward, _length(self.velocity), *radial], axis=1)

    def reflections(self) -> tuple[Float64, Float64]:
        """Normals (B, N) of two mirrors, which turn the line to the first axis, and the outward way to the second."""
        first = self.ahead - _axis(self.ahead, 0)
        if first.shape[1] == 1:
            return first, np.zeros_like(first)
        return first, _mirrored(self.outward, first) - _axis(self.ahead, 1)


def _mirrored(vectors: Float64, normal: Float64) -> Float64:
    """Vectors (B, N), reflected in the plane through the origin with a normal (B, N) of any length; as they are at length 0."""
    square = _dot(normal, normal)
    twice = np.where(square < LEAST**2, 0.0, 2.0 / np.maximum(square, LEAST**2))
    return vectors - (twice * _dot(vectors, normal))[:, None] * normal


def _unit(vectors: Float64) -> Float64:
    """Directions (B, N); of what has no length, the zero vector."""
    return vectors / np.maximum(_length(vectors), LEAST)[:, None]


def _axis(like: Float64, index: int) -> Float64:
    """The unit vector of an axis for each of B, (B, N)."""
    return np.where(np.arange(like.shape[1]) == index, 1.0, np.zeros_like(like))


def _dot(a: Float64, b: Float64) -> Float64:
    return np.asarray((a * b).sum(axis=1), dtype=np.float64)


def _length(vectors: Float64) -> Float64:
    length: Float64 = np.sqrt(_dot(vectors, vectors))
    return length
