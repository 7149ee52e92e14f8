from __future__ import annotations

from pathlib import Path

import pytest

from ibc_gym.cli import main as cli


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few particle demonstrations."""
    out = tmp_path_factory.mktemp("demos") / "demos.zarr"
    assert cli.main(["record", "particle", "--episodes", "6", "--out", str(out), "--json"]) == 0
    return out


@pytest.fixture(scope="module")
def trained(demos: Path) -> Path:
    """A policy after hardly any training."""
    out = demos.parent / "run"
    words = ["train", str(demos), "--policy.type", "mse", "--steps", "3", "--out", str(out)]
    assert cli.main([*words, "--no-tensorboard", "--json"]) == 0
    return out
