"""The example runs as it stands in the README."""

from __future__ import annotations

import importlib.util
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_policy.py"


def test_example_records_trains_and_evaluates(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("first_policy", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A hundred updates on ten demonstrations are too few to be good, and enough to be better than chance.
    success = module.main(tmp_path, demonstrations=10, steps=100, episodes=4)
    assert 0 <= success <= 1
    assert (tmp_path / "run" / "checkpoints" / "best").exists()
