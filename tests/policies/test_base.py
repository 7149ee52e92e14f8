"""What every learned policy keeps, explicit or implicit, of states or of pictures."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
import torch
from small_policies import (
    CONFIGS,
    PICTURE,
    SMALL,
    AnyConfig,
    MakeSpec,
    MakeWindows,
    made,
    observations,
    trained,
)

from ibc_gym.contracts import CanonicalFrame
from ibc_gym.errors import ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.policies.augmentation import augmented
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.mse import MSE, MSEConfig


@pytest.fixture(params=list(CONFIGS))
def config(request: pytest.FixtureRequest) -> AnyConfig:
    return CONFIGS[request.param]


@pytest.fixture
def policy(config: AnyConfig, make_spec: MakeSpec, make_windows: MakeWindows) -> WindowPolicy:
    windows = make_windows(history=config.history, picture=PICTURE)
    return trained(made(config, make_spec(PICTURE)), windows, steps=2)


def test_loss_is_a_scalar_that_reaches_every_weight(
    policy: WindowPolicy,
    make_windows: MakeWindows,
    config: AnyConfig,
    generator: torch.Generator,
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


def test_same_generator_gives_the_same_loss(
    policy: WindowPolicy, make_windows: MakeWindows, config: AnyConfig
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    state = copy.deepcopy(policy.state_dict())
    losses = []
    for _ in range(2):
        policy.load_state_dict(state)  # with spectral normalisation a pass in training moves it on
        losses.append(float(policy.loss(batch, torch.Generator().manual_seed(3))[0].detach()))
    assert losses[0] == losses[1]


def test_validation_measures_the_action_error_and_leaves_the_mode(
    policy: WindowPolicy,
    make_windows: MakeWindows,
    config: AnyConfig,
    generator: torch.Generator,
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    assert policy.training
    measures = policy.validate(batch, generator)
    assert policy.training
    assert {"action_error", "loss"} <= set(measures)
    assert all(isinstance(v, float) and np.isfinite(v) for v in measures.values())


def test_actions_lie_in_the_space_and_are_float32(
    policy: WindowPolicy, make_windows: MakeWindows
) -> None:
    policy.reset(np.ones(5, bool), range(5))
    windows = make_windows(picture=PICTURE)
    for step in range(3):
        actions = policy.act(observations(windows, slice(5 * step, 5 * step + 5)))
        assert actions.dtype == np.float32 and actions.shape == (5, 2)
        assert all(policy.spec.action_space.contains(action) for action in actions)


def test_an_episode_does_not_depend_on_who_shares_the_batch(
    policy: WindowPolicy, make_windows: MakeWindows
) -> None:
    windows = make_windows(picture=PICTURE)
    policy.reset(np.ones(3, bool), [4, 5, 6])
    together = [policy.act(observations(windows, slice(k, k + 3)))[1] for k in (0, 3)]
    policy.reset(np.ones(1, bool), [5])
    alone = [policy.act(observations(windows, slice(k + 1, k + 2)))[0] for k in (0, 3)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_reset_row_begins_anew_and_the_others_go_on(
    policy: WindowPolicy, make_windows: MakeWindows
) -> None:
    windows = make_windows(picture=PICTURE)
    policy.reset(np.ones(2, bool), [1, 2])
    first = policy.act(observations(windows, slice(0, 2)))
    policy.act(observations(windows, slice(2, 4)))
    policy.reset(np.array([False, True]), [1, 2])
    again = policy.act(observations(windows, slice(0, 2)))
    np.testing.assert_allclose(again[1], first[1], atol=1e-5)
    assert not np.allclose(again[0], first[0], atol=1e-7)


def test_policy_from_weights_and_json_acts_the_same(
    policy: WindowPolicy, make_windows: MakeWindows
) -> None:
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


def test_state_holds_weights_alone_and_where_power_iterations_stand(policy: WindowPolicy) -> None:
    others = set(policy.state_dict()) - {name for name, _ in policy.named_parameters()}
    layers = [name for name, _ in policy.named_parameters() if name.endswith("weight.original")]
    assert others == {name.replace("original", "0.u") for name in layers}


def test_wrong_observations_are_refused_with_their_name(
    policy: WindowPolicy, make_windows: MakeWindows
) -> None:
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


def test_broken_weights_are_named(
    policy: WindowPolicy,
    make_windows: MakeWindows,
    config: AnyConfig,
    generator: torch.Generator,
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    name, parameter = next(iter(policy.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[0] = torch.nan
    with pytest.raises(TrainingDiverged, match=name):
        policy.loss(batch, generator)


def test_broken_weights_do_not_act(
    policy: WindowPolicy, make_windows: MakeWindows, config: AnyConfig
) -> None:
    observed = observations(make_windows(history=config.history, picture=PICTURE), slice(0, 2))
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.fill_(torch.nan)
    policy.reset(np.ones(2, bool), [0, 1])
    with pytest.raises(TrainingDiverged, match="not finite"):
        policy.act(observed)


def test_half_precision_trains_too(
    policy: WindowPolicy,
    make_windows: MakeWindows,
    config: AnyConfig,
    generator: torch.Generator,
) -> None:
    windows = make_windows(history=config.history, picture=PICTURE)
    batch = policy.encode(windows).batch(torch.arange(8))
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = policy.loss(batch, generator)
    loss.backward()
    assert torch.isfinite(loss)


def test_each_window_is_mirrored_half_of_the_time_whatever_the_others_are(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    config = EBMConfig(
        frame="toy", mirror=True, action_normalisation="isotropic", late_fusion=SMALL
    )
    policy = EBM(config, make_spec(), turned)
    windows = make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))
    generator = torch.Generator().manual_seed(0)
    signs = []
    for _ in range(200):
        seen = augmented(batch, policy.codec, generator)
        sign = seen["action"][:, 1] / batch["action"][:, 1]
        signs.append(sign)
        torch.testing.assert_close(seen["action"][:, 0], batch["action"][:, 0])
        torch.testing.assert_close(
            seen["features"][:, [1, 3]], sign[:, None] * batch["features"][:, [1, 3]]
        )
        torch.testing.assert_close(seen["features"][:, [0, 2]], batch["features"][:, [0, 2]])
    mirrored = torch.stack(signs) < 0  # (200, 8)
    torch.testing.assert_close(torch.stack(signs).abs(), torch.ones(200, 8))
    assert mirrored.sum(dim=0).min() > 70 and mirrored.sum(dim=0).max() < 130
    together = torch.corrcoef(mirrored.T.float()) - torch.eye(8)
    assert together.abs().max() < 0.3  # one coin for all would be 1
    policy.eval()  # what is held out is judged as it is
    assert all(policy._augmented(batch, generator) is batch for _ in range(20))


@pytest.mark.parametrize("kind", (EBM, MSE))
def test_observation_noise_is_for_training_alone(
    make_spec: MakeSpec, make_windows: MakeWindows, kind: type[EBM] | type[MSE]
) -> None:
    config: Any = kind.Config(observation_noise=0.1)
    policy = kind(config, make_spec())
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


def test_policy_in_a_frame_acts_in_the_tasks_axes(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    # The demonstrated action is (0.8, -0.4) in the frame, whatever the state: in the task's axes it is swapped.
    windows = make_windows()
    windows.action[:] = turned.into(
        np.tile(np.array([[0.8, -0.4]], np.float32), (300, 1)),
        windows.observation("state").astype(np.float32),
    )
    config = MSEConfig(frame="toy", action_normalisation="isotropic", width=16, depth=2)
    policy = trained(MSE(config, make_spec(), turned), windows, steps=150)
    policy.reset(np.ones(2, bool), [0, 1])
    actions = policy.act({"state": np.array([[0.5, 0, 0], [-0.5, 0, 0]], np.float32)})
    np.testing.assert_allclose(actions, [[0.8, -0.4], [-0.4, 0.8]], atol=0.1)
