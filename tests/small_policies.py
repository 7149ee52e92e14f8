"""Small policies of every kind, untrained and trained for a moment, that tests of policies share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.autoregressive import Autoregressive, AutoregressiveConfig
from ibc_gym.policies.base import Batch, WindowPolicy
from ibc_gym.policies.diffusion import Diffusion, DiffusionConfig
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.flow_matching import FlowMatching, FlowMatchingConfig
from ibc_gym.policies.losses import GradientPenaltyConfig
from ibc_gym.policies.mdn import MDN, MDNConfig
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import JointConfig, LateFusionConfig
from ibc_gym.policies.networks.pictures import ConvResNetConfig
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.proposal import ProposalConfig
from ibc_gym.policies.ranking import Ranking, RankingConfig
from ibc_gym.records import Windows

SMALL = LateFusionConfig(width=16, depth=2, channels=(4, 8), value_width=8)
TINY = ConvResNetConfig(filters=4, blocks=1, heads=3)
AnyConfig = (
    EBMConfig
    | AutoregressiveConfig
    | RankingConfig
    | MSEConfig
    | MDNConfig
    | DiffusionConfig
    | FlowMatchingConfig
)
CONFIGS: dict[str, AnyConfig] = {
    "dfo": EBMConfig(late_fusion=SMALL, dfo=DFOConfig(samples=32, validation_samples=16)),
    "joint": EBMConfig(
        inputs=("state", "robot"),
        history=3,
        network="joint",
        joint=JointConfig(width=16, depth=2, dropout=0.1),
        dfo=DFOConfig(samples=32, pick="sample", pick_within=0.2),
    ),
    "langevin": EBMConfig(
        late_fusion=SMALL,
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, validation_samples=8, iterations=5, second_chain=True),
    ),
    "langevin-mlp": EBMConfig(
        network="joint",
        joint=JointConfig(trunk="mlp", width=16, depth=2),
        optimiser="langevin",
        negatives=NegativesConfig(uniform=3, dfo=2),
        langevin=LangevinConfig(samples=16, iterations=5),
    ),
    "pixels": EBMConfig(
        inputs=("image", "robot"),
        image_size=(16, 16),
        image_crop=(0.1, 0.2, 0.8, 1.0),
        image_shift=2,
        late_fusion=replace(SMALL, flatten=True, trunk_depth=2),
        dfo=DFOConfig(samples=32),
    ),
    "spectral": EBMConfig(
        network="joint",
        joint=JointConfig(width=16, depth=2, dense="spectral_norm"),
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, iterations=5),
    ),
    "sweeping": EBMConfig(
        inputs=("image", "robot"),
        image_size=(8, 10),
        late_fusion=LateFusionConfig(
            picture_encoder="conv_resnet",
            conv_resnet=TINY,
            feature_encoder="none",
            value="dense_resnet",
            value_width=16,
            value_blocks=2,
            dense="spectral_norm",
        ),
        dfo=DFOConfig(samples=32),
    ),
    "mixture-of-negatives": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(
            total=12,
            fraction_anchored=0.25,
            fraction_dfo=0.25,
            fraction_langevin=0.2,
            fraction_proposal=0.2,
        ),
        gradient_penalty=GradientPenaltyConfig(points="all", norm="l2", include_positive=False),
        dfo=DFOConfig(samples=32, resample_last=True),
        langevin=LangevinConfig(iterations=3, schedule="exponential", gradient_clip=2.0),
        proposal=ProposalConfig(components=3, width=8, starts=True),
    ),
    "flow-proposal": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(uniform=4, anchored=6, anchor_scales="each", proposal=5),
        dfo=DFOConfig(samples=32, validation_samples=16),
        proposal=ProposalConfig(kind="flow", width=8, pieces=5, starts=True),
    ),
    "cd-kl": EBMConfig(
        late_fusion=SMALL,
        loss="cd_kl",
        optimiser="langevin",
        negatives=NegativesConfig(langevin=4),
        gradient_penalty=GradientPenaltyConfig(norm="l1"),
        langevin=LangevinConfig(
            samples=16, iterations=3, dynamics="calibrated", delta_clip=None, pick="sample"
        ),
    ),
    "autoregressive": AutoregressiveConfig(
        inputs=("state", "robot"),
        network="joint",
        joint=JointConfig(width=16, depth=2),
        counter_examples=6,
        autoregressive=AutoregressiveDFOConfig(samples=16, validation_samples=8),
    ),
    "autoregressive-shared": AutoregressiveConfig(
        inputs=("image", "robot"),
        image_size=(16, 16),
        late_fusion=LateFusionConfig(
            width=16, depth=2, channels=(4, 8), value_width=8, dense="spectral_norm"
        ),
        shared_trunk=True,
        counter_examples=6,
        autoregressive=AutoregressiveDFOConfig(
            samples=16, judge="sum", pick="sample", pick_within=0.2
        ),
    ),
    "ranking": RankingConfig(late_fusion=SMALL),
    "ranking-pixels": RankingConfig(
        inputs=("image", "robot"),
        image_size=(16, 16),
        late_fusion=SMALL,
        components=3,
        prior=1.0,
        least_share=0.0,
    ),
    "mse": MSEConfig(width=16, depth=2),
    "mse-spectral": MSEConfig(width=12, depth=3, trunk="dense_resnet", dense="spectral_norm"),
    "mse-pixels": MSEConfig(
        inputs=("image", "robot"), width=16, depth=2, channels=(4, 8), trunk="mlp"
    ),
    "mdn": MDNConfig(width=16, depth=2, components=3, trunk="resnet_original"),
    "mdn-pixels": MDNConfig(
        inputs=("image", "robot"),
        image_size=(8, 10),
        width=16,
        depth=2,
        components=3,
        picture_encoder="conv_resnet",
        conv_resnet=TINY,
        activation="swish",
        pick="densest",
    ),
    "chunked": EBMConfig(
        late_fusion=SMALL, horizon=3, execute=2, dfo=DFOConfig(samples=32, validation_samples=16)
    ),
    "chunked-autoregressive": AutoregressiveConfig(
        horizon=2,
        ensemble=0.01,
        late_fusion=SMALL,
        shared_trunk=True,
        counter_examples=6,
        autoregressive=AutoregressiveDFOConfig(samples=16, validation_samples=8),
    ),
    "chunked-mdn": MDNConfig(horizon=3, execute=3, width=16, depth=2, components=3),
    "diffusion": DiffusionConfig(
        width=16, depth=2, horizon=4, execute=2, field_width=16, denoising_steps=4, eta=0.5
    ),
    "flow": FlowMatchingConfig(
        inputs=("image", "robot"),
        image_size=(16, 16),
        channels=(4, 8),
        width=16,
        depth=2,
        horizon=1,
        execute=1,
        field_width=16,
        field_blocks=1,
        draws=3,
        flow_steps=3,
        solver="heun",
    ),
}
POLICIES: dict[type[AnyConfig], type[WindowPolicy]] = {
    EBMConfig: EBM,
    AutoregressiveConfig: Autoregressive,
    RankingConfig: Ranking,
    MSEConfig: MSE,
    MDNConfig: MDN,
    DiffusionConfig: Diffusion,
    FlowMatchingConfig: FlowMatching,
}
PICTURE = (24, 32, 3)

MakeSpec = Callable[..., PolicySpec]
"""The fixture `make_spec`: small spaces."""
MakeWindows = Callable[..., Windows]
"""The fixture `make_windows`: windows that lie in them."""
Fitted = Callable[..., tuple[EBM, Batch]]
"""The fixture `fitted`: of a config, an implicit policy and a batch."""


def made(config: AnyConfig, spec: PolicySpec) -> WindowPolicy:
    torch.manual_seed(0)
    policy: Any = POLICIES[type(config)]
    untrained: WindowPolicy = policy(config, spec)
    return untrained


def trained(
    policy: WindowPolicy, windows: Windows, steps: int, learning_rate: float = 3e-3
) -> WindowPolicy:
    policy.fit(windows)
    data = policy.encode(windows)
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    policy.train()
    for _ in range(steps):
        rows = torch.randint(len(data), (128,), generator=generator)
        loss, _ = policy.loss(data.batch(rows), generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return policy


def observations(windows: Windows, rows: slice) -> dict[str, np.ndarray]:
    return {name: frames[rows] for name, frames in windows.frames.items()}


def of_one_number(task: str, x: np.ndarray, action: np.ndarray) -> tuple[PolicySpec, Windows]:
    """A task that has one number in [-1, 1] for its state and one for its action, and its demonstrations, (N, 1) each."""
    spec = PolicySpec(
        task=task,
        observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
        action_space=spaces.Box(-1, 1, (1,), np.float32),
        control_period=0.1,
    )
    windows = Windows(
        frames={"state": x},
        index=np.arange(len(x))[:, None],
        action=action.astype(np.float32),
        episode=np.arange(len(x)),
    )
    return spec, windows


def branches(signs: tuple[float, ...] = (1.0, 1.0, 1.0, -1.0)) -> tuple[PolicySpec, Windows]:
    """y = ±(0.5 + 0.3 x), the sign drawn from these: by default the positive one three times as often."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2000, 1)).astype(np.float32)
    sign = rng.choice(signs, (2000, 1))
    return of_one_number("branches", x, sign * (0.5 + 0.3 * x))
