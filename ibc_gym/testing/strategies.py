"""What tests are made of, drawn by hypothesis: poses, targets, actions, layouts, starts, episodes, faults.

Every strategy shrinks to something simple: the origin, the middle of a space, seed 0, an empty schedule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi
from typing import Any

import numpy as np
from gymnasium import spaces
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.contracts import Robot, Task
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Float64, Layout, Pose, RobotLimits, Situation, Start, Target
from ibc_gym.testing.bits import moved
from ibc_gym.testing.faults import CAMERA_FAULTS, ROBOT_FAULTS, Fault

Corner = tuple[float, ...]
"""A corner of a box [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """What makes an episode: how it begins and what is done in it."""

    seed: int
    actions: Float32
    """(T, A), inside of the action space; T may be 0."""


def seeds() -> SearchStrategy[int]:
    """Seeds of episodes and generators."""
    return st.integers(0, 2**32 - 1)


def positions(lower: Corner, upper: Corner) -> SearchStrategy[Float64]:
    """Points of a box (D,) [m], its faces and corners often among them."""
    low, high = np.array(lower, np.float64), np.array(upper, np.float64)
    return _shares(len(low)).map(lambda shares: low + shares * (high - low))


def quaternions() -> SearchStrategy[Float64]:
    """Any rotation, wxyz, of unit length and with w >= 0; no turn at all is the simplest."""
    angles = st.tuples(*[st.floats(-pi, pi)] * 3)
    return angles.map(lambda turn: geometry.quaternion(Rotation.from_euler("xyz", list(turn))))


def yaws() -> SearchStrategy[Float64]:
    """Turns about +z, wxyz."""
    return st.floats(-pi, pi).map(geometry.quaternion_of_yaw)


def poses(
    lower: Corner = (-1.0,) * 3, upper: Corner = (1.0,) * 3, *, upright: bool = False
) -> SearchStrategy[Pose]:
    """Poses whose position lies in a box [m]; upright ones are only turned about +z."""
    return st.builds(
        Pose,
        position=positions(lower, upper),
        quaternion=yaws() if upright else quaternions(),
    )


def targets(limits: RobotLimits, like: Target, *, beyond: float = 0.0) -> SearchStrategy[Target]:
    """Targets that a robot may be given.

    Args:
        limits: Of the robot.
        like: Any target of it: joints are drawn if it names joints, else tool positions with its orientation.
        beyond: By how much of the limits' extent they may lie outside.
    """
    low, high = np.array(limits.lower), np.array(limits.upper)
    margin = beyond * (high - low + 1e-2)
    drawn = positions(tuple(low - margin), tuple(high + margin))
    return drawn.map(lambda values: moved(like, lambda _: values))


def actions(space: spaces.Box) -> SearchStrategy[Float32]:
    """Actions of a space (A,), those at its bounds often among them.

    Raises:
        ConfigError: The space has no bounds.
    """
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise ConfigError(f"{space} has no bounds; actions are drawn from bounded spaces.")
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)

    def action(shares: Float64) -> Float32:
        return np.clip((low + shares * (high - low)).astype(np.float32), space.low, space.high)

    return _shares(len(low)).map(action)


def action_sequences(
    space: spaces.Box, *, min_size: int = 1, max_size: int = 12
) -> SearchStrategy[Float32]:
    """One action after another, (T, A)."""
    sequences = st.lists(actions(space), min_size=min_size, max_size=max_size)
    size = space.shape[0]
    return sequences.map(lambda steps: np.array(steps, np.float32).reshape(len(steps), size))


def starts(task: Task) -> SearchStrategy[Start]:
    """How episodes of a task may begin, as the task draws it."""
    return seeds().map(lambda seed: task.sample(np.random.default_rng(seed)))


def episodes(space: spaces.Box, *, max_size: int = 12) -> SearchStrategy[Episode]:
    """A seed, and what is done."""
    return st.builds(
        Episode, seed=seeds(), actions=action_sequences(space, min_size=0, max_size=max_size)
    )


