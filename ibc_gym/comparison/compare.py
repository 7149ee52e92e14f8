"""Runs one task in two simulators: the same commands in both, then the same policies closed loop in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ibc_gym.checks import settle
from ibc_gym.comparison.in_both import InBoth, in_both
from ibc_gym.comparison.journeys import NUDGE, Gap, Journey, travel
from ibc_gym.comparison.timing import Timing, timing_of
from ibc_gym.data.metadata import installed_versions
from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.faults import ArmFault
from ibc_gym.evaluation.results import EvalConfig, Evaluation
from ibc_gym.evaluation.stage import resolve
from ibc_gym.evaluation.tape import TapeDeck
from ibc_gym.evaluation.uncertainty import compare_paired
from ibc_gym.loading import load
from ibc_gym.paths import writable_folder
from ibc_gym.real_time import is_real_time
from ibc_gym.records import Float32, Float64
from ibc_gym.registry import make_env, make_oracle, make_task, make_vec_env, workcell_factory
from ibc_gym.rollout import rollout
from ibc_gym.tables import ORACLES, TASKS, UNMEASURED

ORACLE = "oracle"
FAR = 5e-3
"""Things that are this far apart [m] have parted."""


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """What to compare, and how often."""

    task: str = "push"
    """A task that runs in both simulators and has an oracle."""
    workcells: tuple[str, str] = ("mujoco", "pybullet")
    """The two; commands come from an oracle in the first."""
    episodes: int = 20
    """Episodes whose commands are carried out in both."""
    trials: int = 100
    """Episodes of every policy in each of the two, on equal seeds."""
    seed: int = 0
    """Of the first episode."""
    policy: Path | None = None
    """A trained run that is tried in both beside the oracle."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config."""
    pictures: bool = True
    """Whether two episodes are drawn side by side."""
    workers: int = 0
    """Processes of the trials; 0 takes every core if that pays."""
    out: Path | None = None
    """Folder to write into; by default runs/compare-TASK."""

    def __post_init__(self) -> None:
        settle(self)
        for name, least in {"episodes": 1, "trials": 1, "seed": 0, "workers": 0}.items():
            if getattr(self, name) < least:
                raise ConfigError(
                    f"CompareConfig.{name} is {getattr(self, name)}, but must be at least {least}."
                )
        if self.task not in TASKS:
            raise UnknownName("task", self.task, TASKS)
        for workcell in self.workcells:
            if workcell in UNMEASURED:
                raise ConfigError(
                    f"CompareConfig.workcells names {workcell!r}, where nothing measures how far things part."
                )
        if self.workcells[0] == self.workcells[1]:
            raise ConfigError(
                f"CompareConfig.workcells names {self.workcells[0]!r} twice; name two different ones."
            )

    command: ClassVar[str] = "compare-sims"
    """That asks for it."""

    @property
    def folder(self) -> Path:
        """Where the answer goes."""
        return self.out or Path("runs") / f"compare-{self.task}"


Examples = tuple[tuple[str, Journey, Journey], ...]
"""Episodes with pictures, each with what it is an example of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What was found."""

    config: CompareConfig
    control_period: float
    """[s]"""
    gaps: tuple[Gap, ...]
    timings: tuple[Timing, Timing]
    """How each kept time."""
    shown: Examples
    """Episodes with pictures, each with what it is an example of."""
    trials: Mapping[str, tuple[Evaluation, Evaluation]]
    """By policy, in the order of the workcells."""
    summary: Mapping[str, Any]


OnProgress = Callable[[float, str], None]
"""Told which share is done, and what is being done."""


