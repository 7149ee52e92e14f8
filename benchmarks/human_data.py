"""Where the human demonstrations are, and how they come into our format."""

from __future__ import annotations

from pathlib import Path

from benchmarks.commands import run

DATA_VARIABLE = "IBC_GYM_HUMAN_DATA"
"""Names the folder where nobody says it."""
SOURCES = {
    "door": "door-human-v0/door_human_v0.npz",
    "pusht": "pusht/pusht_human.npz",
    "relocate": "relocate-human/relocate_human.npz",
    "kitchen": "kitchen-complete-v2/kitchen_complete_v2.npz",
}
"""Files of demonstrations, in the folder that the user names."""


def imported(source: str, folder: Path, runs: Path) -> Path:
    """A row of `SOURCES` in our format, imported the first time."""
    data = runs / f"{source}.zarr"
    if not data.exists():
        run(["data", "import", str(folder / SOURCES[source]), "--out", str(data)])
    return data
