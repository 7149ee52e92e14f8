"""Folders and files that appear whole or not at all, and links that never point to nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"
"""Prefix of folders and files that are being written or removed; a killed process leaves them behind."""


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Fill a folder under a passing name; it takes its own name when all of it is on the disk.

    Args:
        path: The folder's own name.
        replace: Whether a folder of that name, kept until then, may be replaced.

    Raises:
        FileExistsError: There is such a folder already, and it is not to be replaced.
    """
    if path.exists() and not replace:
        raise FileExistsError(f"{path} exists already.")
    path.parent.mkdir(parents=True, exist_ok=True)
    passing, former = _passing(path), _passing(path, "-old")
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir()
    try:
        yield passing
        for inner in sorted(passing.rglob("*")):
            _flush(inner)
        _flush(passing)
        if replace and path.exists():
            shutil.rmtree(former, ignore_errors=True)
            path.rename(former)
        passing.rename(path)
        shutil.rmtree(former, ignore_errors=True)
    except BaseException:
        shutil.rmtree(passing, ignore_errors=True)
        raise
    _flush(path.parent)


def write_whole(path: Path, text: str) -> None:
    """Write a file under a passing name; it takes its own name, and the place of what was there, once it is on the disk."""
    passing = _passing(path)
    try:
        passing.write_text(text)
        _flush(passing)
        passing.replace(path)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def swap_link(link: Path, target: str) -> None:
    """Point a relative symbolic link elsewhere in one step; readers see the old one or the new."""
    passing = _passing(link)
    passing.unlink(missing_ok=True)
    passing.symlink_to(target, target_is_directory=True)
    passing.replace(link)
    _flush(link.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder such that a killed process leaves no half of it under its name."""
    passing = _passing(path, "-old")
    shutil.rmtree(passing, ignore_errors=True)
    path.rename(passing)
    shutil.rmtree(passing)


def clear_unfinished(folder: Path) -> None:
    """Remove what killed processes left behind in a folder that no other process writes to."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_symlink() or path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path)


def _passing(path: Path, suffix: str = "") -> Path:
    """The name that this process gives to what is on its way to or from a path."""
    return path.with_name(f"{UNFINISHED}{path.name}-{os.getpid()}{suffix}")


def _flush(path: Path) -> None:
    """Make sure that a file or a folder's entries are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
