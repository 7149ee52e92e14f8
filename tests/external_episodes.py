"""Environments from elsewhere, and episodes in them, for several files of tests."""

from __future__ import annotations

from typing import Any

import numpy as np

import ibc_gym
from ibc_gym.envs.external_env import ExternalEnv

IDS = [
    "Pendulum-v1",
    "AdroitHandDoor-v1",
    "AdroitHandRelocate-v1",
    "FrankaKitchen-v1",
    "gym_pusht/PushT-v0",
]


def make(id: str, **options: Any) -> ExternalEnv:
    env = ibc_gym.make_env(f"gym:{id}", **options)
    assert isinstance(env, ExternalEnv)
    return env


def actions_of(env: ExternalEnv, count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low, high = env.action_space.low, env.action_space.high
    return rng.uniform(low, high, (count, *low.shape)).astype(np.float32)


def run(env: ExternalEnv, seed: int, count: int) -> tuple[list[Any], ...]:
    observation, info = env.reset(seed=seed)
    observations, rewards, infos = [observation["state"]], [], [info]
    for action in actions_of(env, count):
        observation, reward, _, _, info = env.step(action)
        observations.append(observation["state"])
        rewards.append(reward)
        infos.append(info)
    return observations, rewards, infos
