"""The suite of policies that learn catches each way to break the contract; that sound ones pass, the rows show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from broken import assert_broken
from gymnasium import spaces

from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.records import Float32, Observation, Windows
from ibc_gym.testing.learned import LearnedPolicyContract

SPEC = PolicySpec(
    task="contract",
    observation_space=spaces.Dict({"state": spaces.Box(-5, 5, (3,), np.float32)}),
    action_space=spaces.Box(-1, 1, (2,), np.float32),
    control_period=0.1,
)
Loss = tuple[torch.Tensor, Mapping[str, torch.Tensor]]


class FromPyTorchsStream(MSE):
    def loss(self, batch: Any, generator: torch.Generator) -> Loss:
        loss, parts = super().loss(batch, generator)
        return loss + 0.01 * torch.rand(()), parts


class NotANumber(MSE):
    def loss(self, batch: Any, generator: torch.Generator) -> Loss:
        loss, parts = super().loss(batch, generator)
        return loss, {**parts, "gap": loss.detach() * np.nan}


class Uphill(MSE):
    def loss(self, batch: Any, generator: torch.Generator) -> Loss:
        loss, parts = super().loss(batch, generator)
        return loss.detach() * 2 - loss, parts


class StaysInEvaluation(MSE):
    def validate(self, batch: Any, generator: torch.Generator) -> Mapping[str, float]:
        self.eval()
        return super().validate(batch, generator)


class TrainsWhileItActs(MSE):
    def act(self, observation: Observation) -> Float32:
        torch.rand(1)
        return super().act(observation)


class ByOneRow(MSE):
    def encode(self, windows: Windows) -> Any:
        data = super().encode(windows)
        return _Shifted(data)


class _Shifted:
    def __init__(self, data: Any) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, rows: torch.Tensor) -> Any:
        return self.data.batch(torch.sort(rows)[0])


class TakesWhatDoesNotFit(MSE):
    def fit(self, windows: Windows) -> None:
        for values in windows.frames.values():
            np.nan_to_num(values, copy=False)
        super().fit(windows)


class DrawsNothing(MSE):
    def __init__(self, *arguments: Any) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            super().__init__(*arguments)


class ActsAtOnce(MSE):
    def act(self, observation: Observation) -> Float32:
        count = len(observation["state"])
        return np.zeros((count, 2), np.float32)


@pytest.mark.parametrize(
    "kind, test",
    [
        (FromPyTorchsStream, "test_loss_draws_from_the_generator_alone"),
        (NotANumber, "test_loss_is_a_finite_scalar_with_finite_parts_that_can_be_descended"),
        (Uphill, "test_some_updates_lower_the_loss"),
        (StaysInEvaluation, "test_validation_measures_and_leaves_mode_weights_and_streams_alone"),
        (TrainsWhileItActs, "test_acting_leaves_mode_and_streams_alone"),
        (ByOneRow, "test_encoded_windows_are_tensors_by_row"),
        (TakesWhatDoesNotFit, "test_windows_that_do_not_fit_are_refused"),
        (DrawsNothing, "test_weights_are_drawn_from_pytorchs_stream"),
        (ActsAtOnce, "test_what_comes_too_early_is_refused"),
        (ActsAtOnce, "test_observation_that_does_not_fit_is_refused"),
    ],
)
def test_policy_that_breaks_a_rule_is_caught(kind: type[MSE], test: str) -> None:
    def make(self: LearnedPolicyContract) -> LearnedPolicy:
        return kind(MSEConfig(width=16, depth=2), SPEC)

    def spec(self: LearnedPolicyContract) -> PolicySpec:
        return SPEC

    assert_broken(type("Broken", (LearnedPolicyContract,), {"make": make, "spec": spec}), test)


def test_policy_that_forgets_what_it_was_fitted_to_is_caught() -> None:
    class Forgetful(MSE):
        def load_fitted(self, fitted: Mapping[str, Any]) -> None:
            self.fit(_others(self))

    class Suite(LearnedPolicyContract):
        def make(self) -> LearnedPolicy:
            return Forgetful(MSEConfig(width=16, depth=2), SPEC)

        def spec(self) -> PolicySpec:
            return SPEC

    def _others(policy: LearnedPolicy) -> Windows:
        windows = Suite().windows(policy)
        return Suite().windows(policy, action=windows.action / 3)

    assert_broken(Suite, "test_fitted_numbers_can_be_written_and_read_back")
