"""One episode as two worlds see it: the same start, the same commands, and where tool and things go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ibc_gym import geometry
from ibc_gym.env import Env
from ibc_gym.records import Float32, Float64, Layout, UInt8

ONSET = 2e-4
"""A thing that is this far from where it lay [m], or turned by as much at 10 cm from its middle, has been touched."""
NUDGE = 2e-4
"""By how much one command is changed, to see what becomes of so little [m]."""
ARM = 0.1
"""Distance from a thing's middle at which its turning counts [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Journey:
    """Where everything was in one episode in one world: at the start and after every step, T + 1 instants."""

    seed: int
    tip: Float64
    """(T + 1, 3) [m]"""
    sent: Float64
    """Where the tip was told to be, (T + 1, 3) [m]."""
    times: Float64
    """When the robot was measured, on the workcell's clock, (T + 1,) [s]."""
    things: Mapping[str, Float64]
    """Positions of everything that is not fixed, (T + 1, 3) [m]."""
    yaws: Mapping[str, Float64]
    """(T + 1,) [rad]"""
    success: bool
    late: int = 0
    """Control periods that overran."""
    setpoints: int | None = None
    """Streamed to a controller; None where nothing is."""
    setpoints_late: int = 0
    pictures: tuple[UInt8, ...] = ()
    """(H, W, 3) each, T + 1 of them, if the environment renders."""

    @property
    def onset(self) -> int | None:
        """The first instant at which anything has been touched; None if nothing was."""
        found = [
            int(np.argmax(moved))
            for name in self.things
            if (moved := self._moved(name) > ONSET).any()
        ]
        return min(found, default=None)

    def _moved(self, name: str) -> Float64:
        """How far a thing is from where it lay, (T + 1,) [m]."""
        places, yaws = self.things[name], self.yaws[name]
        turned = np.abs(np.asarray(geometry.wrap_angle(yaws - yaws[0], 2 * np.pi)))
        moved: Float64 = np.maximum(np.linalg.norm(places - places[0], axis=1), ARM * turned)
        return moved


def travel(env: Env, seed: int, actions: Sequence[Float32]) -> Journey:
    """Carry out the actions from the start that the seed gives, as far as the episode goes.

    Args:
        env: A simulated one; with pictures if it renders.
        seed: Of the reset.
        actions: (A,) each.
    """
    _, info = env.reset(seed=seed)
    seen = [_look(env)]
    pictures = [env.render()]
    for action in actions:
        _, _, terminated, truncated, info = env.step(action)
        seen.append(_look(env))
        pictures.append(env.render())
        if terminated or truncated:
            break
    robots, layouts = zip(*seen, strict=True)
    last = robots[-1]
    return Journey(
        seed=seed,
        tip=np.stack([robot.tool.position for robot in robots]),
        sent=np.stack([robot.target.tool.position for robot in robots]),
        times=np.array([robot.time for robot in robots]),
        things={name: np.stack([poses[name].position for poses in layouts]) for name in layouts[0]},
        yaws={
            name: np.array([geometry.yaw_of(poses[name].quaternion) for poses in layouts])
            for name in layouts[0]
        },
        success=bool(info["is_success"]),
        late=sum(robot.deadline_missed for robot in robots),
        setpoints=last.setpoints,
        setpoints_late=last.setpoints_late,
        pictures=tuple(picture.copy() for picture in pictures if picture is not None),
    )


def nudged(actions: Sequence[Float32], at: int) -> list[Float32]:
    """The same commands, (A,) each, but for the one at `at`, which is `NUDGE` to the side of where it led.

    Actions begin with displacements in the plane, so that all of the way that follows lies as much aside.
    """
    changed = [np.array(action) for action in actions]
    x, y = (float(side) for side in actions[at][:2])
    length = math.hypot(x, y)
    aside = np.zeros_like(actions[at])
    aside[:2] = (-y / length, x / length) if length else (1.0, 0.0)
    changed[at] = (changed[at] + NUDGE * aside).astype(np.float32)
    return changed


def _look(env: Env) -> tuple[Any, Layout]:
    """The robot, which has a tool, and where every thing is."""
    robot, poses = env.workcell.robot.observe(), env.workcell.scene.poses()
    assert robot.tool is not None and robot.target.tool is not None and poses is not None
    return robot, poses


@dataclass(frozen=True, kw_only=True, eq=False)
class Gap:
    """How far two journeys of one seed are from each other, over the instants that both have."""

    seed: int
    tip: Float64
    """(T + 1,) [m]"""
    things: Mapping[str, Float64]
    """Of everything that moved in either, (T + 1,) [m]."""
    turns: Mapping[str, Float64]
    """Between the yaws of the same things, (T + 1,) [rad]."""
    onsets: tuple[int | None, int | None]
    """Instants of the first touch in the one and in the other."""
    successes: tuple[bool, bool]

    @property
    def of_things(self) -> Float64:
        """The gap of the thing that is furthest apart, (T + 1,) [m]."""
        zero = np.zeros_like(self.tip)
        widest: Float64 = np.max([zero, *self.things.values()], axis=0)
        return widest


def gap_between(one: Journey, other: Journey) -> Gap:
    """Compare two journeys with the same start and commands."""
    count = min(len(one.tip), len(other.tip))
    moved = [
        name
        for name in one.things
        if any(np.ptp(journey.things[name], axis=0).max() > ONSET for journey in (one, other))
    ]
    return Gap(
        seed=one.seed,
        tip=_apart(one.tip, other.tip, count),
        things={name: _apart(one.things[name], other.things[name], count) for name in moved},
        turns={
            name: np.abs(
                np.asarray(
                    geometry.wrap_angle(
                        one.yaws[name][:count] - other.yaws[name][:count], 2 * np.pi
                    )
                )
            )
            for name in moved
        },
        onsets=(one.onset, other.onset),
        successes=(one.success, other.success),
    )


def _apart(one: Float64, other: Float64, count: int) -> Float64:
    apart: Float64 = np.linalg.norm(one[:count] - other[:count], axis=1)
    return apart
