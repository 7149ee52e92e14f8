"""The section of a report about what was run: policy, data, commands, settings, versions."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from html import escape
from typing import Any

from ibc_gym.evaluation.results import EvalConfig, Evaluation
from ibc_gym.report.curves import Run
from ibc_gym.report.words import swatch
from ibc_gym.words import count

_ABOUT = {
    "step": "chosen step",
    "held_out_action_error": "held-out action error",
    "training_windows": "training windows",
    "dataset": "data fingerprint",
}
"""What a checkpoint says of its origin, and how a card calls it."""

_REPEATED = ("episodes", "first_seed", "num_envs", "share", "score", "out", "name")
"""Settings that decide what an evaluation finds, and where it lies."""


def runs_section(runs: Sequence[Run]) -> str:
    """What was run: policy, data, versions, commands and settings."""
    cards = "".join(_card(k, run) for k, run in enumerate(runs))
    return f'<h2>What was run</h2><div class="cards">{cards}</div>'


def _card(series: int, run: Run) -> str:
    facts = _facts(run)
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(_said(value))}</dd>" for key, value in facts.items()
    )
    commands = "\n".join(eval_command(found) for found in run.evaluations)
    parts = [f"<h3>{swatch(series)}{escape(run.label)}</h3><dl>{rows}</dl>"]
    if commands:
        parts.append(_folded("Commands that repeat the evaluations", commands))
    if run.train_config:
        parts.append(_folded("Training settings", json.dumps(run.train_config, indent=1)))
    if run.evaluations:
        config = run.evaluations[-1].summary["config"]
        parts.append(_folded("Evaluation settings", json.dumps(config, indent=1)))
        versions = run.evaluations[-1].summary["versions"]
        parts.append(
            _folded("Versions", "\n".join(f"{key} {value}" for key, value in versions.items()))
        )
    return f'<div class="card">{"".join(parts)}</div>'


def _facts(run: Run) -> dict[str, Any]:
    facts: dict[str, Any] = {"folder": run.path}
    if run.checkpoint:
        about = run.checkpoint.get("about", {})
        facts |= {"policy": run.checkpoint["type"], "trained for": run.checkpoint["spec"]["task"]}
        facts |= {label: about[key] for key, label in _ABOUT.items() if key in about}
        if "dataset" in about:
            facts[_ABOUT["dataset"]] = str(about["dataset"])[:16]
    if run.train_config:
        facts |= {
            "data": run.train_config.get("data"),
            "training seed": run.train_config.get("seed"),
        }
    if run.metrics:
        last = run.metrics[-1]
        facts["trained"] = f"{count(last['step'], 'step')}, {last.get('cpu_seconds', 0):.0f} CPU s"
        facts |= _rollbacks(run)
    if run.evaluations:
        facts["evaluated"] = ", ".join(found.folder.name for found in run.evaluations)
        facts["CPU for evaluation"] = (
            f"{sum(e.summary['cpu_seconds'] for e in run.evaluations):.1f} s"
        )
    return facts


def _rollbacks(run: Run) -> dict[str, str]:
    """What training was rolled back for, each time."""
    notes = [line["note"] for line in run.metrics if line.get("rolled_back_to") is not None]
    return {f"rollback {number}": note for number, note in enumerate(notes, 1)}


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def eval_command(found: Evaluation) -> str:
    """The command line that repeats an evaluation."""
    config, task = found.summary["config"], found.summary["task"]
    words = ["ibc-gym", "eval", config["policy"], "--env", task]
    if config["workcell"]:
        words += ["--workcell", config["workcell"]]
    for key, value in config["options"].items():
        horizon = key == "horizon" and task.startswith("gym:")
        words += [f"--{'' if horizon else 'task.'}{_flag(key)}", str(value)]
    defaults = {field.name: field.default for field in dataclasses.fields(EvalConfig)}
    for key in _REPEATED:
        if key in ("episodes", "first_seed") or config[key] != defaults[key]:
            words += [f"--{_flag(key)}", str(config[key])]
    return shlex.join(words)


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
