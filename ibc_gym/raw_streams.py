"""The streams that a camera sends of itself, recorded beside the data set: where there are any, and where they go."""

from __future__ import annotations

from pathlib import Path

from ibc_gym.errors import ConfigError
from ibc_gym.tables import RAW_STREAMS


def raw_folder(out: Path) -> Path:
    """Where the raw streams beside a data set go: demos.zarr has demos.raw."""
    return out.with_suffix(".raw")


def check_raw(workcell: str | None, *, cameras: bool) -> None:
    """Refuse to record raw streams where there are none.

    Raises:
        ConfigError: The workcell is simulated, or none of its cameras is wanted.
    """
    if workcell not in RAW_STREAMS:
        raise ConfigError(
            f"raw is for workcells whose cameras are devices ({', '.join(RAW_STREAMS)}): what {workcell or 'a simulator'!r} "
            "draws has no other streams than the pictures that are in the data. Leave raw out."
        )
    if not cameras:
        raise ConfigError(
            'raw records what cameras send, and none is open: observe "image" too, or leave raw out.'
        )
