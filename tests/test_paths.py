"""Shipped files are found, and an unwritable folder is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.paths import asset, checkpoint_named, run_of, writable_folder


def test_missing_asset_is_named() -> None:
    with pytest.raises(ConfigError, match=r"robots/none\.urdf"):
        asset("robots/none.urdf")


def test_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = writable_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(ConfigError, match="Cannot write"):
        writable_folder(file / "below")


@pytest.mark.parametrize(
    "path, name",
    [
        ("runs/push", None),
        ("runs/push/checkpoints", None),
        ("runs/push/checkpoints/best", None),
        ("runs/push/checkpoints/last", "last"),
        ("runs/push/checkpoints/000500/pretrained_model", "000500"),
    ],
)
def test_checkpoint_belongs_to_its_run_and_goes_by_a_name_unless_it_is_the_best(
    path: str, name: str | None
) -> None:
    assert run_of(Path(path)) == Path("runs/push")
    assert checkpoint_named(Path(path)) == name
