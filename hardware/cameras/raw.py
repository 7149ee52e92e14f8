"""The raw streams of a camera, recorded by the library itself beside the Zarr folder, with what tells their times.

Each start of the streams makes a file of its own, for a file that a dead device was writing to may lack its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ibc_gym.errors import ConfigError
from ibc_gym.paths import writable_folder

from .library import rs

DB3_SINCE: Final = (2, 57)
"""Releases of the library that write .db3; those before write .bag."""


def extension(version: str) -> str:
    """What the library calls its recordings, by its version."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return ".db3" if (major, minor) >= DB3_SINCE else ".bag"


def next_file(folder: Path, camera: str) -> Path:
    """A file that is not there yet: <folder>/<camera>.000.db3, then 001.

    Raises:
        ConfigError: The folder cannot be written to, or holds a thousand of them.
    """
    writable_folder(folder)
    for number in range(1000):
        path = folder / f"{camera}.{number:03}{extension(rs.__version__)}"
        if not path.exists():
            return path
    raise ConfigError(f"{folder} holds a thousand recordings of {camera!r}; move them elsewhere.")


def describe(path: Path, told: Mapping[str, Any]) -> Path:
    """Write beside a recording what it does not hold itself: whose it is, and what maps its stamps to our clock."""
    page = path.with_suffix(".json")
    page.write_text(json.dumps(dict(told), indent=2) + "\n")
    return page
