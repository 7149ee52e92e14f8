"""An exported policy that acts: it keeps windows and chunks, draws what is random, and looks at what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibc_gym.errors import ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.runtime import folder as exported
from ibc_gym.runtime.chunks import Queue
from ibc_gym.runtime.engines import Engine, make_engine
from ibc_gym.runtime.folder import About, Input
from ibc_gym.runtime.noise import Float32, Stream
from ibc_gym.runtime.pictures import resize


def load(folder: str | Path, *, threads: int = 1) -> ExportedPolicy:
    """A policy that `ibc-gym export` wrote, ready to act.

    Args:
        folder: Where it is.
        threads: That compute; 0 leaves it to the library.

    Raises:
        CheckpointError: It is missing, incomplete, damaged, or of another version.
        MissingDependency: onnxruntime or torch is not installed.
    """
    about = exported.read(folder)
    return ExportedPolicy(about, make_engine(about.format, about.model, threads))


class ExportedPolicy:
    """A policy for one robot: `reset` where an episode begins, then `act` once per control period."""

    def __init__(self, about: About, engine: Engine) -> None:
        """Of a model that is loaded; `load` does that."""
        self.about = about
        """What the policy is, takes and gives."""
        self._engine = engine
        self._queue = Queue(about.horizon, execute=about.execute, ensemble=about.ensemble)
        self._windows: dict[str, NDArray[Any]] = {}
        self._stream: Stream | None = None
        self._doubts: dict[str, float] = {}

    def reset(self, seed: int | None = None) -> None:
        """An episode begins: what was seen, and what is left of a chunk, is forgotten.

        The same seed acts like the policy in Python with it.

        Raises:
            ConfigError: It is no whole number.
        """
        try:
            stream = Stream(None if seed is None else index(seed))
        except TypeError as error:
            raise ConfigError(
                f"A seed is a whole number, or None for any, but this one is {seed!r}."
            ) from error
        self._windows.clear()
        self._queue.reset()
        self._doubts.clear()
        self._stream = stream

    def act(self, observation: Mapping[str, NDArray[Any]]) -> Float32:
        """The next action (A,) in the task's units, inside its bounds.

        Args:
            observation: The newest frame of every input, without a batch axis; others are ignored.

        Raises:
            SpecMismatch: An input is missing, or of another shape or type, or not finite.
            ConfigError: `reset` has not been called yet.
            TrainingDiverged: The model gave something that is not finite.
        """
        if self._stream is None:
            raise ConfigError("Call reset(seed) before act(): no episode has begun.")
        frames = [_checked(each, observation) for each in self.about.inputs]
        arguments = [
            self._window(each, frame) for each, frame in zip(self.about.inputs, frames, strict=True)
        ]
        if self._queue.due:
            self._queue.put(self._said(arguments, self._stream))
        return self._queue.next()

    def uncertainty(self) -> dict[str, float]:
        """How sure it was of what it carries out, by name, as the policy in Python says it; empty before the first one."""
        return dict(self._doubts)

    def _said(self, arguments: list[NDArray[Any]], stream: Stream) -> Float32:
        """The chunk (H, A) that the model says for windows, inside the bounds; how sure it is, is kept."""
        results = self._engine([*arguments, *self._drawn(stream)])
        said = dict(zip(self.about.outputs, results, strict=True))
        for name, values in said.items():
            if not np.isfinite(values).all():
                raise TrainingDiverged(
                    f"The exported policy's {name} is {values.tolist()}: its weights or its energies are not finite. "
                    "Export an earlier checkpoint."
                )
        chunk: Float32 = said.pop("action")
        self._doubts = {name: float(values[0]) for name, values in said.items()}
        return np.clip(chunk, self.about.action_low, self.about.action_high)

    def _window(self, about: Input, frame: NDArray[Any]) -> NDArray[Any]:
        """The last frames (1, T, ...), the newest last."""
        if about.crop is not None:
            top, left, bottom, right = about.crop
            frame = frame[top:bottom, left:right]
        if about.size is not None:
            frame = resize(frame[None], about.size)[0]
        window = self._windows.get(about.name)
        if window is None:
            window = np.repeat(frame[None, None], self.about.history, axis=1)
        else:
            window = np.concatenate([window[:, 1:], frame[None, None]], axis=1)
        self._windows[about.name] = window
        return window

    def _drawn(self, stream: Stream) -> list[Float32]:
        found: dict[str, list[Float32]] = {"uniform": [], "normal": []}
        for kind, size in self.about.draws:
            found[kind].append(stream.draw(kind, size))
        return [np.concatenate(drawn) for drawn in found.values() if drawn]


def _checked(about: Input, observation: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if not isinstance(observation, Mapping):
        raise SpecMismatch(
            f"An observation is a dictionary by input, {{{about.name!r}: ...}}, not a {type(observation).__name__}."
        )
    if about.name not in observation:
        raise SpecMismatch(
            f"The policy takes {about.name!r}, but the observation holds {', '.join(observation) or 'nothing'}."
        )
    frame = np.asarray(observation[about.name])
    if frame.dtype.kind not in "biuf":
        raise SpecMismatch(f"Input {about.name!r} holds {frame.dtype}, but must hold numbers.")
    if frame.shape != about.shape:
        raise SpecMismatch(
            f"Input {about.name!r} has shape {frame.shape}, but the policy takes {about.shape}, without a batch axis."
        )
    if about.dtype == "uint8" and frame.dtype != np.uint8:
        raise SpecMismatch(f"Input {about.name!r} has type {frame.dtype}, but pictures are uint8.")
    if about.dtype != "uint8":
        with np.errstate(over="ignore"):  # what is too large is told below
            frame = frame.astype(np.float32)
        if not np.isfinite(frame).all():
            raise SpecMismatch(
                f"Input {about.name!r} is {frame.tolist()}, but must be finite in single precision."
            )
    return frame
