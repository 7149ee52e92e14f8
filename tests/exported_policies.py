"""Small policies of every kind that can be exported, and what they and their exports do in the same episodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from small_policies import CONFIGS, PICTURE, SMALL, trained

from ibc_gym.checkpoint import save_policy
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.loading import load as load_row
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.diffusion import DiffusionConfig
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.nearest import NearestConfig
from ibc_gym.policies.networks.factory import JointConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.ranking import RankingConfig
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.runtime import ExportedPolicy
from ibc_gym.tables import POLICIES

NAMES: dict[type[InputConfig], str] = {
    load_row(POLICIES, name, "policy").Config: name for name in POLICIES
}


def short(config: InputConfig) -> InputConfig:
    """The same with two rounds of every search: a graph has each of them written out, and a third adds time alone."""
    changes: dict[str, Any] = {}
    for name in ("dfo", "langevin", "autoregressive"):
        search = getattr(config, name, None)
        if search is not None:
            changes[name] = replace(search, iterations=2)
    for name in ("flow_steps", "denoising_steps"):
        if hasattr(config, name):
            changes[name] = 2
    return replace(config, **changes)


CASES: dict[str, InputConfig] = {
    **CONFIGS,
    "dfo-many": EBMConfig(late_fusion=SMALL, dfo=DFOConfig(samples=1500, keep_best=False)),
    "sqrt-std": MSEConfig(width=16, depth=2, history=1, feature_scale="sqrt_std"),
    "one-chain": EBMConfig(
        late_fusion=SMALL,
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, iterations=4),
    ),
    "squares": MSEConfig(width=16, depth=2, squares=0.5, skip=True),
    "langevin-swish": EBMConfig(
        network="joint",
        joint=JointConfig(width=16, depth=2, activation="swish"),
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, iterations=4),
    ),
    "few-steps": DiffusionConfig(
        width=16,
        depth=2,
        horizon=4,
        execute=2,
        field_width=16,
        field_blocks=1,
        noise_steps=10,
        denoising_steps=3,
        eta=0.5,
    ),
    "ensemble": MSEConfig(width=16, depth=2, horizon=4, ensemble=0.3),
    "push-frame": EBMConfig(
        late_fusion=SMALL,
        frame="push",
        action_normalisation="isotropic",
        dfo=DFOConfig(samples=32, iterations=2),
        horizon=2,
    ),
    "particle-frame": RankingConfig(
        late_fusion=SMALL, history=1, frame="particle", action_normalisation="isotropic"
    ),
    "push-two-targets-frame": MSEConfig(
        width=16, depth=2, frame="push-two-targets", action_normalisation="isotropic"
    ),
    "insert-frame": RankingConfig(
        late_fusion=SMALL,
        frame="insert",
        action_normalisation="isotropic",
        action_knee=0.03,
        horizon=3,
        execute=2,
    ),
    "sort-frame": RankingConfig(
        late_fusion=SMALL, frame="sort", action_normalisation="isotropic", horizon=2
    ),
    "pusht-frame": MSEConfig(
        width=16, depth=2, frame="pusht", action_normalisation="isotropic", horizon=3, execute=2
    ),
}
CASES = {name: short(config) for name, config in CASES.items()}
TABLE = np.array([np.pi, *(0.4, 0.3) * 3, np.pi, 0.4, 0.3], np.float32)
BLOCKS = ([-np.pi, 0.15, -0.3] * 4, [np.pi, 0.6, 0.3] * 4)
SORT_LOW, SORT_HIGH = (np.array([*blocks, *blocks[1:3], *blocks], np.float32) for blocks in BLOCKS)
SPACES: dict[str | None, tuple[spaces.Box, spaces.Box]] = {
    None: (spaces.Box(-1, 1, (3,), np.float32), spaces.Box(-0.9, 2, (2,), np.float32)),
    "particle": (spaces.Box(-1, 1, (12,), np.float32), spaces.Box(0, 1, (3,), np.float32)),
    "push-two-targets": (
        spaces.Box(-np.hstack([TABLE, TABLE[-3:]]), np.hstack([TABLE, TABLE[-3:]])),
        spaces.Box(-0.05, 0.05, (2,), np.float32),
    ),
    "push": (spaces.Box(-TABLE, TABLE), spaces.Box(-0.05, 0.05, (2,), np.float32)),
    "insert": (spaces.Box(-TABLE, TABLE), spaces.Box(-0.05, 0.05, (2,), np.float32)),
    "sort": (spaces.Box(SORT_LOW, SORT_HIGH), spaces.Box(-0.1, 0.1, (2,), np.float32)),
    "pusht": (
        spaces.Box(np.zeros(5, np.float32), np.array([512] * 4 + [2 * np.pi], np.float32)),
        spaces.Box(0, 512, (2,), np.float32),
    ),
}
"""States and actions as they are at home in a canonical frame, and elsewhere."""


def toy_spec(config: InputConfig) -> PolicySpec:
    state, action = SPACES[config.frame]
    inputs: dict[str, spaces.Space[Any]] = {
        "state": state,
        "robot": spaces.Box(-1, 1, (2,), np.float32),
    }
    if config.image_inputs:
        inputs["image"] = spaces.Box(0, 255, PICTURE, np.uint8)
    return PolicySpec(
        task="toy",
        observation_space=spaces.Dict(inputs),
        action_space=action,
        control_period=0.1,
    )


def toy_windows(config: InputConfig) -> Windows:
    """What there is to learn is a bend of the state, so that energies tell actions apart."""
    rng, count = np.random.default_rng(0), 200
    state, action = SPACES[config.frame]
    seen = rng.uniform(-1, 1, (count, *state.shape)).astype(np.float32)
    frames: dict[str, Any] = {
        "state": (state.low + state.high + seen * (state.high - state.low)) / 2,
        "robot": (seen[:, :2] + rng.normal(0, 0.1, (count, 2))).astype(np.float32),
    }
    if config.image_inputs:
        frames["image"] = rng.integers(0, 256, (count, *PICTURE)).astype(np.uint8)
    reach = np.minimum(np.abs(action.low), action.high) if config.frame is None else action.high / 2
    return Windows(
        frames=frames,
        index=np.maximum(np.arange(count)[:, None] + np.arange(1 - config.history, 1), 0),
        action=(reach * np.sin(2 * seen[:, : len(reach)])).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


def checkpoint(config: InputConfig, folder: Path) -> Path:
    """A policy that was trained for a moment, on the disk."""
    import torch

    windows = toy_windows(config)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made: Any = make_policy(NAMES[type(config)], toy_spec(config), config)
    made.fit(windows)
    if type(config) is not NearestConfig:
        trained(made, windows, steps=30)
    save_policy(folder, NAMES[type(config)], made)
    return folder


def act_both(
    policy: LearnedPolicy, exported: ExportedPolicy, episodes: int = 4, steps: int = 8
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What both do, (N, A) each, in the same made-up episodes; and how far apart they say they are sure, (N,).

    The least sure of all is 1; what differs as a share of itself and by as little counts nothing.
    """
    assert isinstance(policy, WindowPolicy)
    space = policy.spec.observation_space
    space.seed(3)
    ours, theirs, apart = [], [], []
    for seed in range(episodes):
        policy.reset(np.ones(1, np.bool_), [seed])
        exported.reset(seed)
        for _ in range(steps):
            seen: dict[str, Any] = space.sample()
            ours.append(policy.act({name: frame[None] for name, frame in seen.items()})[0])
            theirs.append(exported.act(seen))
            expected, said = policy.uncertainty(), exported.uncertainty()
            assert said.keys() == expected.keys()
            apart.append(max(abs(said[name] - expected[name][0]) for name in said) if said else 0.0)
    return np.array(ours), np.array(theirs), np.array(apart)
