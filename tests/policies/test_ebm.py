from __future__ import annotations

import copy
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.losses import GradientPenaltyConfig
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import JointConfig, LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.records import Windows

SMALL = LateFusionConfig(width=16, depth=2, channels=(4, 8), value_width=8)
CONFIGS: dict[str, EBMConfig | MSEConfig] = {
    "dfo": EBMConfig(late_fusion=SMALL, dfo=DFOConfig(samples=32, validation_samples=16)),
    "joint": EBMConfig(
        inputs=("state", "robot"),
        history=3,
        network="joint",
        joint=JointConfig(width=16, depth=2, dropout=0.1),
        dfo=DFOConfig(samples=32, pick="sample"),
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
        inputs=("image", "robot"), image_size=(16, 16), late_fusion=SMALL, dfo=DFOConfig(samples=32)
    ),
    "mse": MSEConfig(width=16, depth=2),
    "mse-pixels": MSEConfig(
        inputs=("image", "robot"), width=16, depth=2, channels=(4, 8), trunk="mlp"
    ),
}
PICTURE = (24, 32, 3)


@pytest.fixture(params=list(CONFIGS))
def config(request: pytest.FixtureRequest) -> EBMConfig | MSEConfig:
    return CONFIGS[request.param]


def made(config: EBMConfig | MSEConfig, spec: PolicySpec) -> WindowPolicy:
    torch.manual_seed(0)
    cls = EBM if isinstance(config, EBMConfig) else MSE
    return cls(config, spec)


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


@pytest.fixture
def policy(config, make_spec, make_windows) -> WindowPolicy:
    windows = make_windows(history=config.history, picture=PICTURE)
    return trained(made(config, make_spec(PICTURE)), windows, steps=2)


