"""Every preset makes its policy, has the constants that it was published with, and stands in docs/presets.md."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from published import PUBLISHED

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


def test_every_published_preset_is_in_the_table() -> None:
    assert set(PUBLISHED) == {name for name in PRESETS if not name.startswith("fast/")}


@pytest.mark.parametrize("name", PUBLISHED)
def test_constants_are_those_that_were_published(name: str) -> None:
    preset = preset_of(name)
    found = {path: reduce(getattr, path.split("."), preset) for path in PUBLISHED[name]}
    assert found == PUBLISHED[name]


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


@pytest.mark.parametrize("arms", ["planar", "bimanual"])
def test_sweeping_has_as_many_layers_as_published(arms: str) -> None:
    config = preset_of(f"paper/{arms}-sweeping").config
    assert 2 + 3 * config.late_fusion.value_blocks == 20
    assert 2 + preset_of(f"paper/{arms}-sweeping-mse").config.depth == 8