def compare(config: CompareConfig, on_progress: OnProgress | None = None) -> Comparison:
    """Find out where two simulators part; figures go to `comparison.json` in the folder.

    Where an arm is emulated in real time, an episode that it or a camera fails in is a failed one, and the arm is cleared for
    the next. If it cannot be, what is left is not run, and "cut_off" in the summary says why.

    Raises:
        ConfigError: The task does not run in one of the two, or has no such option.
        UnknownName: It has no oracle.
        MissingDependency: A simulator is not installed.
        CheckpointError: There is no such run.
        SpecMismatch: The run is of another task.
        RobotFault: An emulated arm failed in every episode of the commands, or anything else that is simulated did.
        CameraTimeout: The same of a camera.
    """
    tell = on_progress or (lambda share, doing: None)
    require(config)
    writable_folder(config.folder)  # told before the work rather than after it
    tell(0.0, f"commands of the oracle in {config.workcells[0]}")
    commands = _commands(config)
    one, other = (_make_env(config, workcell) for workcell in config.workcells)
    try:
        found = in_both(
            one,
            other,
            commands,
            through_faults=any(map(is_real_time, config.workcells)),
            on_episode=lambda done: tell(
                0.1 + 0.3 * done / len(commands), "the same commands in both"
            ),
        )
    finally:
        one.close()
        other.close()
    trials, cut_off = ({}, found.cut_off) if found.cut_off else _trials(config, tell)
    shown: Examples = ()
    if config.pictures and not cut_off:
        tell(0.9, "pictures")
        shown, cut_off = _pictured(config, found.gaps, commands)
    period = float(one.task.control_period)
    timings = (
        timing_of([journey for journey, _ in found.journeys], period),
        timing_of([journey for _, journey in found.journeys], period),
    )
    comparison = Comparison(
        config=config,
        control_period=period,
        gaps=tuple(found.gaps),
        timings=timings,
        shown=shown,
        trials=trials,
        summary=_summary(config, found, timings, trials, period) | {"cut_off": cut_off},
    )
    (config.folder / "comparison.json").write_text(json.dumps(comparison.summary, indent=2) + "\n")
    tell(1.0, "done")
    return comparison


def require(config: CompareConfig) -> None:
    """Refuse what cannot be compared here, before anything is written; errors as for `compare`."""
    task = make_task(config.task, **config.options)
    for workcell in config.workcells:
        workcell_factory(workcell, task)
    load(ORACLES, config.task, "oracle")
    if config.policy is not None:
        stage = resolve(_trial_of(config, str(config.policy), config.workcells[0]))
        envs = stage.make_envs(1)
        try:
            stage.make_policy(envs)
        finally:
            envs.close()


def _make_env(config: CompareConfig, workcell: str, render_mode: str | None = None) -> Env:
    env = make_env(config.task, workcell=workcell, render_mode=render_mode, **config.options)
    assert isinstance(env, Env)
    return env


def _commands(config: CompareConfig) -> dict[int, Sequence[Float32]]:
    """What the oracle does in the first simulator, by seed."""
    seeds = range(config.seed, config.seed + config.episodes)
    envs = make_vec_env(
        config.task,
        min(4, config.episodes),
        autoreset_mode="disabled",
        workcell=config.workcells[0],
        **config.options,
    )
    try:
        deck = TapeDeck()
        rollout(envs, make_oracle(config.task, envs), seeds, [deck])
    finally:
        envs.close()
    tapes = {tape.seed: list(tape.actions) for tape in deck.tapes}
    return {seed: tapes[seed] for seed in seeds}


def _trial_of(config: CompareConfig, policy: str, workcell: str) -> EvalConfig:
    return EvalConfig(
        policy=policy,
        env=config.task,
        workcell=workcell,
        options=config.options,
        episodes=config.trials,
        first_seed=config.seed,
        workers=config.workers,
        latency_steps=0,
        out=config.folder / ("oracle" if policy == ORACLE else Path(policy).name),
    )


def _trials(
    config: CompareConfig, tell: OnProgress
) -> tuple[dict[str, tuple[Evaluation, Evaluation]], str | None]:
    """Every policy in both, and what ended that before its time."""
    policies = [ORACLE, *([str(config.policy)] if config.policy else [])]
    trials: dict[str, tuple[Evaluation, Evaluation]] = {}
    for number, policy in enumerate(policies):
        tell(0.4 + 0.5 * number / len(policies), f"{policy} in each of them")
        first, second = trials[policy] = _in_each(config, policy)
        if cut_off := first.summary["cut_off"] or second.summary["cut_off"]:
            return trials, cut_off
    return trials, None


def _in_each(config: CompareConfig, policy: str) -> tuple[Evaluation, Evaluation]:
    one, other = (_trial_of(config, policy, workcell) for workcell in config.workcells)
    return evaluate(one, through_faults=True), evaluate(other, through_faults=True)


def _pictured(
    config: CompareConfig, gaps: Sequence[Gap], commands: Mapping[int, Sequence[Float32]]
) -> tuple[Examples, str | None]:
    """Two episodes with pictures; or none, and the fault that there are none for."""
    try:
        return _examples(config, gaps, commands), None
    except ArmFault as fault:
        return (), f"There are no pictures: {fault}"


