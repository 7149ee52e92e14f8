"""docs/adding-a-task.md is true: its two files and two rows, put into a copy of the repository, are a task."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
FOLDERS = ("ibc_gym", "envs", "policies", "hardware", "assets", "tests")
COMMANDS = """
import json, sys
from ibc_gym.cli.main import main
if __name__ == "__main__":
    for words in json.loads(sys.argv[1]):
        assert main(words) == 0, words
        print("---")
"""
"""Commands one after another in one process, so that the interpreter and its libraries start but once."""
TABLES = ("TASKS", "ORACLES")
"""The page's rows belong to these, in this order."""


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(words: list[str], folder: Path) -> str:
    """Standard output of Python that must succeed, run in a process of its own by the copy."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with what the page adds to it."""
    folder = tmp_path_factory.mktemp("repository")
    for name in FOLDERS:
        shutil.copytree(
            ROOT / name,
            folder / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"),
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    for chapter in PAGE.split("\n## "):
        named = re.match(r"\d\. .*`(\S+\.py)`\n", chapter)
        if not named:
            continue
        path = folder / named[1]
        (code,) = blocks("python", chapter)
        if not path.exists():
            path.write_text(code)
            continue
        text = path.read_text()
        for table, row in zip(TABLES, code.splitlines(), strict=True):
            text = re.sub(rf"^({table}: Final.*\{{)$", rf"\1\n    {row}", text, flags=re.M)
        path.write_text(text)
    return folder


def test_task_is_recorded_trained_and_evaluated_in_both_simulators(copy: Path) -> None:
    asked: list[list[str]] = []
    (commands,) = [each for each in blocks("sh", PAGE) if "ibc-gym record" in each]
    for line in commands.splitlines():
        smaller = re.sub(r"(--episodes|--trials) \d+", r"\1 2", line)
        smaller = re.sub(r"--budget-cpu-seconds \d+", "--budget-cpu-seconds 1", smaller)
        if "ibc-gym eval" in line:
            smaller += " --latency-steps 10"
        asked.append([*shlex.split(smaller)[1:], "--json"])
    (copy / "commands.py").write_text(COMMANDS)
    said = run(["commands.py", json.dumps(asked)], copy).split("---\n")[:-1]
    answers: dict[str, list[dict[str, Any]]] = {}
    for words, answer in zip(asked, said, strict=True):
        answers.setdefault(words[0], []).append(json.loads(answer))
    assert answers["record"][0]["successes"] == answers["record"][0]["done"] == 2
    assert [found["task"] for found in answers["eval"]] == ["cross-line"] * 2
    assert [found["workcell"] for found in answers["eval"]] == ["mujoco", "pybullet"]
    assert "compare-sims" in answers


def test_task_keeps_its_contract(copy: Path) -> None:
    words = ["-q", "-k", "cross", "-p", "no:cacheprovider", "tests/contracts/test_tasks.py"]
    found = re.search(r"(\d+) passed", run(["-m", "pytest", *words], copy))
    assert found is not None and int(found[1]) > 5
