"""Where things are on disk: the files shipped with the package, and the folders of runs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from ibc_gym.errors import ConfigError

CHECKPOINTS: Final = "checkpoints"
"""Folder of a run's checkpoints."""


def asset(name: str) -> Path:
    """A file of ours, such as `asset("robots/xarm6.urdf")`.

    Raises:
        ConfigError: No such file is shipped.
    """
    path = Path(str(files("ibc_gym") / "assets" / name))
    if not path.is_file():
        raise ConfigError(f"No file {name!r} is shipped with ibc_gym; looked for {path}.")
    return path


def writable_folder(path: str | Path, *, advice: str = "choose another folder with --out") -> Path:
    """Make a folder and prove that it can be written to, before any work is done for it.

    Args:
        path: The folder.
        advice: What to do where it cannot be.

    Raises:
        ConfigError: It cannot be made or written.
    """
    folder = Path(path)
    probe = folder / ".write-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)  # many may probe at once
    except OSError as error:
        raise ConfigError(f"Cannot write to {folder} ({error.strerror}); {advice}.") from error
    return folder


def run_of(path: Path) -> Path:
    """The run that a checkpoint belongs to; any other path is a run itself."""
    parts = path.parts
    return Path(*parts[: parts.index(CHECKPOINTS)]) if CHECKPOINTS in parts else path


def checkpoint_named(path: Path) -> str | None:
    """What tells the files made with a checkpoint from those made with the run's best: "000500", "last".

    None if the path names the run, or its best checkpoint.
    """
    parts = path.parts
    named = parts[parts.index(CHECKPOINTS) + 1 :][:1] if CHECKPOINTS in parts else ()
    return next((name for name in named if name != "best"), None)
