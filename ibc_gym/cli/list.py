"""`ibc-gym list`: everything that has a name, without loading any of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ibc_gym import tables
from ibc_gym.cli.flags import Common, parse
from ibc_gym.console import Terminal, table

TABLES: Mapping[str, Mapping[str, str]] = {
    "tasks": tables.TASKS,
    "workcells": tables.WORKCELLS,
    "oracles": tables.ORACLES,
    "frames": tables.FRAMES,
    "policies": tables.POLICIES,
    "presets": tables.PRESETS,
}

TRAINING_HINTS = "ibc_gym.policies.presets.record:TrainingHints"
"""The class whose `steps` holds where a preset names none."""

NOTHING_SAID = "a preset"
"""What stands for a preset without a word below it."""


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
    return {name: summary(path) for name, path in rows.items()}


def summary(path: str) -> str:
    """What "module:attribute" is, read from its source without running it: what its module says of itself.

    Of a preset it is what is said below it, the policy and the number of updates.
    """
    module, attribute = path.split(":")
    tree = _source(module)
    if tree is None:
        return "not installed"
    for node, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == attribute:
            return f"{_text(below)}; {_of_preset(node.value)}"
    return (ast.get_docstring(tree) or "").split("\n", maxsplit=1)[0]


def _source(module: str) -> ast.Module | None:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _text(node: ast.stmt | None) -> str:
    """What a statement that is only a string says, without its full stop."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value).rstrip(".")
    return NOTHING_SAID


def _of_preset(value: ast.expr | None) -> str:
    """Policy and number of updates, as they stand in `Preset(policy=..., training=TrainingHints(steps=...))`."""
    said: dict[str | None, Any] = {
        keyword.arg: keyword.value.value
        for call in ast.walk(value or ast.Constant(None))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    return f"{said.get('policy', 'unknown')}, {said.get('steps') or _default_steps():,} updates"


def _default_steps() -> int:
    """The number of updates of a preset that names none."""
    module, name = TRAINING_HINTS.split(":")
    tree = _source(module)
    assert tree is not None, "TrainingHints is of this package"
    (hints,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    (steps,) = (
        ast.literal_eval(node.value)
        for node in hints.body
        if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "steps"
    )
    return int(steps)
