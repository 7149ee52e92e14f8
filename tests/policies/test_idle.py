"""Settings that are said to change nothing change nothing, and those that do are not among them."""

from __future__ import annotations

import dataclasses
import functools
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
from ibc_gym.cli import train as training
from ibc_gym.cli.flags import UsageError, parse
from ibc_gym.cli.train import refuse_idle, train_flags
from ibc_gym.errors import ConfigError
from ibc_gym.policies.diffusion import DiffusionConfig
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.idle import idle
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
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
            yield from (value + 1, value + 2, value + 4)
        case float():
            yield from (value + 0.01, value / 2)
        case None:
            numbers = {"int | None": 3, "float | None": 0.5, "tuple[int, int] | None": (8, 9)}
            yield numbers.get(str(kind), (0.1, 0.1, 0.9, 0.9))
        case tuple():
            yield tuple(2 * each for each in value)
        case str():
            yield from (choice for choice in get_args(kind) if choice != value)


def at(config: Any, path: list[str]) -> Any:
    return functools.reduce(getattr, path, config)


def with_value(config: Any, path: list[str], value: Any) -> Any:
    name, *below = path
    inner = with_value(getattr(config, name), below, value) if below else value
    return replace(config, **{name: inner})


def changed(config: Any, path: list[str]) -> Any:
    """The config with another value of a field, or with others in all of a config's fields, as far as it takes them."""
    inner = at(config, path)
    if dataclasses.is_dataclass(inner):
        for field in dataclasses.fields(inner):
            config = changed(config, [*path, field.name])
        return config
    for value in other_values(at(config, path[:-1]), path[-1]):
        try:
            return with_value(config, path, value)
        except ConfigError:
            continue
    return config


