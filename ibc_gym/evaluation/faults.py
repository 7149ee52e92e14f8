"""Where an emulated arm fails in an episode: what is kept of that episode, and how the arm is had back for the next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.contracts import Recoverable
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, RobotFault
from ibc_gym.evaluation.results import Tape
from ibc_gym.offers import Returning
from ibc_gym.records import Bool, Observation
from ibc_gym.rollout import Episode, Transition

PATIENCE: Final = 15.0
"""By when a controller that was away must be back [s]."""
PAUSE: Final = 0.5
"""Between two attempts [s]."""

ArmFault = (RobotFault, CameraTimeout)
"""What an arm or its eyes raise in an episode; the robot has been stopped."""


def have_back(env: Env) -> None:
    """Clear what stopped the robot, and wait until cameras see again; a reset may follow.

    No person is asked whether it is safe: only for arms that nobody can come near, because they are emulated.

    Raises:
        RobotFault: The cause is still there after `PATIENCE`; the robot stands still.
        CameraTimeout: A camera does not return.
    """
    robot, deadline = env.workcell.robot, time.monotonic() + PATIENCE
    while isinstance(robot, Recoverable):
        try:
            robot.recover()
            break
        except RobotFault:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE)
    for camera in env.workcell.cameras.values():
        if isinstance(camera, Returning):
            camera.wait_until_fresh()


def only_env(envs: VectorEnv[Any, Any, Any]) -> Env:
    """The environment of an arm in real time, which is alone."""
    assert isinstance(envs, SyncVectorEnv) and len(envs.envs) == 1
    env = envs.envs[0].unwrapped
    assert isinstance(env, Env)
    return env


class Earnings:
    """A listener that knows what the only episode under way has earned, should a fault cut it off."""

    def __init__(self) -> None:
        self._rewards: list[float] = []

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """Begin at nothing."""
        self._rewards = []

    def on_step(self, transition: Transition) -> None:
        """Add the reward."""
        self._rewards.append(float(transition.reward[0]))

    def failed(self, tape: Tape, fault: Exception) -> Episode:
        """The episode as a failure, with what it had earned; `tape` is of the steps until then, maybe none."""
        said = {name: values for name, values in tape.uncertainty.items() if len(values)}
        return Episode(
            seed=tape.seed,
            success=False,
            total_reward=float(sum(self._rewards)),
            length=len(self._rewards),
            best_reward=max(self._rewards, default=0.0),
            uncertainty={
                name: {
                    "mean": float(values.mean()),
                    "least": float(values.min()),
                    "greatest": float(values.max()),
                }
                for name, values in said.items()
            },
            fault=f"{type(fault).__name__}: {fault}",
        )
