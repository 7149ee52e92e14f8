"""Makes docs/tasks.md, and with --pictures its pictures: `python -m docs.make_tasks --pictures`.

The prose is in docs/tasks.template.md. A line `{{push}}` in it becomes what the task says of itself and what was
measured of its demonstrator (benchmarks/results/oracles.json).
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from docs.pages import DOCS, results, table
from ibc_gym.contracts import Task
from ibc_gym.evaluation.film import jpeg
from ibc_gym.registry import make_oracle, make_task, make_vec_env
from ibc_gym.tables import ORACLES, TASKS

PAGE, TEMPLATE = DOCS / "tasks.md", DOCS / "tasks.template.md"
PICTURES = DOCS / "images"
NOTE = "<!-- Made from tasks.template.md by `python -m docs.make_tasks`. -->\n"
DEEPEST = "worst_penetration"
EXTRA = {"score_mean": "score", DEEPEST: "deepest [mm]"}
"""Columns of the tasks that measure so much."""
STILLS = 5
"""Pictures in a strip of the demonstrator at work."""
NARROW = 240
"""Width of a still [px]."""
SEED = 4


def page() -> str:
    """The text of docs/tasks.md."""
    template = TEMPLATE.read_text(encoding="utf-8")
    measured = results("oracles")["rows"].values()
    text = re.sub(r"^\{\{(.+)\}\}$", lambda found: _facts(found[1], measured), template, flags=re.M)
    missing = [name for name in TASKS if f"{{{{{name}}}}}" not in template]
    if missing:
        raise SystemExit(f"docs/tasks.template.md says nothing of {', '.join(missing)}.")
    return NOTE + text


def _facts(name: str, measured: Any) -> str:
    task = make_task(name)
    parts = [
        f"![{name.capitalize()} from the policy's own camera](images/{name}-camera.jpg)",
        f"![The demonstrator of {name} at work, as the policy's camera sees it](images/{name}.jpg)",
        table(("in numbers", ""), _numbers(task)),
        table(("option", "default", "meaning"), _options(task)),
    ]
    rows = [row for row in measured if row["task"] == name]
    if rows:
        rows.sort(key=lambda row: (sorted(row["options"].items()), row["workcell"]))
        extra = {head: key for key, head in EXTRA.items() if any(key in row for row in rows)}
        heads = ("demonstrator in", "succeeds", "95 % interval", "steps", "return", *extra)
        parts.append(table(heads, (_success(row, extra.values()) for row in rows)))
    return "\n\n".join(parts)


def _numbers(task: Task) -> Iterator[tuple[str, str]]:
    low, high = task.action_space.low.min(), task.action_space.high.max()
    yield "runs in", ", ".join(f"`{workcell}`" for workcell in task.workcells)
    names = ", ".join(task.action_names)
    yield "action", f"{task.action_space.shape}: {names}; {low:g} to {high:g}"
    for key, labels in task.feature_names.items():
        yield f"`{key}`", f"({len(labels)},): " + ", ".join(f"`{label}`" for label in labels)
    for camera in getattr(getattr(task, "scene", None), "cameras", ()):
        place = ", ".join(f"{part:g}" for part in camera.position)
        yield (
            "`image`",
            f"{camera.height} x {camera.width} from ({place}) m, focal length {camera.fx:g} px",
        )


def _options(task: Task) -> Iterator[tuple[str, str, str]]:
    said = _meanings(type(task.config))
    for field in dataclasses.fields(task.config):
        if field.name == "randomisation":
            yield "`randomisation`", "off", "see [below](#randomised-worlds)"
        else:
            yield f"`{field.name}`", f"{getattr(task.config, field.name)}", said[field.name]


def _meanings(config: type[Any]) -> dict[str, str]:
    """The docstring under every field of a config, those of its bases included."""
    said: dict[str, str] = {}
    for cls in reversed(config.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(tree, ast.ClassDef)
        for statement, after in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(after, ast.Expr):
                assert isinstance(statement.target, ast.Name)
                said[statement.target.id] = inspect.cleandoc(ast.literal_eval(after.value))
    return {name: " ".join(text.split()) for name, text in said.items()}


def _success(row: dict[str, Any], extra: Iterable[str]) -> tuple[str, ...]:
    low, high = (100 * edge for edge in row["interval"])
    options = (f", `{name}` {value:g}" for name, value in row["options"].items())
    return (
        f"`{row['workcell']}`" + "".join(options),
        f"{row['successes']} of {row['episodes']}",
        f"{low:.1f} to {high:.1f} %",
        f"{row['length_mean']:.1f} ± {row['length_sd']:.1f}",
        f"{row['return_mean']:.3g}",
        *(f"{1e3 * row[key]:.2f}" if key == DEEPEST else f"{row[key]:.3f}" for key in extra),
    )


def make_pictures() -> None:
    """Every demonstrator at work, as the policy's own camera sees it: one picture as it is, and a strip."""
    PICTURES.mkdir(exist_ok=True)
    for name in ORACLES:
        stills = _episode(name)
        chosen = np.linspace(0, len(stills) - 1, STILLS).round().astype(int)
        strip = np.concatenate([_smaller(stills[at]) for at in chosen], axis=1)
        (PICTURES / f"{name}.jpg").write_bytes(jpeg(strip))
        (PICTURES / f"{name}-camera.jpg").write_bytes(jpeg(stills[len(stills) // 2]))


def _episode(name: str) -> list[Any]:
    envs = make_vec_env(name, 1, observation="state+image", autoreset_mode="disabled")
    oracle = make_oracle(name, envs)
    observation, _ = envs.reset(seed=SEED)
    oracle.reset(np.ones(1, np.bool_), [SEED])
    stills = [observation["image"][0]]
    over = np.zeros(1, np.bool_)
    while not over.any():
        observation, _, terminated, truncated, _ = envs.step(oracle.act(observation))
        stills.append(observation["image"][0])
        over = terminated | truncated
    envs.close()
    return stills


def _smaller(picture: Any) -> Any:
    height = round(picture.shape[0] * NARROW / picture.shape[1])
    return np.asarray(Image.fromarray(picture).resize((NARROW, height), Image.Resampling.LANCZOS))


def main() -> None:
    """Write the page, and the pictures if they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", action="store_true", help="draw the pictures, too")
    if parser.parse_args().pictures:
        make_pictures()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