def _examples(
    config: CompareConfig, gaps: Sequence[Gap], commands: Mapping[int, Sequence[Float32]]
) -> Examples:
    """A typical episode and the one that parts most, with pictures of both simulators."""
    order = sorted(gaps, key=lambda gap: float(gap.of_things.max()))
    chosen = {"A typical episode": order[len(order) // 2], "The furthest apart": order[-1]}
    if len(order) < 3:
        chosen = {"The furthest apart": order[-1]}
    one, other = (_make_env(config, workcell, "rgb_array") for workcell in config.workcells)
    try:
        return tuple(
            (
                what,
                travel(one, gap.seed, commands[gap.seed]),
                travel(other, gap.seed, commands[gap.seed]),
            )
            for what, gap in chosen.items()
        )
    finally:
        one.close()
        other.close()


def _summary(
    config: CompareConfig,
    found: InBoth,
    timings: tuple[Timing, Timing],
    trials: Mapping[str, tuple[Evaluation, Evaluation]],
    period: float,
) -> dict[str, Any]:
    """Everything that was found, as plain JSON; lengths in millimetres, as the page has them."""
    gaps, alone = found.gaps, found.alone
    both = [gap.onsets for gap in gaps if None not in gap.onsets]
    apart = [1e3 * period * (b - a) for a, b in both if a is not None and b is not None]
    return {
        "task": config.task,
        "workcells": list(config.workcells),
        "options": dict(config.options),
        "same_commands": {
            "episodes": len(gaps),
            "faults": len(found.faults),
            "fault_messages": found.faults,
            "seeds": [gaps[0].seed, gaps[-1].seed],
            "tip_gap_mm": _spread([gap.tip.max() for gap in gaps]),
            "tip_gap_before_contact_mm": _spread([before_contact(gap).max() for gap in gaps]),
            "thing_gap_mm": _spread([gap.of_things.max() for gap in gaps]),
            "thing_gap_at_the_end_mm": _spread([gap.of_things[-1] for gap in gaps]),
            "contact_later_in_second_ms": {
                "median": float(np.median(apart)) if apart else None,
                "largest": float(np.max(np.abs(apart))) if apart else None,
                "episodes": len(apart),
            },
            "seconds_from_contact_until_5_mm_apart": _until_apart(gaps, period),
            "touched_in_one_alone": sum(gap.onsets.count(None) == 1 for gap in gaps),
            "success_in_first": sum(gap.successes[0] for gap in gaps),
            "success_in_second": sum(gap.successes[1] for gap in gaps),
            "in_first_alone_with_one_command_aside": {
                "mm": 1e3 * NUDGE,
                "episodes": len(alone),
                "thing_gap_at_the_end_mm": _spread([gap.of_things[-1] for gap in alone]),
                "success": sum(gap.successes[1] for gap in alone),
            }
            if alone
            else None,
        },
        "timing": {"first": timings[0].plain(), "second": timings[1].plain()},
        "trials": {policy: _trial(pair) for policy, pair in trials.items()},
        "versions": installed_versions(),
    }


def before_contact(gap: Gap) -> Float64:
    """The gap of the tip until anything is touched in either world, at least one instant, (t,) [m]."""
    known = [onset for onset in gap.onsets if onset is not None]
    return gap.tip[: max(1, min(known, default=len(gap.tip)))]


def _until_apart(gaps: Sequence[Gap], period: float) -> dict[str, float | int | None]:
    """How long things stay within `FAR` of each other after the first contact; over the episodes that part so far."""
    times = [
        period * (int(np.argmax(gap.of_things > FAR)) - min(known))
        for gap in gaps
        if (known := [onset for onset in gap.onsets if onset is not None])
        and (gap.of_things > FAR).any()
    ]
    return {"median": float(np.median(times)) if times else None, "episodes": len(times)}


def _spread(metres: Sequence[Any]) -> dict[str, float]:
    values = 1e3 * np.asarray(metres, dtype=np.float64)
    return {
        "median": float(np.median(values)),
        "p90": float(np.quantile(values, 0.9)),
        "largest": float(values.max()),
    }


def _trial(pair: tuple[Evaluation, Evaluation]) -> dict[str, Any]:
    kept = (
        *("successes", "episodes", "faults", "fault_messages", "cut_off"),
        *("success_rate", "ci95", "return_mean", "length_mean"),
    )
    one, other = pair
    paired = compare_paired(other.successes(), one.successes())
    return {
        "first": {name: one.summary[name] for name in kept},
        "second": {name: other.summary[name] for name in kept},
        "difference_points": 100 * paired.difference,
        "difference_ci95": [100 * bound for bound in paired.ci95],
    }
