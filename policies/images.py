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


def resize(frames: UInt8, size: tuple[int, int] | None) -> UInt8:
    """Resize pictures (F, H, W, C) to (F, h, w, C), bilinear and antialiased; the same in training and acting."""
    if size is None or frames.shape[1:3] == size:
        return frames
    resized = np.empty((len(frames), *size, frames.shape[3]), np.uint8)
    for start in range(0, len(frames), _CHUNK):
        part = torch.from_numpy(np.ascontiguousarray(frames[start : start + _CHUNK]))
        small = F.interpolate(part.permute(0, 3, 1, 2), size, mode="bilinear", antialias=True)
        resized[start : start + _CHUNK] = small.permute(0, 2, 3, 1).numpy()
    return resized


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
