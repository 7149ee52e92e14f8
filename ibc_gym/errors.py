"""What can go wrong, named for what happened.

A message is one or two sentences: what happened, where, and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, Self


class IbcGymError(Exception):
    """The root of every error that this package raises on purpose."""


class ConfigError(IbcGymError, ValueError):
    """A setting makes no sense, alone or beside another."""


class Declined(ConfigError):
    """A person was asked and said no, so nothing moved; no other setting is to be tried in its place."""


_MANY: Final = 20
"""Names that fill no more than a few lines of a terminal."""


class UnknownName(IbcGymError, KeyError):
    """A name that no table knows."""

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        listed_by: str | None = None,
        more: bool = False,
    ) -> None:
        """Say what was asked for, the nearest known names, and all of them.

        Args:
            kind: What the name should have been, as a noun: "task", "policy".
            name: The name that was given.
            known: Every valid name.
            listed_by: A command that lists them, which is said in their place where they are many.
            more: There are more valid names than `known`, which are examples.
        """
        known = sorted(known)
        near = get_close_matches(name, known, n=3, cutoff=0.6)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        every = (
            f"`{listed_by}` names all {len(known)}."
            if listed_by and len(known) > _MANY
            else f"{'Known, among others' if more else 'Known'}: {', '.join(known)}."
        )
        self.message = f"There is no {kind} called {name!r}.{hint} {every}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message  # KeyError would print the repr


class SpecMismatch(IbcGymError, ValueError):
    """An array, a policy or a data set does not fit the spaces it meets."""


_EXTRAS: Final = {
    "mujoco": "mujoco",
    "dm_control": "mujoco",
    "pybullet": "pybullet",
    "torch": "policies",
    "safetensors": "policies",
    "tensorboard": "policies",
    "av": "report",
    "matplotlib": "report",
    "PIL": "report",
    "gymnasium_robotics": "human",
    "gym_pusht": "human",
    "hypothesis": "testing",
    "pytest": "testing",
    "xarm": "xarm",
    "pyrealsense2": "realsense",
    "pyspacemouse": "teleop",
    "easyhid": "teleop",
    "pygame": "teleop",
    "cv2": "calibration",
    "onnx": "export",
    "onnxruntime": "export",
    "onnxscript": "export",
}
"""Which extra brings a library, by the name that it is imported by."""
_NEWEST_PYTHON: Final = {"pybullet": (3, 11)}
"""Libraries that nobody builds for newer versions of Python."""


class MissingDependency(IbcGymError, ImportError):
    """An optional library is needed and is not installed."""

    def __init__(self, library: str, *, extra: str, needed_for: str) -> None:
        """Name the library, what needs it, and the extra that brings it, if one can on this Python."""
        newest = _NEWEST_PYTHON.get(library, sys.version_info[:2])
        if sys.version_info[:2] > newest:
            remedy = (
                "it is built for Python up to {}.{} only: make an environment with that".format(
                    *newest
                )
            )
        else:
            remedy = f"pip install 'ibc-gym[{extra}]'"
        super().__init__(f"{needed_for} needs {library}, which is not installed: {remedy}.")

    @classmethod
    def explaining(cls, error: ModuleNotFoundError, needed_for: str) -> Self | None:
        """The same in words that help, if the module that was not found belongs to an extra of ours."""
        library = (error.name or "").partition(".")[0]
        extra = _EXTRAS.get(library)
        return cls(library, extra=extra, needed_for=needed_for) if extra else None


class MissingSystemLibrary(IbcGymError, RuntimeError):
    """A library of the operating system is needed and was not found."""


class RobotFault(IbcGymError, RuntimeError):
    """The robot stopped itself or was stopped; only `stop` and `close` may follow."""


class Stopped(IbcGymError, RuntimeError):
    """A person stopped the robot by a key, and with it what was under way; nothing is wrong."""


class CameraTimeout(IbcGymError, RuntimeError):
    """A camera gave no fresh frame in time."""


class DatasetCorrupt(IbcGymError, RuntimeError):
    """Committed data cannot be read or does not match its checksum."""


class CheckpointError(IbcGymError, RuntimeError):
    """A checkpoint is missing, incomplete, or made for something else."""


class TrainingDiverged(IbcGymError, RuntimeError):
    """A loss or an energy became NaN or exploded; the last good checkpoint is kept."""


class WorkerFailed(IbcGymError, RuntimeError):
    """A process that shared the work raised an error or was killed."""
