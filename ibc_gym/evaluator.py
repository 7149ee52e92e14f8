"""How good a policy is: many episodes on known seeds, and what can be said about them.

Whatever the environment, it is the one loop of `ibc_gym.rollout`. The same policy, seeds and options give the same
episodes on any number of cores; each can be filmed and looked into afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ibc_gym.evaluation import (
    SCRIPTED,
    EvalConfig,
    Evaluation,
    evaluation_name,
    write_evaluation,
)
from ibc_gym.metadata import installed_versions
from ibc_gym.paths import writable_folder
from ibc_gym.records import Float64
from ibc_gym.rollout import Episode, rollout
from ibc_gym.serialise import to_json
from ibc_gym.shares import Share, cut_into_shares, one_thread, run_shares, usable_cores
from ibc_gym.stage import Stage, resolve
from ibc_gym.uncertainty import mean_interval, wilson_interval

WARM_UP = 10
"""First actions that the latency leaves out: libraries allocate and choose kernels then."""

LISTED_FAILURES = 50
"""Failures that the summary lists at most; all of them are in the rows."""


@dataclass(frozen=True, kw_only=True)
class EvalProgress:
    """How far an evaluation is."""

    done: int
    """Episodes that have ended."""
    total: int
    successes: int
    seconds: float
    """Since the first episode began."""


OnProgress = Callable[[EvalProgress], None]


def evaluate(config: EvalConfig, on_progress: OnProgress | None = None) -> Evaluation:
    """Run a policy on every seed, and write down what came of it.

    Args:
        config: What to run.
        on_progress: Called after every episode.

    Returns:
        The evaluation, also written to `<run>/evaluations/<name>/`.

    Raises:
        CheckpointError: The checkpoint is missing or incomplete.
        SpecMismatch: The policy was made for another task.
        UnknownName: There is no such task, workcell or oracle.
        WorkerFailed: A worker process was killed.
    """
    stage = resolve(config)
    facts = _facts(stage)  # makes one environment and the policy, and so fails early
    folder = evaluation_folder(config, stage, facts["workcell"])
    if config.films:
        stage.make_filmed_env().close()  # fails before the work rather than after it
    started = time.perf_counter()
    results = run_shares(
        stage,
        cut_into_shares(config.seeds, config.share),
        num_envs=config.num_envs,
        workers=config.workers or usable_cores(),
        on_episode=_Counter(config.episodes, on_progress),
    )
    seconds = time.perf_counter() - started
    episodes = tuple(episode for share in results for episode in share.episodes)
    summary = {
        **_summary(config, facts, episodes, _latency(stage, episodes, config.latency_steps)),
        "action_ms_batched": _batched_ms(results),
        "cpu_seconds": sum(share.cpu_seconds for share in results),
        "wall_seconds": seconds,
        "versions": installed_versions(),
        "config": to_json(config),
    }
    tapes = tuple(tape for share in results for tape in share.tapes)
    evaluation = Evaluation(summary=summary, episodes=episodes, tapes=tapes, folder=folder)
    if config.films:
        from ibc_gym.films import film_episodes  # here: an evaluation without films needs no codec

        film_episodes(evaluation, stage, config.films)
    write_evaluation(evaluation)
    return evaluation


def evaluation_folder(config: EvalConfig, stage: Stage, workcell: str | None) -> Path:
    """Where an evaluation is written: made, and proved to be writable.

    Raises:
        ConfigError: It cannot be written to.
    """
    if config.out is not None:
        run = config.out
    elif config.policy in SCRIPTED:
        run = Path("runs") / f"{config.policy}-{stage.env.removeprefix('gym:')}"
    else:
        path = Path(config.policy)
        run = (
            path.parents[path.parts[::-1].index("checkpoints")]
            if "checkpoints" in path.parts
            else path
        )
    return writable_folder(run / "evaluations" / evaluation_name(config, stage.env, workcell))


def _facts(stage: Stage) -> dict[str, Any]:
    """What is known before the first episode."""
    envs = stage.make_envs(1)
    try:
        policy = stage.make_policy(envs)
        task = stage.task(envs)
        named = stage.workcell or next(iter(getattr(task, "workcells", ())), None)
        facts: dict[str, Any] = {
            "task": stage.env,
            "workcell": named,
            "policy": stage.policy,
            "horizon": getattr(task, "horizon", None),
            "checkpoint": None,
        }
        if stage.policy not in SCRIPTED:
            facts.update(_about_checkpoint(stage.policy, policy))
        return facts
    finally:
        envs.close()


def _about_checkpoint(path: str, policy: Any) -> dict[str, Any]:
    from ibc_gym.checkpoint import find_policy, read_config

    found = read_config(path)
    return {
        "policy": found["type"],
        "checkpoint": {"path": str(find_policy(path)), **found.get("about", {})},
        "frame": policy.config.frame,
        "inputs": list(policy.config.inputs),
    }


def _summary(
    config: EvalConfig,
    facts: Mapping[str, Any],
    episodes: Sequence[Episode],
    action_ms: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The JSON object; what the issue of `--json` promises comes first, in that order."""
    successes = sum(episode.success for episode in episodes)
    returns = [episode.total_reward for episode in episodes]
    failed = [episode for episode in episodes if not episode.success]
    return {
        "task": facts["task"],
        "workcell": facts["workcell"],
        "policy": facts["policy"],
        "episodes": len(episodes),
        "successes": successes,
        "success_rate": successes / len(episodes),
        "ci95": list(wilson_interval(successes, len(episodes))),
        "return_mean": float(np.mean(returns)),
        "action_ms": action_ms,
        "seeds": [episode.seed for episode in episodes],
        "return_ci95": list(mean_interval(returns)),
        "return_std": float(np.std(returns)),
        "best_reward_mean": float(np.mean([episode.best_reward for episode in episodes])),
        "length_mean": float(np.mean([episode.length for episode in episodes])),
        "score": _score(config, episodes),
        **{name: facts[name] for name in facts if name not in ("task", "workcell", "policy")},
        "failures": [
            {"seed": e.seed, "length": e.length, "return": e.total_reward, **e.metrics}
            for e in failed[:LISTED_FAILURES]
        ],
    }


