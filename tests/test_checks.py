"""No config of any table takes a number that is not finite, in whatever field and however deep, nor a word that is none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np
import pytest

from ibc_gym.checks import check_share, require_finite
from ibc_gym.data.importer import ImportConfig
from ibc_gym.demo import DemoConfig
from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.loading import load
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.record import RecordConfig
from ibc_gym.replay import ReplayConfig
from ibc_gym.tables import POLICIES, TASKS
from ibc_gym.training.config import TrainConfig

CONFIGS = [
    *(load(TASKS, name, "task").Config() for name in TASKS),
    *(load(POLICIES, name, "policy").Config() for name in POLICIES),
    TrainConfig(data=Path("demos.zarr"), out=Path("run")),
    EvalConfig(policy="run"),
    RecordConfig(),
    ImportConfig(source=Path("a.npz"), out=Path("a.zarr"), action_low=(0.0,), action_high=(1.0,)),
    DemoConfig(),
]


def spoiled(config: Any, number: float) -> Iterator[tuple[str, Any]]:
    """Path of every field that holds real numbers, and a function that makes the config with `number` in it."""
    hints = get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, hint = getattr(config, field.name), hints[field.name]
        if dataclasses.is_dataclass(value):
            for path, changed in spoiled(value, number):
                yield (
                    f"{field.name}.{path}",
                    lambda f=field.name, c=changed: dataclasses.replace(config, **{f: c()}),
                )
        elif float in (hint, *get_args(hint)):
            yield (
                field.name,
                lambda f=field.name: dataclasses.replace(config, **{f: number}),
            )
        elif any(float in get_args(option) for option in (hint, *get_args(hint))):
            yield (
                field.name,
                lambda f=field.name: dataclasses.replace(config, **{f: (0.5, number)}),
            )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_number_that_is_not_finite_is_refused_by_the_name_of_its_field(
    config: Any, number: float
) -> None:
    paths = []
    for path, make in spoiled(config, number):
        paths.append(path)
        with pytest.raises(ConfigError, match=rf"{path.rpartition('.')[2]}\S* is {number}"):
            make()
    assert paths, "a config without a real number needs no such test"


def test_search_for_real_numbers_goes_deep_and_into_tuples_and_unions() -> None:
    ebm = load(POLICIES, "ebm", "policy").Config()
    paths = {path for path, _ in spoiled(ebm, 0.0)}
    assert paths >= {
        "temperature",
        "dfo.sigma",
        "joint.dropout",
        "negatives.anchor_scale",
        "gradient_penalty.weight",
    }


Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True)
class Given:
    options: dict[str, float]

    def __post_init__(self) -> None:
        require_finite(self)


def test_keyword_arguments_of_somebody_elses_environment_may_be_infinite() -> None:
    assert Given({"healthy_height": float("inf")}).options


def made(cls: type[Config], **values: Any) -> Config:
    """A config of values that its types forbid, as a caller without a type checker gives them."""
    return cls(**values)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: made(EvalConfig, policy="run", episodes="5"), "EvalConfig.episodes is '5'"),
        (lambda: made(EvalConfig, policy="run", episodes=2.5), "EvalConfig.episodes is 2.5"),
        (lambda: made(EvalConfig, policy="run", num_envs=None), "EvalConfig.num_envs is None"),
        (
            lambda: made(RecordConfig, seed="0"),
            "RecordConfig.seed is '0', but must be a whole number",
        ),
        (
            lambda: made(RecordConfig, noise="much"),
            "RecordConfig.noise is 'much', but must be a number",
        ),
        (
            lambda: made(RecordConfig, successes_only="no"),
            "successes_only is 'no', but must be True or",
        ),
        (lambda: made(RecordConfig, episodes=True), "RecordConfig.episodes is True"),
        (lambda: made(TrainConfig, data="d", out="o", threads=1.5), "TrainConfig.threads is 1.5"),
        (lambda: made(EvalConfig, policy="run", score="succes"), "score is 'succes', but must be"),
        (
            lambda: made(EBMConfig, loss="infonce"),
            "EBMConfig.loss is 'infonce', but must be one of",
        ),
        (lambda: made(EBMConfig, optimiser="Langevin"), "must be one of 'dfo', 'langevin'"),
        (lambda: made(EBMConfig, history=2.5), "EBMConfig.history is 2.5, but must be a whole"),
        (lambda: made(DFOConfig, pick="arg_min"), "DFOConfig.pick is 'arg_min'"),
        (lambda: made(MSEConfig, action_normalisation=None), "action_normalisation is None"),
        (
            lambda: made(MSEConfig, axis_centres=np.array([0.5, 0.0])),
            "MSEConfig.axis_centres is an array; give plain numbers, or a tuple",
        ),
        (lambda: made(MSEConfig, axis_centres=np.array(0.5)), "axis_centres is an array"),
        (lambda: made(MSEConfig, image_crop=np.full(4, 0.5)), "image_crop is an array"),
        (lambda: made(EBMConfig, dfo=np.array([1])), "dfo is an array"),
        (lambda: made(EBMConfig, loss=np.array(["info_nce", "nce"])), "loss is an array"),
    ],
)
def test_values_of_another_kind_are_refused(make: Any, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        make()


def test_numbers_of_numpy_and_whole_numbers_for_real_ones_are_taken() -> None:
    config = made(EvalConfig, policy="run", episodes=np.int64(5))
    assert list(config.seeds) == [100_000 + k for k in range(5)]
    assert made(RecordConfig, noise=1).noise == 1
    assert made(TrainConfig, data="d", out="o", learning_rate=np.float32(0.5)).learning_rate == 0.5


def test_paths_may_be_given_as_text() -> None:
    assert made(RecordConfig, out="x.zarr").out == Path("x.zarr")
    assert made(ReplayConfig, data="x.zarr").data == Path("x.zarr")
    assert made(EvalConfig, policy=Path("runs/push"), out="run").out == Path("run")
    assert made(EvalConfig, policy=Path("runs/push")).policy == "runs/push"
    config = made(TrainConfig, data="x.zarr", out="run")
    assert (config.data, config.out) == (Path("x.zarr"), Path("run"))
    imported = made(ImportConfig, source="a.npz", out="a.zarr")
    assert (imported.source, imported.out) == (Path("a.npz"), Path("a.zarr"))


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf, "half", None])
def test_share_is_a_number_between_nothing_and_all(share: Any) -> None:
    with pytest.raises(ConfigError, match=r"^what is asked is .*, but must be in \[0, 1\]\.$"):
        check_share(share, "what is asked")
    check_share(0, "what is asked")
    check_share(1.0, "what is asked")
