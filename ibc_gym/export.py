"""`ibc-gym export`: a trained policy as a folder that runs without this library's trainer, held to the policy itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ibc_gym.atomic import whole_folder
from ibc_gym.checkpoint import find_policy, load_policy, read_config, versions, write_json
from ibc_gym.checks import settle
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.errors import CheckpointError, ConfigError, IbcGymError, TrainingDiverged
from ibc_gym.loading import load
from ibc_gym.paths import checkpoint_named, run_of, writable_folder
from ibc_gym.records import is_image
from ibc_gym.registry import make_task
from ibc_gym.runtime import folder as exported
from ibc_gym.runtime import load as load_exported
from ibc_gym.tables import EXPORTABLE, EXPORTING, TASKS

TOLERANCE: Final = 1e-4
"""Greatest difference between an exported policy's action and the policy's own that counts as none, as a share of the
action space's half width, or in the action's units where that is greater than 1."""
LAST_DIGITS: Final = 1e-6
"""The same as a share of the space's greatest number, where that is more: of 512 px, single precision knows no 1e-4."""
STEPS: Final = 4
"""Steps of the made-up episodes that both are held to each other in, after those that the first chunk is carried out in."""
TRAIN_AGAIN: Final = (
    "But this checkpoint is of an earlier version, which kept no states for that: these were drawn number by number, and in its "
    "canonical frame they are nothing like those that it learned from. Train the policy again, and export that."
)
SHARE: Final = 0.95
"""Of the actions that must agree: engines round differently, and where two candidates are equally good to the last
digits, or a draw falls between two of them, that decides which is taken."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to export, as what, and where."""

    run: str
    """A run folder (its best checkpoint is taken) or a checkpoint in it."""
    format: str = "onnx"
    """"onnx" for ONNX Runtime, or "torch-export" for PyTorch."""
    out: Path | None = None
    """The folder to write; by default exported/<format> in the run, and exported/<format>-<checkpoint> for another
    checkpoint than the best. One that is there is replaced."""
    check: int = 100
    """Made-up observations on which the exported policy is held to the policy in Python."""

    def __post_init__(self) -> None:
        settle(self)
        if self.format not in exported.MODELS:
            raise ConfigError(
                f"ExportConfig.format is {self.format!r}, but must be one of {', '.join(exported.MODELS)}."
            )
        if self.check < 1:
            raise ConfigError(f"ExportConfig.check is {self.check}, but must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How the exported policy compares with the policy in Python."""

    observations: int
    agreeing: int
    """Actions that are the same to `TOLERANCE`, or to the last digits of their numbers."""
    median_difference: float
    """Of the actions, in the task's units."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    folder: Path
    format: str
    bytes: int
    """Size of the model's file."""
    checked: Checked


def export(config: ExportConfig) -> Exported:
    """Write a policy as a graph with its optimiser inside, and hold it to the policy before it gets its name.

    Raises:
        CheckpointError: The checkpoint is missing or incomplete, or the exported policy acts otherwise.
        ConfigError: Policies of this kind cannot be exported, or its canonical frame cannot, or `out` does not serve.
        MissingDependency: onnx, onnxscript or onnxruntime is not installed.
    """
    checkpoint = _settled(find_policy(config.run))
    found = read_config(checkpoint)
    if found["type"] not in EXPORTABLE:
        raise ConfigError(
            f"A policy of the kind {found['type']!r} cannot be exported; those that can are {', '.join(EXPORTABLE)}."
        )
    out = config.out or _default_folder(Path(config.run), config.format)
    writable_folder(out.parent)
    if out.exists() and not (out / exported.ABOUT).is_file():
        raise ConfigError(f"{out} is there and is no exported policy; give another folder.")
    graph = load(EXPORTING, "graph", "part")(load_policy(checkpoint))
    with whole_folder(out, replace=True) as passing:
        model = passing / exported.MODELS[config.format]
        load(EXPORTING, config.format, "format")(graph, model)
        policy = load(EXPORTING, "exact", "part")(load_policy(checkpoint))
        about = _about(config, checkpoint, found, policy, graph, exported.sha256(model))
        write_json(passing / exported.ABOUT, about)
        checked = hold_to_policy(passing, policy, config.check)
        write_json(passing / exported.ABOUT, {**about, "checked": vars(checked)})
        size = model.stat().st_size
    return Exported(folder=out, format=config.format, bytes=size, checked=checked)


def hold_to_policy(folder: Path, policy: LearnedPolicy, observations: int) -> Checked:
    """Let both act in made-up episodes with the same seeds.

    Raises:
        CheckpointError: Their actions differ.
    """
    acting = load_exported(folder)
    space, made_up = policy.spec.action_space, load(EXPORTING, "made-up", "part")
    tolerance = np.maximum(
        TOLERANCE * np.minimum((space.high - space.low) / 2, 1.0),
        LAST_DIGITS * np.maximum(np.abs(space.low), np.abs(space.high)),
    )
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    episode = policy.config.execute + STEPS
    for step in range(observations):
        if step % episode == 0:
            policy.reset(np.ones(1, np.bool_), [step])
            acting.reset(step)
            observed = made_up(policy, rng)
        seen = next(observed)
        try:
            ours.append(policy.act({name: frame[None] for name, frame in seen.items()})[0])
            theirs.append(acting.act(seen))
        except TrainingDiverged as error:
            if not _drawn_far_out(policy):
                raise
            raise CheckpointError(f"{error} {TRAIN_AGAIN}") from error
    apart = np.abs(np.array(ours) - np.array(theirs))
    differences = apart.max(axis=1)
    agreeing = int((apart <= tolerance).all(axis=1).sum())
    if agreeing < SHARE * observations:
        raise CheckpointError(
            f"The exported policy differs from the policy in {observations - agreeing} of {observations} actions, by "
            f"{differences.max():.2g} at most; nothing was written. "
            + (
                TRAIN_AGAIN
                if _drawn_far_out(policy)
                else "Please report this, with the checkpoint."
            )
        )
    return Checked(
        observations=observations,
        agreeing=agreeing,
        median_difference=float(np.median(differences)),
    )


def _drawn_far_out(policy: LearnedPolicy) -> bool:
    """Whether states that it is held on are nothing like those that it learned from."""
    return bool(policy.config.frame) and "excerpts" not in policy.fitted()


def _settled(checkpoint: Path) -> Path:
    """The checkpoint that a link stands for now: a run that is being trained has another best one the next moment."""
    step = checkpoint.parent
    return step.parent / step.readlink() / checkpoint.name if step.is_symlink() else checkpoint


def _about(
    config: ExportConfig,
    checkpoint: Path,
    found: Mapping[str, Any],
    policy: LearnedPolicy,
    graph: Any,
    digest: str,
) -> dict[str, Any]:
    """What `ibc_gym.runtime.folder` reads, and where it comes from."""
    spec, settings = policy.spec, policy.config
    features, actions = _labels(spec)
    sums = json.dumps(found["sha256"], sort_keys=True).encode()
    return {
        "format": exported.FORMAT,
        "format_version": exported.VERSION if settings.image_crop else exported.OF_WHOLE_PICTURES,
        "engine": config.format,
        "sha256": digest,
        "task": spec.task,
        "policy": found["type"],
        "control_period": spec.control_period,
        "control_rate": 1 / spec.control_period,
        "history": settings.history,
        "horizon": settings.horizon,
        "execute": settings.execute,
        "ensemble": settings.ensemble,
        "inputs": [
            {
                "name": name,
                "shape": list(spec.observation_space[name].shape or ()),
                "dtype": str(spec.observation_space[name].dtype if is_image(name) else "float32"),
                "size": list(settings.image_size)
                if is_image(name) and settings.image_size
                else None,
                "crop": list(settings.crop_of(spec.observation_space[name].shape or ()))
                if is_image(name) and settings.image_crop
                else None,
                "elements": list(features.get(name, ())),
            }
            for name in settings.inputs
        ],
        "action": {
            "low": spec.action_space.low.tolist(),
            "high": spec.action_space.high.tolist(),
            "names": list(actions),
        },
        "outputs": list(graph.outputs),
        "draws": [list(draw) for draw in graph.draws],
        "fingerprint": hashlib.sha256(sums).hexdigest(),
        "about": {**found.get("about", {}), "checkpoint": str(checkpoint)},
        "versions": versions(),
    }


def _labels(spec: PolicySpec) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """What the elements of inputs and actions are called, and their units, where the task is ours and says."""
    if spec.task not in TASKS:
        return {}, ()
    try:
        task = make_task(spec.task, **spec.task_config)
    except (
        IbcGymError
    ):  # written by another version, or for want of a simulator: labels are a courtesy
        return {}, ()
    return task.feature_names, task.action_names


def _default_folder(path: Path, form: str) -> Path:
    """Beside the run's other exports; that of the best checkpoint alone bears no name but its format's."""
    chosen = checkpoint_named(path)
    return run_of(path) / "exported" / (f"{form}-{chosen}" if chosen else form)
