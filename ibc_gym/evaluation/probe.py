"""A few episodes at batch 1, before the evaluation: how long an action takes, and whether more processes pay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ibc_gym.evaluation.shares import one_thread
from ibc_gym.evaluation.stage import Stage
from ibc_gym.records import Bool, Float64, Observation
from ibc_gym.rollout import Rollout, Transition, rollout
from ibc_gym.threads import usable_cores

WARM_UP = 10
"""First actions that the latency leaves out: libraries allocate and choose kernels then."""

WORTH_A_PROCESS = 10.0
"""An evaluation that takes longer than this is shared between processes [s]; each takes some seconds to begin."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """What a few episodes cost, one environment at a time and on one thread."""

    act_seconds: Float64
    """Wall time of every action after the warm-up [s]; of a policy that acts in chunks, of every chunk."""
    seconds_per_episode: float
    """Wall time of policy and environment together [s]."""


OnStep = Callable[[int], None]
"""Told how many actions there were so far."""


def probe(
    stage: Stage, seeds: Sequence[int], steps: int, on_step: OnStep | None = None
) -> Probe | None:
    """Run episodes for so many actions; None for 0 steps.

    Args:
        stage: Policy and environment.
        seeds: Of the episodes, as many as are needed.
        steps: Actions after the warm-up; the last episode is run to its end.
        on_step: Told after every action.
    """
    if steps == 0:
        return None
    played: list[Rollout] = []
    listeners = [_Steps(on_step)] if on_step else []
    envs = stage.make_envs(1)
    try:
        with one_thread(stage):
            policy = stage.make_policy(envs)
            started = time.perf_counter()
            for seed in seeds:
                played.append(rollout(envs, policy, [seed], listeners))
                if sum(len(each.act_seconds) for each in played) >= steps + WARM_UP:
                    break
            seconds = time.perf_counter() - started
    finally:
        envs.close()
    acted = np.concatenate([each.act_seconds for each in played])
    decided = np.concatenate([each.decided for each in played])
    warm = np.arange(len(acted)) >= min(WARM_UP, len(acted) - 1)
    return Probe(
        act_seconds=acted[decided & warm] if (decided & warm).any() else acted[decided],
        seconds_per_episode=seconds / len(played),
    )


def choose_workers(wanted: int, episodes: int, found: Probe | None) -> int:
    """How many processes; results do not depend on it.

    Args:
        wanted: A number, or 0 to choose: one where the evaluation is short, else all cores.
        episodes: How many there are to run.
        found: What they cost; None if nothing is known.
    """
    if wanted:
        return wanted
    if found is not None and found.seconds_per_episode * episodes < WORTH_A_PROCESS:
        return 1
    return usable_cores()


class _Steps:
    """A listener that counts steps."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step
        self._count = 0

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        pass

    def on_step(self, transition: Transition) -> None:
        self._count += 1
        self._on_step(self._count)
