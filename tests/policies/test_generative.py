"""Diffusion and flow matching keep both of two answers, where a mean would lie between them; and their fields' optima."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import POLICIES, AnyConfig, MakeSpec, MakeWindows, made, trained
from torch import Tensor

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, TrainingDiverged
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.policies.diffusion import DiffusionConfig
from ibc_gym.policies.flow_matching import FlowMatchingConfig, Solver, integrate
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.networks.pictures import PictureConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.records import Windows
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.trainer import train

pytestmark = pytest.mark.slow

ONE: dict[str, Any] = {"history": 1, "horizon": 1, "execute": 1}
SIZES: dict[str, Any] = {"width": 32, "depth": 2, "field_width": 64}
KINDS = [
    DiffusionConfig(**ONE, **SIZES),
    FlowMatchingConfig(**ONE, **SIZES, solver="heun"),
]


def line_spec(actions: int = 1) -> PolicySpec:
    return PolicySpec(
        task="toy",
        observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
        action_space=spaces.Box(-2, 2, (actions,), np.float32),
        control_period=0.1,
    )


def line_windows(states: np.ndarray, actions: np.ndarray, length: int = 1) -> Windows:
    """Episodes of `length` steps, one behind the other."""
    rows = np.arange(len(states))
    return Windows(
        frames={"state": states.astype(np.float32)},
        index=rows[:, None],
        action=actions.astype(np.float32),
        episode=rows // length,
    )


def drawn(policy: Any, states: np.ndarray) -> np.ndarray:
    policy.eval()
    policy.reset(np.ones(len(states), np.bool_), range(len(states)))
    acted: np.ndarray = policy.act({"state": states.astype(np.float32)})
    return acted


def name(config: Any) -> str:
    return type(config).__name__.removesuffix("Config")


@pytest.mark.parametrize("config", KINDS, ids=name)
def test_both_branches_are_kept_and_nothing_lies_between_them(config: AnyConfig) -> None:
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (1000, 1))
    branch = 0.6 + 0.2 * states
    windows = line_windows(states, rng.choice([-1, 1], (1000, 1)) * branch)
    asked = np.linspace(-1, 1, 300)[:, None]
    acted = drawn(trained(made(config, line_spec()), windows, steps=400), asked)
    away = np.abs(np.abs(acted) - (0.6 + 0.2 * asked))
    assert np.median(away) < 0.06
    assert 0.3 < (acted > 0).mean() < 0.7
    assert (np.abs(acted) < 0.25).mean() < 0.06
    mean = MSEConfig(history=1, width=32, depth=2, dropout=0.0)
    averaged = drawn(trained(made(mean, line_spec()), windows, steps=150), asked)
    assert (np.abs(averaged) < 0.25).mean() > 0.9


@pytest.mark.parametrize("kind", [DiffusionConfig, FlowMatchingConfig])
def test_jump_has_no_value_between_its_sides(kind: Any) -> None:
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (1000, 1))
    windows = line_windows(states, np.where(states > 0, 0.8, -0.8))
    config = kind(**ONE, **SIZES)
    policy = trained(made(config, line_spec()), windows, steps=400)
    asked = np.linspace(-1, 1, 401)[:, None]
    acted = drawn(policy, asked)
    assert (np.abs(np.abs(acted) - 0.8) > 0.2).mean() < 0.05
    sure = np.abs(asked) > 0.1
    np.testing.assert_array_equal(np.sign(acted[sure]), np.sign(asked[sure]))


@pytest.mark.parametrize("kind", [DiffusionConfig, FlowMatchingConfig])
def test_chunk_stays_on_the_branch_that_it_began_with(kind: Any) -> None:
    rng = np.random.default_rng(0)
    sides = np.repeat(rng.choice([-1, 1], 250), 4)[:, None]
    windows = line_windows(np.zeros((1000, 1)), sides * 0.7, length=4)
    config = kind(history=1, horizon=4, execute=4, **SIZES)
    policy: Any = trained(made(config, line_spec()), windows, steps=300)
    policy.eval()
    policy.reset(np.ones(200, np.bool_), range(200))
    acted = np.stack([policy.act({"state": np.zeros((200, 1), np.float32)}) for _ in range(4)])
    assert 0.3 < (acted[0] > 0).mean() < 0.7
    assert (np.sign(acted) == np.sign(acted[0])).all(axis=0).mean() > 0.95


@pytest.mark.parametrize("config", KINDS, ids=name)
def test_spread_of_normal_demonstrations_is_learned(config: AnyConfig) -> None:
    rng = np.random.default_rng(0)
    actions = rng.normal(0.3, 0.2, (2000, 1))
    windows = line_windows(np.zeros((2000, 1)), actions)
    acted = drawn(trained(made(config, line_spec()), windows, steps=400), np.zeros((500, 1)))
    assert acted.mean() == pytest.approx(0.3, abs=0.05)
    assert acted.std() == pytest.approx(0.2, rel=0.25)


@pytest.mark.parametrize("steps", [1, 4, 10])
@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_velocity_to_one_point_leads_there_exactly(
    steps: int, solver: Solver, generator: torch.Generator
) -> None:
    point = torch.tensor([0.7, -0.2])
    start = torch.randn(5, 3, 2, generator=generator)
    found = integrate(lambda x, t: (point - x) / (1 - t), start, steps, solver)
    torch.testing.assert_close(found, point.expand(5, 3, 2), atol=1e-5, rtol=0)


def test_velocity_to_a_normal_density_is_followed_with_each_solvers_order(
    generator: torch.Generator,
) -> None:
    mean, deviation = 0.4, 0.3
    start = torch.randn(50, 1, 2, generator=generator, dtype=torch.float64)

    def velocity(x: Tensor, t: float) -> Tensor:
        variance = (t * deviation) ** 2 + (1 - t) ** 2
        return mean + (t * deviation**2 - (1 - t)) / variance * (x - t * mean)

    exact = mean + deviation * start  # x over its deviation does not change along a path

    def error(solver: Solver, steps: int) -> float:
        return float((integrate(velocity, start, steps, solver) - exact).abs().max())

    assert 1.7 < error("euler", 100) / error("euler", 200) < 2.3
    # The last step is Euler's, whose own error falls as the square of its length, too.
    assert 3.2 < error("heun", 100) / error("heun", 200) < 4.5
    assert error("heun", 40) < 0.2 * error("euler", 40)


@pytest.mark.parametrize("config", KINDS, ids=name)
def test_targets_are_what_the_best_field_says_of_one_point(
    config: AnyConfig, generator: torch.Generator
) -> None:
    policy: Any = made(config, line_spec())
    noise = SharedNoise(generator, torch.device("cpu"))
    demonstrated = torch.full((400, 3, 1), 0.7)
    start = noise.normal(400, 3, 1)
    noisy, time, target = policy._noised(demonstrated, start, noise)
    assert time.shape == (400, 3) and 0 <= time.min() < 0.05 and 0.95 < time.max() <= 1
    if isinstance(config, DiffusionConfig):
        share = policy._shares[(time * config.noise_steps).round().long()].float()[..., None]
        best = (noisy - share.sqrt() * 0.7) / (1 - share).sqrt()
    else:
        best = (0.7 - noisy) / (1 - time[..., None])
    known = time < 0.97  # beyond, both divide by little
    torch.testing.assert_close(target[known], best[known], atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("config", KINDS, ids=name)
def test_action_stays_in_the_box_even_of_an_untrained_policy(
    config: AnyConfig, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    policy: Any = made(config, make_spec())
    windows = make_windows(history=1)
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))
    noise = SharedNoise(torch.Generator().manual_seed(0), torch.device("cpu"))
    found = policy.sample(batch, noise, 20)
    assert found.shape == (8, 20, 2)
    assert ((found >= policy.box.low) & (found <= policy.box.high)).all()
    assert (found.std(dim=1) > 0).all()


@pytest.mark.parametrize("config", KINDS, ids=name)
def test_field_that_is_not_finite_stops_with_its_name(
    config: AnyConfig, make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    policy = made(config, make_spec())
    windows = make_windows(history=1)
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))
    spoiled = batch["action"].clone()
    spoiled[3, 1] = torch.inf
    with pytest.raises(TrainingDiverged, match="field is not finite, and neither is 'action'"):
        policy.loss({**batch, "action": spoiled}, generator)


@pytest.mark.parametrize(
    "kind, wrong, match",
    [
        (DiffusionConfig, {"denoising_steps": 101}, "at most all"),
        (DiffusionConfig, {"denoising_steps": 1}, "at least 2"),
        (DiffusionConfig, {"eta": 1.5}, "eta is 1.5"),
        (FlowMatchingConfig, {"flow_steps": 0}, "flow_steps is 0"),
        (FlowMatchingConfig, {"draws": 0}, "draws is 0"),
        (FlowMatchingConfig, {"field_width": 0}, "field_width is 0"),
        (DiffusionConfig, {"depth": 3}, "2 layers each"),
        (DiffusionConfig, {"channels": ()}, "at least one layer"),
        (DiffusionConfig, {"horizon": 4}, "execute is 8 and horizon 4"),
    ],
)
def test_configs_that_make_no_sense_are_refused(
    kind: Any, wrong: dict[str, Any], match: str
) -> None:
    assert issubclass(kind, PictureConfig)
    with pytest.raises(ConfigError, match=match):
        kind(**wrong)


@pytest.mark.parametrize("row", ["diffusion", "flow", "mdn"])
def test_policy_of_chunks_goes_from_demonstrations_to_an_evaluation(
    row: str, particle_demos: Path, tmp_path: Path
) -> None:
    sizes: dict[str, Any] = {"horizon": 4, "execute": 3, "width": 16, "depth": 2}
    (kind,) = (made for made in POLICIES if POLICIES[made].__name__.lower().startswith(row[:4]))
    config = TrainConfig(
        data=particle_demos,
        out=tmp_path / "run",
        policy=row,
        policy_config=kind(**sizes),
        steps=20,
        batch_size=64,
        validate_every=10,
        validation_windows=32,
        tensorboard=False,
        threads=1,
    )
    error = train(config).action_error
    assert error is not None and error > 0
    found = []
    for num_envs in (1, 3):
        out = tmp_path / f"eval-{num_envs}"
        asked = EvalConfig(
            policy=str(config.out), episodes=3, workers=1, num_envs=num_envs, out=out
        )
        found.append([episode.total_reward for episode in evaluate(asked).episodes])
    assert len(found[0]) == 3
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


@pytest.mark.parametrize(
    "config, looks",
    [
        (DiffusionConfig(**ONE, **SIZES, noise_steps=50, denoising_steps=7), 7),
        (FlowMatchingConfig(**ONE, **SIZES, flow_steps=6, solver="euler"), 6),
        (FlowMatchingConfig(**ONE, **SIZES, flow_steps=6, solver="heun"), 11),
    ],
    ids=["diffusion", "euler", "heun"],
)
def test_action_takes_as_many_looks_at_the_field_as_its_config_says(
    config: Any, looks: int
) -> None:
    policy: Any = made(config, line_spec())
    states = np.linspace(-1, 1, 16)[:, None].astype(np.float32)
    policy.fit(line_windows(states, states))
    asked: list[int] = []
    policy.network.register_forward_hook(lambda *_: asked.append(1))
    drawn(policy, states[:3])
    assert len(asked) == looks


def test_noise_on_the_way_is_as_much_as_eta_says() -> None:
    states = np.linspace(-1, 1, 16)[:, None].astype(np.float32)
    found = []
    for eta in (0.0, 0.0, 1.0):
        policy: Any = made(DiffusionConfig(**ONE, **SIZES, eta=eta), line_spec())
        policy.fit(line_windows(states, states))
        found.append(drawn(policy, states[:3]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
