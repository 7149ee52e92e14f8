"""A few episodes at batch 1, before the evaluation: how long an action takes, and whether more processes pay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ibc_gym.evaluation.shares import one_thread, usable_cores
from ibc_gym.evaluation.stage import Stage
from ibc_gym.records import Float64
from ibc_gym.rollout import rollout

WARM_UP = 10
"""First actions that the latency leaves out: libraries allocate and choose kernels then."""

WORTH_A_PROCESS = 10.0
"""An evaluation that takes longer than this is shared between processes [s]; each takes some seconds to begin."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """What a few episodes cost, one environment at a time and on one thread."""

    act_seconds: Float64
    """Wall time of every action after the warm-up [s]."""
    seconds_per_episode: float
    """Wall time of policy and environment together [s]."""


def probe(stage: Stage, seeds: Sequence[int], steps: int) -> Probe | None:
    """Run episodes until `steps` actions were timed; None for 0 steps."""
    if steps == 0:
        return None
    spent: list[Float64] = []
    envs = stage.make_envs(1)
    try:
        with one_thread(stage):
            policy = stage.make_policy(envs)
            started = time.perf_counter()
            for seed in seeds:
                spent.append(rollout(envs, policy, [seed]).act_seconds)
                if sum(map(len, spent)) >= steps + WARM_UP:
                    break
            seconds = time.perf_counter() - started
    finally:
        envs.close()
    acted = np.concatenate(spent)
    return Probe(
        act_seconds=acted[WARM_UP:] if len(acted) > WARM_UP else acted,
        seconds_per_episode=seconds / len(spent),
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
