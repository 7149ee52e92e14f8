"""Small spaces, windows and a canonical frame that tests of policies share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.base import Batch
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.records import Float32, Windows

STATE, ACTION = 3, 2


class Turned:
    """A frame that swaps the axes of the action where the state's first element is negative."""

    size = 4
    odd_features = (1, 3)
    odd_actions = (1,)

    def features(self, states: Float32) -> Float32:
        newest = states[:, -1]
        moved = newest[:, :1] - states[:, 0, :1]
        return np.concatenate([newest, moved], axis=1)

    def into(self, actions: Float32, states: Float32) -> Float32:
        swap = states[:, -1, 0] < 0
        return np.where(swap[:, None], actions[:, ::-1], actions)

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        return self.into(actions, states)


def policy_spec(picture: tuple[int, int, int] | None = None, actions: int = ACTION) -> PolicySpec:
    inputs: dict[str, spaces.Space[Any]] = {
        "state": spaces.Box(-10, 10, (STATE,), np.float32),
        "robot": spaces.Box(-10, 10, (2,), np.float32),
    }
    if picture is not None:
        inputs["image"] = spaces.Box(0, 255, picture, np.uint8)
    return PolicySpec(
        task="toy",
        observation_space=spaces.Dict(inputs),
        action_space=spaces.Box(-2, 2, (actions,), np.float32),
        control_period=0.1,
    )


def toy_windows(
    count: int = 300,
    history: int = 2,
    picture: tuple[int, int, int] | None = None,
    actions: int = ACTION,
    seed: int = 0,
) -> Windows:
    rng = np.random.default_rng(seed)
    frames = {
        "state": rng.uniform(-1, 1, (count, STATE)).astype(np.float32),
        "robot": rng.normal(3, 2, (count, 2)).astype(np.float32),
    }
    if picture is not None:
        frames["image"] = rng.integers(0, 256, (count, *picture)).astype(np.uint8)
    steps = np.arange(count)[:, None] + np.arange(1 - history, 1)
    return Windows(
        frames=frames,
        index=np.maximum(steps, 0),
        action=rng.uniform(-0.5, 1, (count, actions)).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., PolicySpec]:
    return policy_spec


@pytest.fixture(scope="session")
def make_windows() -> Callable[..., Windows]:
    return toy_windows


@pytest.fixture
def fitted() -> Callable[..., tuple[EBM, Batch]]:
    """An implicit policy whose normalisers are fitted, and a batch."""

    def make(config: EBMConfig, rows: int = 8) -> tuple[EBM, Batch]:
        torch.manual_seed(0)
        policy, windows = EBM(config, policy_spec()), toy_windows()
        policy.fit(windows)
        return policy, policy.encode(windows).batch(torch.arange(rows))

    return make


@pytest.fixture
def turned() -> Turned:
    return Turned()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Networks this small only lose by a second thread, all the more beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def known_weights() -> None:
    torch.manual_seed(0)
