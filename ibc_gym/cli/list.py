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
    """Every row's name and the first line of its docstring."""
    return {name: summary(path) for name, path in rows.items()}


def summary(path: str) -> str:
    """The first line that "module:attribute" says about itself, read from its source without running it."""
    module, attribute = path.split(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return "not installed"
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == attribute:
            return _of_preset(node.value)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute:
            return _first_line(ast.get_docstring(node)) or _first_line(ast.get_docstring(tree))
    return _first_line(ast.get_docstring(tree))


def _of_preset(value: ast.expr | None) -> str:
    """Policy and number of updates, as they stand in `Preset(policy=..., training=TrainingHints(steps=...))`."""
    said: dict[str | None, Any] = {
        keyword.arg: keyword.value.value
        for call in ast.walk(value or ast.Constant(None))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    steps = f", {said['steps']:,} updates" if "steps" in said else ""
    return f"policy {said.get('policy', 'unknown')}{steps}"


def _first_line(docstring: str | None) -> str:
    return (docstring or "").split("\n", maxsplit=1)[0]
