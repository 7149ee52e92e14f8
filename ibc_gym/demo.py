"""The main job: scripted demonstrations, an implicit policy and a baseline, both evaluated, and a report.

Everything lies in one folder: `demos.zarr`, `ebm/`, `mse/`, `summary.json`, `report.html`, and `demo.json`, which says
that a demo wrote them.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ibc_gym.checks import require_finite
from ibc_gym.console import OnProgress
from ibc_gym.demo_folder import claim, clear
from ibc_gym.errors import ConfigError, MissingSystemLibrary, WorkerFailed
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig, Evaluation
from ibc_gym.evaluation.uncertainty import compare_paired
from ibc_gym.loading import load
from ibc_gym.paths import writable_folder
from ibc_gym.processes import deaf_to_ctrl_c
from ibc_gym.record import RecordConfig, record
from ibc_gym.registry import make_env
from ibc_gym.report.page import report
from ibc_gym.tables import PRESETS
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.records import TrainingProgress

TASK: Final = "push"
RECORDING_TOLERANCE: Final = 0.01
"""Demonstrations push on to where the published ones end, further than a policy has to [m]."""
POLICIES: Final = ("ebm", "mse")
DATA, SUMMARY, PAGE = "demos.zarr", "summary.json", "report.html"
PARTS: Final = (DATA, *POLICIES, SUMMARY, PAGE)
"""What a demo writes into its folder."""

Bars = Callable[..., AbstractContextManager[tuple[OnProgress, ...]]]
"""Shows one bar per label while its context lasts: `console.Terminal.progress`."""


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """How large the main job is."""

    out: Path = Path("runs/demo")
    """Folder of everything that is written; what an earlier demo left there is replaced."""
    demonstrations: int = 200
    """Scripted demonstrations."""
    episodes: int = 100
    """Episodes that each policy is evaluated on, the same for both."""
    preset: str = "fast/push-frame"
    """Recipe of the implicit policy."""
    baseline: str = "fast/push-frame-mse"
    """Recipe of the baseline."""
    steps: int | None = None
    """Updates of each training; the recipes' own by default."""
    goal_tolerance: float = 0.02
    """Distance of block and target that counts as success [m]."""
    films: int = 3
    """Episodes of each policy that are filmed for the report, failures first."""
    seed: int = 0
    """Of both trainings."""

    def __post_init__(self) -> None:
        require_finite(self)
        least = {"demonstrations": 2, "episodes": 2, "steps": 1, "films": 0, "seed": 0}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise ConfigError(f"DemoConfig.{name} is {value}, but must be at least {bound}.")
        if not self.goal_tolerance > 0:
            raise ConfigError(
                f"DemoConfig.goal_tolerance is {self.goal_tolerance} m, but must be positive."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DemoResult:
    """What the main job found."""

    summary: Mapping[str, Any]
    """The content of `summary.json`: "wall_seconds", "ebm" and "mse" (evaluations), and more."""
    evaluations: Mapping[str, Evaluation]
    """By policy."""


def demo(config: DemoConfig, bars: Bars) -> DemoResult:
    """Record, train both policies at the same time, evaluate them on the same seeds, and report.

    Args:
        config: How large, and where.
        bars: Shows progress.

    Raises:
        ConfigError: The folder holds what no demo has written, or a setting does not serve; then nothing is written.
        UnknownName: There is no such preset.
    """
    configs = trainings(config)
    clear(config.out, PARTS)
    out = writable_folder(config.out)
    claim(out, DATA)
    started = time.perf_counter()
    seconds: dict[str, float] = {}
    with _timed(seconds, "record"), bars("Demonstrations") as (bar,):
        recording = RecordConfig(
            task=TASK,
            out=out / DATA,
            episodes=config.demonstrations,
            options={"goal_tolerance": min(config.goal_tolerance, RECORDING_TOLERANCE)},
        )
        record(
            recording,
            lambda now: bar(now.done / now.wanted, f"{now.successes} of {now.done} succeeded"),
        )
    labels = {"ebm": "Implicit policy", "mse": "MSE baseline"}
    claim(out, *POLICIES)
    with _timed(seconds, "train"), bars(*labels.values()) as moves:
        train_at_once(configs, dict(zip(labels, moves, strict=True)))
    evaluations = {}
    with _timed(seconds, "evaluate"):
        for name in POLICIES:
            with bars(f"Evaluating {name}") as (bar,):
                evaluations[name] = evaluate(
                    EvalConfig(
                        policy=str(out / name),
                        options={"goal_tolerance": config.goal_tolerance},
                        episodes=config.episodes,
                        films=config.films,
                    ),
                    lambda now, bar=bar: bar(  # type: ignore[misc]
                        now.done / now.total, f"{now.successes} of {now.done} succeeded"
                    ),
                    lambda timed, bar=bar: bar(0.0, f"first the time per action: {timed} timed"),  # type: ignore[misc]
                )
    claim(out, SUMMARY, PAGE)
    with _timed(seconds, "report"):
        report([out / name for name in POLICIES], out / PAGE)
    paired = compare_paired(*(evaluations[name].successes() for name in POLICIES))
    summary = {
        "wall_seconds": time.perf_counter() - started,
        "seconds": seconds,
        "demonstrations": config.demonstrations,
        "ebm": evaluations["ebm"].summary,
        "mse": evaluations["mse"].summary,
        "difference": dataclasses.asdict(paired),
    }
    (out / SUMMARY).write_text(json.dumps(summary, indent=1))
    return DemoResult(summary=summary, evaluations=evaluations)


def reason_not_to_film() -> str | None:
    """Why pictures cannot be had on this machine, or None if they can."""
    try:
        make_env(TASK, render_mode="rgb_array").close()
    except MissingSystemLibrary as error:
        return str(error)
    return None


def trainings(config: DemoConfig) -> dict[str, TrainConfig]:
    """Both training runs.

    Raises:
        UnknownName: There is no such preset.
        ConfigError: A preset is made for another task or for pictures.
    """
    return {
        "ebm": training(config, "ebm", config.preset),
        "mse": training(config, "mse", config.baseline),
    }


def training(config: DemoConfig, name: str, preset_name: str) -> TrainConfig:
    """A training run of the demo, on one thread, since two run at a time."""
    preset = load(PRESETS, preset_name, "preset")
    if preset.config.inputs != ("state",) or preset.config.frame not in (None, TASK):
        raise ConfigError(
            f"Preset {preset_name!r} takes {', '.join(preset.config.inputs)} in the frame "
            f"{preset.config.frame!r}, but the demo's data are states of {TASK!r}; try 'fast/push'."
        )
    settings: dict[str, Any] = dict(vars(preset.training))
    if config.steps is not None:
        settings |= {"steps": config.steps, "budget_cpu_seconds": None}
    return TrainConfig(
        data=config.out / DATA,
        out=config.out / name,
        policy=preset.policy,
        policy_config=preset.config,
        **{"threads": 1, "seed": config.seed, **settings},
    )


def train_at_once(configs: Mapping[str, TrainConfig], bars: Mapping[str, OnProgress]) -> None:
    """Train several policies at the same time, each in a process of its own.

    Args:
        configs: What to train, by name.
        bars: Told how each of them goes.

    Raises:
        WorkerFailed: One of them was killed or raised an error; the others are stopped.
    """
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    workers = {
        name: context.Process(target=_train, args=(name, config, news), daemon=True)
        for name, config in configs.items()
    }
    waiting = set(workers)
    try:
        with deaf_to_ctrl_c():
            for worker in workers.values():
                worker.start()
        while waiting:
            try:
                name, said = news.get(timeout=1.0)
            except queue.Empty:
                for name in waiting:
                    if workers[name].exitcode not in (None, 0):
                        raise WorkerFailed(
                            f"Training of {name} was killed (exit code {workers[name].exitcode}); "
                            "is there enough memory?"
                        ) from None
                continue
            if isinstance(said, TrainingProgress):
                bars[name](said.share, _in_words(said))
            elif said is None:
                waiting.remove(name)
            else:
                raise WorkerFailed(f"Training of {name} failed: {said}")
    finally:
        for name in waiting:  # none, unless something went wrong; the others end by themselves
            if workers[name].pid is not None:  # it was started
                workers[name].kill()  # a polite end would be told, and saved
        for worker in workers.values():
            if worker.pid is not None:
                worker.join()
        news.close()


def _train(name: str, config: TrainConfig, news: Any) -> None:
    """What one training process does."""
    from ibc_gym.training.trainer import train  # here: the parent needs no torch yet

    try:
        train(config, lambda progress: news.put((name, progress)))
    except Exception as error:
        news.put((name, f"{type(error).__name__}: {error}"))
    else:
        news.put((name, None))


def _in_words(now: TrainingProgress) -> str:
    """A training's state in one line: speed, loss, and the best held-out error so far."""
    loss = now.train.get("loss")
    words = [f"{now.step:,} updates", f"{now.steps_per_second:.0f}/s"]
    words += [f"loss {loss:.3f}"] if loss is not None else []
    words += [f"held-out error {now.best_action_error:.3f}"] if now.best_action_error else []
    return ", ".join(words)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
