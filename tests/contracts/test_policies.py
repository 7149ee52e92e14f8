"""Every policy that learns is held to its contract, on vectors and on pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from rows import suites

from ibc_gym.checkpoint import as_module, load_policy, save_policy
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.loading import load
from ibc_gym.registry import make_policy
from ibc_gym.tables import POLICIES
from ibc_gym.testing.learned import LearnedPolicyContract

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
class PolicyRow:
    """A policy and what it sees."""

    policy: str
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy}({'+'.join(self.inputs)})"

    def make(self) -> LearnedPolicy:
        config = load(POLICIES, self.policy, "policy").Config(inputs=self.inputs, history=2)
        return make_policy(self.policy, SPEC, config)


ROWS = [
    PolicyRow(policy, inputs)
    for policy in POLICIES
    for inputs in (("state", "robot"), ("image", "robot"))
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small only lose by a second thread, all the more beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Policies(LearnedPolicyContract):
    row: PolicyRow

    def make(self) -> LearnedPolicy:
        return self.row.make()

    def spec(self) -> PolicySpec:
        return SPEC

    def test_saved_policy_acts_as_before(self, tmp_path: Path) -> None:
        as_module(self.learner).eval()
        save_policy(tmp_path / "policy", self.row.policy, self.learner)
        loaded: Any = load_policy(tmp_path / "policy")
        assert not as_module(loaded).training
        expected = self.act([2, 3])
        cls: Any = type(self)
        kept, cls._shared = cls._shared, loaded
        found = self.act([2, 3])
        cls._shared = kept
        np.testing.assert_array_equal(found, expected)


globals().update(suites(Policies, ROWS))
