"""What every policy that learns keeps, besides what every policy does: `ibc_gym.contracts.LearnedPolicy`, as tests.

It needs PyTorch, and so it is imported by its own name: `from ibc_gym.testing.learned import LearnedPolicyContract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ibc_gym.checkpoint import as_module
from ibc_gym.contracts import LearnedPolicy, Policy
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.offers import Monitored
from ibc_gym.records import Windows
from ibc_gym.testing.bits import global_stream
from ibc_gym.testing.contract import refuses, rule
from ibc_gym.testing.policies import PolicyContract

WINDOWS = 40
BATCH = 12


class LearnedPolicyContract(PolicyContract):
    """Subclass it and say in `make` how an untrained policy is made, in `spec` for which spaces.

    Its weights are drawn from PyTorch's own stream. A policy without parameters, which `fit` alone teaches, has no
    weights to draw or to descend, and may know its training windows by heart.
    """

    def make(self) -> LearnedPolicy:
        """Make the policy, untrained and not fitted."""
        raise NotImplementedError(f"{type(self).__name__}.make must say how it is made.")

    def untrained(self, seed: int = 0) -> LearnedPolicy:
        """One whose weights are drawn from a seed."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.make()

    def prepare(self) -> Policy:
        """The one that tests share is fitted; they leave its weights alone."""
        policy = self.untrained()
        policy.fit(self.windows(policy))
        return policy

    @property
    def learner(self) -> LearnedPolicy:
        """The policy that tests share."""
        shared: Any = self.shared
        learner: LearnedPolicy = shared
        return learner

    def windows(self, policy: LearnedPolicy, **changes: Any) -> Windows:
        """Training windows of one episode for a policy, with actions from all over the space.

        Args:
            policy: Whose history they have.
            **changes: Replace parts of them.
        """
        space, history = self.spec().action_space, policy.config.history
        steps = np.arange(WINDOWS)[:, None] + np.arange(1 - history, 1)
        drawn = np.random.default_rng(1).uniform(space.low, space.high, (WINDOWS, *space.shape))
        made: dict[str, Any] = {
            "frames": self.observations(range(WINDOWS)),
            "index": np.maximum(steps, 0),
            "action": drawn.astype(np.float32),
            "episode": np.zeros(WINDOWS, np.int64),
        }
        return Windows(**{**made, **changes})

    @property
    def descends(self) -> bool:
        """Whether the policy has parameters."""
        return any(True for _ in as_module(self.learner).parameters())

    def batch(self) -> Mapping[str, torch.Tensor]:
        """A batch of encoded windows."""
        return self.learner.encode(self.windows(self.learner)).batch(torch.arange(BATCH))

    @rule("LearnedPolicy.loss")
    def test_loss_is_a_finite_scalar_with_finite_parts_that_can_be_descended(self) -> None:
        """The loss and its named parts are finite scalars; the loss alone has a slope, which is finite and not flat.

        Without parameters it has none.
        """
        module = as_module(self.learner)
        module.train()
        loss, parts = self.learner.loss(self.batch(), generator())
        assert loss.shape == () and torch.isfinite(loss)
        assert parts
        for name, part in parts.items():
            assert part.shape == () and torch.isfinite(part), name
            assert not part.requires_grad, name
        assert loss.requires_grad is self.descends
        if not self.descends:
            return
        slopes = torch.autograd.grad(loss, list(module.parameters()), allow_unused=True)
        known = [slope for slope in slopes if slope is not None]
        assert all(torch.isfinite(slope).all() for slope in known)
        assert sum(float(slope.abs().sum()) for slope in known) > 0

    @rule("LearnedPolicy.loss")
    def test_loss_draws_from_the_generator_alone(self) -> None:
        """The loss draws from the generator that it is given, and not from PyTorch's own stream."""
        as_module(self.learner).train()
        batch, before = self.batch(), torch.get_rng_state()
        first = self.learner.loss(batch, generator(3))[0]
        torch.rand(5)
        assert torch.equal(self.learner.loss(batch, generator(3))[0], first)
        torch.set_rng_state(before)
        self.learner.loss(batch, generator(3))
        assert torch.equal(torch.get_rng_state(), before)

    @rule("LearnedPolicy.loss")
    def test_some_updates_lower_the_loss(self) -> None:
        """Ten updates on one batch lower the loss, where there are weights to update."""
        if not self.descends:
            return
        policy = self.untrained()
        policy.fit(self.windows(policy))
        batch = policy.encode(self.windows(policy)).batch(torch.arange(BATCH))
        module = as_module(policy)
        optimiser = torch.optim.Adam(module.parameters(), 1e-3)

        def level() -> float:
            module.eval()
            with torch.no_grad():
                losses = [float(policy.loss(batch, generator(seed))[0]) for seed in range(2)]
            return float(np.mean(losses))

        before = level()
        module.train()
        for step in range(10):
            optimiser.zero_grad()
            loss: Any = policy.loss(batch, generator(step))[0]
            loss.backward()
            optimiser.step()
        assert level() < before

    @rule("LearnedPolicy.validate")
    def test_validation_measures_and_leaves_mode_weights_and_streams_alone(self) -> None:
        """Validation gives finite numbers, "action_error" among them, and changes nothing."""
        batch = self.batch()
        for training in (True, False):
            module = as_module(self.learner).train(training)
            modes = [part.training for part in module.modules()]
            weights = {name: value.clone() for name, value in module.state_dict().items()}
            stream, numpys = torch.get_rng_state(), global_stream()
            found = self.learner.validate(batch, generator())
            assert self.learner.validate(batch, generator()) == found
            assert found["action_error"] > 0 or not self.descends
            assert all(type(value) is float and np.isfinite(value) for value in found.values())
            assert [part.training for part in module.modules()] == modes
            assert all(torch.equal(now, weights[name]) for name, now in module.state_dict().items())
            assert all(parameter.grad is None for parameter in module.parameters())
            assert torch.equal(torch.get_rng_state(), stream) and global_stream() == numpys

    @rule("Monitored.vital_signs")
    def test_what_it_says_is_healthy_is_reported_and_has_bounds(self) -> None:
        """What is healthy is said of numbers that the loss or the validation reports, the least below the greatest."""
        if not isinstance(self.learner, Monitored):
            return
        batch = self.batch()
        as_module(self.learner).train()
        _, parts = self.learner.loss(batch, generator())
        measures = self.learner.validate(batch, generator())
        known = {f"train/{name}" for name in parts} | {f"validation/{name}" for name in measures}
        for name, (low, high) in self.learner.vital_signs.items():
            assert name in known, name
            assert low < high, name

    @rule("LearnedPolicy.encode")
    def test_encoded_windows_are_tensors_by_row(self) -> None:
        """Encoded windows are finite tensors, picked by row in any order and as often as one likes."""
        data = self.learner.encode(self.windows(self.learner))
        assert len(data) == WINDOWS
        rows = torch.tensor([7, 3, 7])
        whole, some = data.batch(torch.arange(WINDOWS)), data.batch(rows)
        for name, values in whole.items():
            assert torch.equal(some[name], values[rows])
            assert torch.isfinite(values.float()).all()

    @rule("Policy.act")
    def test_acting_leaves_mode_and_streams_alone(self) -> None:
        """Acting changes neither training mode nor PyTorch's stream, and depends on neither."""
        module = as_module(self.learner).train()
        stream = torch.get_rng_state()
        first = self.act([0, 1])
        assert module.training
        assert torch.equal(torch.get_rng_state(), stream)
        module.eval()
        np.testing.assert_array_equal(self.act([0, 1]), first)

    @rule("LearnedPolicy.fit")
    def test_weights_are_drawn_from_pytorchs_stream(self) -> None:
        """The same state of PyTorch's stream gives the same weights, another one others, where there are any."""

        def numbers(seed: int) -> list[bytes]:
            weights = as_module(self.untrained(seed)).state_dict().values()
            return [value.numpy().tobytes() for value in weights]

        assert numbers(1) == numbers(1)
        assert numbers(1) != numbers(2) or not self.descends

    @rule("LearnedPolicy.fitted")
    def test_fitted_numbers_can_be_written_and_read_back(self) -> None:
        """With the weights and what `fitted` gave, another instance acts alike."""
        another = self.untrained(1)
        another.load_fitted(self.learner.fitted())
        as_module(another).load_state_dict(as_module(self.learner).state_dict())
        as_module(another).eval()
        as_module(self.learner).eval()
        first = self.act([2, 3])
        seen = [self.observations([200 + step, 300 + step]) for step in range(3)]
        another.reset(np.ones(2, np.bool_), [2, 3])
        np.testing.assert_array_equal(np.stack([another.act(each) for each in seen]), first)

    @rule("Policy.act")
    def test_observation_that_does_not_fit_is_refused(self) -> None:
        """An input of another shape, missing or not finite raises SpecMismatch, and nothing is kept of it."""
        name = self._vector()
        good = self.observations([0, 1])
        spoiled = good[name].copy()
        spoiled[1, 0] = np.nan
        for what, wrong in {
            "short": {**good, name: good[name][:, :-1]},
            "long": {**good, name: np.concatenate([good[name]] * 2, axis=1)},
            "missing": {key: value for key, value in good.items() if key != name},
            "not finite": {**good, name: spoiled},
            "of another number of environments": self.observations([0, 1, 2]),
        }.items():
            self.policy.reset(np.ones(2, np.bool_), [0, 1])
            refuses(SpecMismatch, f"An observation, {name} {what},", self.policy.act, wrong)
            assert self.spec().action_space.contains(self.policy.act(good)[0])

    @rule("LearnedPolicy.fit")
    def test_windows_that_do_not_fit_are_refused(self) -> None:
        """Windows of another shape, with an input missing or not finite, raise SpecMismatch."""
        policy, name = self.untrained(), self._vector()
        good = self.windows(policy)
        spoiled = np.array(good.frames[name])
        spoiled[3, 0] = np.nan
        others = {key: value for key, value in good.frames.items() if key != name}
        wrongs: dict[str, dict[str, Any]] = {
            "actions too short": {"action": good.action[:, :1]},
            "actions not finite": {"action": good.action * np.nan},
            "history of another length": {
                "index": np.tile(good.index[:, :1], policy.config.history + 1)
            },
            f"{name} missing": {"frames": others},
            f"{name} too short": {"frames": {**others, name: good.frames[name][:, :-1]}},
            f"{name} not finite": {"frames": {**others, name: spoiled}},
        }
        for what, wrong in wrongs.items():
            refuses(SpecMismatch, f"Windows, {what},", policy.fit, self.windows(policy, **wrong))

    @rule("LearnedPolicy.encode")
    def test_what_comes_too_early_is_refused(self) -> None:
        """Encoding before `fit`, and acting before `reset`, raise ConfigError."""
        policy = self.untrained()
        refuses(ConfigError, "Encoding before fit", policy.encode, self.windows(policy))
        policy.fit(self.windows(policy))
        refuses(ConfigError, "Acting before a reset", policy.act, self.observations([0]))

    def _vector(self) -> str:
        """An input that the policy takes and that is a vector."""
        named = self.spec().observation_space.spaces
        inputs: tuple[str, ...] = self.learner.config.inputs
        return next(name for name in reversed(inputs) if len(named[name].shape or ()) == 1)


def generator(seed: int = 0) -> torch.Generator:
    """A generator of a seed."""
    return torch.Generator().manual_seed(seed)
