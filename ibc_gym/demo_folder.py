"""What a demo may delete: only what an earlier demo has written down as its own.

The marker `demo.json` names every part before it is made, so a demo that was broken off can be run again, and a folder
in which somebody else's data happen to have the same names is left alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ibc_gym.errors import ConfigError

MARKER: Final = "demo.json"
FORMAT: Final = "ibc_gym.demo"


def leftovers(out: Path, names: Sequence[str]) -> list[Path]:
    """What an earlier demo has left in a folder and this one will replace.

    Args:
        out: The folder; it need not be there.
        names: What this demo will write into it.

    Raises:
        ConfigError: Something of that name is there, and no demo has written it.
    """
    there = [out / name for name in names if _exists(out / name)]
    own = _claimed(out)
    foreign = [path.name for path in there if path.name not in (own or ())]
    foreign += [MARKER] if own is None and _exists(out / MARKER) else []
    if foreign:
        raise ConfigError(
            f"{out} holds {', '.join(foreign)}, which no demo is known to have written; nothing was touched. "
            "Choose another folder with --out, or move that away."
        )
    return there


def clear(out: Path, names: Sequence[str]) -> None:
    """Remove what an earlier demo has left, and nothing else.

    Raises:
        ConfigError: As for `leftovers`; then nothing is removed.
    """
    for path in leftovers(out, names):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (out / MARKER).unlink(missing_ok=True)


def claim(out: Path, *names: str) -> None:
    """Write down, before they are made, that these are a demo's own."""
    own = sorted({*(_claimed(out) or ()), *names})
    passing = out / f".{MARKER}"
    passing.write_text(json.dumps({"format": FORMAT, "wrote": own}, indent=1) + "\n")
    passing.replace(out / MARKER)


def _claimed(out: Path) -> frozenset[str] | None:
    """What the marker names; None if there is none, or it is somebody else's."""
    try:
        said = json.loads((out / MARKER).read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        return None
    return frozenset(map(str, said.get("wrote", ())))


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link that leads nowhere is somebody's, too
