"""Many environments, stepped by several threads."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ibc_gym.errors import RobotFault
from ibc_gym.registry import make_env, make_vec_env
from ibc_gym.threads import ThreadedVectorEnv


def played(envs: Any, steps: int, seed: int = 0) -> list[Any]:
    """Everything that is heard of so many steps, with a reset by mask where nobody else resets."""
    heard = [envs.reset(seed=seed)]
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        actions = rng.uniform(-0.03, 0.03, (envs.num_envs, 2)).astype(np.float32)
        heard.append(envs.step(actions))
        over = heard[-1][2] | heard[-1][3]
        if envs.metadata["autoreset_mode"] is AutoresetMode.DISABLED and over.any():
            heard.append(envs.reset(options={"reset_mask": over}))
    return heard


def assert_same(one: Any, other: Any) -> None:
    """Equal to the last bit, however deep."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert_same(list(one), list(other))
    else:
        assert np.array_equal(one, other), (one, other)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_does_the_same_as_none(mode: AutoresetMode, threads: int) -> None:
    many = make_vec_env("push", 5, threads=threads, autoreset_mode=mode, horizon=7)
    plain = SyncVectorEnv([partial(make_env, "push", horizon=7)] * 5, autoreset_mode=mode)
    assert isinstance(many, ThreadedVectorEnv)
    assert_same(played(many, 16), played(plain, 16))
    many.close()
    plain.close()


def test_every_thread_steps_its_own_share_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)
    envs = ThreadedVectorEnv([partial(Meeting, meeting)] * 2, threads=2)
    envs.reset()
    envs.step(np.zeros((2, 1), np.float32))  # were one thread to step both, it would wait for ever
    envs.close()


def test_error_is_raised_when_all_threads_are_done_and_the_others_go_on() -> None:
    envs = ThreadedVectorEnv([Failing, Counting, Counting], threads=3)
    envs.reset()
    with pytest.raises(RobotFault, match="cable"):
        envs.step(np.zeros((3, 1), np.float32))
    assert [env.get_wrapper_attr("steps") for env in envs.envs] == [0, 1, 1]
    observation, _ = envs.reset()  # and what was stepped ahead is forgotten
    assert not observation.any()
    envs.close()


class Counting(gymnasium.Env[Any, Any]):
    """Counts its steps."""

    observation_space = spaces.Box(0.0, 100.0, (1,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.steps = 0

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return np.full(1, self.steps, np.float32), 0.0, False, False, {}


class Failing(Counting):
    """Cannot step."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        raise RobotFault("The cable is out.")


class Meeting(Counting):
    """Waits in its step for another one to step, too."""

    def __init__(self, meeting: threading.Barrier) -> None:
        super().__init__()
        self._meeting = meeting

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._meeting.wait()
        return super().step(action)


@pytest.mark.parametrize(
    ("options", "threaded"),
    [
        ({}, True),
        ({"workcell": "mujoco"}, True),
        ({"observation": "image"}, False),
        ({"render_mode": "rgb_array"}, False),
        ({"workcell": "pybullet"}, False),
    ],
)
def test_only_what_threads_may_share_is_threaded(options: dict[str, Any], threaded: bool) -> None:
    envs = make_vec_env("push", 2, **options)
    assert isinstance(envs, ThreadedVectorEnv) is threaded
    envs.close()
