"""What an evaluation says in one JSON object: success, return, latency, and the published score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ibc_gym.contracts import Task
from ibc_gym.evaluation.results import EvalConfig, Score, score_of
from ibc_gym.evaluation.shares import Share
from ibc_gym.evaluation.uncertainty import mean_interval, wilson_interval
from ibc_gym.records import Float64
from ibc_gym.rollout import Episode
from ibc_gym.words import count

LISTED_FAILURES = 50
"""Failures that the summary lists at most; all of them are in the rows."""


_PLACED = ("task", "workcell", "policy", "score")
"""Facts that have a place of their own in the summary."""


def summarise(
    facts: Mapping[str, Any],
    episodes: Sequence[Episode],
    action_ms: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The JSON object; the keys that programs rely on come first, in a fixed order.

    Args:
        facts: What is known of policy and environment; "score" is a `Headline`.
        episodes: In the order of their seeds.
        action_ms: Latency at batch 1, or None if it was not taken.
    """
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
        "score": _score(facts["score"], episodes),
        **{name: facts[name] for name in facts if name not in _PLACED},
        "uncertainty": _doubts(episodes),
        "failures": [
            {"seed": e.seed, "length": e.length, "return": e.total_reward, **e.metrics}
            for e in failed[:LISTED_FAILURES]
        ],
        "faults": sum(episode.fault is not None for episode in episodes),
        "fault_messages": [
            f"Seed {e.seed}, after {count(e.length, 'step')}: {e.fault}"
            for e in episodes
            if e.fault is not None
        ],
    }


def _doubts(episodes: Sequence[Episode]) -> dict[str, dict[str, float | None]]:
    """What the policy said of how sure it was, by name: the mean over successes and over failures, and how well it tells
    them apart: the chance that of a failure and a success the failure has the greater mean, 0.5 if it says nothing.
    """
    found: dict[str, dict[str, float | None]] = {}
    episodes = [episode for episode in episodes if episode.uncertainty]
    for name in episodes[0].uncertainty if episodes else ():
        means = np.array([episode.uncertainty[name]["mean"] for episode in episodes])
        good = np.array([episode.success for episode in episodes])
        won, lost = means[good], means[~good]
        both = len(won) and len(lost)
        above = (lost[:, None] > won).mean() + 0.5 * (lost[:, None] == won).mean() if both else None
        found[name] = {
            "successes": float(won.mean()) if len(won) else None,
            "failures": float(lost.mean()) if len(lost) else None,
            "failures_above": None if above is None else float(above),
        }
    return found


@dataclass(frozen=True, kw_only=True)
class Headline:
    """By what an evaluation is summed up."""

    score: Score
    reference: tuple[float, float] | None


def headline_of(config: EvalConfig, task: Task | None) -> Headline:
    """What was asked for, else what the task is published with."""
    published: Score = getattr(task, "score", "success")  # benchmarks of other packages say it
    score = config.score or published
    known = getattr(task, "reference_scores", None) if score == published else None
    return Headline(score=score, reference=config.reference or known)


def _score(headline: Headline, episodes: Sequence[Episode]) -> dict[str, Any]:
    """The headline, with its interval, and normalised where the reference scores are known."""
    values = [score_of(episode, headline.score) for episode in episodes]
    if headline.score == "success":
        interval = wilson_interval(int(sum(values)), len(values))
    else:
        interval = mean_interval(values)
    mean = float(np.mean(values))
    score: dict[str, Any] = {"name": headline.score, "mean": mean, "ci95": list(interval)}
    if headline.reference is not None:
        random, expert = headline.reference
        score["normalised"] = 100 * (mean - random) / (expert - random)
        score["reference"] = [random, expert]
    return score


def batched_ms(results: Sequence[Share]) -> dict[str, Any]:
    """Time per action of the calls that served many environments, while all workers were busy."""
    per_row = np.concatenate([share.act_seconds / share.rows for share in results])
    return {**(milliseconds(per_row) or {}), "batch": results[0].rows}


def milliseconds(seconds: Float64) -> dict[str, float] | None:
    """Median and 95th percentile of times [s], in milliseconds; None if there is none, as where faults cut off every episode."""
    if not len(seconds):
        return None
    median, p95 = np.quantile(seconds * 1000, [0.5, 0.95])
    return {"median": float(median), "p95": float(p95)}
