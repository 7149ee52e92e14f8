"""Where in the picture one is: two channels that tell convolutions, which otherwise cannot know."""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Row and column of every pixel in [-1, 1], (2, H, W), of the type and on the device of `like`."""
    row = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    column = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(row, column, indexing="ij"))


def with_coordinates(picture: Tensor) -> Tensor:
    """Add row and column in [-1, 1] as two channels to (B, C, H, W) (Liu et al. 2018, CoordConv)."""
    batch, _, height, width = picture.shape
    grid = pixel_grid(height, width, picture)
    return torch.cat([picture, grid.expand(batch, -1, -1, -1)], dim=1)
