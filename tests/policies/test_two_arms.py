"""A picture and the poses of two arms, twelve numbers, as in bi-manual sweeping: every policy takes both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import TINY, trained

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.autoregressive import Autoregressive, AutoregressiveConfig
from ibc_gym.policies.diffusion import Diffusion, DiffusionConfig
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.flow_matching import FlowMatching, FlowMatchingConfig
from ibc_gym.policies.implicit import ImplicitPolicy
from ibc_gym.policies.mdn import MDN, MDNConfig
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.policies.nearest import Nearest, NearestConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.ranking import Ranking, RankingConfig
from ibc_gym.records import Windows

POSES = ACTIONS = 12
BOTH: dict[str, Any] = {"inputs": ("image", "robot"), "image_size": (12, 12), "history": 2}
SPEC = PolicySpec(
    task="two-arms",
    observation_space=spaces.Dict(
        {
            "robot": spaces.Box(-1, 1, (POSES,), np.float32),
            "image": spaces.Box(0, 255, (24, 24, 3), np.uint8),
        }
    ),
    action_space=spaces.Box(-1, 1, (ACTIONS,), np.float32),
    control_period=0.1,
)


def sweeping(**options: Any) -> LateFusionConfig:
    sizes: dict[str, Any] = {"picture_encoder": "conv_resnet", "conv_resnet": TINY}
    value: dict[str, Any] = {"value": "dense_resnet", "value_width": 16, "value_blocks": 2}
    return LateFusionConfig(**sizes, **value, feature_encoder="none", **options)


def explicit(**options: Any) -> dict[str, Any]:
    trunk = {"trunk": "dense_resnet", "width": 16, "depth": 6, "dropout": 0.0}
    return {**BOTH, **trunk, "picture_encoder": "conv_resnet", "conv_resnet": TINY, **options}


def generative() -> dict[str, Any]:
    sizes: dict[str, Any] = {"width": 16, "depth": 2, "field_width": 16}
    return {**sizes, "picture_encoder": "conv_resnet", "conv_resnet": TINY}


MADE: dict[str, Any] = {
    "ebm": lambda: EBM(EBMConfig(**BOTH, late_fusion=sweeping(), dfo=DFOConfig(samples=64)), SPEC),
    "autoregressive": lambda: Autoregressive(
        AutoregressiveConfig(
            **BOTH,
            late_fusion=sweeping(),
            counter_examples=4,
            autoregressive=AutoregressiveDFOConfig(samples=16),
        ),
        SPEC,
    ),
    "ranking": lambda: Ranking(RankingConfig(**BOTH, late_fusion=sweeping()), SPEC),
    "mse": lambda: MSE(MSEConfig(**explicit()), SPEC),
    "mdn": lambda: MDN(MDNConfig(**explicit(components=2, pick="most_probable")), SPEC),
    "flow": lambda: FlowMatching(FlowMatchingConfig(**BOTH, **generative()), SPEC),
    "diffusion": lambda: Diffusion(
        DiffusionConfig(**BOTH, **generative(), denoising_steps=4), SPEC
    ),
    "nearest": lambda: Nearest(NearestConfig(**BOTH), SPEC),
}


def windows(count: int = 60) -> Windows:
    rng = np.random.default_rng(0)
    return Windows(
        frames={
            "robot": rng.uniform(-1, 1, (count, POSES)).astype(np.float32),
            "image": rng.integers(0, 256, (count, 24, 24, 3)).astype(np.uint8),
        },
        index=np.maximum(np.arange(count)[:, None] + np.arange(-1, 1), 0),
        action=rng.uniform(-0.8, 0.8, (count, ACTIONS)).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


@pytest.mark.parametrize("name", MADE)
def test_picture_and_poses_are_learned_from_and_both_decide(name: str) -> None:
    data = windows()
    torch.manual_seed(0)
    policy = MADE[name]()
    if name == "nearest":
        policy.fit(data)
    else:
        trained(policy, data, steps=40 if name == "diffusion" else 3)  # at first it says corners
    assert policy._codec.feature_size == 2 * POSES
    assert policy._codec.picture_shapes == {"image": (6, 12, 12)}
    robot, image = data.frames["robot"][:8], data.frames["image"][:8]

    def acted(robot: np.ndarray, image: np.ndarray) -> np.ndarray:
        policy.reset(np.ones(8, bool), range(8))
        action: np.ndarray = policy.act({"robot": robot, "image": image})
        if not isinstance(policy, ImplicitPolicy):
            return action
        energies: np.ndarray = policy.energies(np.zeros((8, 1, ACTIONS), np.float32))
        return np.concatenate([action, energies], axis=1)  # the draws may not tell what they do

    first = acted(robot, image)
    assert first.shape == (8, ACTIONS + isinstance(policy, ImplicitPolicy))
    assert np.abs(first[:, :ACTIONS]).max() <= 1
    np.testing.assert_array_equal(acted(robot, image), first)
    assert not np.array_equal(acted(robot[::-1].copy(), image), first)
    assert not np.array_equal(acted(robot, image[::-1].copy()), first)
