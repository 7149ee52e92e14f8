"""Settings that are said to change nothing change nothing, and those that do are not among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch
from small_policies import (
    CONFIGS,
    PICTURE,
    SMALL,
    TINY,
    AnyConfig,
    MakeSpec,
    MakeWindows,
    made,
    observations,
    trained,
)
from toys import record

from ibc_gym.cli import main as cli
from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.idle import idle
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.proposal import ProposalConfig
from ibc_gym.policies.ranking import RankingConfig


def other_values(config: Any, name: str) -> Iterator[Any]:
    """What else a field may hold."""
    value, kind = getattr(config, name), get_type_hints(type(config))[name]
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value + 2)
        case float():
            yield from (value + 0.01, value / 2)
        case None:
            numbers = {"int | None": 3, "float | None": 0.5, "tuple[int, int] | None": (8, 9)}
            yield numbers.get(str(kind), (0.1, 0.1, 0.9, 0.9))
        case tuple():
            yield tuple(2 * each for each in value)
        case str():
            yield from (choice for choice in get_args(kind) if choice != value)


def changed(config: Any, path: list[str]) -> Any:
    """The config with another value of a field, or with others in all of a config's fields, as far as it takes them."""
    name, *below = path
    inner = getattr(config, name)
    if below:
        return replace(config, **{name: changed(inner, below)})
    if dataclasses.is_dataclass(inner):
        for field in dataclasses.fields(inner):
            config = replace(config, **{name: changed(getattr(config, name), [field.name])})
        return config
    for value in other_values(config, name):
        try:
            return replace(config, **{name: value})
        except ConfigError:
            continue
    return config


def all_changed(config: AnyConfig) -> AnyConfig:
    for name in idle(config):
        config = changed(config, name.split("."))
    return config


def outcome(config: AnyConfig, spec: Any, windows: Any) -> list[Any]:
    """What two updates and a look at four windows come to."""
    policy: Any = trained(made(config, spec), windows, steps=2)
    policy.eval()
    batch = policy.encode(windows).batch(torch.arange(8))
    policy.reset(np.ones(4, bool), [1, 2, 3, 4])
    acted = policy.act(observations(windows, slice(0, 4)))
    return [acted.tobytes(), policy.validate(batch, torch.Generator().manual_seed(0))]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_idle_settings_change_nothing(
    name: str, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = CONFIGS[name]
    windows, spec = make_windows(history=config.history, picture=PICTURE), make_spec(PICTURE)
    others = all_changed(config)
    assert others != config
    assert outcome(others, spec, windows) == outcome(config, spec, windows)


@pytest.mark.parametrize(
    ("config", "read", "unread"),
    [
        (EBMConfig(), {"dfo", "late_fusion"}, {"langevin", "joint", "image_shift"}),
        (EBMConfig(optimiser="langevin"), {"langevin"}, {"dfo", "langevin.decay"}),
        (EBMConfig(negatives=NegativesConfig(langevin=2)), {"dfo", "langevin"}, set()),
        (EBMConfig(network="joint"), {"joint"}, {"late_fusion"}),
        (
            EBMConfig(inputs=("image",)),
            {"image_size", "late_fusion.channels"},
            {"late_fusion.width", "late_fusion.squares", "late_fusion.conv_resnet"},
        ),
        (
            EBMConfig(inputs=("image",), late_fusion=LateFusionConfig(trunk_depth=2)),
            {"late_fusion.width", "late_fusion.squares"},
            {"late_fusion.depth"},
        ),
        (EBMConfig(proposal=ProposalConfig(starts=True)), {"proposal.width"}, {"proposal.pieces"}),
        (
            EBMConfig(
                optimiser="langevin",
                langevin=LangevinConfig(schedule="exponential", second_chain=True),
            ),
            {"langevin.decay", "langevin.second_noise", "gradient_penalty.norm"},
            {"langevin.power"},
        ),
        (RankingConfig(pick="sample"), {"acting_temperature"}, set()),
        (
            MSEConfig(inputs=("image",), picture_encoder="conv_resnet", conv_resnet=TINY),
            {"conv_resnet", "width"},
            {"flatten"},
        ),
    ],
)
def test_settings_that_are_read_are_not_idle(
    config: AnyConfig, read: set[str], unread: set[str]
) -> None:
    found = idle(config).keys()
    assert not {name for name in found if any(f"{each}.".startswith(f"{name}.") for each in read)}
    assert unread <= found


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--policy.langevin.samples", "4"), "set --policy.optimiser to 'langevin'"),
        (("--policy.langevin.second_chain",), "set --policy.optimiser to 'langevin'"),
        (
            ("--policy.gradient-penalty.no-include-positive",),
            "set --policy.gradient-penalty.weight",
        ),
        (("--policy.image-shift=2",), "have one among --policy.inputs"),
        (("--policy.type", "mse", "--policy.keypoints"), "have one among --policy.inputs"),
        (
            ("--policy.type", "autoregressive", "--policy.joint.width", "8"),
            "--policy.network is 'late_fusion'; set it to 'joint'",
        ),
    ],
)
def test_flag_that_changes_nothing_is_refused_and_says_what_would_read_it(
    flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = record(tmp_path / "demos.zarr", 4)
    assert cli.main(["train", str(data), *flags, "--out", str(tmp_path / "run")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "changes nothing: " in told and said in told
    assert not (tmp_path / "run").exists()


def test_preset_may_bring_what_another_flag_makes_idle() -> None:
    config = EBMConfig(late_fusion=SMALL, optimiser="langevin")
    assert "dfo" in idle(replace(config, dfo=replace(config.dfo, samples=7)))
