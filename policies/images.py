"""Pictures as networks take them: resized, stacked over time, standardised per channel."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ibc_gym.normalise import STD_FLOOR, Normaliser
from ibc_gym.records import UInt8

_CHUNK = 256
"""Pictures resized at once, so that memory stays small."""
_STATISTICS_FRAMES = 1000
"""Pictures that the channel statistics are taken from, evenly spread over the data."""


Crop = tuple[int, int, int, int]
"""(top, left, bottom, right) of a part of a picture [px]."""


def cropped_and_resized(frames: UInt8, crop: Crop, size: tuple[int, int] | None) -> UInt8:
    """A part of pictures (F, H, W, C) as (F, h, w, C), bilinear and antialiased; the same in training and acting.

    Args:
        frames: In memory, or in a file that is read a few frames at a time.
        crop: Which part.
        size: (h, w); None leaves the part's.
    """
    top, left, bottom, right = crop
    before = (bottom - top, right - left)
    after = size or before
    if after == before == frames.shape[1:3]:
        return frames
    seen = np.empty((len(frames), *after, frames.shape[3]), np.uint8)
    for start in range(0, len(frames), _CHUNK):
        few = frames[start : start + _CHUNK][:, top:bottom, left:right]
        seen[start : start + _CHUNK] = few if after == before else _interpolated(few, after)
    return seen


def _interpolated(frames: UInt8, size: tuple[int, int]) -> UInt8:
    channels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    resized = F.interpolate(channels, size, mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1).numpy()


def channel_statistics(frames: UInt8) -> Normaliser:
    """Mean and deviation of every channel of pictures (F, H, W, C), on the scale where white is 1."""
    step = max(1, len(frames) // _STATISTICS_FRAMES)
    means, squares = [], []
    for frame in frames[::step]:
        white = frame.reshape(-1, frame.shape[-1]) / 255.0
        means.append(white.mean(axis=0))
        squares.append(np.square(white).mean(axis=0))
    mean = np.mean(means, axis=0)
    std = np.sqrt(np.maximum(np.mean(squares, axis=0) - mean**2, 0))
    return Normaliser(
        offset=mean.astype(np.float32), scale=np.maximum(std, STD_FLOOR).astype(np.float32)
    )


@torch.compiler.disable  # type: ignore[untyped-decorator]  # a loop over windows is not worth compiling
def shifted(frames: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Windows of pictures, each moved by up to `most` pixels up or down and left or right, its edges repeated.

    The random shift of Yarats et al. 2021 ("Image augmentation is all you need"); all frames of a window move together.

    Args:
        frames: uint8, (B, T, H, W, C).
        most: Whole pixels; every number of them is drawn as often.
        generator: Where the numbers come from.

    Returns:
        uint8, (B, T, H, W, C).
    """
    height, width = frames.shape[2:4]
    moves = torch.randint(
        2 * most + 1, (len(frames), 2), generator=generator, device=generator.device
    )
    wider = _padded(_padded(frames, 2, most), 3, most)
    # Rows are copied whole; by an index of every pixel it takes fifteen times as long.
    return torch.stack(
        [
            window[:, row : row + height, column : column + width]
            for window, (row, column) in zip(wider, moves.tolist(), strict=True)
        ]
    )


def _padded(frames: Tensor, axis: int, times: int) -> Tensor:
    """With the first and the last along an axis repeated so many times."""
    ends = (frames.narrow(axis, place, 1) for place in (0, frames.shape[axis] - 1))
    first, last = (end.repeat_interleave(times, axis) for end in ends)
    return torch.cat([first, frames, last], axis)


def stack(frames: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Standardised channels of windows of pictures.

    The released code reshapes (B, T, H, W, C) to (B, H, W, T C) without moving T, which scrambles the picture; here
    time is moved next to the channels.

    Args:
        frames: uint8, (B, T, H, W, C).
        mean: Of every channel, on the scale where white is 1, (C,).
        std: Likewise, (C,).

    Returns:
        float32, (B, T C, H, W), the newest frame's channels after the others'. They lie as pictures do, channels of a pixel
        side by side, which convolutions on a CPU take in half the time.
    """
    pixels = frames.movedim(1, 3)  # (B, H, W, T, C)
    return (pixels.float() * (1 / (255 * std)) - mean / std).flatten(3).permute(0, 3, 1, 2)
