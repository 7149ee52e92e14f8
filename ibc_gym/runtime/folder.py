"""The folder of an exported policy: what is in it, and whether all of it is what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ibc_gym.errors import CheckpointError

FORMAT: Final = "ibc_gym.exported"
VERSION: Final = 2
OF_WHOLE_PICTURES: Final = 1
"""What a folder says whose policy sees pictures as a whole, or none, so that runtimes that cannot cut them read it."""
ABOUT: Final = "policy.json"
MODELS: Final = {"torch-export": "model.pt2", "onnx": "model.onnx"}
"""The model's file in each format."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """What the policy looks at, one frame of it."""

    name: str
    shape: tuple[int, ...]
    """(O,) of a vector in the task's units, (H, W, C) of a picture in RGB."""
    dtype: str
    """"float32" or "uint8"."""
    size: tuple[int, int] | None
    """(height, width) that a picture is resized to; None leaves it."""
    crop: tuple[int, int, int, int] | None
    """(top, left, bottom, right) [px] of what is cut out of a picture before; None leaves it whole."""
    elements: tuple[str, ...]
    """A label for every element of a vector, as far as the task says."""


@dataclass(frozen=True, kw_only=True, eq=False)
class About:
    """What `policy.json` says."""

    format: str
    """"torch-export" or "onnx"."""
    model: Path
    task: str
    policy: str
    control_period: float
    """Time between two actions [s]."""
    history: int
    """Frames in a window, the newest last; at the start of an episode the first one is repeated."""
    horizon: int
    """Actions that the model says at once, a chunk."""
    execute: int
    """How many of a chunk are carried out before the model is asked again."""
    ensemble: float | None
    """Carry out the mean of all chunks that speak of a step, weighed by exp(-ensemble i), the oldest with i = 0."""
    inputs: tuple[Input, ...]
    action_low: NDArray[np.float32]
    """(A,)"""
    action_high: NDArray[np.float32]
    """(A,)"""
    action_names: tuple[str, ...]
    """A label with its unit for every element of the action, as far as the task says."""
    outputs: tuple[str, ...]
    """What the model gives: "action", which is a chunk (H, A), and how sure it is, (1,) each."""
    draws: tuple[tuple[str, int], ...]
    """Random numbers that one chunk takes, in their order: the kind, and how many."""
    fingerprint: str
    """SHA-256 of the checkpoint that it was made of."""


def read(folder: str | Path) -> About:
    """What is in a folder, its model held to its checksum.

    Raises:
        CheckpointError: It is missing, incomplete, damaged, or of another version.
    """
    folder = Path(folder)
    said = _json(folder / ABOUT)
    if said.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder / ABOUT} is not of an exported policy: its format is {said.get('format')!r}. "
            "Make one with `ibc-gym export RUN`."
        )
    if said.get("format_version") not in (OF_WHOLE_PICTURES, VERSION):
        raise CheckpointError(
            f"{folder} has format version {said.get('format_version')}, but this library reads {VERSION}. It was written "
            f"by ibc-gym {said.get('versions', {}).get('ibc-gym', 'of an unknown version')}: export it again, or "
            "install that version."
        )
    try:
        about = _about(folder, said)
        digest = said["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder / ABOUT} is damaged ({type(error).__name__}: {error}). Copy the folder again."
        ) from error
    if not about.model.is_file():
        raise CheckpointError(
            f"{folder} is incomplete: {about.model.name} is missing. Copy the whole folder again."
        )
    if sha256(about.model) != digest:
        raise CheckpointError(
            f"{about.model} is not what was exported: its checksum differs. Copy the folder again."
        )
    return about


def sha256(path: Path) -> str:
    """Of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _about(folder: Path, said: dict[str, Any]) -> About:
    action = said["action"]
    return About(
        format=said["engine"],
        model=folder / MODELS[said["engine"]],
        task=said["task"],
        policy=said["policy"],
        control_period=float(said["control_period"]),
        history=int(said["history"]),
        horizon=int(said["horizon"]),
        execute=int(said["execute"]),
        ensemble=None if said["ensemble"] is None else float(said["ensemble"]),
        inputs=tuple(_input(each) for each in said["inputs"]),
        action_low=np.array(action["low"], np.float32),
        action_high=np.array(action["high"], np.float32),
        action_names=tuple(action["names"]),
        outputs=tuple(said["outputs"]),
        draws=tuple((str(kind), int(size)) for kind, size in said["draws"]),
        fingerprint=said["fingerprint"],
    )


def _input(said: dict[str, Any]) -> Input:
    size, crop = said["size"], said.get("crop")
    return Input(
        name=said["name"],
        shape=tuple(said["shape"]),
        dtype=said["dtype"],
        size=None if size is None else (int(size[0]), int(size[1])),
        crop=None if crop is None else _edges(crop),
        elements=tuple(said["elements"]),
    )


def _edges(said: list[int]) -> tuple[int, int, int, int]:
    top, left, bottom, right = map(int, said)
    return top, left, bottom, right


def _json(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text())
    except OSError as error:
        raise CheckpointError(
            f"Cannot read {path} ({error.strerror}): give the folder that `ibc-gym export` wrote."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}. Copy the folder again.") from error
    if not isinstance(said, dict):
        raise CheckpointError(f"{path} is damaged: it holds no table. Copy the folder again.")
    return said