@composite
def layouts(
    draw: DrawFn,
    names: Sequence[str],
    *,
    lower: tuple[float, float],
    upper: tuple[float, float],
    apart: float = 0.1,
    height: float = 0.0,
) -> Layout:
    """Things standing about on a table, turned anyhow, none nearer to another than `apart`.

    Args:
        draw: Hypothesis gives it.
        names: Of the things.
        lower: Least x and y of their origins [m].
        upper: Greatest x and y [m].
        apart: Least distance of two origins [m].
        height: z of their origins [m].

    Raises:
        ConfigError: So many do not fit so far apart.
    """
    low, size = np.array(lower), np.array(upper) - np.array(lower)
    counts = np.maximum((size / (1.25 * apart)).astype(int), 1)
    if counts.prod() < len(names):
        raise ConfigError(
            f"{len(names)} things do not fit {apart} m apart between {lower} and {upper}: "
            f"there is room for {counts.prod()}."
        )
    cells = st.integers(0, int(counts.prod()) - 1)
    chosen = draw(st.lists(cells, min_size=len(names), max_size=len(names), unique=True))
    cell = size / counts
    play = np.maximum(cell - apart, 0.0)  # within its cell, so that neighbours stay apart
    layout: dict[str, Pose] = {}
    for name, number in zip(names, chosen, strict=True):
        corner = low + np.array(np.unravel_index(number, counts)) * cell
        x, y = corner + cell / 2 + (draw(_shares(2)) - 0.5) * play
        layout[name] = Pose(position=np.array([x, y, height]), quaternion=draw(yaws()))
    return layout


@composite
def histories(draw: DrawFn, task: Task, robot: Robot, *, max_steps: int = 6) -> list[Situation]:
    """The situations of an episode in which anything may happen to the things: pushed, turned, put onto one another.

    Args:
        draw: Hypothesis gives it.
        task: Draws the start and turns actions into targets.
        robot: Moves; `IdealRobot` needs no physics.
        max_steps: Steps after the start.
    """
    start = draw(starts(task))
    robot.reset(start.home)
    things, limits = dict(start.layout), robot.limits
    found = [Situation(robot=robot.observe(), poses=dict(things), step=0)]
    for step in range(1, 1 + draw(st.integers(0, max_steps))):
        robot.command(task.target(draw(actions(task.action_space)), found[-1].robot.target))
        robot.advance()
        name = draw(st.sampled_from(sorted(things)))
        things[name] = draw(_displaced(things, name, limits))
        found.append(Situation(robot=robot.observe(), poses=dict(things), step=step))
    return found


def fault_schedules(
    *,
    kinds: Sequence[str] = (*ROBOT_FAULTS, *CAMERA_FAULTS),
    last_step: int = 6,
    max_size: int = 3,
) -> SearchStrategy[list[Fault]]:
    """What goes wrong when, for `ibc_gym.testing.faulty`; an empty schedule is the simplest.

    Args:
        kinds: Those that may happen.
        last_step: The last control period in which anything does; 0 is the reset.
        max_size: At most so many things go wrong.
    """
    fault = st.builds(Fault, step=st.integers(0, last_step), kind=st.sampled_from(list(kinds)))
    return st.lists(fault, max_size=max_size)


def _shares(size: int) -> SearchStrategy[Float64]:
    """Numbers in [0, 1], (size,): its middle is the simplest, its ends are frequent."""
    share = st.one_of(st.sampled_from([0.5, 0.0, 1.0]), st.floats(0.0, 1.0))
    return st.lists(share, min_size=size, max_size=size).map(np.array)


def _displaced(things: Mapping[str, Pose], name: str, limits: RobotLimits) -> SearchStrategy[Pose]:
    """Where a thing may be next: where it is, a little way off but within reach, or where another thing is."""
    here = things[name]
    size = here.position.shape[-1]
    lower, upper = np.minimum(limits.lower, here.position), np.maximum(limits.upper, here.position)
    near = positions((-0.05,) * size, (0.05,) * size).map(
        lambda by: replace(here, position=np.clip(here.position + by, lower, upper))
    )
    there: Any = st.sampled_from([things[other] for other in sorted(things)])
    return st.one_of(st.just(here), there, near)
