"""The loop: a policy acts, a control period passes, listeners hear of it.

Recording, evaluating and running on the arm are this one loop with another policy at one end and another listener at
the other. It runs over one or many environments at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from ibc_gym.contracts import Policy
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.offers import ActsInChunks
from ibc_gym.records import Bool, Float32, Float64, Observation
from ibc_gym.uncertain import Uncertain

POLICY: Final = "policy/"
"""Prefix of what a policy says of itself, in the info that listeners hear."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transition:
    """One step of every environment. Rows outside `active` are idle and mean nothing."""

    active: Bool
    """(B,)"""
    observation: Observation
    """Before the action, (B, ...)."""
    action: Float32
    """As asked for, (B, A)."""
    reward: Float64
    """(B,)"""
    terminated: Bool
    """(B,)"""
    truncated: Bool
    """(B,)"""
    next_observation: Observation
    """After the action, (B, ...)."""
    info: Mapping[str, Any]
    """Gymnasium's vector info: arrays (B, ...) by name; beside it what the policy says of how sure it was of the
    action, "policy/gap" and the like, (B,)."""

    @property
    def ended(self) -> Bool:
        """Rows whose episode ends with this step, (B,)."""
        ended: Bool = self.active & (self.terminated | self.truncated)
        return ended


class Listener(Protocol):
    """Hears everything that happens in a rollout: a recorder, a film, a progress bar."""

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """Episodes begin in the rows under `mask` (B,)."""

    def on_step(self, transition: Transition) -> None:
        """Every environment made a step."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """What became of one episode."""

    seed: int
    success: bool
    total_reward: float
    """Undiscounted return."""
    length: int
    """Steps."""
    best_reward: float
    """The greatest reward of a single step, Push-T's published score."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Numbers in the last step's info, the task's progress among them."""
    uncertainty: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What the policy said of how sure it was, by name: its "mean", "least" and "greatest" over the steps."""
    fault: str | None = None
    """What of the robot's or a camera's cut it off, where that counts as a failure; the rest is of the steps until then."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What became of all of them, in the order of their seeds."""

    episodes: tuple[Episode, ...]
    act_seconds: Float64
    """Wall time of every call of the policy [s]."""
    decided: Bool
    """Which calls decided anything: of a policy that acts in chunks the others only carried them out."""


def rollout(
    envs: VectorEnv[Any, Any, Any],
    policy: Policy,
    seeds: Sequence[int],
    listeners: Sequence[Listener] = (),
) -> Rollout:
    """Run one episode per seed, as many at once as there are environments.

    Args:
        envs: Made with `autoreset_mode="disabled"`, so that the loop decides who begins when.
        policy: Serves every environment with one call per step.
        seeds: Episode k is reset with seeds[k]; the policy's randomness is reseeded with it too.
        listeners: Called in order, on every reset and step.

    Raises:
        SpecMismatch: The policy gave actions of the wrong shape, or NaN.
    """
    if envs.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
        raise ConfigError("rollout needs environments made with autoreset_mode='disabled'.")
    if not seeds:
        return Rollout(episodes=(), act_seconds=np.zeros(0), decided=np.zeros(0, np.bool_))
    ledger = _Ledger(envs.num_envs, seeds)
    act_seconds: list[float] = []
    decided: list[bool] = []
    begin = np.ones(envs.num_envs, dtype=np.bool_)
    observation: Any = None
    while True:
        if begin.any():
            ledger.assign(begin)
            if not ledger.active.any():  # no arm goes home once more for nothing
                break
            observation, info = envs.reset(
                seed=list(ledger.seeds),  # type: ignore[arg-type]  # Gymnasium's own classes take lists
                options={"reset_mask": begin.copy()},
            )
            policy.reset(begin, ledger.seeds)
            for listener in listeners:
                listener.on_reset(begin & ledger.active, ledger.seeds, observation, info)
        started = time.perf_counter()
        action = policy.act(observation)
        act_seconds.append(time.perf_counter() - started)
        decided.append(not isinstance(policy, ActsInChunks) or policy.decided)
        _check(action, envs)
        following, reward, terminated, truncated, info = envs.step(action)
        transition = Transition(
            active=ledger.active.copy(),
            observation=observation,
            action=action,
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            next_observation=following,
            info={**info, **said(policy)},
        )
        for listener in listeners:
            listener.on_step(transition)
        ledger.book(transition)
        observation = following
        begin = terminated | truncated
    return Rollout(
        episodes=ledger.in_order(),
        act_seconds=np.array(act_seconds),
        decided=np.array(decided, np.bool_),
    )


