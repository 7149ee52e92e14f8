"""Folders appear whole or not at all, and links are never dangling."""

from __future__ import annotations

from pathlib import Path

import endings
import pytest

from ibc_gym.atomic import (
    UNFINISHED,
    clear_unfinished,
    remove_folder,
    swap_link,
    whole_folder,
    write_whole,
)


def test_folder_is_not_there_until_it_is_finished(tmp_path: Path) -> None:
    final = tmp_path / "000001"
    with whole_folder(final) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("x")
        assert not final.exists()
    assert (final / "inner" / "file").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["000001"]


def test_folder_that_fails_midway_leaves_no_trace(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_folder(tmp_path / "a") as folder:
            (folder / "file").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_existing_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "a"):
        pass


def test_replaced_folder_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with whole_folder(tmp_path / "a", replace=True) as passing:
            (passing / "b").write_text(content)
            if content == "new":
                assert (tmp_path / "a" / "b").read_text() == "old"
    assert (tmp_path / "a" / "b").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "a", replace=True):
        raise RuntimeError
    assert (tmp_path / "a" / "b").read_text() == "new"


def test_link_is_relative_and_can_be_swapped(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        swap_link(tmp_path / "last", name)
    assert (tmp_path / "last").readlink() == Path("2")
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert (moved / "last").resolve() == moved.resolve() / "2"


def test_leftovers_of_a_killed_process_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{UNFINISHED}000003-77" / "inner").mkdir(parents=True)
    (tmp_path / f"{UNFINISHED}last-77").symlink_to("000002")
    (tmp_path / "000002").mkdir()
    clear_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["000002"]


def test_removed_folder_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_folder(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_file_that_is_broken_off_midway_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "numbers.json"
    write_whole(path, "old")
    monkeypatch.setattr(Path, "write_text", endings.half_written)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "something new")
    assert path.read_text() == "old"
    monkeypatch.undo()
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
