"""A person who says no is not asked again in other words: no other options of the task are tried."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ibc_gym.errors import ConfigError, Declined
from ibc_gym.evaluation import stage as module
from ibc_gym.evaluation.stage import Stage

STAGE = Stage(policy="run", env="particle", workcell=None, observation="state", options={})


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that fits no particle of two dimensions, recorded with one of five."""
    monkeypatch.setattr(module, "_is_fit", lambda policy, envs: False)
    monkeypatch.setattr(module, "differing_options", lambda spec, envs: {"dimensions": 5})
    return SimpleNamespace(spec=SimpleNamespace(task="particle"))


def later_ones_end_in(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The first environment can be made, and every later one ends in an error."""
    made = Stage.make_envs

    def later(stage: Stage, count: int, threads: int = 1) -> Any:
        if stage.options:
            raise error
        return made(stage, count, threads)

    monkeypatch.setattr(Stage, "make_envs", later)


def test_no_ends_it(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    later_ones_end_in(monkeypatch, Declined("The arm was not let go home."))
    with pytest.raises(Declined, match="not let go home"):
        module._fitting(STAGE, policy)


def test_options_that_make_no_sense_together_are_passed_over(
    policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    later_ones_end_in(monkeypatch, ConfigError("dimensions alone make no sense"))
    assert module._fitting(STAGE, policy) == STAGE