def said(policy: Policy) -> dict[str, Float32]:
    """What a policy says of how sure it was of its last action, as listeners hear it; nothing of one that cannot."""
    if not isinstance(policy, Uncertain):
        return {}
    return {f"{POLICY}{name}": values for name, values in policy.uncertainty().items()}


class _Doubts:
    """What the policy said of how sure it was, summed up over the steps of the episodes under way."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._steps = np.zeros(rows)
        self._sum: dict[str, Float64] = {}
        self._ends: dict[str, tuple[Float64, Float64]] = {}

    def forget(self, row: int) -> None:
        self._steps[row] = 0
        for name, total in self._sum.items():
            least, greatest = self._ends[name]
            total[row], least[row], greatest[row] = 0.0, np.inf, -np.inf

    def add(self, info: Mapping[str, Any]) -> None:
        self._steps += 1
        for name, values in info.items():
            if not name.startswith(POLICY):
                continue
            if name not in self._sum:
                self._sum[name] = np.zeros(self._rows)
                self._ends[name] = np.full(self._rows, np.inf), np.full(self._rows, -np.inf)
            self._sum[name] += values
            least, greatest = self._ends[name]
            np.minimum(least, values, out=least)
            np.maximum(greatest, values, out=greatest)

    def of(self, row: int) -> dict[str, dict[str, float]]:
        return {
            name.removeprefix(POLICY): {
                "mean": float(total[row] / self._steps[row]),
                "least": float(self._ends[name][0][row]),
                "greatest": float(self._ends[name][1][row]),
            }
            for name, total in self._sum.items()
        }


class _Ledger:
    """Who runs which episode, and what it has earned so far."""

    def __init__(self, rows: int, seeds: Sequence[int]) -> None:
        self._waiting = deque(enumerate(seeds))
        self._done: dict[int, Episode] = {}
        self._index = np.zeros(rows, dtype=np.int64)
        self._reward = np.zeros(rows)
        self._best = np.zeros(rows)
        self._length = np.zeros(rows, dtype=np.int64)
        self._doubts = _Doubts(rows)
        self.active: Bool = np.zeros(rows, dtype=np.bool_)
        self.seeds: list[int] = [int(seeds[-1])] * rows

    def assign(self, begin: Bool) -> None:
        """Give waiting episodes to the rows under `begin`; a row left over idles on the last seed."""
        for row in np.flatnonzero(begin):
            self.active[row] = bool(self._waiting)
            if self._waiting:
                self._index[row], seed = self._waiting.popleft()
                self.seeds[row] = int(seed)
            self._reward[row], self._length[row], self._best[row] = 0.0, 0, -np.inf
            self._doubts.forget(int(row))

    def book(self, transition: Transition) -> None:
        self._reward += transition.reward
        self._best = np.maximum(self._best, transition.reward)
        self._length += 1
        self._doubts.add(transition.info)
        for row in np.flatnonzero(transition.ended):
            self._done[int(self._index[row])] = Episode(
                seed=self.seeds[row],
                success=bool(transition.info["is_success"][row]),
                total_reward=float(self._reward[row]),
                length=int(self._length[row]),
                best_reward=float(self._best[row]),
                metrics=_metrics(transition.info, int(row)),
                uncertainty=self._doubts.of(int(row)),
            )

    def in_order(self) -> tuple[Episode, ...]:
        return tuple(self._done[index] for index in sorted(self._done))


def _metrics(info: Mapping[str, Any], row: int) -> dict[str, float]:
    """The scalar numbers of one row of a vector info."""
    return {
        name: float(values[row])
        for name, values in info.items()
        if isinstance(values, np.ndarray)
        and values.ndim == 1
        and values.dtype.kind in "fiu"
        and not name.startswith(("_", POLICY))
    }


def _check(action: Float32, envs: VectorEnv[Any, Any, Any]) -> None:
    expected = (envs.num_envs, *(envs.single_action_space.shape or ()))
    if action.shape != expected:
        raise SpecMismatch(
            f"The policy gave actions of shape {action.shape}, but the environments take {expected}. "
            "Was it trained on another task? Its checkpoint says which."
        )
    if not np.isfinite(action).all():
        row = int(np.flatnonzero(~np.isfinite(action).all(axis=1))[0])
        raise SpecMismatch(
            f"The policy gave a non-finite action {action[row]} in environment {row}."
        )
