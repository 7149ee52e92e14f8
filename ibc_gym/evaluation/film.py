"""Episodes as MP4 films, and as strips of stills that fit on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from gymnasium.vector import SyncVectorEnv
from PIL import Image

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Bool, Observation, UInt8
from ibc_gym.rollout import Transition
from ibc_gym.words import count

STRIP_FRAMES = 8
"""Stills in a strip, the first and the last frame among them."""

STRIP_HEIGHT = 150
"""Height of a strip [px]."""


class Film:
    """A listener that films one row of a vector environment; `frames` holds the episode once it has ended."""

    def __init__(self, envs: SyncVectorEnv, row: int = 0) -> None:
        """Film row `row`.

        Args:
            envs: Made with `render_mode="rgb_array"`.
            row: Which environment, in [0, B).

        Raises:
            ConfigError: The environments do not render.
        """
        if envs.envs[row].render_mode != "rgb_array":
            raise ConfigError("Only environments made with render_mode='rgb_array' can be filmed.")
        self._env = envs.envs[row]
        self._row = row
        self.frames: list[UInt8] = []
        """(H, W, 3) each: the start, and one after every step."""

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """Begin a new film."""
        if mask[self._row]:
            self.frames = [self._picture()]

    def on_step(self, transition: Transition) -> None:
        """Add what is seen after the step."""
        if transition.active[self._row]:
            self.frames.append(self._picture())

    def _picture(self) -> UInt8:
        picture = np.asarray(self._env.render())
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise SpecMismatch(
                f"render() gave {picture.dtype} of shape {picture.shape}, but a film needs uint8 (H, W, 3)."
            )
        return picture.copy()  # some renderers draw into the same buffer again


def write_film(path: str | Path, frames: Sequence[UInt8], rate: float) -> Path:
    """Write frames as H.264 in MP4, at a constant rate, playable in every browser.

    Args:
        path: Where to, ending in ".mp4"; replaced if it exists.
        frames: (H, W, 3) RGB each; an odd row or column is repeated once, because 4:2:0 needs even sizes.
        rate: Frames per second, the control rate [Hz].

    Raises:
        ConfigError: There are no frames, or the rate is not positive.
    """
    path = Path(path)
    if not frames or rate <= 0:
        raise ConfigError(
            f"Cannot write {path.name}: {count(len(frames), 'frame')} at {rate} Hz make no film."
        )
    height, width = _even(frames[0]).shape[:2]
    passing = path.with_name(f".{path.name}")
    with _h264(passing, width, height, rate) as (container, stream):
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(_even(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return passing.replace(path)


@contextmanager
def _h264(path: Path, width: int, height: int, rate: float) -> Iterator[tuple[Any, Any]]:
    options = {"movflags": "+faststart"}  # the index first: a browser shows the film while it loads
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        stream.thread_count = 1  # the same bytes on every machine
        yield container, stream


def strip(frames: Sequence[UInt8], count: int = STRIP_FRAMES, height: int = STRIP_HEIGHT) -> UInt8:
    """Evenly spaced stills side by side, (height, W, 3); the last frame is always among them."""
    if not frames:
        raise ConfigError("An episode without frames has no strip.")
    chosen = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))
    width = max(1, round(frames[0].shape[1] * height / frames[0].shape[0]))
    gap = np.full((height, 4, 3), 255, dtype=np.uint8)
    stills: list[UInt8] = []
    for index in chosen:
        small = Image.fromarray(frames[index]).resize((width, height), Image.Resampling.LANCZOS)
        stills += [gap, np.asarray(small, dtype=np.uint8)]
    return np.concatenate(stills[1:], axis=1)


def jpeg(image: UInt8, quality: int = 82) -> bytes:
    """A picture (H, W, 3) as JPEG."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _even(frame: UInt8) -> UInt8:
    rows, columns = frame.shape[0] % 2, frame.shape[1] % 2
    padded: UInt8 = np.pad(frame, ((0, rows), (0, columns), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded)
