"""A demo deletes what an earlier one wrote, and nothing that anybody else did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ibc_gym.demo_folder import MARKER, claim, clear, leftovers
from ibc_gym.errors import ConfigError

NAMES = ("demos.zarr", "ebm", "report.html")


def fill(out: Path) -> None:
    """Something under each of a demo's names."""
    (out / "demos.zarr" / "segments").mkdir(parents=True)
    (out / "ebm").mkdir()
    (out / "ebm" / "weights").write_text("weights")
    (out / "report.html").write_text("page")


def contents(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*")}


def test_what_a_demo_claimed_is_removed_and_all_else_stays(tmp_path: Path) -> None:
    claim(tmp_path, "demos.zarr")
    claim(tmp_path, "ebm", "report.html")
    fill(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert [path.name for path in leftovers(tmp_path, NAMES)] == list(NAMES)
    clear(tmp_path, NAMES)
    assert contents(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("claimed", [(), ("demos.zarr",), ("demos.zarr", "report.html")])
def test_what_no_demo_claimed_is_refused_and_nothing_is_touched(
    tmp_path: Path, claimed: tuple[str, ...]
) -> None:
    if claimed:
        claim(tmp_path, *claimed)
    fill(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=r"ebm.* no demo is known to have written"):
        clear(tmp_path, NAMES)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"wrote": list(NAMES)})])
def test_marker_of_somebody_else_claims_nothing_and_is_not_overwritten(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(ConfigError, match=MARKER):
        clear(tmp_path, NAMES)
    fill(tmp_path)
    with pytest.raises(ConfigError, match=f"demos.zarr, ebm, report.html, {MARKER}"):
        clear(tmp_path, NAMES)
    assert (tmp_path / MARKER).read_text() == text


def test_marker_reaches_nothing_outside_the_parts_of_a_demo(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    out.mkdir()
    (tmp_path / "outside").write_text("mine")
    claim(out, "../outside", "ebm")
    (out / "ebm").symlink_to(tmp_path)
    clear(out, NAMES)
    assert contents(tmp_path) == {"outside", "demo"}


def test_folder_that_is_empty_or_not_there_is_fine(tmp_path: Path) -> None:
    clear(tmp_path, NAMES)
    clear(tmp_path / "new", NAMES)
    assert leftovers(tmp_path / "new", NAMES) == []
    assert not (tmp_path / "new").exists()
