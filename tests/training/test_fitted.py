"""A policy that is fitted rather than trained goes through the same trainer, in one look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import run, settings, training_set

from ibc_gym.checkpoint import load_policy
from ibc_gym.policies.nearest import NearestConfig
from ibc_gym.training.records import TrainResult
from ibc_gym.training.telemetry import read_metrics
from ibc_gym.training.trainer import train_on


def fitted(out: Path, **changes: Any) -> TrainResult:
    config = NearestConfig(history=1)
    return run(out, policy="nearest", policy_config=config, **changes)


def test_table_is_done_after_one_look_whatever_is_asked_for(tmp_path: Path) -> None:
    for name, steps in (("few", 1), ("many", 5000)):
        result = fitted(tmp_path / name, steps=steps)
        assert result.steps == 1
        assert result.best_step == 1
        assert result.loss == 0  # it knows what it was shown
        assert result.action_error is not None and result.action_error > 0
    (line,) = read_metrics(tmp_path / "many" / "metrics.jsonl")
    assert line["validation"]["distance"] > 0
    assert "parameter_gradient_norm" not in line["train"]


@pytest.mark.parametrize(
    "changes",
    [{"average_decay": None}, {"compile": True}, {"budget_cpu_seconds": 100.0}, {"seed": 5}],
)
def test_settings_of_descent_change_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    plain = fitted(tmp_path / "plain")
    changed = fitted(tmp_path / "changed", **changes)
    assert (changed.steps, changed.action_error) == (1, plain.action_error)


def test_checkpoint_of_a_table_acts_as_the_demonstrator_did(tmp_path: Path) -> None:
    data = training_set()
    result = fitted(tmp_path)
    policy = load_policy(result.checkpoint)
    policy.reset(np.ones(90, np.bool_), range(90))
    acted = policy.act({"state": data.training.frames["state"]})
    np.testing.assert_array_equal(acted, data.training.action)


def test_run_that_was_done_stays_done_when_it_is_resumed(tmp_path: Path) -> None:
    first = fitted(tmp_path)
    config = settings(
        tmp_path, policy="nearest", policy_config=NearestConfig(history=1), resume=True
    )
    again = train_on(config, training_set())
    assert (again.steps, again.action_error) == (first.steps, first.action_error)
