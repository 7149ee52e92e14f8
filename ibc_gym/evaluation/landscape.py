"""The energy of a policy over two of its action's dimensions, at chosen steps of an episode.

The teaser figure of Florence et al. 2021: where the energy is low, the policy would act.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces

from ibc_gym.contracts import Policy
from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.results import Evaluation, Tape, find_tape
from ibc_gym.evaluation.stage import Stage
from ibc_gym.evaluation.tape import TapePlayer, check_same
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.registry import make_oracle
from ibc_gym.rollout import rollout
from ibc_gym.tables import ORACLES

GRID = 72
"""Points on each side of the landscape."""

MOMENTS = (0.08, 0.35, 0.62, 0.9)
"""When in an episode a landscape is taken, as shares of its length."""

SHOWN = 80
"""Candidates that are kept; a search has hundreds."""

_MARGIN = 0.15
"""How far a landscape reaches beyond the actions that were taken, as a share of their range."""


@runtime_checkable
class Energetic(Protocol):
    """A policy that can say how it likes actions other than its own."""

    def energies(self, actions: Float32) -> Float32:
        """Energies (B, N) of actions (B, N, A), in the task's units, under what was last acted on."""

    def candidates(self) -> Float32:
        """Where the search for the last action ended, (B, N, A), in the task's units."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscape:
    """Energies at one step, over the first two dimensions; the others stay at the chosen action's."""

    seed: int
    step: int
    low: Float32
    """(2,) corner of the slice, in the task's units."""
    high: Float32
    """(2,)"""
    energies: Float32
    """(G, G): rows along the second dimension, columns along the first."""
    chosen: Float32
    """(2,): what the policy does."""
    candidates: Float32
    """(N, 2): some of the actions between which it chose."""
    oracle: Float32 | None
    """(2,): what the task's demonstrator would do here, within the action space, where there is one."""


def check_moments(evaluation: Evaluation, seed: int, steps: Sequence[int]) -> None:
    """Make sure that an episode was run, and that it had these steps.

    Raises:
        ConfigError: It was not, or it was shorter.
    """
    last = len(find_tape(evaluation.tapes, seed).actions) - 1
    beyond = [step for step in steps if not 0 <= step <= last]
    if beyond:
        raise ConfigError(
            f"The episode of seed {seed} has the steps 0 to {last}; it has no step "
            f"{', '.join(map(str, beyond))} to draw a landscape of."
        )


def landscapes(
    evaluation: Evaluation, stage: Stage, seed: int, steps: Sequence[int] = ()
) -> list[Landscape]:
    """Play an evaluated episode again and look into the policy at some of its steps.

    Args:
        evaluation: Holds the episode's tape; the range of all its actions is what is drawn.
        stage: The policy and the environment.
        seed: Which episode.
        steps: At which of its steps, from 0; by default at `MOMENTS`.

    Returns:
        One landscape per moment; none for policies without energies, and for actions of one dimension.

    Raises:
        ConfigError: There is no such episode or step, or it went otherwise than when it was evaluated.
    """
    check_moments(evaluation, seed, steps)
    if stage.observation == "image" and stage.env in ORACLES:
        stage = replace(stage, observation="state+image")  # the state is what the oracle looks at
    envs = stage.make_envs(1)
    try:
        policy = stage.make_policy(envs)
        shape = envs.single_action_space.shape or ()
        if not isinstance(policy, Energetic) or shape[0] < 2:
            return []
        tape = find_tape(evaluation.tapes, seed)
        oracle = make_oracle(stage.env, envs) if stage.env in ORACLES else None
        box = envs.single_action_space
        assert isinstance(box, spaces.Box)
        corners = _slice([tape.actions[:, :2] for tape in evaluation.tapes], box)
        last = len(tape.actions) - 1
        moments = set(steps) or {round(share * last) for share in MOMENTS}
        observer = _Observer(policy, oracle, tape, corners, box, moments)
        (seen,) = rollout(envs, observer, [seed]).episodes
        (evaluated,) = [episode for episode in evaluation.episodes if episode.seed == seed]
        check_same(evaluated, seen)
        return observer.found
    finally:
        envs.close()


class _Observer:
    """Acts as a tape says, while policy and oracle say what they would do."""

    def __init__(
        self,
        policy: Policy,
        oracle: Policy | None,
        tape: Tape,
        corners: tuple[Float32, Float32],
        box: spaces.Box,
        moments: Collection[int],
    ) -> None:
        self._policy = policy
        self._oracle = oracle
        self._player = TapePlayer([tape])
        self._seed = tape.seed
        self._corners = corners
        self._box = box
        self._moments = moments
        self._step = 0
        self.found: list[Landscape] = []

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        for policy in (self._policy, self._player, self._oracle):
            if policy is not None:
                policy.reset(mask, seeds)
        self._step = 0

    def act(self, observation: Observation) -> Float32:
        chosen = self._policy.act(observation)[0]
        advised = None if self._oracle is None else self._oracle.act(observation)[0]
        if self._step in self._moments:
            self.found.append(self._look(chosen, advised))
        self._step += 1
        return self._player.act(observation)

    def _look(self, chosen: Float32, advised: Float32 | None) -> Landscape:
        if advised is not None:
            advised = np.clip(advised, self._box.low, self._box.high)[:2]
        low, high = self._widened([chosen[:2]] if advised is None else [chosen[:2], advised])
        axes = [np.linspace(low[k], high[k], GRID) for k in range(2)]
        first, second = np.meshgrid(*axes)
        actions = np.tile(chosen, (GRID * GRID, 1)).astype(np.float32)
        actions[:, 0], actions[:, 1] = first.ravel(), second.ravel()
        assert isinstance(self._policy, Energetic)
        energies = np.asarray(self._policy.energies(actions[None])[0], dtype=np.float32)
        return Landscape(
            seed=self._seed,
            step=self._step,
            low=low,
            high=high,
            energies=energies.reshape(GRID, GRID),
            chosen=chosen[:2],
            candidates=self._policy.candidates()[0, :SHOWN, :2],
            oracle=advised,
        )

    def _widened(self, marks: Sequence[Float32]) -> tuple[Float32, Float32]:
        """The slice's corners, further apart where a mark would lie outside."""
        low, high = self._corners
        if all(((low <= mark) & (mark <= high)).all() for mark in marks):
            return low, high
        return _slice([np.stack([low, high, *marks])], self._box)


def _slice(parts: Sequence[Float32], space: spaces.Box) -> tuple[Float32, Float32]:
    """A square around all these actions (N, 2), in the first two dimensions, as far as the action space goes."""
    actions = np.concatenate(parts)
    low, high = actions.min(axis=0), actions.max(axis=0)
    centre, half = (low + high) / 2, float((high - low).max()) * (0.5 + _MARGIN) or 1.0
    low, high = np.maximum(centre - half, space.low[:2]), np.minimum(centre + half, space.high[:2])
    return low.astype(np.float32), high.astype(np.float32)