def leaves(config: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every value in a config and in those in it."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value, here = getattr(config, field.name), (*path, field.name)
        found |= leaves(value, here) if dataclasses.is_dataclass(value) else {".".join(here): value}
    return found


def is_idle(name: str, config: AnyConfig) -> bool:
    """By itself, or with the whole that it is a part of."""
    return any(f"{name}.".startswith(f"{each}.") for each in idle(config))


def all_changed(config: AnyConfig) -> list[AnyConfig]:
    """Configs in which together every idle setting has another value; some settings do not go with each other's."""
    found, named = [], idle(config)
    once = [name for name in named if name.rpartition(".")[0] not in named]
    for names in (once, once[::-1]):
        other = config
        for name in names:
            other = changed(other, name.split("."))
        found.append(other)
    alone = ("late_fusion.flatten", "flatten", "joint.squares", "joint.skip")
    found += [changed(config, name.split(".")) for name in alone if is_idle(name, config)]
    return found


def outcome(config: AnyConfig, spec: Any, windows: Any) -> list[Any]:
    """What two updates and a look at four windows come to."""
    policy: Any = trained(made(config, spec), windows, steps=2)
    policy.eval()
    batch = policy.encode(windows).batch(torch.arange(8))
    policy.reset(np.ones(4, bool), [1, 2, 3, 4])
    acted = policy.act(observations(windows, slice(0, 4)))
    doubts = {name: values.tobytes() for name, values in policy.uncertainty().items()}
    return [acted.tobytes(), doubts, policy.validate(batch, torch.Generator().manual_seed(0))]


SEEING: dict[str, AnyConfig] = {
    "pictures-alone": EBMConfig(inputs=("image",), late_fusion=SMALL),
    "diffusion-of-pictures": DiffusionConfig(
        inputs=("image",), field_width=16, field_blocks=1, noise_steps=6, denoising_steps=3
    ),
    "features-as-they-are": EBMConfig(
        inputs=("image", "robot"), late_fusion=replace(SMALL, feature_encoder="none")
    ),
    "langevin-against": EBMConfig(late_fusion=SMALL, negatives=NegativesConfig(langevin=2)),
    "dfo-against": EBMConfig(
        late_fusion=SMALL,
        optimiser="langevin",
        langevin=LangevinConfig(samples=8, iterations=3),
        negatives=NegativesConfig(dfo=4, langevin=0),
    ),
}
"""Policies whose settings are idle for other reasons."""


@pytest.mark.slow
@pytest.mark.parametrize("config", [*CONFIGS.values(), *SEEING.values()], ids=[*CONFIGS, *SEEING])
def test_idle_settings_change_nothing(
    config: AnyConfig, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows, spec = make_windows(history=config.history, picture=PICTURE), make_spec(PICTURE)
    others, before = all_changed(config), leaves(config)
    for name in before:
        read = not is_idle(name, config)
        refused = changed(config, name.split(".")) == config  # by the config itself
        assert read or refused or any(leaves(other)[name] != before[name] for other in others), name
    expected = outcome(config, spec, windows)
    assert [outcome(other, spec, windows) for other in others] == [expected] * len(others)


@pytest.mark.parametrize(
    ("config", "read", "unread"),
    [
        (EBMConfig(), {"dfo", "late_fusion"}, {"langevin", "joint", "image_shift"}),
        (EBMConfig(optimiser="langevin"), {"langevin"}, {"dfo", "langevin.decay"}),
        (
            EBMConfig(negatives=NegativesConfig(langevin=2)),
            {"dfo.samples", "langevin.iterations", "langevin.noise"},
            {"langevin.samples", "langevin.pick"},
        ),
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
        (RankingConfig(), {"acting_temperature"}, set()),
        (EBMConfig(dfo=DFOConfig(pick="sample")), {"dfo.pick_within"}, set()),
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
    assert not {name for name in read if is_idle(name, config)}
    assert unread <= idle(config).keys()


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
        (("--policy.type", "nearest", "--learning-rate", "0.1"), "'nearest' has no weights"),
        (("--policy.type", "nearest", "--rollback.attempts", "1"), "'nearest' has no weights"),
        (
            ("--policy.type", "nearest", "--validation-fraction", "0", "--validation-windows", "9"),
            "no episode is held out",
        ),
        (("--policy.type", "nearest", "--checkpoint-every", "8"), "'nearest' has no weights"),
        (("--policy.type", "nearest", "--precision", "bfloat16"), "'nearest' has no weights"),
        (("--policy.type", "mse", "--policy.boundary-buffer", "1"), "in a box of actions"),
        (("--policy.type", "nearest", "--policy.boundary-buffer", "1"), "in a box of actions"),
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


@pytest.mark.parametrize(
    "flags",
    [
        "--preset fast/push --policy.optimiser langevin --policy.langevin.samples 8",
        "--preset fast/pixels --policy.dfo.pick argmin",
        "--preset fast/pixels --policy.inputs state",
    ],
)
def test_preset_may_bring_what_another_flag_makes_idle(flags: str) -> None:
    said = ["demos.zarr", *flags.split()]
    found: Any = parse(train_flags(said), said, command="ibc-gym train", description=())
    assert idle(found.policy_config)
    refuse_idle(said, found)


def test_run_goes_on_with_the_flags_that_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though this version would not have taken them."""
    data, out = record(tmp_path / "demos.zarr", 4), tmp_path / "run"
    words = [
        "train",
        str(data),
        "--policy.langevin.samples",
        "4",
        "--steps",
        "1",
        "--out",
        str(out),
    ]
    assert cli.main([*words, "--no-tensorboard", "--resume"]) == 2  # there is none to go on with
    with monkeypatch.context() as earlier:
        earlier.setattr(training, "refuse_idle", lambda *_: None)
        assert cli.main([*words, "--no-tensorboard"]) == 0
    assert cli.main([*words, "--no-tensorboard", "--resume"]) == 0


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--policy.dfo.resample-last",), "--policy.negatives.dfo"),
        (
            ("--policy.negatives.total", "64", "--policy.dfo.resample-last"),
            "--policy.negatives.fraction-dfo",
        ),
    ],
)
def test_counter_examples_are_named_as_the_others_are_said(
    flags: tuple[str, ...], named: str
) -> None:
    said = ["demos.zarr", *flags]
    found: Any = parse(train_flags(said), said, command="ibc-gym train", description=())
    with pytest.raises(UsageError, match=rf"set {named}\."):
        refuse_idle(said, found)


def test_policy_of_somebody_else_may_be_told_anything() -> None:
    assert idle(LateFusionConfig()) == {}
