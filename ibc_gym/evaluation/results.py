"""What is evaluated, and what comes out of it: the config, the result, and its files.

An evaluation is a folder, `<run>/evaluations/<name>/`:

- `evaluation.json`: the object that `ibc-gym eval --json` prints, and the config that made it;
- `episodes.jsonl`: one line per episode;
- `actions.npz`: what the policy did, so that any episode can be played again without the policy, and how sure it was;
- `films/`: the episodes that were filmed, and their strips.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError
from ibc_gym.paths import checkpoint_named
from ibc_gym.real_time import check_one_at_a_time, is_real_time
from ibc_gym.records import Float32
from ibc_gym.rollout import Episode
from ibc_gym.tables import REAL_TIME

FIRST_SEED: Final = 100_000
"""Where test seeds begin, far from the seeds that demonstrations are recorded with (0, 1, 2, ...).

The published particle figures were taken on seeds 0 ... n-1: say `first_seed=0` to repeat them.
"""

_DOUBT: Final = "uncertainty."
"""Prefix of what a policy said of itself, among the arrays of an evaluation."""

Score = Literal["success", "return", "best_reward"]
"""What an evaluation is summed up by."""

SCRIPTED: Final = ("oracle", "random")
"""Policies that need no checkpoint: the task's own demonstrator, and uniform actions."""


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """What to run, on which seeds, and what to keep."""

    policy: str
    """A run folder or a checkpoint in it, or "oracle" or "random"."""
    env: str | None = None
    """A task, or "gym:<id>" for any Gymnasium environment; by default what the checkpoint was trained for."""
    workcell: str | None = None
    """Where the task runs; by default the task's first workcell."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config, such as {"goal_tolerance": 0.02}; for "gym:" also {"horizon": 300}.

    What is left out is the task's default, whatever the demonstrations had, unless the policy would not fit it.
    """
    episodes: int = 100
    """How many episodes; episode k is reset with `first_seed + k`."""
    first_seed: int = FIRST_SEED
    """Seed of the first episode."""
    workers: int = 0
    """Processes, each with one thread; 0 takes every core if that pays. The result does not depend on it."""
    num_envs: int = 8
    """Environments that one call of the policy serves; fewer where there are fewer episodes."""
    share: int = 25
    """Episodes that are run together from a fresh start, the unit that workers divide among themselves.

    A matrix product rounds by its shape, so what shares a batch decides the last bit. Fixed shares keep that apart
    from the number of workers.
    """
    score: Score | None = None
    """The headline: success rate, mean return, or mean best reward of an episode (Push-T's).

    By default what the environment is published with, else success.
    """
    reference: tuple[float, float] | None = None
    """Scores of a random and of an expert policy, D4RL's where they are known by default.

    They give `normalised` = 100 (score - random) / (expert - random).
    """
    films: int = 0
    """How many episodes to film after the evaluation, failures first."""
    film_seeds: tuple[int, ...] = ()
    """Seeds of episodes to film, whatever becomes of them; `films` counts those beside them."""
    latency_steps: int = 200
    """Actions at batch 1 over which the latency is taken first, after a warm-up; 0 leaves it out."""
    view: int | None = None
    """A port on 127.0.0.1 for a page with the live picture; 0 takes any that is free.

    Where a person arranges the table, it shows the wanted picture over the live one. For workcells in real time.
    """
    out: Path | None = None
    """Run folder to write into; by default the checkpoint's own, or runs/<policy>-<env>."""
    name: str | None = None
    """Name of the evaluation within the run; by default made of the environment, its options and the seeds."""

    def __post_init__(self) -> None:
        settle(self)
        object.__setattr__(self, "policy", str(self.policy))  # a path is welcome, too
        least = {"episodes": 1, "first_seed": 0, "workers": 0, "num_envs": 1, "share": 1}
        for name, bound in {**least, "films": 0, "latency_steps": 0}.items():
            if getattr(self, name) < bound:
                raise ConfigError(
                    f"EvalConfig.{name} is {getattr(self, name)}, but must be at least {bound}."
                )
        self._settle_real_time()
        if self.env is None and self.policy in SCRIPTED:
            raise ConfigError(f"Policy {self.policy!r} fits any task: say which with --env.")
        if self.reference is not None and self.reference[0] == self.reference[1]:
            raise ConfigError("EvalConfig.reference needs two different scores: random, expert.")
        strange = [seed for seed in self.film_seeds if seed not in self.seeds]
        if strange:
            raise ConfigError(
                f"EvalConfig.film_seeds names {', '.join(map(str, strange))}, but the episodes have the seeds "
                f"{self.seeds[0]} to {self.seeds[-1]}; see EvalConfig.first_seed and EvalConfig.episodes."
            )
        if self.name is not None and _slug(self.name) != self.name:
            raise ConfigError(
                f"EvalConfig.name {self.name!r} is no file name; try {_slug(self.name)!r}."
            )

    def _settle_real_time(self) -> None:
        """One arm in real time: one environment, one process, every episode a share, and no episode for timing alone."""
        if not is_real_time(self.workcell):
            if self.view is not None:
                raise ConfigError(
                    f"EvalConfig.view is for workcells in real time ({', '.join(REAL_TIME)}); a simulation is over too soon "
                    "to be watched: film it, with films."
                )
            return
        if self.view is not None and self.view < 0:
            raise ConfigError(
                f"EvalConfig.view is {self.view}, but must be a port, or 0 for any that is free."
            )
        check_one_at_a_time(self.workcell, workers=self.workers)
        for name, value in {"num_envs": 1, "share": 1, "workers": 1, "latency_steps": 0}.items():
            object.__setattr__(self, name, value)

    @property
    def seeds(self) -> range:
        """The episodes' seeds, in order."""
        return range(self.first_seed, self.first_seed + self.episodes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tape:
    """The actions of one episode, enough to play it again."""

    seed: int
    actions: Float32
    """(T, A), as asked for."""
    uncertainty: Mapping[str, Float32] = field(default_factory=dict)
    """What the policy said of how sure it was of each of them, by name, (T,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What an evaluation found."""

    summary: Mapping[str, Any]
    """The JSON object; its first keys are task, workcell, policy, episodes, successes, success_rate, ci95,
    return_mean, action_ms and seeds."""
    episodes: tuple[Episode, ...]
    """In the order of the seeds."""
    tapes: tuple[Tape, ...]
    """What was done in each of them."""
    folder: Path
    film_error: str | None = None
    """Why films that were asked for are missing; not written down."""

    def successes(self) -> dict[int, bool]:
        """Success by seed, as `uncertainty.compare_paired` takes it."""
        return {episode.seed: episode.success for episode in self.episodes}

    def scores(self) -> dict[int, float]:
        """The headline's measure by seed."""
        return {episode.seed: score_of(episode, self.score) for episode in self.episodes}

    @property
    def score(self) -> Score:
        """By what the evaluation is summed up."""
        score: Score = self.summary["score"]["name"]
        return score


def score_of(episode: Episode, score: Score) -> float:
    """What one episode contributes to a headline."""
    match score:
        case "success":
            return float(episode.success)
        case "return":
            return episode.total_reward
        case "best_reward":
            return episode.best_reward


def evaluation_name(
    config: EvalConfig, env: str, workcell: str | None, options: Mapping[str, Any]
) -> str:
    """A name that two evaluations share only if they ran the same episodes: push-mujoco-100000-100099.

    Args:
        config: What was asked for.
        env: Where it ran.
        workcell: In which workcell, if that is known.
        options: That differ from the task's defaults or were asked for.
    """
    where = [] if workcell in (None, env) or env.startswith("gym:") else [str(workcell)]
    named = [f"{key}={value}" for key, value in sorted(options.items())]
    seeds = [str(config.seeds[0]), str(config.seeds[-1])]
    chosen = checkpoint_named(Path(config.policy))
    return config.name or _slug(
        "-".join([env, *where, *named, *seeds, *([chosen] if chosen else [])])
    )


def write_evaluation(evaluation: Evaluation) -> None:
    """Write all files into its folder; `atomic.whole_folder` makes them appear at once."""
    folder = evaluation.folder
    rows = "".join(f"{json.dumps(dataclasses.asdict(row))}\n" for row in evaluation.episodes)
    (folder / "episodes.jsonl").write_text(rows)
    lengths = [len(tape.actions) for tape in evaluation.tapes]
    said = {name: None for tape in evaluation.tapes for name in tape.uncertainty}
    nothing: Float32 = np.zeros(
        0, np.float32
    )  # of an episode that a fault cut off before its first step
    doubts = {
        f"{_DOUBT}{name}": np.concatenate(
            [tape.uncertainty.get(name, nothing) for tape in evaluation.tapes]
        )
        for name in said
    }
    np.savez_compressed(
        folder / "actions.npz",
        seeds=np.array([tape.seed for tape in evaluation.tapes], dtype=np.int64),
        ends=np.cumsum(lengths, dtype=np.int64),
        actions=np.concatenate([tape.actions for tape in evaluation.tapes]),
        **doubts,  # type: ignore[arg-type]  # the last argument of the stubs is a switch, which no doubt is called
    )
    (folder / "evaluation.json").write_text(json.dumps(evaluation.summary, indent=1) + "\n")


def read_evaluation(folder: str | Path) -> Evaluation:
    """Read back what `write_evaluation` wrote.

    Raises:
        ConfigError: There is no evaluation there, or one of its files is missing or broken.
    """
    folder = Path(folder)
    try:
        summary = json.loads((folder / "evaluation.json").read_text())
        lines = (folder / "episodes.jsonl").read_text().splitlines()
        episodes = tuple(Episode(**json.loads(line)) for line in lines)
        with np.load(folder / "actions.npz") as arrays:
            seeds, cuts = arrays["seeds"].tolist(), arrays["ends"][:-1]
            parts = np.split(arrays["actions"], cuts)
            doubts = {
                name.removeprefix(_DOUBT): np.split(arrays[name], cuts)
                for name in arrays.files
                if name.startswith(_DOUBT)
            }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} holds no complete evaluation ({error}); make one with `ibc-gym eval`."
        ) from error
    tapes = tuple(
        Tape(seed=seed, actions=part, uncertainty={name: said[k] for name, said in doubts.items()})
        for k, (seed, part) in enumerate(zip(seeds, parts, strict=True))
    )
    return Evaluation(summary=summary, episodes=episodes, tapes=tapes, folder=folder)


def list_evaluations(run: str | Path) -> list[Path]:
    """Folders of a run's finished evaluations, the oldest first."""
    found = Path(run).glob("evaluations/[!.]*/evaluation.json")  # a dot: not whole yet
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]


def find_tape(tapes: Sequence[Tape], seed: int) -> Tape:
    """The tape of one seed.

    Raises:
        ConfigError: That seed was not run.
    """
    for tape in tapes:
        if tape.seed == seed:
            return tape
    raise ConfigError(f"Seed {seed} was not run; the evaluation has {tapes[0].seed} and following.")


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._=+-]+", "-", text).strip("-.")
