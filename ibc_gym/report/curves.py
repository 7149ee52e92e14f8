"""What a report is made of: one run's settings, learning curves and evaluations, read from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.results import Evaluation, list_evaluations, read_evaluation
from ibc_gym.training.telemetry import METRICS, read_metrics

Curve = list[tuple[float, float]]
"""(step, value) of one quantity."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A run's folder, read."""

    path: Path
    label: str
    """Short and different from the other runs'."""
    checkpoint: Mapping[str, Any] | None
    """The chosen checkpoint's `config.json`; None for a run that trained nothing."""
    train_config: Mapping[str, Any] | None
    metrics: Sequence[Mapping[str, Any]]
    """Progress reports of training, in order."""
    evaluations: tuple[Evaluation, ...]
    """The oldest first."""

    @property
    def best_step(self) -> int | None:
        """Update after which the chosen checkpoint was taken."""
        step = (self.checkpoint or {}).get("about", {}).get("step")
        return None if step is None else int(step)

    def curves(self, group: str) -> dict[str, Curve]:
        """Curves of every "train" or "validation" quantity."""
        found: dict[str, Curve] = {}
        for line in self.metrics:
            for name, value in line.get(group, {}).items():
                if isinstance(value, int | float):
                    found.setdefault(name, []).append((float(line["step"]), float(value)))
        return found


def read_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Read several runs.

    Raises:
        ConfigError: A folder is missing, or holds neither training nor evaluations.
    """
    folders = [Path(path) for path in paths]
    if not folders:
        raise ConfigError("A report needs at least one run.")
    labels = _labels(folders)
    return [_read(folder, label) for folder, label in zip(folders, labels, strict=True)]


def _read(path: Path, label: str) -> Run:
    if not path.is_dir():
        raise ConfigError(
            f"There is no run at {path}; `ibc-gym train` and `ibc-gym eval` make them."
        )
    checkpoint = train_config = None
    if (path / "checkpoints").is_dir():
        from ibc_gym.checkpoint import find_policy, read_config, read_json  # loads torch

        folder = find_policy(path)
        checkpoint = read_config(folder)
        settings = folder / "train_config.json"
        train_config = read_json(settings) if settings.is_file() else None
    run = Run(
        path=path,
        label=label,
        checkpoint=checkpoint,
        train_config=train_config,
        metrics=read_metrics(path / METRICS),
        evaluations=tuple(read_evaluation(folder) for folder in list_evaluations(path)),
    )
    if not run.metrics and not run.evaluations:
        raise ConfigError(
            f"{path} holds no training and no evaluation; give the folder of a run, such as runs/push."
        )
    return run


def _labels(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as many parents as it takes to tell them apart."""
    resolved = [folder.resolve() for folder in folders]
    if len(set(resolved)) < len(resolved):
        raise ConfigError("A run was given twice; a report shows each once.")
    for depth in range(1, max(len(path.parts) for path in resolved) + 1):
        labels = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(labels)) == len(labels):
            return labels
    return [str(path) for path in resolved]
