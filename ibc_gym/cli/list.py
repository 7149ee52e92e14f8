"""`ibc-gym list`: everything that has a name, without loading any of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ibc_gym import registry
from ibc_gym.cli.flags import Common, parse
from ibc_gym.console import Terminal, table

TABLES: Mapping[str, Mapping[str, str]] = {
    "tasks": registry.TASKS,
    "workcells": registry.WORKCELLS,
    "oracles": registry.ORACLES,
    "frames": registry.FRAMES,
    "policies": registry.POLICIES,
    "presets": registry.PRESETS,
}


PRESETS: Mapping[str, str] = {
    "published/push-states-dfo": "pushing by poses, the least energy by sampling",
    "published/push-states-langevin": "pushing by poses, the least energy by Langevin dynamics",
    "published/push-states-mse": "pushing by poses, the explicit baseline",
    "published/push-pixels-dfo": "pushing by pictures, the least energy by sampling",
    "published/push-pixels-langevin": "pushing by pictures, the least energy by Langevin dynamics",
    "published/push-pixels-mse": "pushing by pictures, the explicit baseline",
    "published/particle-langevin": "the particle, the least energy by Langevin dynamics",
    "published/particle-dfo": "the particle, the least energy by sampling",
    "published/particle-mse": "the particle, the explicit baseline",
    "published/human-ebm": "human demonstrations (D4RL)",
    "published/human-mse": "human demonstrations (D4RL), the explicit baseline",
    "fast/push-frame": "pushing in its canonical frame, as the demo does",
    "fast/push-frame-mse": "pushing in its canonical frame, the explicit baseline",
    "fast/push": "pushing by raw poses",
    "fast/push-mse": "pushing by raw poses, the explicit baseline",
    "fast/particle": "the particle",
    "fast/pixels": "pushing by pictures",
    "fast/door": "the Adroit hand's door, human demonstrations",
    "fast/pusht": "Push-T, human demonstrations",
    "fast/pusht-frame": "Push-T in its canonical frame, human demonstrations",
}
"""What each of the presets is for; the policy and the number of updates are read from its source."""

DEFAULT_STEPS = "TrainingHints"
"""The class beside the presets whose `steps` holds where a preset names none."""


@dataclass(frozen=True, kw_only=True)
class ListArgs(Common):
    """What `ibc-gym list` takes."""


def list_(argv: Sequence[str], terminal: Terminal) -> None:
    """Print every table of names with a line on each."""
    parse(ListArgs, argv, command="ibc-gym list", description=("Everything that has a name.",))
    found = {title: names(rows) for title, rows in TABLES.items()}
    tables = [
        table(title.capitalize(), ("name", "what it is"), list(rows.items()))
        for title, rows in found.items()
    ]
    terminal.result(found, *tables)
    terminal.say("Any Gymnasium environment is a task too: gym:<id>, as gym:AdroitHandDoor-v1.")


def names(rows: Mapping[str, str]) -> dict[str, str]:
    """Every row's name and what it is, in a line."""
    said = {name: summary(path) for name, path in rows.items()}
    return {
        name: f"{PRESETS[name]}; {line}" if name in PRESETS else line for name, line in said.items()
    }


def summary(path: str) -> str:
    """What "module:attribute" is, read from its source without running it: what its module says of itself.

    Of a preset it is the policy and the number of updates.
    """
    module, attribute = path.split(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return "not installed"
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == attribute:
            return _of_preset(node.value, _default_steps(tree))
    return (ast.get_docstring(tree) or "").split("\n", maxsplit=1)[0]


def _of_preset(value: ast.expr | None, steps: int) -> str:
    """Policy and number of updates, as they stand in `Preset(policy=..., training=TrainingHints(steps=...))`."""
    said: dict[str | None, Any] = {
        keyword.arg: keyword.value.value
        for call in ast.walk(value or ast.Constant(None))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    return f"{said.get('policy', 'unknown')}, {said.get('steps', steps):,} updates"


def _default_steps(tree: ast.Module) -> int:
    """The number of updates of a preset that names none."""
    (hints,) = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == DEFAULT_STEPS
    )
    (steps,) = (
        ast.literal_eval(node.value)
        for node in hints.body
        if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "steps"
    )
    return int(steps)
