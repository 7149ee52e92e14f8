"""Every preset makes its policy, has the constants that it was published with, and stands in docs/presets.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.loading import load
from ibc_gym.policies.presets.record import Preset
from ibc_gym.tables import POLICIES, PRESETS

PAGE = Path(__file__).parents[2] / "docs" / "presets.md"


def preset_of(name: str) -> Any:
    return load(PRESETS, name, "preset")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_its_policy(name: str, turned: CanonicalFrame) -> None:
    preset: Preset = preset_of(name)
    cls = load(POLICIES, preset.policy, "policy")
    assert isinstance(preset.config, cls.Config)
    length = 2 * len(preset.config.axis_centres) or 10
    spec = PolicySpec(
        task="push",
        observation_space=spaces.Dict(
            {
                "state": spaces.Box(-np.inf, np.inf, (length,), np.float32),
                "robot": spaces.Box(-1, 1, (12,), np.float32),
                "image": spaces.Box(0, 255, (240, 320, 3), np.uint8),
            }
        ),
        action_space=spaces.Box(-0.1, 0.1, (2,), np.float32),
        control_period=0.1,
    )
    policy = cls(preset.config, spec, turned if preset.config.frame else None)
    assert sum(parameter.numel() for parameter in policy.parameters()) > 10_000


def test_page_lists_every_preset_and_no_other() -> None:
    named = set(re.findall(r"`((?:paper|released|fast)/[a-z0-9-]+)`", PAGE.read_text()))
    assert named == set(PRESETS)


@pytest.mark.parametrize("name", ["paper/push-states-dfo", "released/push-states-dfo"])
def test_push_by_poses_has_the_published_constants(name: str) -> None:
    preset = preset_of(name)
    config = preset.config
    assert (config.joint.width, config.joint.depth, config.joint.dropout) == (128, 8, 0.0)
    assert (config.dfo.samples, config.dfo.iterations, config.dfo.sigma) == (16_384, 3, 0.33)
    assert (config.dfo.shrink, config.dfo.temperature, config.dfo.keep_best) == (0.5, 1.0, False)
    counts = config.negatives.resolved(config.optimiser)
    assert (counts.uniform, counts.pooled, counts.anchored) == (256, 256, 0)
    assert (preset.training.batch_size, preset.training.steps) == (512, 100_000)
    assert config.penalty_weight == 0 and config.boundary_buffer == 0.05


@pytest.mark.parametrize(
    "name, of, paper, released",
    [
        ("push-states-dfo", "dfo.pick", "argmin", "sample"),
        ("push-states-dfo", "action_normalisation", "standardise", "min_max"),
        ("push-pixels-dfo", "dfo.samples", 4096, 2048),
        ("particle-langevin", "joint.width", 128, 256),
        ("particle-langevin", "joint.depth", 16, 2),
        ("particle-langevin", "joint.dense", "spectral_norm", "regular"),
        ("particle-langevin", "negatives.langevin", 64, 8),
        ("particle-langevin", "langevin.iterations", 50, 100),
        ("particle-langevin", "gradient_penalty.include_positive", False, True),
        ("human-ebm", "feature_scale", "std", "sqrt_std"),
        ("human-ebm", "langevin.inference_noise", 0.5, 1.0),
        ("human-mse", "history", 2, 1),
    ],
)
def test_paper_and_released_code_part_where_they_are_known_to(
    name: str, of: str, paper: object, released: object
) -> None:
    for folder, expected in (("paper", paper), ("released", released)):
        found: Any = preset_of(f"{folder}/{name}").config
        for part in of.split("."):
            found = getattr(found, part)
        assert found == expected, folder


@pytest.mark.parametrize(
    "name, paper, released",
    [("push-pixels-mse", 64, 128), ("push-pixels-mdn", 32, 128), ("particle-langevin", 128, 512)],
)
def test_batches_differ_as_well(name: str, paper: int, released: int) -> None:
    assert preset_of(f"paper/{name}").training.batch_size == paper
    assert preset_of(f"released/{name}").training.batch_size == released


def test_human_data_have_the_published_chains() -> None:
    config = preset_of("paper/human-ebm").config.langevin
    assert (config.step_initial, config.step_final, config.power) == (0.5, 1e-5, 2.0)
    assert (config.delta_clip, config.noise, config.iterations) == (0.5, 0.5, 100)
    second = (config.second_step_initial, config.second_step_final, config.second_noise)
    assert config.second_chain and second == (1e-5, 1e-5, 0.5)


@pytest.mark.parametrize("arms", ["planar", "bimanual"])
def test_sweeping_has_the_published_constants(arms: str) -> None:
    preset = preset_of(f"paper/{arms}-sweeping")
    config = preset.config
    assert (config.counter_examples, config.autoregressive.samples) == (1024, 1024)
    assert 2 + 3 * config.late_fusion.value_blocks == 20
    assert not config.shared_trunk
    assert preset.training.steps == 1_000_000
    baseline = preset_of(f"paper/{arms}-sweeping-mse").config
    assert 2 + baseline.depth == 8 and baseline.conv_resnet.pooling == "average"