def test_loss_is_a_scalar_that_reaches_every_weight(
    policy, make_windows, config, generator
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    policy.zero_grad()
    loss, parts = policy.loss(batch, generator)
    loss.backward()
    assert loss.shape == () and all(part.shape == () for part in parts.values())
    assert not any(part.requires_grad for part in parts.values())
    unused = [name for name, p in policy.named_parameters() if p.grad is None]
    assert unused == []


def test_same_generator_gives_the_same_loss(policy, make_windows, config) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    losses = [
        float(policy.loss(batch, torch.Generator().manual_seed(3))[0].detach()) for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_validation_measures_the_action_error_and_leaves_the_mode(
    policy, make_windows, config, generator
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    assert policy.training
    measures = policy.validate(batch, generator)
    assert policy.training
    assert {"action_error", "loss"} <= set(measures)
    assert all(isinstance(v, float) and np.isfinite(v) for v in measures.values())


def test_actions_lie_in_the_space_and_are_float32(policy, make_windows) -> None:
    policy.reset(np.ones(5, bool), range(5))
    windows = make_windows(picture=PICTURE)
    for step in range(3):
        actions = policy.act(observations(windows, slice(5 * step, 5 * step + 5)))
        assert actions.dtype == np.float32 and actions.shape == (5, 2)
        assert all(policy.spec.action_space.contains(action) for action in actions)


def test_an_episode_does_not_depend_on_who_shares_the_batch(policy, make_windows) -> None:
    windows = make_windows(picture=PICTURE)
    policy.reset(np.ones(3, bool), [4, 5, 6])
    together = [policy.act(observations(windows, slice(k, k + 3)))[1] for k in (0, 3)]
    policy.reset(np.ones(1, bool), [5])
    alone = [policy.act(observations(windows, slice(k + 1, k + 2)))[0] for k in (0, 3)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_reset_row_begins_anew_and_the_others_go_on(policy, make_windows) -> None:
    windows = make_windows(picture=PICTURE)
    policy.reset(np.ones(2, bool), [1, 2])
    first = policy.act(observations(windows, slice(0, 2)))
    policy.act(observations(windows, slice(2, 4)))
    policy.reset(np.array([False, True]), [1, 2])
    again = policy.act(observations(windows, slice(0, 2)))
    np.testing.assert_allclose(again[1], first[1], atol=1e-5)
    assert not np.allclose(again[0], first[0], atol=1e-7)


def test_policy_from_weights_and_json_acts_the_same(policy, make_windows) -> None:
    twin = type(policy)(policy.config, policy.spec)
    twin.load_state_dict(policy.state_dict())
    twin.load_fitted(json.loads(json.dumps(policy.fitted())))
    observed = observations(make_windows(picture=PICTURE), slice(0, 3))
    actions = []
    for one in (policy, twin, copy.deepcopy(policy)):
        one.reset(np.ones(3, bool), [1, 2, 3])
        actions.append(one.act(observed))
    np.testing.assert_array_equal(actions[0], actions[1])
    np.testing.assert_array_equal(actions[0], actions[2])


def test_state_holds_weights_alone(policy) -> None:
    assert set(policy.state_dict()) == {name for name, _ in policy.named_parameters()}


def test_wrong_observations_are_refused_with_their_name(policy, make_windows) -> None:
    observed = observations(make_windows(picture=PICTURE), slice(0, 2))
    with pytest.raises(ConfigError, match="reset"):
        type(policy)(policy.config, policy.spec).act(observed)
    policy.reset(np.ones(2, bool), [0, 1])
    name = policy.config.inputs[-1]
    with pytest.raises(SpecMismatch, match=f"{name!r}, but the observation holds"):
        policy.act({key: value for key, value in observed.items() if key != name})
    with pytest.raises(SpecMismatch, match=f"{name!r} has shape"):
        policy.act({**observed, name: observed[name][:, :1]})
    with pytest.raises(SpecMismatch, match="3 environments, but 2"):
        policy.act({key: np.concatenate([v, v[:1]]) for key, v in observed.items()})
    broken = observed[policy.config.feature_inputs[0]].copy()
    broken[1, 0] = np.nan
    with pytest.raises(SpecMismatch, match="nan in environment 1"):
        policy.act({**observed, policy.config.feature_inputs[0]: broken})


def test_broken_weights_are_named(policy, make_windows, config, generator) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    name, parameter = next(iter(policy.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[0] = torch.nan
    with pytest.raises(TrainingDiverged, match=name):
        policy.loss(batch, generator)


def test_half_precision_trains_too(policy, make_windows, config, generator) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = policy.loss(batch, generator)
    loss.backward()
    assert torch.isfinite(loss)


def test_mirrored_batches_come_about_half_of_the_time(make_spec, make_windows, turned) -> None:
    config = EBMConfig(
        frame="toy", mirror=True, action_normalisation="isotropic", late_fusion=SMALL
    )
    policy = EBM(config, make_spec(), turned)
    windows = make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))
    generator = torch.Generator().manual_seed(0)
    mirrored = 0
    for _ in range(200):
        seen = policy._mirrored(batch, generator)
        if not torch.equal(seen["action"], batch["action"]):
            mirrored += 1
            torch.testing.assert_close(seen["action"][:, 1], -batch["action"][:, 1])
            torch.testing.assert_close(seen["features"][:, [1, 3]], -batch["features"][:, [1, 3]])
            torch.testing.assert_close(seen["features"][:, [0, 2]], batch["features"][:, [0, 2]])
    assert 70 < mirrored < 130


@pytest.mark.parametrize("kind", (EBM, MSE))
def test_observation_noise_is_for_training_alone(make_spec, make_windows, kind) -> None:
    policy = kind(kind.Config(observation_noise=0.1), make_spec())
    windows = make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(len(windows)))
    first, again = (
        policy._augmented(batch, torch.Generator().manual_seed(3))["features"] for _ in range(2)
    )
    assert torch.equal(first, again)
    assert (first - batch["features"]).std() == pytest.approx(0.1, rel=0.1)
    policy.eval()
    assert policy._augmented(batch, torch.Generator()) is batch


def test_policy_in_a_frame_acts_in_the_tasks_axes(make_spec, make_windows, turned) -> None:
    # The demonstrated action is (0.8, -0.4) in the frame, whatever the state: in the task's axes it is swapped.
    windows = make_windows()
    windows.action[:] = turned.into(
        np.tile(np.float32([[0.8, -0.4]]), (300, 1)), windows.observation("state")
    )
    config = MSEConfig(frame="toy", action_normalisation="isotropic", width=16, depth=2)
    policy = trained(MSE(config, make_spec(), turned), windows, steps=150)
    policy.reset(np.ones(2, bool), [0, 1])
    actions = policy.act({"state": np.float32([[0.5, 0, 0], [-0.5, 0, 0]])})
    np.testing.assert_allclose(actions, [[0.8, -0.4], [-0.4, 0.8]], atol=0.1)


def test_penalty_keeps_the_energy_gentle(make_spec, make_windows, generator) -> None:
    windows = make_windows()
    norms = []
    for weight in (0.0, 10.0):
        config = EBMConfig(
            late_fusion=SMALL,
            negatives=NegativesConfig(uniform=8, anchored=0),
            gradient_penalty=GradientPenaltyConfig(weight=weight, margin=0.2),
        )
        policy = trained(made(config, make_spec()), windows, steps=150)
        assert isinstance(policy, EBM)
        batch = policy.encode(windows).batch(torch.arange(64))
        with torch.no_grad():
            points = torch.rand(64, 32, 2, generator=generator) * 2 - 1
            context = policy.network.encode(batch)
            norms.append(
                float(policy.network.action_gradient(context, points).abs().amax(-1).mean())
            )
    assert norms[1] < 0.3 < norms[0]


def test_energies_of_the_last_observation_have_their_least_where_the_policy_acts(
    make_spec, make_windows
) -> None:
    windows = make_windows()
    policy = trained(made(CONFIGS["dfo"], make_spec()), windows, steps=20)
    assert isinstance(policy, EBM)
    with pytest.raises(ConfigError, match="act"):
        policy.energies(np.zeros((2, 5, 2), np.float32))
    policy.reset(np.ones(2, bool), [0, 1])
    acted = policy.act(observations(windows, slice(0, 2)))
    rng = np.random.default_rng(0)
    others = rng.uniform(-0.5, 1.0, (2, 20, 2)).astype(np.float32)
    energies = policy.energies(np.concatenate([acted[:, None], others], axis=1))
    assert energies.shape == (2, 21)
    assert (energies[:, :1] <= np.quantile(energies, 0.25, axis=1, keepdims=True)).all()


def test_joint_network_takes_no_pictures() -> None:
    with pytest.raises(ConfigError, match="late_fusion"):
        EBMConfig(inputs=("image",), network="joint")


@settings(max_examples=15, deadline=None)
@given(
    states=st.integers(1, 5),
    actions=st.integers(1, 6),
    history=st.integers(1, 3),
    low=st.floats(-5, 0),
    width=st.floats(0.1, 10),
    optimiser=st.sampled_from(["dfo", "langevin"]),
)
def test_any_space_is_learned_and_acted_in(
    states: int, actions: int, history: int, low: float, width: float, optimiser: str
) -> None:
    rng = np.random.default_rng(0)
    box = spaces.Box(low, low + width, (actions,), np.float32)
    spec = PolicySpec(
        task="any",
        observation_space=spaces.Dict({"state": spaces.Box(-9, 9, (states,), np.float32)}),
        action_space=box,
        control_period=0.1,
    )
    windows = Windows(
        frames={"state": rng.normal(size=(20, states)).astype(np.float32)},
        index=np.maximum(np.arange(20)[:, None] + np.arange(1 - history, 1), 0),
        action=rng.uniform(box.low, box.high, (20, actions)).astype(np.float32),
        episode=np.zeros(20, np.int64),
    )
    config = EBMConfig(
        history=history,
        late_fusion=SMALL,
        optimiser=optimiser,
        dfo=DFOConfig(samples=16),
        langevin=LangevinConfig(samples=8, iterations=3),
    )
    policy = trained(EBM(config, spec), windows, steps=1)
    policy.reset(np.ones(3, bool), [0, 1, 2])
    for action in policy.act({"state": windows.frames["state"][:3] * 100}):
        assert box.contains(action)


@pytest.fixture
def branches(make_spec: Callable[..., PolicySpec]) -> tuple[PolicySpec, Windows]:
    """y = ±(0.5 + 0.3 x), either sign with equal chance."""
    rng = np.random.default_rng(0)
    count = 2000
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    sign = rng.choice([-1.0, 1.0], (count, 1))
    spec = PolicySpec(
        task="branches",
        observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
        action_space=spaces.Box(-1, 1, (1,), np.float32),
        control_period=0.1,
    )
    windows = Windows(
        frames={"state": x},
        index=np.arange(count)[:, None],
        action=(sign * (0.5 + 0.3 * x)).astype(np.float32),
        episode=np.arange(count),
    )
    return spec, windows


def test_implicit_policy_keeps_both_branches_where_the_explicit_one_averages_them(branches) -> None:
    spec, windows = branches
    x = np.linspace(-0.9, 0.9, 200, dtype=np.float32)[:, None]
    answer = 0.5 + 0.3 * x
    wide = LateFusionConfig(width=64, depth=2, value_width=64)

    def acted(policy: WindowPolicy) -> np.ndarray:
        policy.reset(np.ones(200, bool), range(200))
        return policy.act({"state": x})

    implicit = EBMConfig(history=1, late_fusion=wide, dfo=DFOConfig(pick="sample"))
    chosen = acted(trained(made(implicit, spec), windows, steps=400))
    distance = np.minimum(np.abs(chosen - answer), np.abs(chosen + answer))
    assert np.quantile(distance, 0.9) < 0.1
    assert 0.25 < (chosen > 0).mean() < 0.75

    explicit = acted(
        trained(made(MSEConfig(history=1, width=64, depth=2), spec), windows, steps=400)
    )
    assert np.abs(explicit).max() < 0.2
    between = np.minimum(np.abs(explicit - answer), np.abs(explicit + answer))
    assert between.min() > 0.05


def test_least_energy_never_lies_between_the_sides_of_a_jump(make_spec) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2000, 1)).astype(np.float32)
    spec = PolicySpec(
        task="jump",
        observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
        action_space=spaces.Box(-1, 1, (1,), np.float32),
        control_period=0.1,
    )
    windows = Windows(
        frames={"state": x},
        index=np.arange(2000)[:, None],
        action=np.where(x > 0, 0.8, -0.8).astype(np.float32),
        episode=np.arange(2000),
    )
    wide = LateFusionConfig(width=64, depth=2, value_width=64)
    policy = trained(made(EBMConfig(history=1, late_fusion=wide), spec), windows, steps=300)
    near = np.linspace(-0.1, 0.1, 201, dtype=np.float32)[:, None]
    policy.reset(np.ones(201, bool), range(201))
    chosen = policy.act({"state": near})
    assert (np.abs(np.abs(chosen) - 0.8) < 0.1).mean() > 0.97
