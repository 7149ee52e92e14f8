"""A training run's settings are checked when they are made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm_config import EBMConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.serialise import from_json, to_json
from ibc_gym.training.config import FREE_TO_CHANGE, TrainConfig, check_resumable

PLAIN = TrainConfig(data=Path("demos.zarr"), out=Path("run"))


@pytest.mark.parametrize(
    "field, value",
    [
        ("steps", 0),
        ("batch_size", 0),
        ("batch_size", 10**11),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("budget_cpu_seconds", 0.0),
        ("warmup", -1),
        ("clip_gradient", 0.0),
        ("average_decay", 1.0),
        ("average_decay", 0.0),
        ("precision", "float8"),
        ("schedule", "linear"),
        ("validation_fraction", 1.0),
        ("validation_fraction", -0.1),
        ("keep", 0),
        ("keep_top", 0.0),
        ("keep_top", 1.1),
        ("threads", 0),
        ("log_every", 0),
        ("seed", -1),
        ("seed", 2**63),
        ("weight_decay", -1.0),
        ("divergence_limit", 0.0),
    ],
)
def test_setting_that_makes_no_sense_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"TrainConfig\.{field} is "):
        TrainConfig(data=Path("d"), out=Path("o"), **{field: value})


def test_config_comes_back_from_json() -> None:
    assert from_json(TrainConfig, to_json(PLAIN)) == PLAIN


def test_free_settings_exist_and_may_differ_between_resumptions() -> None:
    before = to_json(PLAIN)
    assert before.keys() >= FREE_TO_CHANGE
    check_resumable({**before, **dict.fromkeys(FREE_TO_CHANGE, "other")}, before)


def test_every_other_setting_must_stay() -> None:
    before = to_json(PLAIN)
    for name in before.keys() - FREE_TO_CHANGE:
        with pytest.raises(ConfigError, match=rf"begun with TrainConfig\.{name} "):
            check_resumable({**before, name: "other"}, before)


def test_each_part_of_a_setting_that_differs_is_named_and_no_other() -> None:
    config = EBMConfig(dfo=DFOConfig(samples=64), late_fusion=LateFusionConfig(channels=(4, 8)))
    plain, other = (to_json(replace(PLAIN, policy_config=each)) for each in (EBMConfig(), config))
    with pytest.raises(ConfigError) as refused:
        check_resumable(other, plain)
    policy = "TrainConfig.policy_config"
    assert str(refused.value).startswith(
        f"The run was begun with {policy}.late_fusion.channels [32, 64, 128, 256] and {policy}.dfo.samples 512, but is "
        "to be resumed with [4, 8] and 64."
    )


def test_a_setting_that_the_run_began_without_is_what_it_usually_is() -> None:
    usual = to_json(replace(PLAIN, policy_config=EBMConfig()))
    old = to_json(replace(PLAIN, policy_config=EBMConfig()))
    del old["weight_decay"], old["policy_config"]["image_shift"], old["policy_config"]["langevin"]
    del old["policy_config"]["dfo"]["keep_best"], old["policy_config"]["late_fusion"]["keypoints"]
    check_resumable(usual, old, usual)
    for other, said in (
        (EBMConfig(image_shift=2), r"\.image_shift 0, but is to be resumed with 2"),
        (EBMConfig(dfo=DFOConfig(keep_best=False)), r"\.dfo\.keep_best True, but .* False"),
        (EBMConfig(langevin=LangevinConfig(samples=3)), r"\.langevin\.samples \d+, but .* 3"),
    ):
        with pytest.raises(ConfigError, match=said):
            check_resumable(to_json(replace(PLAIN, policy_config=other)), old, usual)


def test_of_many_settings_that_differ_the_first_are_named() -> None:
    before = to_json(PLAIN)
    numbers = {name: 7 for name, value in before.items() if type(value) is int and name != "steps"}
    with pytest.raises(
        ConfigError, match=r"and \d+ others, but is to be resumed with 7, 7, 7, 7 and"
    ):
        check_resumable({**before, **numbers}, before)


def test_budget_may_grow_where_the_schedule_has_no_end_and_nowhere_else() -> None:
    small = {**to_json(PLAIN), "schedule": "constant", "budget_cpu_seconds": 20.0}
    large = {**small, "budget_cpu_seconds": 30.0}
    check_resumable(large, small)
    for now, before in (
        (small, large),
        (small, {**small, "budget_cpu_seconds": None}),
        ({**large, "schedule": "cosine"}, {**small, "schedule": "cosine"}),
    ):
        with pytest.raises(ConfigError, match="budget_cpu_seconds"):
            check_resumable(now, before)


@pytest.mark.parametrize("schedule", ["constant", "exponential"])
def test_run_whose_schedule_has_no_end_may_end_later_but_not_sooner(schedule: str) -> None:
    before = {**to_json(PLAIN), "schedule": schedule, "steps": 20}
    check_resumable({**before, "steps": 30}, before)
    with pytest.raises(ConfigError, match="longer, not shorter"):
        check_resumable({**before, "steps": 10}, before)
    with pytest.raises(ConfigError, match="begins with --schedule constant"):
        check_resumable(
            {**before, "schedule": "cosine", "steps": 30}, {**before, "schedule": "cosine"}
        )
