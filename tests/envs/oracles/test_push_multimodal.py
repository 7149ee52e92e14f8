"""The demonstrator with four ways: each is shown, by the episode's own seed, and all lead to success.

How often they do over 500 seeds stands in `benchmarks/results/oracles.json`; a few of them tell whether they still do.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from ibc_gym.envs.oracles.push_multimodal import PushMultimodalOracle
from ibc_gym.envs.tasks.push_multimodal import BLOCKS, TARGETS, PushMultimodal
from ibc_gym.records import Float32
from ibc_gym.registry import add_noise, make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, Transition, rollout

pytestmark = pytest.mark.slow

TASK = PushMultimodal()


class Ways:
    """Hears which block comes first, and where it goes, (first block, its target) by row."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []

    def on_reset(self, *_: Any) -> None:
        """Nothing has been placed yet."""

    def on_step(self, transition: Transition) -> None:
        now, before = transition.info["blocks_placed"], self._placed(transition.observation)
        for row in np.flatnonzero(transition.active & (now == 1) & (before == 0)):
            after = {name: each[row] for name, each in transition.next_observation.items()}
            self.shown += [which for which, off in distances(after["state"]).items() if off < 0.04]

    @staticmethod
    def _placed(observation: Any) -> Any:
        return np.array(
            [sum(off < 0.04 for off in distances(each).values()) for each in observation["state"]]
        )


def distances(state: Float32) -> dict[tuple[int, int], float]:
    def place(thing: str) -> Float32:
        return state[TASK.columns[f"{thing}_translation"]]

    return {
        (i, j): float(np.linalg.norm(place(block) - place(target)))
        for i, block in enumerate(BLOCKS)
        for j, target in enumerate(TARGETS)
    }


def run(seeds: range, ways: Ways | None = None, noise: float = 0.0, **options: Any) -> Rollout:
    envs = make_vec_env("push-multimodal", min(4, len(seeds)), autoreset_mode="disabled", **options)
    oracle = make_oracle("push-multimodal", envs)
    if noise:
        oracle = add_noise(oracle, noise, TASK.action_space)
    try:
        return rollout(envs, oracle, seeds, [ways] if ways else [])
    finally:
        envs.close()


def test_all_four_ways_are_shown_and_succeed() -> None:
    ways = Ways()
    episodes = run(range(12), ways).episodes
    assert all(episode.success for episode in episodes)
    counted = Counter(ways.shown)
    assert len(ways.shown) == 12 and set(counted) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_ways_are_equally_likely() -> None:
    oracle = PushMultimodalOracle(TASK)
    rows = 2000
    oracle.reset(np.ones(rows, dtype=np.bool_), range(rows))
    counted = Counter(zip(oracle._first.tolist(), oracle._crossed.tolist(), strict=True))
    assert len(counted) == 4
    assert all(abs(count - rows / 4) < 4 * np.sqrt(rows * 3 / 16) for count in counted.values())


@pytest.mark.parametrize("options", [{"goal_tolerance": 0.01}, {"control_rate": 5.0}])
def test_finer_tolerance_and_slower_control_do_not_matter(options: dict[str, Any]) -> None:
    assert all(episode.success for episode in run(range(4), **options).episodes)


def test_it_succeeds_with_noise_on_its_actions() -> None:
    assert all(episode.success for episode in run(range(4), noise=0.003).episodes)


@pytest.mark.slow
def test_it_succeeds_in_the_other_simulator() -> None:
    assert all(episode.success for episode in run(range(2, 6), workcell="pybullet").episodes)
