"""The example does what it says: it records, trains, and evaluates a policy that pushes the block home."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ibc_gym.evaluation.results import list_evaluations, read_evaluation

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_policy.py"


@pytest.mark.slow
def test_example_records_trains_and_evaluates_a_policy_that_succeeds(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("first_policy", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A fifth of the demonstrations and a third of the updates solve nearly all episodes, chance solves none.
    success = module.main(tmp_path, demonstrations=40, steps=300, episodes=12)
    assert success >= 0.5
    (folder,) = list_evaluations(tmp_path / "run")
    found = read_evaluation(folder)
    assert (found.summary["policy"], found.summary["task"]) == ("ebm", "push")
    assert sum(episode.success for episode in found.episodes) == round(12 * success)


@pytest.mark.slow
def test_help_names_the_sizes_and_writes_nothing(tmp_path: Path) -> None:
    words = [sys.executable, str(EXAMPLE), "--help"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    for name in ("out", "--demonstrations", "--steps", "--episodes"):
        assert name in done.stdout
    assert not list(tmp_path.iterdir())