def _score(config: EvalConfig, episodes: Sequence[Episode]) -> dict[str, Any]:
    """The headline, with its interval, and normalised where the reference scores are given."""
    if config.score == "success":
        values = [float(episode.success) for episode in episodes]
        interval = wilson_interval(int(sum(values)), len(values))
    else:
        field = "total_reward" if config.score == "return" else "best_reward"
        values = [float(getattr(episode, field)) for episode in episodes]
        interval = mean_interval(values)
    mean = float(np.mean(values))
    score: dict[str, Any] = {"name": config.score, "mean": mean, "ci95": list(interval)}
    if config.reference is not None:
        random, expert = config.reference
        score["normalised"] = 100 * (mean - random) / (expert - random)
    return score


def _latency(stage: Stage, episodes: Sequence[Episode], steps: int) -> dict[str, Any] | None:
    """Time of an action at batch 1, on one thread, along episodes that were just evaluated."""
    if steps == 0:
        return None
    wanted, seeds = steps + WARM_UP, []
    for episode in episodes:
        seeds.append(episode.seed)
        wanted -= episode.length
        if wanted <= 0:
            break
    envs = stage.make_envs(1)
    try:
        with one_thread(stage):
            spent = rollout(envs, stage.make_policy(envs), seeds).act_seconds
    finally:
        envs.close()
    return _milliseconds(spent[WARM_UP:] if len(spent) > WARM_UP else spent)


def _batched_ms(results: Sequence[Share]) -> dict[str, Any]:
    """Time per action of the calls that served many environments, while all workers were busy."""
    per_row = np.concatenate([share.act_seconds / share.rows for share in results])
    return {**_milliseconds(per_row), "batch": results[0].rows}


def _milliseconds(seconds: Float64) -> dict[str, float]:
    median, p95 = np.quantile(seconds * 1000, [0.5, 0.95])
    return {"median": float(median), "p95": float(p95)}


class _Counter:
    """Turns the end of an episode into progress."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total = total
        self._report = on_progress
        self._done = 0
        self._successes = 0
        self._started = time.perf_counter()

    def __call__(self, success: bool) -> None:
        self._done += 1
        self._successes += success
        if self._report is not None:
            self._report(
                EvalProgress(
                    done=self._done,
                    total=self._total,
                    successes=self._successes,
                    seconds=time.perf_counter() - self._started,
                )
            )
