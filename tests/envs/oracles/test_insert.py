"""The scripted inserter: it succeeds in tight slots, in both simulators, and bears some noise on its actions."""

from __future__ import annotations

from typing import Any

import pytest

from ibc_gym.registry import add_noise, make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, rollout

pytestmark = pytest.mark.slow

DEEPEST = {"mujoco": 0.15e-3, "pybullet": 0.2e-3}
"""Penetration that is allowed in any episode [m]."""


def run(seeds: range, noise: float = 0.0, **options: Any) -> Rollout:
    envs = make_vec_env("insert", min(4, len(seeds)), autoreset_mode="disabled", **options)
    oracle = make_oracle("insert", envs)
    if noise:
        oracle = add_noise(oracle, noise, envs.single_action_space)  # type: ignore[arg-type]
    try:
        return rollout(envs, oracle, seeds)
    finally:
        envs.close()


def check(ran: Rollout, deepest: float) -> None:
    for episode in ran.episodes:
        assert episode.success and episode.best_reward == 1.0, episode
        assert 0 < episode.metrics["worst_penetration"] < deepest, episode


@pytest.mark.parametrize("workcell, seeds", [("mujoco", range(2, 5)), ("pybullet", range(2, 3))])
def test_oracle_slides_every_block_into_the_slot(workcell: str, seeds: range) -> None:
    """Episodes 0 and 1 are played in `tests/contracts/test_envs.py`; 500 of them, in `benchmarks/results/oracles.json`."""
    check(run(seeds, workcell=workcell), DEEPEST[workcell])


def test_oracle_slides_blocks_into_half_a_millimetre() -> None:
    check(run(range(100, 102), clearance=0.0005), DEEPEST["mujoco"])


@pytest.mark.slow
def test_block_that_came_to_lean_on_the_fixture_is_not_pressed_against_it() -> None:
    """In this episode it once slid along the mouth, 13 mm aside, and was then pushed in: 0.68 mm into the fixture."""
    check(run(range(225, 226), workcell="pybullet", clearance=0.0005), DEEPEST["pybullet"])


def test_oracle_serves_other_control_rates() -> None:
    check(run(range(2), control_rate=10.0, horizon=600), DEEPEST["mujoco"])


def test_oracle_bears_noise() -> None:
    ran = run(range(2), noise=0.0005)
    assert all(episode.success for episode in ran.episodes)


@pytest.mark.slow
@pytest.mark.parametrize("clearance, seeds", [(0.001, range(3, 6)), (0.0005, range(3))])
def test_oracle_slides_more_blocks_in_in_the_simulator_that_takes_longer(
    clearance: float, seeds: range
) -> None:
    check(run(seeds, workcell="pybullet", clearance=clearance), DEEPEST["pybullet"])
