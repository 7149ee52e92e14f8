"""What every policy that learns keeps: all rows of the table, on vectors and on pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from streams import global_stream

from ibc_gym.checkpoint import as_module, load_policy, save_policy
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float32, Windows
from ibc_gym.registry import POLICIES, load, make_policy

HISTORY = 2
SPEC = PolicySpec(
    task="contract",
    observation_space=spaces.Dict(
        {
            "state": spaces.Box(-5, 5, (3,), np.float32),
            "robot": spaces.Box(-5, 5, (2,), np.float32),
            "image": spaces.Box(0, 255, (16, 20, 3), np.uint8),
        }
    ),
    action_space=spaces.Box(np.array([-1, 0], np.float32), np.array([1, 4], np.float32)),
    control_period=0.1,
)


@dataclass(frozen=True)
class Row:
    """A policy and what it sees."""

    policy: str
    inputs: tuple[str, ...]

    def make(self, weights: int = 0) -> LearnedPolicy:
        """Untrained, its weights drawn from a seed."""
        config = load(POLICIES, self.policy, "policy").Config(inputs=self.inputs, history=HISTORY)
        with torch.random.fork_rng():
            torch.manual_seed(weights)
            return make_policy(self.policy, SPEC, config)


ROWS = [
    Row(policy, inputs)
    for policy in POLICIES
    for inputs in (("state",), ("state", "robot"), ("image", "robot"))
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small only lose by a second thread, all the more beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(
    scope="module", params=ROWS, ids=lambda row: f"{row.policy}({'+'.join(row.inputs)})"
)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture(scope="module")
def policy(row: Row) -> LearnedPolicy:
    """Fitted to the windows below; each test begins with a reset of its own and leaves the weights alone."""
    made = row.make()
    made.fit(windows())
    return made


@pytest.fixture
def batch(policy: LearnedPolicy) -> Mapping[str, torch.Tensor]:
    return policy.encode(windows()).batch(torch.arange(12))


def frames(count: int, seed: int = 0) -> dict[str, Any]:
    """Frames of every input, (count, ...)."""
    rng = np.random.default_rng(seed)
    return {
        "state": rng.normal(size=(count, 3)).astype(np.float32),
        "robot": rng.normal(3, 2, size=(count, 2)).astype(np.float32),
        "image": rng.integers(0, 256, (count, 16, 20, 3)).astype(np.uint8),
    }


def windows(**changes: Any) -> Windows:
    count = 40
    space = SPEC.action_space
    made: dict[str, Any] = {
        "frames": frames(count),
        "index": np.maximum(np.arange(count)[:, None] + np.arange(1 - HISTORY, 1), 0),
        "action": np.random.default_rng(1)
        .uniform(space.low, space.high, (count, 2))
        .astype(np.float32),
        "episode": np.zeros(count, np.int64),
    }
    return Windows(**{**made, **changes})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def act(policy: LearnedPolicy, seeds: list[int], steps: int = 3) -> Float32:
    """What is done in episodes that see the same whoever shares the batch, (steps, B, A)."""
    policy.reset(np.ones(len(seeds), np.bool_), list(seeds))
    seen = [[frames(1, seed=100 * seed + step) for seed in seeds] for step in range(steps)]
    return np.stack(
        [
            policy.act({name: np.concatenate([one[name] for one in now]) for name in now[0]})
            for now in seen
        ]
    )


def test_loss_is_a_finite_scalar_with_finite_parts_that_can_be_descended(
    policy: LearnedPolicy, batch: Mapping[str, torch.Tensor]
) -> None:
    module = as_module(policy)
    module.train()
    loss, parts = policy.loss(batch, generator())
    assert loss.shape == () and torch.isfinite(loss)
    assert parts
    for name, part in parts.items():
        assert part.shape == () and torch.isfinite(part), name
        assert not part.requires_grad, name
    gradients = torch.autograd.grad(loss, list(module.parameters()), allow_unused=True)
    known = [gradient for gradient in gradients if gradient is not None]
    assert all(torch.isfinite(gradient).all() for gradient in known)
    assert sum(float(gradient.abs().sum()) for gradient in known) > 0


def test_loss_draws_from_the_generator_alone(
    policy: LearnedPolicy, batch: Mapping[str, torch.Tensor]
) -> None:
    as_module(policy).train()
    before = torch.get_rng_state()
    first = policy.loss(batch, generator(3))[0]
    torch.rand(5)
    assert torch.equal(policy.loss(batch, generator(3))[0], first)
    torch.set_rng_state(before)
    policy.loss(batch, generator(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_some_updates_lower_the_loss(row: Row) -> None:
    policy = row.make()
    policy.fit(windows())
    batch = policy.encode(windows()).batch(torch.arange(12))
    module = as_module(policy)
    optimiser = torch.optim.Adam(module.parameters(), 1e-3)

    def level() -> float:
        module.eval()
        with torch.no_grad():
            return float(np.mean([float(policy.loss(batch, generator(k))[0]) for k in range(2)]))

    before = level()
    module.train()
    for step in range(10):
        optimiser.zero_grad()
        policy.loss(batch, generator(step))[0].backward()
        optimiser.step()
    assert level() < before


@pytest.mark.parametrize("training", [True, False])
def test_validation_measures_and_leaves_mode_weights_and_streams_alone(
    policy: LearnedPolicy, batch: Mapping[str, torch.Tensor], training: bool
) -> None:
    module = as_module(policy).train(training)
    modes = [part.training for part in module.modules()]
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    stream, numpys = torch.get_rng_state(), global_stream()
    found = policy.validate(batch, generator())
    assert policy.validate(batch, generator()) == found
    assert found["action_error"] > 0
    assert all(type(value) is float and np.isfinite(value) for value in found.values())
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert torch.equal(torch.get_rng_state(), stream)
    assert global_stream() == numpys


def test_encoded_windows_are_tensors_by_row(policy: LearnedPolicy) -> None:
    data = policy.encode(windows())
    assert len(data) == 40
    whole, some = data.batch(torch.arange(40)), data.batch(torch.tensor([7, 3, 7]))
    for name, values in whole.items():
        assert torch.equal(some[name], values[torch.tensor([7, 3, 7])])
        assert torch.isfinite(values.float()).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_acts_in_the_action_space(policy: LearnedPolicy, count: int) -> None:
    for action in act(policy, list(range(count))).reshape(-1, 2):
        assert action.dtype == np.float32
        assert SPEC.action_space.contains(action)


def test_acting_leaves_mode_and_streams_alone(policy: LearnedPolicy) -> None:
    module = as_module(policy).train()
    stream = torch.get_rng_state()
    first = act(policy, [0, 1])
    assert module.training
    assert torch.equal(torch.get_rng_state(), stream)
    module.eval()
    np.testing.assert_array_equal(act(policy, [0, 1]), first)


def test_same_seeds_give_the_same_episodes_again(policy: LearnedPolicy) -> None:
    first = act(policy, [4, 5, 6])
    act(policy, [7, 8])
    np.testing.assert_array_equal(act(policy, [4, 5, 6]), first)


def test_action_does_not_depend_on_who_shares_the_batch(policy: LearnedPolicy) -> None:
    """But for the last bits: a matrix product rounds by its shape."""
    together = act(policy, [4, 5, 6])
    for place, seed in enumerate([4, 5, 6]):
        np.testing.assert_allclose(act(policy, [seed])[:, 0], together[:, place], atol=1e-3)


def test_episode_that_begins_does_not_disturb_the_others(policy: LearnedPolicy) -> None:
    def second(begins_anew: bool) -> Float32:
        policy.reset(np.ones(2, np.bool_), [0, 1])
        policy.act(frames(2, seed=0))
        if begins_anew:
            policy.reset(np.array([True, False]), [9, 1])
        return policy.act(frames(2, seed=1))

    undisturbed, disturbed = second(begins_anew=False), second(begins_anew=True)
    np.testing.assert_array_equal(undisturbed[1], disturbed[1])


def test_episode_that_begins_has_forgotten_the_one_before(policy: LearnedPolicy) -> None:
    fresh = act(policy, [4, 5])
    policy.act(frames(2, seed=77))
    policy.reset(np.array([True, False]), [4, 5])
    seen = [np.concatenate([frames(1, seed=400)[name]] * 2) for name in frames(1)]
    again = policy.act(dict(zip(frames(1), seen, strict=True)))
    np.testing.assert_allclose(again[0], fresh[0, 0], atol=1e-3)


def test_saved_policy_acts_as_before(row: Row, policy: LearnedPolicy, tmp_path: Path) -> None:
    as_module(policy).eval()
    save_policy(tmp_path / "policy", row.policy, policy)
    loaded = load_policy(tmp_path / "policy")
    assert not as_module(loaded).training
    np.testing.assert_array_equal(act(loaded, [2, 3]), act(policy, [2, 3]))


def test_weights_are_drawn_from_pytorchs_stream(row: Row) -> None:
    def numbers(seed: int) -> list[bytes]:
        weights = as_module(row.make(seed)).state_dict().values()
        return [value.numpy().tobytes() for value in weights]

    assert numbers(1) == numbers(1) != numbers(2)


@pytest.mark.parametrize("spoil", ["short", "long", "missing", "not finite", "another count"])
def test_observation_that_does_not_fit_is_refused(
    row: Row, policy: LearnedPolicy, spoil: str
) -> None:
    policy.reset(np.ones(2, np.bool_), [0, 1])
    name = row.inputs[-1]  # a vector
    observation = frames(2)
    if spoil == "short":
        observation[name] = observation[name][:, :-1]
    elif spoil == "long":
        observation[name] = np.concatenate([observation[name]] * 2, axis=1)
    elif spoil == "missing":
        del observation[name]
    elif spoil == "not finite":
        observation[name][1, 0] = np.nan
    else:
        observation = frames(3)
    with pytest.raises(SpecMismatch, match=row.inputs[0] if spoil == "another count" else name):
        policy.act(observation)
    assert SPEC.action_space.contains(policy.act(frames(2))[0])  # nothing was kept of it


def test_windows_that_do_not_fit_are_refused(row: Row) -> None:
    policy, good = row.make(), windows()
    name = row.inputs[-1]
    spoiled = np.array(good.frames[name])
    spoiled[3, 0] = np.nan
    for bad in (
        windows(action=good.action[:, :1]),
        windows(action=good.action * np.nan),
        windows(index=good.index[:, :1]),
        windows(frames={key: value for key, value in good.frames.items() if key != name}),
        windows(frames={**good.frames, name: good.frames[name][:, :-1]}),
        windows(frames={**good.frames, name: spoiled}),
    ):
        with pytest.raises(SpecMismatch):
            policy.fit(bad)


def test_what_comes_too_early_is_refused(row: Row) -> None:
    policy = row.make()
    with pytest.raises(ConfigError, match="fit"):
        policy.encode(windows())
    policy.fit(windows())
    with pytest.raises(ConfigError, match="reset"):
        policy.act(frames(1))
