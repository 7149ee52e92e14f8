"""Keep what a policy did, and do it again: the same seed and the same actions are the same episode.

Films and energy landscapes are made afterwards from tapes, so an evaluation need not render and no bit of it depends
on who was watching.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.evaluation.results import Tape
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.rollout import POLICY, Episode, Transition


class TapeDeck:
    """A listener that keeps the actions of every episode."""

    def __init__(self) -> None:
        self.tapes: list[Tape] = []
        """Episodes that have ended, in the order of their ends."""
        self._rows: dict[int, tuple[int, list[Float32], list[dict[str, float]]]] = {}

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """Begin a tape for every row that begins."""
        for row in np.flatnonzero(mask).tolist():
            self._rows[row] = (seeds[row], [], [])

    def on_step(self, transition: Transition) -> None:
        """Keep the active rows' actions, and what the policy says of them."""
        said = {
            name.removeprefix(POLICY): values
            for name, values in transition.info.items()
            if name.startswith(POLICY)
        }
        for row in np.flatnonzero(transition.active).tolist():
            seed, actions, doubts = self._rows[row]
            actions.append(np.array(transition.action[row], dtype=np.float32))
            doubts.append({name: float(values[row]) for name, values in said.items()})
            if transition.ended[row]:
                self.tapes.append(_tape(seed, actions, doubts))

    def cut_off(self, seed: int, size: int) -> Tape:
        """What was done so far in the only row, in an episode that does not end; empty if it did not begin.

        Args:
            seed: Of that episode.
            size: Of an action, A.
        """
        begun, actions, doubts = self._rows.get(0, (None, [], []))
        if begun != seed or not actions:
            return Tape(seed=seed, actions=np.zeros((0, size), np.float32))
        return _tape(seed, actions, doubts)


def _tape(seed: int, actions: Sequence[Float32], doubts: Sequence[Mapping[str, float]]) -> Tape:
    said = {name: np.array([doubt[name] for doubt in doubts], np.float32) for name in doubts[0]}
    return Tape(seed=seed, actions=np.stack(actions), uncertainty=said)


class TapePlayer:
    """A policy that does what was done: every row plays the tape of the seed it is given."""

    def __init__(self, tapes: Sequence[Tape]) -> None:
        self._tapes = {tape.seed: tape.actions for tape in tapes}
        self._playing: list[Float32] = []
        self._step = np.zeros(0, dtype=np.int64)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Put in the tapes of the rows that begin.

        Raises:
            SpecMismatch: There is no tape of a seed.
        """
        if len(self._playing) != len(mask):
            self._playing = [next(iter(self._tapes.values()))] * len(mask)
            self._step = np.zeros(len(mask), dtype=np.int64)
        for row in np.flatnonzero(mask).tolist():
            seed = seeds[row]
            if seed is None or seed not in self._tapes:
                raise SpecMismatch(f"There is no tape of seed {seed}.")
            self._playing[row] = self._tapes[seed]
            self._step[row] = 0

    def act(self, observation: Observation) -> Float32:
        """The next action of every row, (B, A); the last one again once a tape is over."""
        steps = zip(self._playing, self._step, strict=True)
        actions = np.stack([tape[min(int(step), len(tape) - 1)] for tape, step in steps])
        self._step += 1
        return actions


def check_same(evaluated: Episode, played: Episode) -> None:
    """Refuse a tape that no longer gives the episode it was taken from.

    Raises:
        ConfigError: It ended otherwise.
    """
    here, there = (
        (episode.success, episode.length, episode.total_reward) for episode in (evaluated, played)
    )
    if here != there:
        raise ConfigError(
            f"Seed {evaluated.seed} went otherwise when it was played again (success, steps, return: {there}, "
            f"not {here}). The environment has changed since the evaluation, or is not deterministic; evaluate again."
        )
